"""Where an event starts: chosen on sounds that the net in question has not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.detection_metrics import average_precision
from edge_affect.evaluation.event_clips import OTHER
from edge_affect.training.event_data import EVENT_LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_SMOOTHED = 2
N_PATIENCE = 2
END_SHARE = 0.5
"""An event ends below this share of where it starts."""
MAX_FALSE_CLIPS = 0
"""Clips without an event in which each event may start on the development part."""
MAX_LOST_SHARE = 0.05
"""Share of the clips found at the lowest allowed start that a stricter one may lose."""
GRID: tuple[float, ...] = tuple(step / 100 for step in range(50, 100))
"""Thresholds to choose from."""


@dataclass(frozen=True, slots=True)
class DevHearing:
    """What a net makes of clips.

    Attributes:
        peaks: Highest smoothed probability of each event in each clip, shape ``(n, n_events)``.
        events: Index into ``EVENT_LABELS``, shape ``(n,)``.
        is_speech: Which clips are speech, shape ``(n,)``.
        labels: As the corpora spell them.
    """

    peaks: NDArray[np.float64]
    events: NDArray[np.int64]
    is_speech: NDArray[np.bool_]
    labels: tuple[str, ...]


def precisions(heard: DevHearing) -> dict[str, float]:
    """Return the average precision of each event among the clips that are not speech."""
    rows = ~heard.is_speech
    found: dict[str, float] = {}
    for number, event in enumerate(EVENT_LABELS[:-1]):
        is_hit = heard.events[rows] == number
        if is_hit.any():
            found[event] = average_precision(is_hit, heard.peaks[rows, number])
    return found


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """The chosen thresholds.

    Attributes:
        starts: By event.
        figures: What they came to on the development part, as plain JSON values.
    """

    starts: dict[str, float]
    figures: dict[str, Any]

    def thresholds(self) -> dict[str, float]:
        """Return the thresholds of the manifest."""
        values: dict[str, float] = {
            "n_smoothed": float(N_SMOOTHED),
            "n_patience": float(N_PATIENCE),
        }
        for event, start in self.starts.items():
            values[f"{event}_start"] = start
            values[f"{event}_end"] = round(END_SHARE * start, 4)
        return values


def choose_thresholds(heard: DevHearing) -> ThresholdChoice:
    """Return, for each event, where it starts.

    The lowest start that is false in ``MAX_FALSE_CLIPS`` clips at most says what can be found; the
    strictest one that loses little of it is taken, since there are few clips to be false in.

    Args:
        heard: Clips that the net has not learned from.
    """
    is_none = heard.events == EVENT_LABELS.index(OTHER)
    found = precisions(heard)
    starts: dict[str, float] = {}
    details: dict[str, Any] = {}
    for number, event in enumerate(EVENT_LABELS[:-1]):
        peaks = heard.peaks[:, number]
        starts[event] = _start(peaks[heard.events == number], peaks[is_none])
        worst = np.flatnonzero(is_none)[np.argsort(-peaks[is_none])[:5]]
        details[event] = {
            "start": starts[event],
            "recall": float(np.mean(peaks[heard.events == number] >= starts[event])),
            "n": int(np.sum(heard.events == number)),
            "n_false": int(np.sum(peaks[is_none] >= starts[event])),
            "loudest_others": [f"{heard.labels[row]} {peaks[row]:.2f}" for row in worst],
        }
    figures = {
        "n": int(heard.events.size),
        "n_none": int(is_none.sum()),
        "mean_average_precision": float(np.mean(list(found.values()))),
        "per_event": found,
        "choice": details,
    }
    return ThresholdChoice(starts, figures)


def _start(hits: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    allowed = [start for start in GRID if np.sum(others >= start) <= MAX_FALSE_CLIPS]
    if not allowed:
        return GRID[-1]
    n_wanted = (1.0 - MAX_LOST_SHARE) * np.sum(hits >= allowed[0])
    return max(start for start in allowed if np.sum(hits >= start) >= n_wanted)
