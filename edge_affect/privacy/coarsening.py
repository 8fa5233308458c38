"""Exact numbers into the few steps of a record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_affect.record import EXPRESSION_SUM, SIGNED_MAX


def expression_levels(probabilities: NDArray[np.float64]) -> tuple[int, ...]:
    """Return probabilities in fifteenths that sum to exactly 15 (largest-remainder method).

    Args:
        probabilities: Shape ``(8,)``, range [0, 1], sums to 1.

    >>> expression_levels(np.array([0.62, 0.3, 0.08, 0, 0, 0, 0, 0]))
    (9, 5, 1, 0, 0, 0, 0, 0)
    """
    exact = np.clip(probabilities, 0.0, 1.0) / probabilities.sum() * EXPRESSION_SUM
    levels = np.floor(exact + 1e-9).astype(int)
    by_remainder = np.argsort(levels - exact, kind="stable")
    levels[by_remainder[: EXPRESSION_SUM - levels.sum()]] += 1
    return tuple(int(level) for level in levels)


def steps(value: float, n_steps: int) -> int:
    """Return ``value`` of [0, 1] in ``n_steps`` equal steps, rounded to the nearest.

    >>> steps(0.5, 6)
    3
    """
    return round(min(max(value, 0.0), 1.0) * n_steps)


def signed_steps(value: float, n_steps: int = SIGNED_MAX) -> int:
    """Return ``value`` of [-1, 1] in steps to either side, fifteenths here, to the nearest."""
    return round(min(max(value, -1.0), 1.0) * n_steps)
