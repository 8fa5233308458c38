"""Quantiles, ratios and their intervals, of times that were taken in interleaved rounds.

What one round gives is alike: the same input, the same state of the machine. So bootstrap draws
whole rounds, and the same ones for both sides of a ratio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Rounds = Sequence[Sequence[float]]

N_RESAMPLES = 1000
LEVEL = (2.5, 97.5)
SHARES = (50, 95, 99)
MIN_N = {50: 1, 95: 100, 99: 300}
"""With fewer times than this a quantile is left out."""


def _drawn(n_rounds: int) -> NDArray[np.int64]:
    """Return the rounds of every resample; the seed is fixed, so that figures can be made again."""
    return np.random.default_rng(0).integers(0, n_rounds, (N_RESAMPLES, n_rounds))


def quantiles(rounds: Rounds) -> dict[str, list[float] | None]:
    """Return p50, p95 and p99, each with the ends of its interval; None where there is too little.

    >>> quantiles([[1.0] * 5, [3.0] * 5])["p50"]
    [2.0, 1.0, 3.0]
    >>> quantiles([[1.0] * 5, [3.0] * 5])["p95"] is None
    True
    """
    arrays = [np.asarray(one, dtype=np.float64) for one in rounds]
    whole = np.concatenate(arrays)
    drawn = [
        np.percentile(np.concatenate([arrays[row] for row in rows]), SHARES)
        for rows in _drawn(len(arrays))
    ]
    middles, (lows, highs) = np.percentile(whole, SHARES), np.percentile(drawn, LEVEL, axis=0)
    return {
        f"p{share}": None if whole.size < MIN_N[share] else [float(end) for end in ends]
        for share, *ends in zip(SHARES, middles, lows, highs, strict=True)
    }


def ratio(ours: Rounds, theirs: Rounds) -> list[float]:
    """Return the median of ours over theirs in the same round, with the ends of its interval.

    >>> ratio([[1.0], [2.0], [3.0]], [[2.0], [4.0], [6.0]])
    [0.5, 0.5, 0.5]

    Raises:
        ValueError: If the numbers of rounds differ or there is none.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError("A ratio needs the same rounds on both sides.")
    pairs = zip(ours, theirs, strict=True)
    ratios = np.asarray([np.median(one) / np.median(other) for one, other in pairs])
    medians = np.median(ratios[_drawn(len(ratios))], axis=1)
    ends = [float(end) for end in np.percentile(medians, LEVEL)]
    return [float(np.median(ratios)), *ends]
