"""What abstaining buys: accuracy by share answered, and how honest the confidence is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.figures import DIGITS
from edge_affect.evaluation.metrics import N_ECE_BINS, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES = tuple(round(1.0 - 0.05 * step, 2) for step in range(20))
"""Shares of items answered at the points of a curve, from all down to a twentieth."""


def confidence_figures(
    truth: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> dict[str, Any]:
    """Return what the confidence of a classifier is worth, as plain JSON values.

    ``coverage`` answers the most certain items first: at each share answered, the confidence of
    the least certain one among them and the accuracy. ``aurc`` is the area under the curve of
    errors over that share (Y. Geifman et al., 2019, "Bias-reduced uncertainty estimation for deep
    neural classifiers"), and ``aurc_best`` what it would be if every right answer were more certain
    than every wrong one. ``reliability`` has the bins of the expected calibration error.

    Args:
        truth: Shape ``(n,)``, n >= 1.
        probabilities: Shape ``(n, n_classes)``.
    """
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == truth
    return {
        "aurc": round(_area(confidence, is_right), DIGITS),
        "aurc_best": round(_area(is_right.astype(np.float64), is_right), DIGITS),
        "coverage": _coverage(confidence, is_right),
        "reliability": _reliability(confidence, is_right),
    }


def _area(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Return the mean error over all shares answered, the most certain first."""
    order = np.argsort(-confidence, kind="stable")
    n_answered = np.arange(1, order.size + 1)
    return float(np.mean(np.cumsum(~is_right[order]) / n_answered))


def _coverage(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    order = np.argsort(-confidence, kind="stable")
    points = []
    for share in SHARES:
        answered = order[: max(1, round(share * order.size))]
        n_right = int(is_right[answered].sum())
        interval = wilson_interval(n_right, answered.size)
        points.append(
            {
                "share": share,
                "n": int(answered.size),
                "threshold": round(float(confidence[answered[-1]]), DIGITS),
                "accuracy": round(n_right / answered.size, DIGITS),
                "accuracy_interval": [round(interval.low, DIGITS), round(interval.high, DIGITS)],
            }
        )
    return points


def _reliability(
    confidence: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    bins = np.minimum((confidence * N_ECE_BINS).astype(np.int64), N_ECE_BINS - 1)
    rows = []
    for number in np.unique(bins):
        members = bins == number
        n, n_right = int(members.sum()), int(is_right[members].sum())
        interval = wilson_interval(n_right, n)
        rows.append(
            {
                "from": round(float(number) / N_ECE_BINS, DIGITS),
                "to": round(float(number + 1) / N_ECE_BINS, DIGITS),
                "n": n,
                "confidence": round(float(confidence[members].mean()), DIGITS),
                "accuracy": round(n_right / n, DIGITS),
                "accuracy_interval": [round(interval.low, DIGITS), round(interval.high, DIGITS)],
            }
        )
    return rows
