"""How far groups of people differ in a share, and whether chance alone would do that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.figures import DIGITS
from edge_affect.evaluation.metrics import difference_interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Hits = NDArray[np.bool_]

N_SHUFFLES = 500
FEWEST_IN_PAIR = 30
"""Two columns are crossed where every combination has at least so many pictures."""


def share_with_interval(name: str, hits: Hits) -> dict[str, Any]:
    """Return ``name`` and ``name_interval`` (Wilson, 95 %) of hits, shape ``(n,)``."""
    if hits.size == 0:
        return {name: None, f"{name}_interval": None}
    interval = wilson_interval(int(hits.sum()), hits.size)
    return {
        name: round(float(hits.mean()), DIGITS),
        f"{name}_interval": [round(interval.low, DIGITS), round(interval.high, DIGITS)],
    }


def group_names(groups: NDArray[np.str_]) -> list[str]:
    """Return the groups of a column in an order for people: numbers by size, then words.

    >>> group_names(np.array(["10-19", "more than 70", "3-9", "10-19"]))
    ['3-9', '10-19', 'more than 70']

    Args:
        groups: Shape ``(n,)``.
    """
    return sorted(set(groups.tolist()), key=_natural)


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def crossed(columns: Mapping[str, NDArray[np.str_]]) -> dict[str, NDArray[np.str_]]:
    """Return the columns, and every pair of them whose combinations are all common enough."""
    result = dict(columns)
    names = sorted(columns, reverse=True)
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            pairs = zip(columns[first].tolist(), columns[second].tolist(), strict=True)
            both = np.array([f"{one}, {other}" for one, other in pairs], dtype=np.str_)
            if np.unique(both, return_counts=True)[1].min() >= FEWEST_IN_PAIR:
                result[f"{first} x {second}"] = both
    return result


def gaps_of(groups: NDArray[np.str_], metrics: Mapping[str, Hits]) -> dict[str, dict[str, Any]]:
    """Return for each metric the gap between the groups of one column that differ most.

    ``interval`` is Newcombe's for the two groups named. Because they were picked as the extremes,
    ``by_chance`` says how large the gap is in one of twenty shuffles of the same pictures over
    groups of the same sizes: what lies below it may be chance.

    Args:
        groups: Of each picture, shape ``(n,)``; at least two different ones.
        metrics: Whether it is a hit, shape ``(n,)``, by the name of the metric.
    """
    names, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    hits = np.stack(list(metrics.values()), axis=1).astype(np.float64)
    shares = _shares(members, sizes, hits)
    by_chance = _gap_by_chance(members, sizes, hits)
    found = {}
    for number, metric in enumerate(metrics):
        high, low = int(shares[:, number].argmax()), int(shares[:, number].argmin())
        counts = np.round(shares[:, number] * sizes).astype(np.int64)
        interval = difference_interval(
            (int(counts[high]), int(counts[low])), (int(sizes[high]), int(sizes[low]))
        )
        found[metric] = {
            "highest": str(names[high]),
            "lowest": str(names[low]),
            "gap": round(float(shares[high, number] - shares[low, number]), DIGITS),
            "interval": [round(interval.low, DIGITS), round(interval.high, DIGITS)],
            "n": [int(sizes[high]), int(sizes[low])],
            "by_chance": round(float(by_chance[number]), DIGITS),
        }
    return found


def _shares(
    members: NDArray[np.int64], sizes: NDArray[np.int64], hits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of hits, shape ``(n_groups, n_metrics)``."""
    sums = np.zeros((sizes.size, hits.shape[1]))
    np.add.at(sums, members, hits)
    return np.asarray(sums / sizes[:, None])


def _gap_by_chance(
    members: NDArray[np.int64], sizes: NDArray[np.int64], hits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the 95th percentile of the gap over shuffles, shape ``(n_metrics,)``."""
    generator = np.random.default_rng(0)
    is_member = (members[None, :] == np.arange(sizes.size)[:, None]) / sizes[:, None]
    drawn = np.empty((N_SHUFFLES, hits.shape[1]))
    for trial in range(N_SHUFFLES):
        shares = is_member @ generator.permutation(hits)
        drawn[trial] = shares.max(axis=0) - shares.min(axis=0)
    return np.asarray(np.percentile(drawn, 95, axis=0))


def worst_gap(gaps: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any] | None:
    """Return the largest gap that chance does not explain, or else the largest; None of none.

    Args:
        gaps: By column and metric, as ``gaps_of`` returns them.
    """
    rows = [
        {"column": column, "metric": metric, **gap}
        for column, metrics in gaps.items()
        for metric, gap in metrics.items()
    ]
    beyond = [row for row in rows if row["gap"] > row["by_chance"]]
    return max(beyond or rows, key=lambda row: float(row["gap"]), default=None)
