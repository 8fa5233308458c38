"""How cost grows: the arithmetic of exponents and verdicts, and the page."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from budget_report import PAGE, ROOT
from growth_fit import CALM, OPEN, SURPRISE, axis_from_zero, curve, draw, exponent, table, top_slope

X = [1, 2, 4, 8, 16]


@pytest.fixture(scope="module")
def results():
    return json.loads((ROOT / "benchmarks" / "growth.json").read_text())


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_a_power_is_found(power):
    found = exponent(X, [3 * x**power for x in X])
    assert found.value == pytest.approx(power, abs=1e-3)
    assert found.low == pytest.approx(found.high, abs=2e-3)


def test_the_interval_holds_the_truth_nineteen_times_of_twenty():
    rng = np.random.default_rng(4)
    n_held = sum(
        found.low <= 0.9 <= found.high
        for found in (
            exponent(X, [x**0.9 * rng.lognormal(0.0, 0.1) for x in X]) for _ in range(1000)
        )
    )
    assert 930 <= n_held <= 970


@pytest.mark.parametrize(
    ("costs", "verdict"),
    [
        ([5, 6, 8, 12, 20], CALM),  # what it costs anyway, and a straight line on top
        ([x**1.3 for x in X], SURPRISE),
        ([x * np.log2(2 * x) for x in X], SURPRISE),
        ([1, 2, 4, 8, 30], OPEN),
    ],
)
def test_verdicts(costs, verdict):
    assert exponent(X, costs).verdict == verdict


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2], [1, 2]), ([1, 1, 2], [1, 1, 2]), ([1, 2, 3], [0, 1, 2])]
)
def test_too_little_is_not_fitted(x, y):
    with pytest.raises(ValueError, match="An exponent takes"):
        exponent(x, y)


def test_a_bend_at_the_end_shows_in_the_last_doubling():
    assert top_slope(X, [1, 2, 4, 8, 64]) == 3.0
    assert top_slope([1, 3, 5, 6], [1, 3, 5, 6]) == 1.0


def test_a_curve_keeps_medians_and_does_not_fit_nothing():
    row = curve("p", "w", ("x", "y"), {0: [9.0], 1: [1.0, 1.0, 7.0], 2: [2.0] * 3, 4: [4.0] * 3})
    assert (row["x"], row["y"], row["n_rounds"]) == ([0, 1, 2, 4], [9.0, 1.0, 2.0, 4.0], 1)
    assert row["exponent"] == {"value": 1.0, "low": 1.0, "high": 1.0}


@pytest.mark.parametrize("most", [0.03, 1.0, 17.0, 99.0, 100.0, 5001.0])
def test_axes_hold_what_is_drawn(most):
    axis = axis_from_zero("", most)
    assert axis.low == 0
    assert most <= axis.high <= 2.5 * most
    assert 2 <= len(axis.ticks) <= 7


def test_verdicts_in_the_file_follow_from_its_points(results):
    assert len(results["curves"]) >= 10
    for key, row in results["curves"].items():
        points = [(x, y) for x, y in zip(row["x"], row["y"], strict=True) if x > 0]
        found = exponent(*zip(*points, strict=True))
        told = row["exponent"]
        assert (told["value"], told["low"], told["high"]) == (found.value, found.low, found.high), (
            key
        )
        assert row["verdict"] == found.verdict, key


def test_page_and_picture_show_the_file(results):
    assert table(results) in PAGE.read_text()
    assert (ROOT / "docs" / "growth.svg").read_text() == draw(results)
