"""How far two modalities disagree: the chance that they show different expressions.

If voice and face each give a calibrated distribution over the same expressions, the chance that
both show the same one is the sum over expressions of the product of the two, and what is left is
the chance that they differ. Unlike a distance between the two distributions this does not take two
unsure readings for agreement: two uniform ones differ with 7/8.

What two modalities show of the same moment agrees far more often than chance, so the sum is turned
into a probability by two fitted numbers (Platt, 1999) before anybody is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError


def agreement(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that both show the same expression, shape ``(...)``, [0, 1].

    Only expressions that both models know are compared; each distribution is rescaled to them.
    Where no expression is known to both, nothing can be said and the answer is NaN.

    Args:
        first: Shape ``(..., n_classes)``, calibrated, sums to 1; 0 for an unknown class.
        second: As above.

    Raises:
        ShapeError: If the shapes differ.
    """
    if first.shape != second.shape or first.ndim < 1:
        raise ShapeError(f"Distributions of shape {first.shape} and {second.shape} do not compare.")
    known = (first > 0.0) & (second > 0.0)
    masses = [np.where(known, one, 0.0).sum(axis=-1) for one in (first, second)]
    both = np.where(known, first * second, 0.0).sum(axis=-1)
    scale = masses[0] * masses[1]
    answer = np.full(both.shape, np.nan)
    np.divide(both, scale, out=answer, where=scale > 0.0)
    return np.clip(answer, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Incongruence:
    """From agreement to the chance that two modalities show different expressions.

    Attributes:
        slope: Of the log odds by the logarithm of the agreement, <= 0.
        bias: Log odds of a conflict at an agreement of 1.
    """

    slope: float = -1.0
    bias: float = -2.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.bias) and np.isfinite(self.slope) and self.slope <= 0.0):
            raise ShapeError("Incongruence needs finite numbers and a slope of at most 0.")

    def level(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
        """Return the chance of a conflict, [0, 1], or None where nothing can be compared.

        Args:
            first: Shape ``(n_classes,)``, calibrated, sums to 1; 0 for an unknown class.
            second: As above.
        """
        both = float(agreement(first, second))
        if np.isnan(both):
            return None
        odds = self.bias + self.slope * float(np.log(max(both, 1e-6)))
        return float(1.0 / (1.0 + np.exp(-odds)))
