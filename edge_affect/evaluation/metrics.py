"""Figures of merit for classifiers with calibrated probabilities; numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Labels = NDArray[np.int64]
    Statistic = Callable[[Labels, Labels], float]

N_ECE_BINS = 15
Z_95 = 1.959964
"""Normal deviate that 95 % of a distribution lie within, either way."""


def confusion_matrix(truth: Labels, guess: Labels, n_classes: int) -> NDArray[np.int64]:
    """Return counts, shape ``(n_classes, n_classes)``: row is the truth, column the guess.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]

    Raises:
        ShapeError: If the labels are empty, differ in length or are outside [0, n_classes).
    """
    if truth.shape != guess.shape or truth.ndim != 1 or truth.size == 0:
        raise ShapeError("Labels and guesses must be of the same length, at least 1.")
    if min(truth.min(), guess.min()) < 0 or max(truth.max(), guess.max()) >= n_classes:
        raise ShapeError(f"Labels and guesses must lie in [0, {n_classes}).")
    counts = np.bincount(truth * n_classes + guess, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def accuracy(truth: Labels, guess: Labels) -> float:
    """Return the share of right guesses, [0, 1]."""
    return float(np.mean(truth == guess))


def recalls(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the recall of each class; NaN for a class that never occurs."""
    totals = matrix.sum(axis=1)
    hits = np.diag(matrix).astype(np.float64)
    shares = np.full(totals.shape, np.nan)
    np.divide(hits, totals, out=shares, where=totals > 0)
    return shares


def uar(matrix: NDArray[np.int64]) -> float:
    """Return the unweighted average recall over the classes that occur, [0, 1].

    >>> uar(np.array([[8, 2], [1, 1]]))
    0.65
    """
    return float(np.nanmean(recalls(matrix)))


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """Return the mean F1 over the classes that occur, [0, 1]; a class never guessed counts 0."""
    occurs = matrix.sum(axis=1) > 0
    hits = np.diag(matrix).astype(np.float64)
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    f1 = np.divide(2.0 * hits, both, out=np.zeros_like(hits), where=both > 0)
    return float(f1[occurs].mean())


def expected_calibration_error(
    truth: Labels, probabilities: NDArray[np.float64], n_bins: int = N_ECE_BINS
) -> float:
    """Return the expected calibration error of the top class, [0, 1].

    Fifteen bins of equal width over the top probability, each bin's gap between mean probability
    and accuracy weighted by its share of items (Guo et al., 2017).

    Args:
        truth: Shape ``(n,)``.
        probabilities: Shape ``(n, n_classes)``.
        n_bins: Number of bins.
    """
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    sums = np.bincount(bins, weights=confidence - is_right, minlength=n_bins)
    return float(np.abs(sums).sum() / truth.size)


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def wilson_interval(n_hits: int, n: int) -> Interval:
    """Return the 95 % interval of a share (E. B. Wilson, 1927); of nothing, it is [0, 1].

    >>> round(wilson_interval(0, 10).high, 4)
    0.2775

    Args:
        n_hits: How often it happened, [0, n].
        n: How often it could have, >= 0.
    """
    if n == 0:
        return Interval(0.0, 1.0)
    share, z2 = n_hits / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z_95 / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At the ends rounding may leave the range by less than anybody prints.
    return Interval(max(0.0, float(centre - reach)), min(1.0, float(centre + reach)))


def difference_interval(n_hits: tuple[int, int], n: tuple[int, int]) -> Interval:
    """Return the 95 % interval of the first share minus the second, of two separate samples.

    R. G. Newcombe, 1998, "Interval estimation for the difference between independent
    proportions", method 10.

    Args:
        n_hits: How often it happened in each sample.
        n: How often it could have, each >= 1.
    """
    first, second = n_hits[0] / n[0], n_hits[1] / n[1]
    of_first, of_second = (wilson_interval(*pair) for pair in zip(n_hits, n, strict=True))
    down = np.hypot(first - of_first.low, of_second.high - second)
    up = np.hypot(of_first.high - first, second - of_second.low)
    return Interval(float(first - second - down), float(first - second + up))


def bootstrap_interval(
    statistic: Statistic,
    truth: Labels,
    guess: Labels,
    groups: NDArray[np.int64] | None = None,
    *,
    n_resamples: int = 1000,
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic.

    Args:
        statistic: Of truth and guess.
        truth: Shape ``(n,)``.
        guess: Shape ``(n,)``.
        groups: Shape ``(n,)``: whole groups are drawn, such as speakers; None draws single items.
        n_resamples: How often to draw; the seed is fixed, so that a figure can be printed again.
    """
    generator = np.random.default_rng(0)
    members = None
    if groups is not None:
        members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    n_units = truth.size if members is None else len(members)
    values = np.empty(n_resamples)
    for trial in range(n_resamples):
        rows = generator.integers(0, n_units, n_units)
        if members is not None:
            rows = np.concatenate([members[unit] for unit in rows])
        values[trial] = statistic(truth[rows], guess[rows])
    low, high = np.percentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))


def concordance(truth: NDArray[np.float64], guess: NDArray[np.float64]) -> float:
    """Return the concordance correlation coefficient (L. I. Lin, 1989), [-1, 1]; of constants, 0.

    >>> round(concordance(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])), 4)
    0.5714

    Args:
        truth: Shape ``(n,)``, n >= 1.
        guess: Shape ``(n,)``.
    """
    covariance = np.mean((truth - truth.mean()) * (guess - guess.mean()))
    spread = truth.var() + guess.var() + (truth.mean() - guess.mean()) ** 2
    return float(2.0 * covariance / spread) if spread > 0 else 0.0
