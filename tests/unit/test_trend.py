"""Trend and forecast: what is said, what is not, and what the figures must show before it is."""

import json
import math
import random
from dataclasses import replace
from importlib import resources

import pytest
from alert_parts import NOBODY, angry, ns
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.alerting.trend import (
    FORGET_S,
    HALF_LIVES_S,
    N_FEATURES,
    QUANTITIES,
    RANGES,
    WARM_UP_S,
    Trend,
    TrendFeatures,
    TrendModel,
    predict,
    read_models,
    shipped_models,
    slope_per_s,
)
from edge_affect.errors import CannotWriteError, DataError
from edge_affect.evaluation.mood_sequences import MoodSequence, Tick
from edge_affect.evaluation.trend import cases_of, evaluate_trend, write_models
from edge_affect.record import Expression

PERSISTENCE = TrendModel(True, (0.0, 1.0, 0.0, 0.0, 0.0), (0.5,), (-0.1, -0.2), (0.1, 0.2))
ALL = dict.fromkeys(QUANTITIES, PERSISTENCE)


def valued(valence, arousal=0):
    return replace(angry(0.2), valence=valence, arousal=arousal)


def test_the_table_publishes_only_what_beat_persistence():
    text = resources.files("edge_affect.alerting").joinpath("trend.json").read_text()
    rows = json.loads(text)["quantities"]
    assert set(rows) == set(QUANTITIES)
    for name, row in rows.items():
        told = row["figures"]
        assert row["is_published"] == (told.get("skill_low", 0.0) > 0.0), name
        if row["is_published"]:
            assert told["mse"] < told["mse_persistence"]
            assert told["n"] >= 200
    assert {name for name, model in shipped_models().items() if model.is_published} == set(
        Trend().quantities
    )


def test_the_slope_of_a_steady_change_is_its_slope():
    features, found = TrendFeatures(), None
    for second in range(400):
        found = features.step(ns(second), second / 400)
    assert slope_per_s(found) == pytest.approx(1 / 400, rel=0.02)


def test_nothing_is_said_before_enough_is_known_nor_of_what_is_not():
    trend = Trend({**ALL, "attention": replace(PERSISTENCE, is_published=False)})
    assert trend.quantities == ("valence", "arousal", "anger")
    said = [trend.step(ns(second), valued(5)) for second in range(15)]
    assert [s["valence"] is None for s in said] == [True] * 10 + [False] * 5
    assert said[-1]["anger"].forecast == 0.2
    assert set(trend.step(ns(15), NOBODY).values()) == {None}
    assert set(trend.step(ns(16), None).values()) == {None}
    assert trend.step(ns(17), valued(None))["valence"] is None
    assert trend.step(ns(18), valued(5))["valence"] is not None


def test_after_a_long_silence_it_starts_again():
    trend = Trend(ALL)
    for second in range(20):
        trend.step(ns(second), valued(15))
    for second in range(20, 20 + round(FORGET_S)):
        trend.step(ns(second), NOBODY)
    later = [trend.step(ns(60 + second), valued(-15))["valence"] for second in range(12)]
    assert [point is None for point in later] == [True] * round(WARM_UP_S) + [False] * 2
    assert later[-1].slope_per_s == 0.0


VALUES = st.lists(
    st.tuples(st.sampled_from([0.2, 1.0, 5.0, 40.0]), st.none() | st.integers(-15, 15)),
    max_size=60,
)
WEIGHTS = st.lists(st.floats(-3.0, 3.0), min_size=N_FEATURES, max_size=N_FEATURES)


@settings(max_examples=80, deadline=None)
@given(VALUES, WEIGHTS)
def test_what_is_said_is_bounded_ordered_and_the_same_again(run, weights):
    model = TrendModel(True, tuple(weights), (0.0,), (-0.3, 0.1), (0.2, -0.1))

    def told(n_times):
        trend, now_ns, said = Trend({"valence": model}), 0, []
        for pause_s, value in run:
            now_ns += ns(pause_s)
            record = None if value is None else valued(value)
            points = [trend.step(now_ns, record)["valence"] for _ in range(n_times)]
            # What is not later says nothing.
            assert points[1:] == [None] * (n_times - 1)
            said.append(points[0])
        return said

    said = told(1)
    assert said == told(2)
    low, high = RANGES["valence"]
    for point in said:
        if point is not None:
            assert low <= point.low <= point.forecast <= point.high <= high
            assert math.isfinite(point.slope_per_s)
            assert abs(point.slope_per_s) <= 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([NOBODY, None]), max_size=50))
