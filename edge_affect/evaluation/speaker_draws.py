"""Intervals that draw whole speakers, for many figures of the same clips at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.metrics import Interval, confusion_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SpeakerDraws:
    """The same draws of speakers, with replacement, for every figure; the seed is fixed.

    Because all figures share the draws, the difference of two is a paired comparison.

    Args:
        n_speakers: How many there are, >= 1.
        n_draws: How often they are drawn.
        seed: Two sets of other speakers want two seeds.
    """

    def __init__(self, n_speakers: int, n_draws: int = 1000, seed: int = 0) -> None:
        chances = np.full(n_speakers, 1.0 / n_speakers)
        self._counts = np.random.default_rng(seed).multinomial(n_speakers, chances, n_draws)

    def uars(self, matrices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the UAR of every draw, shape ``(n_draws,)``.

        Args:
            matrices: From `speaker_matrices`, shape ``(n_speakers, n_classes, n_classes)``.
        """
        n_classes = matrices.shape[1]
        pooled = self._counts @ matrices.reshape(matrices.shape[0], -1)
        pooled = pooled.reshape(-1, n_classes, n_classes)
        hits = np.diagonal(pooled, axis1=1, axis2=2).astype(np.float64)
        totals = pooled.sum(axis=2)
        recalls = np.divide(hits, totals, out=np.zeros_like(hits), where=totals > 0)
        return np.asarray(recalls.sum(axis=1) / (totals > 0).sum(axis=1), dtype=np.float64)


def speaker_matrices(
    truth: NDArray[np.int64],
    guess: NDArray[np.int64],
    speakers: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.int64]:
    """Return one confusion matrix for each speaker, shape ``(n_speakers, n_classes, n_classes)``.

    Args:
        truth: Shape ``(n,)``.
        guess: Shape ``(n,)``.
        speakers: Number of the speaker of each clip, shape ``(n,)``.
        n_classes: How many classes there are.
    """
    rows = [speakers == number for number in np.unique(speakers)]
    return np.stack([confusion_matrix(truth[row], guess[row], n_classes) for row in rows])


def interval_of(values: NDArray[np.float64]) -> Interval:
    """Return the 95 % percentile interval of drawn values."""
    low, high = np.percentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))
