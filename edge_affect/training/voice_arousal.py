"""Fit the map from the manner of speaking to arousal; part of ``training.voice_baseline``.

No corpus that may be trained on has ratings of arousal. What stands in for them is the published
arousal of the expression that was acted and of those that listeners heard, half and half, raised
where it was acted strongly and lowered where it was acted weakly. So the map learns which manner
goes with aroused expressions and with strong acting, and is then checked on another corpus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.fusion.circumplex import VALENCE_AROUSAL
from edge_affect.perception.voice_arousal import MOST_DEVIATIONS, N_USED, VoiceArousal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording

RAISED_BY: dict[str, float] = {"LO": -0.3, "MD": 0.0, "HI": 0.3}
"""What the intensity adds to the arousal of a clip; clips without one stand as they are."""
PENALTY = 0.1
"""On the squared weights, for deviations of 1 and a mean squared error."""
PAIR_WEIGHT = 5.0
"""Of a clip acted weakly or strongly, against one without a counterpart."""
N_OTHERS = 450
"""Clips without a counterpart that are learned from; more teach nothing new."""


def arousal_rows(recordings: tuple[Recording, ...]) -> tuple[int, ...]:
    """Return which clips to learn from: all acted weakly or strongly, and some others."""
    paired = [row for row, r in enumerate(recordings) if RAISED_BY.get(r.intensity)]
    others = [row for row, r in enumerate(recordings) if not RAISED_BY.get(r.intensity)]
    n = min(N_OTHERS, len(others))
    chosen = np.random.default_rng(0).choice(others, n, replace=False).tolist() if n else []
    return (*paired, *chosen)


def arousal_weights(recordings: tuple[Recording, ...]) -> NDArray[np.float64]:
    """Return how much each clip counts, shape ``(n,)``."""
    return np.array([PAIR_WEIGHT if RAISED_BY.get(r.intensity) else 1.0 for r in recordings])


def arousal_targets(
    recordings: tuple[Recording, ...],
    heard: dict[str, NDArray[np.float32]],
    labels: tuple[int, ...],
) -> NDArray[np.float64]:
    """Return what stands in for the arousal of clips, shape ``(n,)``, [-1, 1].

    Args:
        recordings: The clips.
        heard: Shares of the listeners' votes by clip, in the order of ``labels``.
        labels: Numbers of the expressions that were voted on.
    """
    of_votes = VALENCE_AROUSAL[list(labels), 1]
    targets = np.empty(len(recordings))
    for row, recording in enumerate(recordings):
        acted = float(VALENCE_AROUSAL[int(recording.label), 1])
        votes = heard.get(recording.clip)
        both = acted if votes is None else 0.5 * acted + 0.5 * float(votes @ of_votes)
        targets[row] = both + RAISED_BY.get(recording.intensity, 0.0)
    return np.clip(targets, -1.0, 1.0)


def fit_arousal(
    manners: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> VoiceArousal:
    """Return the penalised least-squares map.

    Args:
        manners: Shape ``(n, m)``, NaN where a number is not known.
        targets: Shape ``(n,)``.
        weights: Shape ``(n,)``, > 0: how much each clip counts.
    """
    used = manners[:, :N_USED]
    mean, deviation = np.nanmean(used, axis=0), np.nanstd(used, axis=0)
    deviations = np.nan_to_num((used - mean) / deviation, nan=0.0)
    deviations = np.clip(deviations, -MOST_DEVIATIONS, MOST_DEVIATIONS)
    share = weights / weights.sum()
    centre, middle = share @ deviations, float(share @ targets)
    centred = deviations - centre
    square = (centred.T * share) @ centred + PENALTY * np.eye(N_USED)
    slopes = np.linalg.solve(square, (centred.T * share) @ (targets - middle))
    return VoiceArousal(mean, deviation, slopes, float(middle - centre @ slopes))
