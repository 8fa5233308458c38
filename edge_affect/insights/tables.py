"""Tables as CSV and as Parquet, written whole or not at all."""

from __future__ import annotations

import csv
import os
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TextIO

from edge_affect.errors import CannotWriteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

TABLES: tuple[str, ...] = ("csv", "parquet")
FORMATS: tuple[str, ...] = (*TABLES, "emotionml")
"""Vectors come in all of these, everything else as tables alone."""
PARTIAL_ENDING = ".part"
_ROWS_AT_ONCE = 8192


def available_formats() -> tuple[str, ...]:
    """Return the formats of tables that can be written here; Parquet needs an extra."""
    return TABLES if find_spec("pyarrow") is not None else TABLES[:1]


def checked_formats(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted formats in their usual order.

    Raises:
        UsageError: If one is unknown, or cannot be written here.
    """
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"There is no table format {name!r}; there are: {', '.join(FORMATS)}.")
        if name in TABLES and name not in available_formats():
            raise UsageError("Parquet needs: pip install 'edge-affect[insights]'.")
    return tuple(name for name in FORMATS if name in wanted)


class Table:
    """A table in each of the formats; the same rows give the same bytes. Use as a context.

    The files appear when ``finish`` is called, and not at all where it never is.

    Args:
        folder: Where; must exist.
        name: Of the files, without ending.
        columns: Names and types: str, float, int or bool; None is a missing value.
        formats: Those of ``TABLES`` are written, others passed over.

    Raises:
        CannotWriteError: From here and all methods, if the disk does not take it.
    """

    def __init__(
        self, folder: Path, name: str, columns: dict[str, type], formats: Sequence[str]
    ) -> None:
        self._name = folder / name
        self._writers: list[_CsvWriter | _ParquetWriter] = []
        self._chunk: list[Sequence[Any]] = []
        with self._telling():
            for kind in (kind for kind in formats if kind in TABLES):
                path = folder / f"{name}.{kind}"
                self._writers.append(
                    _CsvWriter(path, columns) if kind == "csv" else _ParquetWriter(path, columns)
                )

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take rows, values in the order of the columns."""
        for row in rows:
            self._chunk.append(row)
            if len(self._chunk) == _ROWS_AT_ONCE:
                self._flush()

    def finish(self) -> None:
        """Put the files in their places."""
        self._flush()
        with self._telling():
            for writer in self._writers:
                writer.finish()

    def _flush(self) -> None:
        chunk, self._chunk = self._chunk, []
        with self._telling():
            for writer in self._writers:
                writer.add(chunk)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise CannotWriteError(f"{self._name} cannot be written: {why}.") from None

    def __enter__(self) -> Table:  # noqa: PYI034 (typing.Self needs Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers:
            # What cannot be written was told already; nothing is to be kept.
            with suppress(OSError):
                writer.drop()


class _CsvWriter:
    """RFC 4180 with a header; missing values are empty, truth values true and false."""

    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        self._path, self._partial = path, path.with_name(path.name + PARTIAL_ENDING)
        self._file = self._partial.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(columns)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        self._writer.writerows([[_csv_value(value) for value in row] for row in rows])

    def finish(self) -> None:
        self._file.close()
        self._partial.replace(self._path)

    def drop(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)


def _csv_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


class _ParquetWriter:
    """Parquet with one row group for each chunk, compressed with zstd."""

    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
        self._path, self._partial = path, path.with_name(path.name + PARTIAL_ENDING)
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._writer: Any = pq.ParquetWriter(str(self._partial), self._schema, compression="zstd")

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        import pyarrow as pa

        if not rows:
            return
        arrays = [
            pa.array([row[index] for row in rows], field.type)
            for index, field in enumerate(self._schema)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()
        self._partial.replace(self._path)

    def drop(self) -> None:
        self._writer.close()
        self._partial.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a small file whole and safe against power cuts, or not at all.

    Raises:
        CannotWriteError: If the disk does not take it.
    """
    partial = path.with_name(path.name + PARTIAL_ENDING)
    try:
        with _opened(partial) as descriptor:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def whole_text(path: Path) -> Iterator[TextIO]:
    """Open a text file that appears when the context ends well, and not at all where it does not.

    Raises:
        CannotWriteError: If the disk does not take it.
    """
    partial = path.with_name(path.name + PARTIAL_ENDING)
    try:
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                yield file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
