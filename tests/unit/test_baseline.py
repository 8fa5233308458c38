"""The running baseline: everybody's normal first, the person's own soon, a mood never."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population, RunningBaseline
from edge_affect.errors import ShapeError

EVERYBODY = Population(np.array([200.0, 0.0]), np.array([50.0, 0.5]), np.array([25.0, 1.0]))


def heard(values, **settings):
    baseline = RunningBaseline(EVERYBODY, **settings)
    for value in values:
        baseline.observe(np.asarray(value, dtype=np.float64))
    return baseline


def test_before_anything_is_seen_everybody_is_normal():
    baseline = RunningBaseline(EVERYBODY)
    assert baseline.normal.tolist() == [200.0, 0.0]
    assert baseline.relative(np.array([225.0, -2.0])).tolist() == [1.0, -2.0]
    assert baseline.weight == 0.0


def test_it_is_the_posterior_mean_of_a_normal_mean():
    baseline = heard([[120.0, 1.0], [140.0, 1.0], [130.0, 1.0]])
    # prior weights are (25/50)**2 and (1/0.5)**2
    assert baseline.normal[0] == pytest.approx(200.0 - (80 + 60 + 70) / 3.25)
    assert baseline.normal[1] == pytest.approx(3.0 / 7.0)


def test_it_finds_the_person_in_the_long_run():
    rng = np.random.default_rng(0)
    own = np.array([150.0, 0.8])
    baseline = heard(own + EVERYBODY.within * rng.standard_normal((400, 2)))
    assert np.abs(baseline.normal - own).max() < 4.0
    assert abs(baseline.normal[1] - 0.8) < 0.12


def test_the_order_does_not_matter_while_nothing_fades():
    values = np.random.default_rng(1).normal(180.0, 20.0, (9, 2))
    assert heard(values).normal == pytest.approx(heard(values[::-1]).normal)


NEUTRAL, ANGER = np.array([1.0, 0.0]), np.array([0.0, 1.0])
EFFECTS = ExpressionEffects(np.array([[-30.0, -0.7], [30.0, 0.7]]), np.array([1.5, 0.5]))


def test_a_mood_leaves_the_baseline_alone():
    guard = MoodGuard(low_share=0.6, high_share=0.8, strength=1.0)
    baseline = RunningBaseline(EVERYBODY, EFFECTS, guard)
    unguarded = RunningBaseline(EVERYBODY)
    angry = EVERYBODY.mean + EFFECTS.shifts[1]
    for _ in range(50):
        baseline.observe(angry, ANGER)
        unguarded.observe(angry)
    assert baseline.engaged == 1.0
    assert baseline.normal == pytest.approx(EVERYBODY.mean)
    assert unguarded.normal[0] > 229.0


def test_expressions_in_balance_are_not_looked_at():
    guard = MoodGuard(low_share=0.6, high_share=0.8)
    baseline = RunningBaseline(EVERYBODY, EFFECTS, guard)
    values = [[150.0, -0.5], [250.0, 1.0]] * 5
    for value, read in zip(values, [NEUTRAL, ANGER] * 5, strict=True):
        baseline.observe(np.array(value), read)
    assert baseline.engaged == 0.0
    assert baseline.offset[0] == pytest.approx(heard(values).offset[0], abs=2.5)


def test_the_guard_engages_gradually():
    guard = MoodGuard(low_share=0.6, high_share=0.8, prior=1.0)
    assert guard.engaged(np.array([0.0, 0.0])) == 0.0
    assert guard.engaged(np.array([6.0, 2.0])) == pytest.approx(0.5)
    assert guard.engaged(np.array([9.0, 0.0])) == 1.0


def test_an_expression_that_varies_much_says_less_while_the_guard_is_engaged():
    guard = MoodGuard(low_share=0.0, high_share=0.1)
    baseline = RunningBaseline(EVERYBODY, EFFECTS, guard)
    baseline.observe(EVERYBODY.mean, ANGER)
    assert baseline.weight == pytest.approx(0.5)
    baseline.observe(EVERYBODY.mean, NEUTRAL)
    assert baseline.weight == pytest.approx(2.0)


def test_expressions_that_make_no_sense():
    baseline = RunningBaseline(EVERYBODY, EFFECTS)
    with pytest.raises(ShapeError, match="needs 2 probabilities"):
        baseline.observe(EVERYBODY.mean)
    with pytest.raises(ShapeError, match="needs 2 probabilities"):
        baseline.observe(EVERYBODY.mean, np.ones(3) / 3)
    with pytest.raises(ShapeError, match="sum to 1"):
        baseline.observe(EVERYBODY.mean, np.array([0.9, 0.9]))
    with pytest.raises(ShapeError, match="knows no effects"):
        RunningBaseline(EVERYBODY).observe(EVERYBODY.mean, NEUTRAL)
    with pytest.raises(ShapeError, match="another number of values"):
        RunningBaseline(EVERYBODY, ExpressionEffects(np.zeros((2, 3)), np.ones(2)))
    with pytest.raises(ShapeError, match="k weights"):
        ExpressionEffects(np.zeros((2, 3)), np.ones(3))
    with pytest.raises(ShapeError, match="above 0"):
        ExpressionEffects(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ShapeError, match="finite"):
        ExpressionEffects(np.full((2, 3), np.inf), np.ones(2))
    with pytest.raises(ShapeError, match="low_share < high_share"):
        MoodGuard(low_share=0.5, high_share=0.5)
    with pytest.raises(ShapeError, match="prior > 0"):
        MoodGuard(prior=0.0)
    assert baseline.weight == 0.0


def test_it_never_goes_further_from_everybody_than_its_reach():
    assert heard([[900.0, -9.0]] * 100, reach=2.0).offset.tolist() == [100.0, -1.0]


def test_a_value_in_which_people_do_not_differ_stays():
    everybody = Population(np.zeros(2), np.array([0.0, 1.0]), np.ones(2))
    baseline = RunningBaseline(everybody)
    for _ in range(20):
        baseline.observe(np.ones(2))
    assert baseline.offset[0] == 0.0
    assert baseline.offset[1] > 0.9


def test_old_observations_fade_where_memory_is_short():
    before, after = [[150.0, 0.0]] * 50, [[250.0, 0.0]] * 10
    slow, quick = heard(before + after), heard(before + after, memory=5.0)
    assert slow.normal[0] < 175.0
    assert quick.normal[0] > 225.0
    assert quick.weight == pytest.approx(5.0)


def test_weight_counts_as_repetition():
    once = RunningBaseline(EVERYBODY)
    once.observe(np.array([100.0, 1.0]), weight=3.0)
    assert once.normal == pytest.approx(heard([[100.0, 1.0]] * 3).normal)
    once.observe(np.array([900.0, 9.0]), weight=0.0)
    assert once.normal == pytest.approx(heard([[100.0, 1.0]] * 3).normal)


def test_it_forgets():
    baseline = heard([[100.0, 1.0]] * 9)
    baseline.forget()
    assert baseline.normal.tolist() == [200.0, 0.0]
    assert baseline.weight == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.1, 5.0))
def test_the_offset_is_never_beyond_what_was_seen_nor_the_reach(values, reach):
    everybody = Population(np.zeros(1), np.ones(1), np.ones(1))
    baseline = RunningBaseline(everybody, reach=reach)
    for value in values:
        baseline.observe(np.array([value]))
    offset = float(baseline.offset[0])
    assert abs(offset) <= reach
    assert min(0.0, *values, 0.0) - 1e-6 <= offset <= max(0.0, *values, 0.0) + 1e-6


@pytest.mark.parametrize(
    ("mean", "between", "within", "message"),
    [
        ([], [], [], "one mean for each value"),
        ([[0.0]], [[1.0]], [[1.0]], "one mean for each value"),
        ([0.0], [1.0, 1.0], [1.0], "of one shape"),
        ([0.0], [-1.0], [1.0], "between >= 0"),
        ([0.0], [1.0], [0.0], "within > 0"),
        ([np.nan], [1.0], [1.0], "finite"),
    ],
)
def test_a_population_that_makes_no_sense(mean, between, within, message):
    with pytest.raises(ShapeError, match=message):
        Population(np.array(mean), np.array(between), np.array(within))


def test_values_that_make_no_sense():
    baseline = RunningBaseline(EVERYBODY)
    with pytest.raises(ShapeError, match=r"given \(3,\)"):
        baseline.observe(np.zeros(3))
    with pytest.raises(ShapeError, match="not finite"):
        baseline.observe(np.array([np.nan, 0.0]))
    with pytest.raises(ShapeError, match="not finite"):
        baseline.relative(np.array([np.inf, 0.0]))
    with pytest.raises(ShapeError, match="weight -1"):
        baseline.observe(np.zeros(2), weight=-1.0)
    with pytest.raises(ShapeError, match="reach > 0"):
        RunningBaseline(EVERYBODY, reach=0.0)
    with pytest.raises(ShapeError, match="memory > 0"):
        RunningBaseline(EVERYBODY, memory=np.nan)
    assert baseline.weight == 0.0
