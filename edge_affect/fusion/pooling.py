"""Pooling of opinions: several distributions over expressions into one.

Two pools are used for two different questions. Faces of a scene are different people, so their
distributions are averaged (linear pool: "how is the room, on the whole"). Modalities look at the
same thing, so their evidence multiplies (logarithmic pool: "what do voice and face say together").
Source: Genest and Zidek, "Combining probability distributions", Statistical Science 1(1), 1986.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError


def linear_pool(
    distributions: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weighted mean of distributions.

    Args:
        distributions: Shape ``(n, n_classes)``, rows sum to 1.
        weights: Shape ``(n,)``, >= 0, not all zero.

    Returns:
        Shape ``(n_classes,)``, sums to 1; the order of the rows does not matter.

    Raises:
        ShapeError: If the shapes do not fit or no weight is positive.
    """
    _check(distributions, weights)
    total = weights.sum()
    if total <= 0.0:
        raise ShapeError("A pool needs at least one positive weight.")
    return np.asarray(weights @ distributions / total)


def log_linear_pool(
    distributions: NDArray[np.float64], exponents: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the normalised product of distributions, each raised to its exponent.

    An exponent of 1 takes a distribution at its word, 0 ignores it, and all exponents 0 give the
    uniform distribution. A class with probability 0 is one that this row's model does not know:
    it gets the mean of the classes known to that row, which is no evidence either way, and stays
    0 in the result only where no row knows it.

    Args:
        distributions: Shape ``(n, n_classes)``, rows sum to 1.
        exponents: Shape ``(n,)``, range [0, 1].

    Returns:
        Shape ``(n_classes,)``, sums to 1.

    Raises:
        ShapeError: If the shapes do not fit.
    """
    _check(distributions, exponents)
    is_known = distributions > 0.0
    mean_known = 1.0 / is_known.sum(axis=1, keepdims=True)
    log_p = exponents @ np.log(np.where(is_known, distributions, mean_known))
    p = np.where(is_known.any(axis=0), np.exp(log_p - log_p.max()), 0.0)
    return np.asarray(p / p.sum())


def freshness(age_s: float, half_life_s: float, max_age_s: float) -> float:
    """Return the weight of an observation of a given age: 1 when new, halved every half-life.

    Observations older than ``max_age_s`` weigh nothing; an age below 0 counts as 0.

    >>> freshness(0.5, half_life_s=0.5, max_age_s=3.0)
    0.5
    """
    if age_s > max_age_s:
        return 0.0
    return float(0.5 ** (max(age_s, 0.0) / half_life_s))


def _check(distributions: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    if distributions.ndim != 2 or weights.shape != distributions.shape[:1]:
        raise ShapeError(
            f"A pool of shape {distributions.shape} does not go with weights {weights.shape}."
        )
