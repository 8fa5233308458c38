"""What an evaluation of a classifier reports, as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    recalls,
    uar,
)
from edge_affect.record import Expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

DIGITS = 4


def classification_figures(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: tuple[Expression, ...],
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """Return the figures of one set of items.

    Args:
        truth: Index into ``labels``, shape ``(n,)``.
        probabilities: Shape ``(n, len(labels))``.
        labels: The classes in order.
        groups: Whole groups are drawn for the intervals, such as speakers; None draws items.
    """
    guess = probabilities.argmax(axis=1)
    n_classes = len(labels)
    matrix = confusion_matrix(truth, guess, n_classes)

    def uar_of(some_truth: NDArray[np.int64], some_guess: NDArray[np.int64]) -> float:
        return uar(confusion_matrix(some_truth, some_guess, n_classes))

    names = [label.name.lower() for label in labels]
    of_accuracy = bootstrap_interval(accuracy, truth, guess, groups)
    of_uar = bootstrap_interval(uar_of, truth, guess, groups)
    return {
        "n": int(truth.size),
        "accuracy": _round(accuracy(truth, guess)),
        "accuracy_interval": [_round(of_accuracy.low), _round(of_accuracy.high)],
        "uar": _round(uar(matrix)),
        "uar_interval": [_round(of_uar.low), _round(of_uar.high)],
        "macro_f1": _round(macro_f1(matrix)),
        "ece": _round(expected_calibration_error(truth, probabilities)),
        "false_emotion_rate_on_neutral": false_emotion_rate(truth, guess, labels),
        "per_class_recall": {
            name: None if np.isnan(recall) else _round(float(recall))
            for name, recall in zip(names, recalls(matrix), strict=True)
        },
        "confusion_matrix": {"labels": names, "rows_are_truth": matrix.tolist()},
    }


def model_identity(manifest: Manifest) -> dict[str, str]:
    """Return what names a model beyond doubt."""
    return {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}


def false_emotion_rate(
    truth: NDArray[np.int64], guess: NDArray[np.int64], labels: tuple[Expression, ...]
) -> float | None:
    """Return the share of neutral items that are given any other expression."""
    if Expression.NEUTRAL not in labels:
        return None
    neutral = labels.index(Expression.NEUTRAL)
    guesses = guess[truth == neutral]
    return _round(float(np.mean(guesses != neutral))) if guesses.size else None


def _round(value: float) -> float:
    return round(value, DIGITS)
