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
    """A bootstrap interval.

    Attributes:
        low: 2.5th percentile.
        high: 97.5th percentile.
    """

    low: float
    high: float


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
