"""Clips for the sound events: what is heard in them, who made them, and what may be learned from.

Training and evaluation share this one account of the parts, so that nothing that was learned from
is ever reported on.
"""

from __future__ import annotations

import csv
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.record import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "other"

EVENT_OF_WORD: dict[str, str] = {
    **{event: event for event in EVENTS},
    "laughing": "laughter",
    "clapping": "applause",
    "crying_baby": "crying",
    "infant_cry": "crying",
    "scream": "screaming",
}
"""How corpora spell the events; every other label is none of them."""

N_FOLDS = 5
DEV_FOLD = 1
"""Clips of this fold choose thresholds and are not learned from; see `EventClip.fold`."""
REPORT_FOLD = 5
"""Clips of this fold are neither learned from nor chosen by."""

FIT_SPEAKERS: frozenset[str] = frozenset(str(number) for number in range(1067, 1092))
DEV_SPEAKERS: frozenset[str] = frozenset(
    {"1041", "1050", "1057", "1081", "1087", "1043", "1055", "1063", "1078", "1084"}
)
"""Actors of CREMA-D that thresholds are chosen by; they are left out of ``FIT_SPEAKERS``."""

_SHIPPABLE = re.compile(r"CC0|CC-BY|ODbL-1\.0/DbCL-1\.0")
_FIT_CORPORA = ("esc-50", "donateacry", "crema-d")
_COLUMNS = ("corpus", "path", "label", "licence")


@dataclass(frozen=True, slots=True)
class EventClip:
    """One clip.

    Attributes:
        path: Of the sound file.
        corpus: Where it comes from.
        label: As the corpus spells it.
        event: Which event it holds, or ``OTHER``.
        source: Who or which recording it was cut from; never in two parts.
        fold: 1 to ``N_FOLDS``; 0 for speech, which is divided by speaker.
        part: ``fit`` was learned from, ``dev`` chose thresholds, ``report`` neither.
    """

    path: Path
    corpus: str
    label: str
    event: str
    source: str
    fold: int
    part: str


def read_event_clips(index: Path, root: Path) -> tuple[EventClip, ...]:
    """Read all rows of an index, in the file's order.

    Args:
        index: CSV with at least corpus, path, label and licence; speaker and extra are used where
            they are there.
        root: Folder that ``path`` is relative to.

    Raises:
        InputMissingError: If the index or a listed file does not exist.
        DatasetError: If it is no CSV, a column is missing, or there is no row.
    """
    if not index.is_file():
        raise InputMissingError(f"The index {index} does not exist; check --index.")
    try:
        with index.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error):
        raise DatasetError(f"{index} is not a UTF-8 CSV file.") from None
    if not rows:
        raise DatasetError(f"{index} lists no clip.")
    for name in _COLUMNS:
        if any(row.get(name) is None for row in rows):
            raise DatasetError(f"{index} lacks the column {name!r}, or a row is too short.")
    return tuple(_clip(index, root, row) for row in rows)


def _clip(index: Path, root: Path, row: dict[str, str]) -> EventClip:
    path = root / row["path"]
    if not path.is_file():
        raise InputMissingError(f"The sound file {path} listed in {index} does not exist.")
    extra = row.get("extra") or ""
    named = re.search(r"(?:^|;)src=([^;]+)", extra)
    source = named[1] if named else row.get("speaker") or path.stem
    fold = _fold(row["corpus"], extra, source)
    return EventClip(
        path=path,
        corpus=row["corpus"],
        label=row["label"],
        event=EVENT_OF_WORD.get(row["label"], OTHER),
        source=f"{row['corpus']}/{source}",
        fold=fold,
        part=_part(row["corpus"], row["licence"], source, fold),
    )


def _fold(corpus: str, extra: str, source: str) -> int:
    """Return the fold that the corpus itself gives (its folds share no source), or a stable one."""
    given = re.search(r"(?:^|;)fold=([1-5])(?:;|$)", extra)
    if given:
        return int(given[1])
    return 1 + zlib.crc32(source.encode()) % N_FOLDS if corpus == "donateacry" else 0


def _part(corpus: str, licence: str, source: str, fold: int) -> str:
    if corpus not in _FIT_CORPORA or _SHIPPABLE.fullmatch(licence) is None:
        return "report"
    if corpus == "crema-d":
        if source in DEV_SPEAKERS:
            return "dev"
        return "fit" if source in FIT_SPEAKERS else "report"
    return {DEV_FOLD: "dev", REPORT_FOLD: "report"}.get(fold, "fit")
