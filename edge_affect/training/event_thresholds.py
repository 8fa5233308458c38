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

N_SMOOTHED: dict[str, int] = {"laughter": 5, "applause": 2, "crying": 4}
"""Windows, a fifth of a second apart, that the level of each event is the mean of: as many as the
bound on false events asks for, with the net as released."""
SPEECH_VETO: dict[str, float] = {"laughter": 0.0, "applause": 0.0, "crying": 0.0}
"""By how much a level sinks while somebody speaks; the net as released is better without."""
N_PATIENCE = 5
"""An event ends after a second below its end: whoever looks once a second sees every event."""
END_SHARE = 0.5
"""An event ends below this share of where it starts."""
START = 0.98
"""Every event starts here: int8 answers end not far above, and false events are dear."""


def smoothed(levels: NDArray[np.float64], n_smoothed: int) -> NDArray[np.float64]:
    """Return the mean over the latest windows, those before the first one counted as 0."""
    sums = np.cumsum(np.concatenate((np.zeros(n_smoothed), levels)))
    return np.asarray((sums[n_smoothed:] - sums[:-n_smoothed]) / n_smoothed)


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
            "n_patience": float(N_PATIENCE),
        }
        for event, start in self.starts.items():
            values[f"{event}_n_smoothed"] = float(N_SMOOTHED[event])
            values[f"{event}_speech_veto"] = SPEECH_VETO[event]
            values[f"{event}_start"] = start
            values[f"{event}_end"] = round(END_SHARE * start, 4)
        return values


def choose_thresholds(heard: DevHearing) -> ThresholdChoice:
    """Return where each event starts, and what that comes to on the development part.

    Args:
        heard: Clips that the net has not learned from.
    """
    is_none = heard.events == EVENT_LABELS.index(OTHER)
    found = precisions(heard)
    starts: dict[str, float] = {}
    details: dict[str, Any] = {}
    for number, event in enumerate(EVENT_LABELS[:-1]):
        peaks = heard.peaks[:, number]
        starts[event] = START
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
