"""Valence and arousal derived from the expressions; not validated against ratings of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VALENCE_AROUSAL: NDArray[np.float64] = np.array(
    [
        (0.00, 0.00),  # neutral
        (0.81, 0.51),  # happiness
        (0.40, 0.67),  # surprise
        (-0.63, -0.27),  # sadness
        (-0.51, 0.59),  # anger
        (-0.60, 0.35),  # disgust
        (-0.64, 0.60),  # fear
        (-0.55, 0.20),  # contempt
    ]
)
"""Shape ``(8, 2)``: pleasure and arousal of the terms, rounded, after Russell and Mehrabian,
"Evidence for a three-factor theory of emotions", J. Research in Personality 11, 1977. Contempt is
not rated there under that word; its place is this project's own, near disgust and calmer."""


def valence_arousal(probabilities: NDArray[np.float64]) -> tuple[float, float]:
    """Return the expected valence and arousal of a distribution over expressions.

    Args:
        probabilities: Shape ``(8,)``, order of ``Expression``, sums to 1.

    Returns:
        Valence and arousal, each in [-1, 1].
    """
    valence, arousal = probabilities @ VALENCE_AROUSAL
    return float(valence), float(arousal)