def test_nothing_known_says_nothing(run):
    trend = Trend(ALL)
    for second, record in enumerate(run):
        assert set(trend.step(ns(second), record).values()) == {None}


def row(**changes):
    values = {"is_published": True, "weights": [0] * 5, "edges": [], "low": [0], "high": [0]}
    return json.dumps({"quantities": {"valence": {**values, **changes}}})


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"quantities": {"valence": {}}}', row(weights=[1]), row(weights=[math.nan] * 5),
     row(edges=[0.1]), row(low=["a"])],
)  # fmt: skip
def test_a_damaged_table_is_refused(text):
    assert read_models(row())["valence"].is_published
    with pytest.raises(DataError, match="table of trends"):
        read_models(text)


# ---- what decides ----


def sequences(value_of, n_sequences=6, n_ticks=300):
    """Sequences whose valence is what ``value_of`` makes of chance and the value before."""
    made = []
    for number in range(n_sequences):
        chance, value, ticks = random.Random(number), 0.0, []  # noqa: S311 (no secret)
        for second in range(n_ticks):
            value = min(max(value_of(chance, value, second), -1.0), 1.0)
            record = replace(angry(0.2), valence=round(value * 15))
            ticks.append(Tick(float(second), record, Expression.NEUTRAL))
        made.append(MoodSequence(str(number), tuple(ticks)))
    return tuple(made)


def decided(value_of):
    made = sequences(value_of)
    report, models = evaluate_trend(made[:3], made[3:], {})
    assert report["attention"]["why"] == "too few moments at which it is known"
    return report["valence"], models


def test_noise_around_a_mean_can_be_forecast():
    row, models = decided(lambda chance, _value, _second: 0.4 + chance.gauss(0.0, 0.3))
    assert row["is_published"]
    assert 0.4 < row["skill_low"] <= row["skill"] <= row["skill_high"] < 0.6
    assert 0.75 < row["coverage"] < 0.85
    assert "valence" in models
    point = predict(models["valence"], (1.0, 1.0, 0.4, 0.4, 0.4), "valence")
    assert 0.3 < point.forecast < 0.6


def test_a_walk_by_chance_cannot_and_is_left_out():
    row, models = decided(lambda chance, value, _second: value + chance.gauss(0.0, 0.02))
    assert not row["is_published"]
    assert row["skill_low"] <= 0.0
    assert "valence" not in models


def test_cases_need_both_ends_known():
    (sequence,) = sequences(lambda *_: 0.5, n_sequences=1, n_ticks=60)
    cut = replace(
        sequence,
        ticks=tuple(replace(t, record=NOBODY) if 30 <= t.at_s < 35 else t for t in sequence.ticks),
    )
    # From 10 to 49 s both ends are known, but for five without a now and five without a then.
    assert cases_of((sequence,), "valence").n == 40
    assert cases_of((cut,), "valence").n == 30
    assert cases_of((cut,), "attention").n == 0
    assert cases_of((cut,), "valence").features.shape[1] == 2 + len(HALF_LIVES_S)


def test_what_is_written_is_what_is_read(tmp_path):
    made = sequences(lambda chance, _value, _second: 0.4 + chance.gauss(0.0, 0.3))
    report, models = evaluate_trend(made[:3], made[3:], {})
    path = tmp_path / "trend.json"
    write_models(path, report, models, {"corpus": "none"})
    read = read_models(path.read_text())
    assert {name: model.is_published for name, model in read.items()} == {
        "valence": True, "arousal": False, "anger": False, "attention": False,
    }  # fmt: skip
    assert read["valence"] == models["valence"]
    again, _ = evaluate_trend(None, made[3:], read)
    assert again["valence"]["skill"] == report["valence"]["skill"]
    assert again["anger"] == {"n": 840, "is_published": False, "why": "it never changes"}
    with pytest.raises(CannotWriteError):
        write_models(tmp_path / "no" / "x.json", report, models, {})
