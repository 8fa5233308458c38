"""Intervals, coverage curves and gaps between groups: figures that can be worked out by hand."""

import numpy as np
import pytest

from edge_affect.evaluation.coverage import SHARES, confidence_figures
from edge_affect.evaluation.metrics import difference_interval, wilson_interval
from edge_affect.evaluation.parity import (
    crossed,
    gaps_of,
    group_names,
    share_with_interval,
    worst_gap,
)


def test_wilson_agrees_with_published_values():
    # R. G. Newcombe, 1998, "Two-sided confidence intervals for the single proportion", table I.
    for n_hits, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        interval = wilson_interval(n_hits, n)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_nothing_can_be_anything():
    interval = wilson_interval(0, 0)
    assert (interval.low, interval.high) == (0.0, 1.0)
    assert share_with_interval("x", np.zeros(0, bool)) == {"x": None, "x_interval": None}


def test_the_difference_agrees_with_published_values():
    # R. G. Newcombe, 1998, "Interval estimation for the difference", table II, method 10.
    for n_hits, n, low, high in [
        ((56, 48), (70, 80), 0.0524, 0.3339),
        ((9, 3), (10, 10), 0.1705, 0.8090),
        ((10, 0), (10, 20), 0.6791, 1.0),
    ]:
        interval = difference_interval(n_hits, n)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def some_answers() -> tuple[np.ndarray, np.ndarray]:
    """Forty answers of two classes; the ten least certain ones are wrong."""
    confidence = np.linspace(0.99, 0.6, 40)
    probabilities = np.stack([confidence, 1.0 - confidence], axis=1)
    truth = np.zeros(40, dtype=np.int64)
    truth[30:] = 1
    return truth, probabilities


def test_coverage_answers_the_most_certain_first():
    truth, probabilities = some_answers()
    shuffled = np.random.default_rng(3).permutation(40)
    figures = confidence_figures(truth[shuffled], probabilities[shuffled])
    points = figures["coverage"]
    assert [point["share"] for point in points] == list(SHARES)
    assert [point["n"] for point in points[:3]] == [40, 38, 36]
    assert points[0]["accuracy"] == 0.75
    assert [point["accuracy"] for point in points if point["share"] <= 0.75] == [1.0] * 15
    assert points[0]["threshold"] == pytest.approx(0.6)
    assert points[0]["accuracy_interval"][0] < 0.75 < points[0]["accuracy_interval"][1]


def test_the_area_is_least_where_wrong_answers_come_last():
    truth, probabilities = some_answers()
    figures = confidence_figures(truth, probabilities)
    errors = [max(0, answered - 30) / answered for answered in range(1, 41)]
    assert figures["aurc"] == figures["aurc_best"] == pytest.approx(np.mean(errors), abs=1e-4)
    reversed_truth = truth[::-1].copy()
    assert confidence_figures(reversed_truth, probabilities)["aurc"] > 2 * figures["aurc"]


def test_reliability_bins_hold_every_answer_once():
    truth, probabilities = some_answers()
    rows = confidence_figures(truth, probabilities)["reliability"]
    assert sum(row["n"] for row in rows) == 40
    assert all(row["from"] <= row["confidence"] <= row["to"] for row in rows)
    assert sum(row["n"] * row["accuracy"] for row in rows) == pytest.approx(30, abs=0.01)


def test_the_gap_names_the_groups_that_differ_most():
    groups = np.array(["a"] * 100 + ["b"] * 100 + ["c"] * 100)
    hits = np.zeros(300, dtype=bool)
    hits[:80] = True
    hits[100:150] = True
    hits[200:230] = True
    (gap,) = gaps_of(groups, {"found": hits}).values()
    assert (gap["highest"], gap["lowest"], gap["gap"], gap["n"]) == ("a", "c", 0.5, [100, 100])
    interval = difference_interval((80, 30), (100, 100))
    assert gap["interval"] == pytest.approx([interval.low, interval.high], abs=1e-4)
    assert gap["gap"] > gap["by_chance"] > 0.0


def test_small_groups_differ_by_chance_alone():
    rng = np.random.default_rng(4)
    groups = np.array([f"g{n}" for n in range(12)] * 10)
    gap = gaps_of(groups, {"found": rng.random(120) < 0.5})["found"]
    assert gap["gap"] > 0.2
    assert gap["by_chance"] > 0.4


def test_the_worst_gap_is_one_that_chance_does_not_explain():
    def gap(size: float, by_chance: float) -> dict[str, float]:
        return {"gap": size, "by_chance": by_chance}

    gaps = {"age": {"fear": gap(0.4, 0.5)}, "race": {"found": gap(0.2, 0.1), "fear": gap(0.1, 0)}}
    assert worst_gap(gaps) == {"column": "race", "metric": "found", "gap": 0.2, "by_chance": 0.1}
    assert worst_gap({"age": {"fear": gap(0.1, 0.5)}})["column"] == "age"
    assert worst_gap({}) is None


def test_columns_are_crossed_where_every_pair_is_common():
    gender = np.array(["f", "m"] * 100)
    race = np.array((["x"] * 2 + ["y"] * 2) * 50)
    age = np.array(["old"] * 10 + ["young"] * 190)
    columns = crossed({"age": age, "gender": gender, "race": race})
    assert sorted(columns) == ["age", "gender", "race", "race x gender"]
    assert group_names(columns["race x gender"]) == ["x, f", "x, m", "y, f", "y, m"]


def test_groups_stand_in_an_order_for_people():
    ages = np.array(["more than 70", "10-19", "3-9", "20-29", "0-2"])
    assert group_names(ages) == ["0-2", "3-9", "10-19", "20-29", "more than 70"]
