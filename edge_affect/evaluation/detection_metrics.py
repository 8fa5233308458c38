"""Figures of merit for detectors of rare things: average precision, false alarms in an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.evaluation.metrics import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

N_RESAMPLES = 1000


def average_precision(is_hit: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the average precision: the mean over the hits of the precision at their score.

    Items of equal score are one step, so that their order does not matter. NaN without a hit.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])).__round__(3)
    0.833

    Args:
        is_hit: Which items hold the thing, shape ``(n,)``.
        scores: Higher is more of it, shape ``(n,)``.

    Raises:
        ShapeError: If the shapes differ or there is no item.
    """
    if is_hit.shape != scores.shape or is_hit.ndim != 1 or is_hit.size == 0:
        raise ShapeError("Truth and scores must be of the same length, at least 1.")
    n_hits = int(is_hit.sum())
    if n_hits == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    found = np.cumsum(is_hit[order])[last]
    precision = found / (last + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / n_hits)


def poisson_upper_bound(n_seen: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound of a Poisson mean when ``n_seen`` were counted.

    The mean at which so few or fewer would be seen with chance ``1 - confidence`` (Garwood, 1936):
    3.0 for none at 95 %.
    """
    from scipy.special import gammaincinv

    return float(gammaincinv(n_seen + 1, confidence))


def grouped_interval(
    statistic: Callable[[NDArray[np.int64]], float], groups: NDArray[np.int64]
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic of item numbers.

    Args:
        statistic: Of the drawn items' numbers; draws that give NaN are left out.
        groups: Shape ``(n,)``: whole groups are drawn, such as sources.
    """
    generator = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    values: list[float] = []
    for _ in range(N_RESAMPLES):
        units = generator.integers(0, len(members), len(members))
        values.append(statistic(np.concatenate([members[unit] for unit in units])))
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))
