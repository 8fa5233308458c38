"""The folder that ``edge-affect analyze`` wrote, read back one recording at a time."""

from __future__ import annotations

import csv
import json
import sys
from array import array
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ConfigError, DataError, InputMissingError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LAYOUT = 1
READ: tuple[str, ...] = (
    "anger", "valence", "attention", "engagement", "confusion", "laughter", "applause", "cheering",
)  # fmt: skip
"""Signals that some report tells of."""
_ROWS_AT_ONCE = 8192
_LISTS: tuple[str, ...] = ("models", "deployment", "channel", "alert_rules", "digests")


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of one recording, but for its vectors.

    Attributes:
        name: As tables call it; made of its file's name.
        status: What became of it.
        duration_s: 0 where nothing could be analysed.
        has_sound: Whether its sound was analysed.
        has_pictures: Whether its pictures were.
    """

    name: str
    status: str
    duration_s: float
    has_sound: bool
    has_pictures: bool


@dataclass(frozen=True, slots=True)
class Series:
    """The vectors of one recording.

    Attributes:
        at_s: Seconds from its start, ascending, shape ``(n,)``.
        values: For each signal, shape ``(n,)``; NaN where nothing is told.
        confidence: Shape ``(n,)``; NaN where the box abstains.
        is_told: Whether affect is named, shape ``(n,)``, bool.
        people: Bucket of faces of each, empty where not told.
        phrases: Slots that were heard, of each.
    """

    at_s: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    confidence: NDArray[np.float64]
    is_told: NDArray[np.bool_]
    people: tuple[str, ...]
    phrases: tuple[tuple[int, ...], ...]


class Results:
    """The results of the latest analysis in a folder.

    Attributes:
        run: What ``run.json`` holds.
        recordings: All that could be analysed, by path.
        n_nothing: Of these, recordings that tell nothing.
        n_failed: Recordings of which nothing could be analysed.

    Args:
        folder: As ``--out`` of ``analyze`` named it.

    Raises:
        InputMissingError: If it holds no results.
        DataError: If they are damaged, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.run = self._read_run()
        self._kind = "csv" if (folder / "recordings.csv").is_file() else "parquet"
        rows = list(self._rows("recordings"))
        try:
            found = [_recording(row) for row in rows]
        except (KeyError, ValueError, TypeError):
            raise self._damaged("recordings") from None
        self.recordings = [item for item in found if item.duration_s > 0]
        self.n_nothing = sum(item.status == "nothing" for item in self.recordings)
        self.n_failed = len(found) - len(self.recordings)

    @property
    def tick_s(self) -> float:
        """Return the time between two vectors, in seconds."""
        return 1.0 / float(self.run["tick_hz"])

    def series(self, recording: Recording) -> Series:
        """Return the vectors of a recording.

        Raises:
            InputMissingError: If its file is not there.
            DataError: If it is damaged.
        """
        try:
            return _series(self._rows(f"vectors/{recording.name}"))
        except (KeyError, ValueError, TypeError):
            raise self._damaged(f"vectors/{recording.name}") from None

    def records(self, recording: Recording) -> bytes:
        """Return the affect records of a recording, one after another.

        Raises:
            InputMissingError: If its file is not there.
        """
        path = self._folder / "records" / f"{recording.name}.bin"
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputMissingError(f"{path} cannot be read: {error.strerror}.") from None

    def _read_run(self) -> dict[str, Any]:
        path = self._folder / "run.json"
        try:
            run = json.loads(path.read_bytes())
        except OSError:
            raise InputMissingError(
                f"{self._folder} holds no results; make them with: edge-affect analyze PATH... "
                f"--out {self._folder}"
            ) from None
        except ValueError:
            raise DataError(f"{path} is damaged; analyse again.") from None
        is_ours = isinstance(run, dict) and run.get("product") == "edge-affect"
        if not is_ours or run.get("layout") != LAYOUT or not all(name in run for name in _LISTS):
            raise DataError(f"{path} is not of this version of edge-affect; analyse again.")
        return dict(run)

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        path = self._folder / f"{name}.{self._kind}"
        try:
            if self._kind == "csv":
                with path.open(newline="", encoding="utf-8") as file:
                    yield from csv.DictReader(file)
            else:
                yield from _parquet_rows(path)
        except OSError as error:
            why = error.strerror or "it is no Parquet file"
            raise InputMissingError(f"{path} cannot be read: {why}; analyse again.") from None
        except (ValueError, csv.Error):
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> DataError:
        return DataError(f"{self._folder / name}.{self._kind} is damaged; analyse again.")


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            "These results are in Parquet alone, which needs: pip install 'edge-affect[insights]'."
        ) from None
    for batch in parquet.ParquetFile(path).iter_batches(_ROWS_AT_ONCE):
        yield from batch.to_pylist()


def _recording(row: dict[str, Any]) -> Recording:
    return Recording(
        name=_plain_name(row["recording"]),
        status=row["status"],
        duration_s=float(row["duration_s"] or 0.0),
        has_sound=str(row["has_sound"]).lower() == "true",
        has_pictures=str(row["has_pictures"]).lower() == "true",
    )


def _plain_name(name: str) -> str:
    """Return a name that leads to no other folder."""
    if not name or "/" in name or name.startswith("."):
        raise ValueError(name)
    return name


def _series(rows: Iterator[dict[str, Any]]) -> Series:
    """Return what is read of vectors; row by row, so that a recording of days fits into memory."""
    numbers = {name: array("d") for name in ("at_s", *READ, "confidence")}
    is_told, people, phrases = array("b"), [], []
    for row in rows:
        for name, column in numbers.items():
            value = row[name]
            column.append(np.nan if value is None or value == "" else float(value))
        is_told.append(bool(row["expression"]))
        people.append(sys.intern(row["people"] or ""))
        phrases.append(_slots(row["phrases"] or ""))
    columns = {name: np.array(column, np.float64) for name, column in numbers.items()}
    return Series(
        at_s=columns.pop("at_s"),
        confidence=columns.pop("confidence"),
        values=columns,
        is_told=np.array(is_told, np.bool_),
        people=tuple(people),
        phrases=tuple(phrases),
    )


@cache
def _slots(text: str) -> tuple[int, ...]:
    return tuple(int(slot) for slot in text.split())


def check_policy(run: dict[str, Any], kind: str) -> None:
    """Let a report be made of results, or refuse it.

    Raises:
        PolicyError: If the place of the analysis forbids it, or calls were not analysed as calls.
    """
    from edge_affect.config import Deployment
    from edge_affect.privacy import policy

    try:
        deployment = Deployment(**run["deployment"])
    except TypeError:
        raise DataError("run.json declares no deployment of this version; analyse again.") from None
    rule = policy.refusal(deployment)
    if rule is not None:
        raise PolicyError(f"Refused: {rule.source}.")
    if kind == "contact-centre" and deployment.setting != "contact-centre":
        raise PolicyError(
            "Refused: a report on calls may hold the customer's channel alone, which holds only "
            'where they were analysed with [deployment] setting = "contact-centre".'
        )
    if kind != "contact-centre" and deployment.setting == "contact-centre":
        raise PolicyError(
            "Refused: these are calls of a contact centre; the report for them is --kind "
            "contact-centre."
        )
