"""Paired comparison of two methods over people: exact sign flips and signed ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

MOST_EXACT = 16
"""Up to this many people every assignment of signs is counted; above, 50,000 are drawn."""
N_DRAWS = 50_000
N_RESAMPLES = 10_000


def sign_flip_p(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p of a mean difference, if every sign could as well be the other.

    Exact for up to `MOST_EXACT` people (R. A. Fisher's randomisation test).

    >>> sign_flip_p(np.array([1.0, 2.0, 3.0]))
    0.25

    Args:
        differences: One for each person, shape ``(n,)``, n >= 1.
    """
    n = differences.size
    if n <= MOST_EXACT:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, (N_DRAWS, n))
    sums = np.abs((2 * bits - 1) @ differences)
    return float(np.mean(sums >= abs(differences.sum()) - 1e-12))


def paired_over_people(
    first: NDArray[np.bool_], second: NDArray[np.bool_], people: NDArray[np.int64]
) -> dict[str, Any]:
    """Return how much more often the first method is right, with tests over people.

    Args:
        first: Whether the first method is right in each clip, shape ``(n,)``.
        second: As above.
        people: Whose clip it is, shape ``(n,)``.
    """
    gains = np.array(
        [
            first[people == person].mean() - second[people == person].mean()
            for person in np.unique(people)
        ]
    )
    draws = np.random.default_rng(0).integers(0, gains.size, (N_RESAMPLES, gains.size))
    low, high = np.percentile(gains[draws].mean(axis=1), (2.5, 97.5))
    is_flat = not np.any(gains)
    return {
        "difference": round(float(gains.mean()), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "sign_flip_p": 1.0 if is_flat else round(sign_flip_p(gains), 5),
        "wilcoxon_p": 1.0 if is_flat else round(float(wilcoxon(gains).pvalue), 5),
        "people_better": int((gains > 0).sum()),
        "people_equal": int((gains == 0).sum()),
        "people_worse": int((gains < 0).sum()),
    }
