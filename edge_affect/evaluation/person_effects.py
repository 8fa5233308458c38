"""What people and expressions add to values, taken apart; from labelled data of several people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.baseline import ExpressionEffects, Population

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_TURNS = 30
"""Of fitting people and expressions by turns; settled long before."""


def shifts_and_offsets(
    surplus: NDArray[np.float64], truth: NDArray[np.int64], people: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what every expression and every person adds, ``(k, m)`` and ``(n_people, m)``.

    Least squares of the sum of both, by turns; so it does not matter if a person acts some
    expressions more often than others.

    Args:
        surplus: Values less their mean, shape ``(n, m)``.
        truth: Shape ``(n,)``; every expression occurs.
        people: Numbers from 0 without a gap, shape ``(n,)``.
        k: Number of expressions.
    """
    shifts = np.zeros((k, surplus.shape[1]))
    offsets = np.zeros((int(people.max()) + 1, surplus.shape[1]))
    for _ in range(N_TURNS):
        rest = surplus - shifts[truth]
        offsets = np.stack([rest[people == s].mean(axis=0) for s in range(len(offsets))])
        rest = surplus - offsets[people]
        shifts = np.stack([rest[truth == number].mean(axis=0) for number in range(k)])
        shifts -= shifts.mean(axis=0)
    return shifts, offsets


def effects_and_spread(
    values: NDArray[np.float64], truth: NDArray[np.int64], people: NDArray[np.int64], k: int
) -> tuple[Population, ExpressionEffects]:
    """Return what is normal for everybody, and what expressions do, from labelled values.

    Args:
        values: Shape ``(n, m)``.
        truth: Shape ``(n,)``.
        people: Shape ``(n,)``.
        k: Number of expressions.
    """
    mean = values.mean(axis=0)
    shifts, offsets = shifts_and_offsets(values - mean, truth, people, k)
    rest = values - mean - shifts[truth] - offsets[people]
    within = rest.std(axis=0)
    n_each = truth.size / len(offsets)
    # The spread of the means of people, without what chance alone would give them.
    between = np.sqrt(np.maximum(offsets.var(axis=0, ddof=1) - within**2 / n_each, 0.0))
    variances = np.array([rest[truth == number].var(axis=0).mean() for number in range(k)])
    weights = variances**-2.0
    population = Population(mean, between, np.maximum(within, 1e-6))
    return population, ExpressionEffects(shifts, weights / weights.mean())
