"""Figures with intervals: bootstrap over calls or blocks, Wilson for shares, Poisson for rates.

Bootstrap intervals of few units come out too narrow. They are widened to what Student's t gives
for as many units, so that six blocks do not look as sure as sixty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL = 0.95
N_DRAWS = 1000
SEED = 20260802
"""The same results give the same report, to the last byte."""
_Z = 1.959964
_PIECE = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure.

    Attributes:
        value: As measured.
        low: Lower end of its interval.
        high: Upper end of its interval.
        n: Units that it rests on: calls, blocks, stretches, events.
    """

    value: float
    low: float
    high: float
    n: int


def bootstrap_ratio(
    sums: Sequence[float] | NDArray[np.float64],
    counts: Sequence[float] | NDArray[np.float64],
    min_units: int,
    level: float = LEVEL,
) -> Estimate | None:
    """Return sum of ``sums`` by sum of ``counts``, drawing whole units anew.

    Args:
        sums: Of each unit, shape ``(n,)``.
        counts: Of each unit, shape ``(n,)``; units that count nothing are left out.
        min_units: Fewer than these give None: too few.
        level: Of the interval.
    """
    top, below = _kept(sums, counts)
    if len(top) < max(2, min_units):
        return None
    drawn = _draws(top, below, SEED)
    value = float(top.sum() / below.sum())
    low, high = _ends(value, drawn, len(top), level)
    return Estimate(value, low, high, len(top))


def bootstrap_difference(
    one: tuple[NDArray[np.float64], NDArray[np.float64]],
    other: tuple[NDArray[np.float64], NDArray[np.float64]],
    min_units: int,
    level: float = LEVEL,
) -> Estimate | None:
    """Return how far the ratio of one set of units is above that of another.

    Args:
        one: Sums and counts of units.
        other: The same of others, drawn independently.
        min_units: Fewer than these in either give None.
        level: Of the interval.
    """
    a, b = _kept(*one), _kept(*other)
    n = min(len(a[0]), len(b[0]))
    if n < max(2, min_units):
        return None
    value = float(a[0].sum() / a[1].sum() - b[0].sum() / b[1].sum())
    drawn = _draws(*a, SEED) - _draws(*b, SEED + 1)
    low, high = _ends(value, drawn, n, level)
    return Estimate(value, low, high, n)


def bootstrap_ratio_of_ratios(
    one: tuple[NDArray[np.float64], NDArray[np.float64]],
    other: tuple[NDArray[np.float64], NDArray[np.float64]],
    min_units: int,
    level: float = LEVEL,
) -> Estimate | None:
    """Return one ratio of sums by another, of the same units, which are drawn together.

    Args:
        one: Sums and counts of each unit, shape ``(n,)`` each.
        other: The same of what is compared with.
        min_units: With fewer units that count something in ``one`` it is None: too few.
        level: Of the interval.
    """
    table = np.array([*one, *other], np.float64)
    n, n_counting = table.shape[1], int((table[1] > 0).sum())
    if n_counting < max(2, min_units) or not table[1].sum() or not table[2].sum():
        return None
    rng = np.random.default_rng(SEED)
    value, drawn = _double_ratio(table.sum(axis=1)), []
    for _ in range(N_DRAWS):
        sums = table[:, rng.integers(0, n, n)].sum(axis=1)
        # A draw without any of it says nothing of how often it is near.
        if sums[1] and sums[2]:
            drawn.append(_double_ratio(sums))
    low, high = _ends(value, np.array(drawn), n_counting, level)
    return Estimate(value, low, high, n_counting)


def _double_ratio(sums: NDArray[np.float64]) -> float:
    return float(sums[0] / sums[1] / (sums[2] / sums[3]))


def wilson(n_hits: int, n: int, min_units: int = 1) -> Estimate | None:
    """Return a share with Wilson's score interval; None where ``n`` is below the minimum.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    1927.
    """
    if n < max(1, min_units):
        return None
    share, square = n_hits / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z * np.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return Estimate(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)), n)


def poisson_rate(n_events: int, length: float) -> Estimate:
    """Return events by length with the exact (Garwood) interval of a Poisson count.

    Args:
        n_events: >= 0.
        length: Of what they happened in, > 0, in the unit that the rate is to be told by.
    """
    tail = (1 - LEVEL) / 2
    low = special.gammaincinv(n_events, tail) if n_events else 0.0
    high = special.gammaincinv(n_events + 1, 1 - tail)
    return Estimate(n_events / length, float(low) / length, float(high) / length, n_events)


def _kept(
    sums: Sequence[float] | NDArray[np.float64], counts: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    top, below = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    is_kept = below > 0
    return top[is_kept], below[is_kept]


def _draws(top: NDArray[np.float64], below: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    rng, n = np.random.default_rng(seed), len(top)
    drawn = []
    # In pieces, so that a hundred thousand calls fit into memory as ten do.
    piece = max(1, min(N_DRAWS, _PIECE // n))
    for first in range(0, N_DRAWS, piece):
        chosen = rng.integers(0, n, (min(piece, N_DRAWS - first), n))
        drawn.append(top[chosen].sum(axis=1) / below[chosen].sum(axis=1))
    return np.concatenate(drawn)


def _ends(value: float, drawn: NDArray[np.float64], n: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    wider = special.stdtrit(n - 1, 1 - tail) / special.ndtri(1 - tail) * np.sqrt(n / (n - 1))
    return float(value - (value - low) * wider), float(value + (high - value) * wider)
