"""Labelled recordings listed in an index file, and their samples."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError, MediaError, UsageError
from edge_affect.record import Expression
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

INDEX_COLUMNS: tuple[str, ...] = ("corpus", "path", "label", "speaker")

EXPRESSION_OF_WORD: dict[str, Expression] = {
    **{expression.name.lower(): expression for expression in Expression},
    "angry": Expression.ANGER,
    "happy": Expression.HAPPINESS,
    "sad": Expression.SADNESS,
    "fearful": Expression.FEAR,
    "surprised": Expression.SURPRISE,
    "disgusted": Expression.DISGUST,
    "calm": Expression.NEUTRAL,
}
"""How corpora spell expressions; calm counts as neutral."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One labelled clip.

    Attributes:
        path: Of the sound file.
        label: What was acted or labelled.
        speaker: Who speaks, as the corpus numbers them.
        sex: ``m``, ``f`` or empty.
        heard: What most listeners heard without seeing, where the corpus says so.
        intensity: How strongly it was acted, as the corpus spells it, or empty.
        level: How strong listeners found it, [0, 100], or None where they were not asked.
        word: The label as the corpus spells it; ``calm`` and ``neutral`` are one expression.
        statement: Which sentence is spoken, or empty where the index does not say.
    """

    path: Path
    label: Expression
    speaker: str
    sex: str = ""
    heard: Expression | None = None
    intensity: str = ""
    level: float | None = None
    word: str = ""
    statement: str = ""

    @property
    def clip(self) -> str:
        """File name without its ending."""
        return self.path.stem


def parse_speakers(text: str) -> frozenset[str]:
    """Return the speakers of a list such as ``1019-1036,1040``.

    >>> sorted(parse_speakers("7-9,12"))
    ['12', '7', '8', '9']

    Raises:
        UsageError: If the text is not such a list.
    """
    speakers: set[str] = set()
    for part in text.split(","):
        bounds = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if bounds is None:
            raise UsageError(f"--speakers {text!r} must look like 1019-1036 or 1,2,5-7.")
        first, last = int(bounds[1]), int(bounds[2] or bounds[1])
        if last < first:
            raise UsageError(f"--speakers {text!r} has a range that runs backwards.")
        speakers.update(str(number) for number in range(first, last + 1))
    return frozenset(speakers)


def read_index(
    index: Path, root: Path, corpus: str, speakers: frozenset[str] | None = None
) -> tuple[Recording, ...]:
    """Read the rows of one corpus, in the file's order.

    Args:
        index: CSV with at least `INDEX_COLUMNS`; ``sex`` is used where it is there.
        root: Folder that ``path`` is relative to.
        corpus: Which corpus.
        speakers: Whom to keep; None keeps all.

    Raises:
        InputMissingError: If the index or a listed file does not exist.
        DatasetError: If a column is missing, a label is unknown, or no row is left.
    """
    recordings = tuple(
        _recording(index, root, row)
        for row in _rows_of(index)
        if row["corpus"] == corpus
        # Some corpora write 01 for speaker 1.
        and (speakers is None or speakers & {row["speaker"], row["speaker"].lstrip("0")})
    )
    if not recordings:
        raise DatasetError(f"{index} has no row of corpus {corpus!r} for these speakers.")
    return recordings


def _rows_of(index: Path) -> list[dict[str, str]]:
    if not index.is_file():
        raise InputMissingError(f"The index {index} does not exist; check --index.")
    try:
        with index.open(encoding="utf-8", newline="") as lines:
            return _checked_rows(index, lines)
    except (UnicodeDecodeError, csv.Error):
        raise DatasetError(f"{index} is not a UTF-8 CSV file.") from None


def _checked_rows(index: Path, lines: Iterable[str]) -> list[dict[str, str]]:
    reader = csv.DictReader(lines)
    missing = [name for name in INDEX_COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(f"{index} lacks the column {missing[0]!r}.")
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if any(row[name] is None for name in INDEX_COLUMNS):
            raise DatasetError(f"{index}: row {number} has too few columns.")
    return rows


def _recording(index: Path, root: Path, row: dict[str, str]) -> Recording:
    if row["label"] not in EXPRESSION_OF_WORD:
        raise DatasetError(f"{index}: {row['path']} has the unknown label {row['label']!r}.")
    path = root / row["path"]
    _check_is_there(path, index)
    return Recording(
        path=path,
        label=EXPRESSION_OF_WORD[row["label"]],
        speaker=row["speaker"],
        sex=row.get("sex") or "",
        heard=_heard(row.get("extra") or ""),
        intensity=row.get("intensity") or "",
        level=_level(row.get("extra") or ""),
        word=row["label"],
        statement=_statement(row.get("extra") or ""),
    )


def _check_is_there(path: Path, index: Path) -> None:
    if not path.is_file():
        raise InputMissingError(f"The sound file {path} listed in {index} does not exist.")


def _heard(extra: str) -> Expression | None:
    """Return the clear winner of the listeners' votes from ``voicevote=...``; ties have none."""
    vote = re.search(r"(?:^|;)voicevote=([a-z]+)(?:;|$)", extra)
    return EXPRESSION_OF_WORD.get(vote[1]) if vote else None


def _level(extra: str) -> float | None:
    """Return the listeners' mean rating of strength from ``level=...``."""
    rating = re.search(r"(?:^|;)level=(\d+(?:\.\d+)?)(?:;|$)", extra)
    return float(rating[1]) if rating else None


def _statement(extra: str) -> str:
    found = re.search(r"(?:^|;)statement=([^;]+)", extra)
    return found[1] if found else ""


def sound_paths(index: Path, root: Path, corpus: str, labels: frozenset[str]) -> tuple[Path, ...]:
    """Return the files of one corpus that have one of these labels, whatever they stand for.

    Args:
        index: As for `read_index`.
        root: As for `read_index`.
        corpus: Which corpus; none of it is no error.
        labels: As the index spells them.

    Raises:
        InputMissingError: If the index or a listed file does not exist.
        DatasetError: If a column is missing.
    """
    paths = tuple(
        root / row["path"]
        for row in _rows_of(index)
        if row["corpus"] == corpus and row["label"] in labels
    )
    for path in paths:
        _check_is_there(path, index)
    return paths


def mono_parts(container: Any) -> list[NDArray[np.float32]]:
    """Decode the sound of an open PyAV container to mono at ``SAMPLE_RATE_HZ``, part by part."""
    import av  # heavy: only where files are read

    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return [np.asarray(frame.to_ndarray().reshape(-1), dtype=np.float32) for frame in frames]


def read_samples(path: Path) -> NDArray[np.float32]:
    """Decode a sound file to mono at ``SAMPLE_RATE_HZ``, float32, range [-1, 1].

    Raises:
        MediaError: If it holds no sound that can be decoded.
    """
    import av  # heavy: only where files are read

    try:
        with av.open(str(path)) as container:
            parts = mono_parts(container)
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise MediaError(f"The sound file {path} cannot be decoded: {error}.") from None
    if not parts:
        raise MediaError(f"The sound file {path} holds no sound.")
    samples = np.concatenate(parts).astype(np.float32, copy=False)
    return np.clip(samples, np.float32(-1.0), np.float32(1.0))
