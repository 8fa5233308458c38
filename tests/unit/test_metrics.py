"""Figures of merit against values computed by hand."""

import numpy as np
import pytest

from edge_affect.errors import ShapeError
from edge_affect.evaluation.figures import classification_figures
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

TRUTH = np.array([0, 0, 0, 0, 1, 1, 3])
GUESS = np.array([0, 0, 0, 1, 1, 0, 2])


def test_confusion_and_recall():
    matrix = confusion_matrix(TRUTH, GUESS, 4)
    assert matrix.tolist() == [[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert recalls(matrix)[[0, 1, 3]].tolist() == [0.75, 0.5, 0.0]
    assert np.isnan(recalls(matrix)[2])
    assert accuracy(TRUTH, GUESS) == pytest.approx(4 / 7)
    assert uar(matrix) == pytest.approx((0.75 + 0.5 + 0.0) / 3)
    assert macro_f1(matrix) == pytest.approx((0.75 + 0.5 + 0.0) / 3)


@pytest.mark.parametrize(
    ("truth", "guess"),
    [([], []), ([0], [0, 1]), ([0], [2]), ([-1], [0])],
)
def test_labels_that_do_not_fit_are_refused(truth, guess):
    with pytest.raises(ShapeError):
        confusion_matrix(np.array(truth, dtype=int), np.array(guess, dtype=int), 2)


def test_calibration_error_by_hand():
    top = np.array([0.9, 0.9, 0.6, 0.6])
    probabilities = np.stack([top, 1 - top], axis=1)
    truth = np.array([0, 1, 0, 0])
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert expected_calibration_error(np.array([0]), np.array([[1.0, 0.0]])) == 0.0


def test_the_interval_holds_the_figure_and_shrinks_with_n():
    rng = np.random.default_rng(3)
    widths = []
    for n in (100, 2_500):
        truth = rng.integers(0, 2, n)
        guess = np.where(rng.random(n) < 0.8, truth, 1 - truth)
        interval = bootstrap_interval(accuracy, truth, guess)
        assert interval.low < accuracy(truth, guess) < interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] == pytest.approx(widths[0] / 5, rel=0.3)


def test_whole_groups_are_drawn():
    truth = np.zeros(100, dtype=int)
    groups = np.repeat([0, 1], 50)
    guess = groups.copy()
    interval = bootstrap_interval(accuracy, truth, guess, groups)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_figures_have_every_key_and_plain_values():
    classes = (Expression.NEUTRAL, Expression.FEAR, Expression.ANGER)
    truth = np.array([0, 0, 0, 1])
    probabilities = np.eye(3)[[0, 0, 1, 1]]
    report = classification_figures(truth, probabilities, classes)
    assert list(report) == [
        "n", "accuracy", "accuracy_interval", "uar", "uar_interval", "macro_f1", "ece",
        "false_emotion_rate_on_neutral", "per_class_recall", "confusion_matrix",
    ]  # fmt: skip
    assert report["n"] == 4
    assert report["accuracy"] == 0.75
    assert report["false_emotion_rate_on_neutral"] == pytest.approx(1 / 3, abs=1e-4)
    assert report["per_class_recall"] == {
        "neutral": pytest.approx(2 / 3, abs=1e-4),
        "fear": 1.0,
        "anger": None,
    }
    assert report["confusion_matrix"] == {
        "labels": ["neutral", "fear", "anger"],
        "rows_are_truth": [[2, 1, 0], [0, 1, 0], [0, 0, 0]],
    }
