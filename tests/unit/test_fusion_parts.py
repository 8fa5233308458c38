"""The parts of late fusion by property: bounded, free of order, monotone, silent on nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population
from edge_affect.errors import ShapeError
from edge_affect.fusion.incongruence import Incongruence, agreement
from edge_affect.fusion.joint import Evidence, JointWeights, ModalityWeights
from edge_affect.fusion.person import PersonNormal, PersonPopulation, centred_logs

K = 8
distributions = st.lists(st.floats(0.001, 1.0), min_size=K, max_size=K).map(
    lambda values: np.array(values) / sum(values)
)
shares = st.floats(0.0, 1.0)
WEIGHTS = JointWeights(
    classes=tuple("abcdefgh"),
    modalities={
        "face": ModalityWeights(("f",), np.array([1.0]), np.array([0.8])),
        "voice": ModalityWeights(("v",), np.array([0.9]), np.array([0.7])),
    },
)


def everybody(spread_prior=5.0, guard=None):
    population = Population(np.zeros(K), np.full(K, 0.5), np.full(K, 1.0))
    effects = ExpressionEffects(np.eye(K) * 3.0 - 3.0 / K, np.ones(K))
    return PersonPopulation(
        population, effects, np.full(K, 1.5), guard or MoodGuard(), spread_prior
    )


@given(distributions, distributions, shares, shares)
def test_the_pool_is_a_distribution_whatever_the_order(face, voice, first, second):
    evidence = {"face": Evidence(face[None], first), "voice": Evidence(voice[None], second)}
    said = WEIGHTS.pooled(evidence)
    assert said.min() >= 0.0
    assert np.isclose(said.sum(), 1.0)
    assert np.array_equal(said, WEIGHTS.pooled(dict(reversed(evidence.items()))))


@given(distributions, distributions, shares, shares)
def test_a_modality_that_counts_more_moves_the_answer_its_way(face, voice, low, high):
    low, high = sorted((low, high))
    top = int(voice.argmax())
    less, more = (
        WEIGHTS.pooled({"face": Evidence(face[None]), "voice": Evidence(voice[None], weight)})
        for weight in (low, high)
    )
    # Of any two expressions the one that the voice favours gains: exponents of the voice grow.
    # The face's exponent falls meanwhile, from alone to joint, so the face is taken out of it.
    grown = np.log(more) - np.log(less) - (0.8 - 1.0) * (high - low) * np.log(face)
    assert (grown[top] - grown >= -1e-6).all()


@given(distributions, distributions, shares)
def test_what_counts_for_nothing_changes_nothing(face, voice, weight):
    alone = WEIGHTS.pooled({"face": Evidence(face[None], weight)})
    both = {"face": Evidence(face[None], weight), "voice": Evidence(voice[None], 0.0)}
    assert np.allclose(WEIGHTS.pooled(both), alone)


def test_no_weight_at_all_says_nothing():
    said = WEIGHTS.pooled({"face": Evidence(np.eye(K)[:1] * 0.5 + 0.5 / K, 0.0)})
    assert np.allclose(said, 1.0 / K)


@given(distributions, distributions)
def test_agreement_is_a_chance_and_the_same_from_both_sides(first, second):
    both = float(agreement(first, second))
    assert 0.0 <= both <= 1.0
    assert both == pytest.approx(float(agreement(second, first)))
    level = Incongruence().level(first, second)
    assert 0.0 <= level <= 1.0


def test_conflict_grows_as_two_certain_modalities_part():
    certain = np.full(K, 0.01 / (K - 1))
    certain[1] = 0.99
    other = np.roll(certain, 2)
    levels = [
        Incongruence().level(certain, (1.0 - share) * certain + share * other)
        for share in np.linspace(0.0, 1.0, 6)
    ]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 0.5


def test_only_what_both_models_know_is_compared():
    first = np.array([0.5, 0.5, 0.0])
    second = np.array([0.2, 0.0, 0.8])
    assert agreement(first, second) == pytest.approx(1.0)
    assert Incongruence().level(np.array([1.0, 0.0]), np.array([0.0, 1.0])) is None
    with pytest.raises(ShapeError):
        agreement(first, second[:2])
    with pytest.raises(ShapeError):
        Incongruence(slope=1.0)


@given(distributions)
def test_nobody_known_is_read_as_the_models_say(p):
    assert np.allclose(PersonNormal(everybody()).corrected(p[None])[0], p, atol=1e-9)


@given(st.lists(distributions, min_size=1, max_size=8), distributions)
def test_whatever_was_seen_the_answer_is_a_distribution(seen, p):
    person = PersonNormal(everybody())
    for one in seen:
        person.observe(one[None], one)
    said = person.corrected(p[None])
    assert said.min() >= 0.0
    assert np.isclose(said.sum(), 1.0)
    person.forget()
    assert np.allclose(person.corrected(p[None])[0], p, atol=1e-9)


def test_a_resting_face_is_learned_and_a_mood_is_not():
    generator = np.random.default_rng(0)
    tilt = np.zeros(K)
    tilt[3] = 1.5

    def shown(expression, extra):
        z = 3.0 * np.eye(K)[expression] + extra + generator.normal(0, 0.5, K)
        return np.exp(z) / np.exp(z).sum()

    lively, sad = PersonNormal(everybody()), PersonNormal(everybody())
    for _ in range(5):
        for expression in range(K):
            p = shown(expression, tilt)
            lively.observe(p[None], p)
    for _ in range(40):
        p = shown(3, 0.0)
        sad.observe(p[None], p)
    resting = np.exp(tilt) / np.exp(tilt).sum()
    assert lively.corrected(resting[None])[0, 3] < 0.5 * resting[3]
    # Forty sad readings in a row: the forty-first still reads sad.
    p = shown(3, 0.0)
    assert sad.corrected(p[None])[0].argmax() == 3
    assert sad.corrected(p[None])[0, 3] > 0.6
    unguarded = PersonNormal(everybody(guard=MoodGuard(0.98, 0.99)))
    for _ in range(40):
        q = shown(3, 0.0)
        unguarded.observe(q[None], q)
    assert unguarded.corrected(p[None])[0, 3] < sad.corrected(p[None])[0, 3] - 0.2


def test_unknown_classes_stay_unknown():
    p = np.array([[0.5, 0.3, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0]])
    assert centred_logs(p)[0, 2] == 0.0
    assert centred_logs(p)[0, [0, 1, 3]].sum() == pytest.approx(0.0)
    said = PersonNormal(everybody()).corrected(p)
    assert np.allclose(said, p)


def test_fitted_numbers_out_of_range_are_refused():
    with pytest.raises(ShapeError):
        ModalityWeights(("f",), np.array([-0.1]), np.array([1.0]))
    with pytest.raises(ShapeError):
        ModalityWeights(("f", "g"), np.array([1.0]), np.array([1.0]))
    with pytest.raises(ShapeError):
        everybody(spread_prior=0.0)
