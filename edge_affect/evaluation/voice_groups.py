"""Whether a voice model serves everybody alike: figures by the groups its speakers belong to."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.evaluation.figures import classification_figures
from edge_affect.evaluation.metrics import uar
from edge_affect.evaluation.speaker_draws import SpeakerDraws, interval_of, speaker_matrices

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.record import Expression

GROUP_COLUMNS: tuple[str, ...] = ("sex", "race", "ethnicity", "age")
AGE_BANDS: tuple[tuple[int, str], ...] = ((30, "up to 29"), (45, "30-44"), (200, "45 and over"))
"""Age in years that a band stays below, and what it is called."""
FEWEST_SPEAKERS = 3
"""Below this a group shows a person, not a group: no interval, and no part in the gap."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a model said of clips whose speakers are known.

    Attributes:
        truth: Index into ``labels``, shape ``(n,)``.
        probabilities: Shape ``(n, len(labels))``.
        labels: The classes in order.
        speakers: One for each clip.
    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    labels: tuple[Expression, ...]
    speakers: tuple[str, ...]


def read_groups(path: Path) -> dict[str, dict[str, str]]:
    """Return for each speaker the group by every column of `GROUP_COLUMNS` that the file has.

    Args:
        path: CSV with ``speaker`` and at least one of `GROUP_COLUMNS`; ages are put into bands.

    Raises:
        InputMissingError: If the file does not exist.
        DatasetError: If it has another shape, or an age is no number.
    """
    if not path.is_file():
        raise InputMissingError(f"The table of speakers {path} does not exist; check --groups.")
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            names = reader.fieldnames or ()
            columns = [name for name in GROUP_COLUMNS if name in names]
            if "speaker" not in names or not columns:
                raise DatasetError(
                    f"{path} needs the column 'speaker' and one of {', '.join(GROUP_COLUMNS)}."
                )
            return {
                row["speaker"]: {name: _group(path, name, row[name] or "") for name in columns}
                for row in reader
            }
    except (UnicodeDecodeError, csv.Error):
        raise DatasetError(f"{path} is not a UTF-8 CSV file.") from None


def _group(path: Path, column: str, value: str) -> str:
    if column != "age":
        return value
    if not value.isdigit():
        raise DatasetError(f"{path} has the age {value!r}, which is not a whole number.")
    return next((name for below, name in AGE_BANDS if int(value) < below), AGE_BANDS[-1][1])


def group_tables(verdicts: Verdicts, groups: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return one table for each way to group, and the widest gap of UAR between two groups.

    Groups of fewer than `FEWEST_SPEAKERS` speakers are shown without an interval and take no part
    in the gap.

    Args:
        verdicts: On the clips.
        groups: Of every speaker among them, from `read_groups`.
    """
    columns = list(next(iter(groups.values())))
    tables: dict[str, dict[str, Any]] = {}
    gaps: list[dict[str, Any]] = []
    for column in columns:
        members = np.array([groups[speaker][column] for speaker in verdicts.speakers])
        rows = {str(name): _row(verdicts, members == name) for name in np.unique(members)}
        tables[column] = rows
        fair = {name: row for name, row in rows.items() if row["n_speakers"] >= FEWEST_SPEAKERS}
        if len(fair) > 1:
            best = max(fair, key=lambda name: fair[name]["uar"])
            worst = min(fair, key=lambda name: fair[name]["uar"])
            gaps.append(_gap(verdicts, members, (column, best, worst)))
    widest = max(gaps, key=lambda gap: float(gap["uar_gap"])) if gaps else None
    return {"tables": tables, "gaps": gaps, "widest_gap": widest}


def _row(verdicts: Verdicts, rows: NDArray[np.bool_]) -> dict[str, Any]:
    names, numbers = np.unique(np.array(verdicts.speakers)[rows], return_inverse=True)
    figures = classification_figures(
        verdicts.truth[rows],
        verdicts.probabilities[rows],
        verdicts.labels,
        numbers.astype(np.int64),
    )
    has_interval = names.size >= FEWEST_SPEAKERS
    return {
        "n": figures["n"],
        "n_speakers": int(names.size),
        "uar": figures["uar"],
        "uar_interval": figures["uar_interval"] if has_interval else None,
        "ece": figures["ece"],
        "false_emotion_rate_on_neutral": figures["false_emotion_rate_on_neutral"],
        "per_class_recall": figures["per_class_recall"],
    }


def _gap(verdicts: Verdicts, members: NDArray[np.str_], of: tuple[str, str, str]) -> dict[str, Any]:
    """Return the gap of UAR between two groups; the interval draws speakers within each."""
    column, best, worst = of
    uars, drawn = [], []
    for seed_of, group in enumerate((best, worst)):
        rows = members == group
        guess = verdicts.probabilities[rows].argmax(axis=1)
        _, speakers = np.unique(np.array(verdicts.speakers)[rows], return_inverse=True)
        parts = speaker_matrices(verdicts.truth[rows], guess, speakers, len(verdicts.labels))
        uars.append(uar(parts.sum(axis=0)))
        drawn.append(SpeakerDraws(parts.shape[0], seed=seed_of).uars(parts))
    interval = interval_of(drawn[0] - drawn[1])
    return {
        "by": column,
        "best": best,
        "worst": worst,
        "uar_gap": round(uars[0] - uars[1], 4),
        "interval": [round(interval.low, 4), round(interval.high, 4)],
    }
