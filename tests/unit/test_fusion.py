"""Fusion: bounded, order-free, monotone in reliability, and silent where it must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.config import Fusion
from edge_affect.errors import ManifestError, ShapeError
from edge_affect.fusion.circumplex import VALENCE_AROUSAL, valence_arousal
from edge_affect.fusion.evidence import scene_of_faces
from edge_affect.fusion.filtering import MOST_RUNS, EvidenceFilter, FilterSettings
from edge_affect.fusion.joint import FILE_NAME, product_weights
from edge_affect.fusion.pooling import freshness, linear_pool, log_linear_pool
from edge_affect.fusion.scene import SceneFusion, evidence_of
from edge_affect.perception.model_store import shipped_manifests, shipped_models_dir
from edge_affect.record import AbstainReason, Expression, Modality
from edge_affect.types import ExpressionEstimate, FaceObservation, VoiceObservation

S = 1_000_000_000
VOICE_CLASSES = [0, 1, 3, 4, 5, 6]


def distribution(top: int, mass: float, known=range(8)) -> np.ndarray:
    known = list(known)
    p = np.zeros(8)
    p[known] = (1 - mass) / (len(known) - 1)
    p[top] = mass
    return p


def face(top: int, mass: float, at_s: float = 0.0) -> FaceObservation:
    estimate = ExpressionEstimate(distribution(top, mass), mass, round(at_s * S))
    return FaceObservation(1, (estimate,), round(at_s * S))


def voice(top: int, mass: float, at_s: float = 0.0) -> VoiceObservation:
    p = distribution(top, mass, VOICE_CLASSES)
    return VoiceObservation(1.0, ExpressionEstimate(p, mass, round(at_s * S)), round(at_s * S))


def fused(*observations, at_s: float = 0.0, settings: Fusion | None = None):
    fusion = SceneFusion(settings or Fusion(smoothing_half_life_s=0.0))
    for observation in observations:
        if isinstance(observation, FaceObservation):
            fusion.add_faces(observation)
            fusion.add_faces(observation)
        else:
            fusion.add_voice(observation)
    return fusion.scene(round(at_s * S))


probabilities = st.lists(st.floats(0.01, 1.0), min_size=8, max_size=8).map(
    lambda values: np.array(values) / sum(values)
)


@given(st.lists(st.tuples(probabilities, st.floats(0.01, 1.0)), min_size=1, max_size=6))
def test_pools_are_distributions_and_free_of_order(rows):
    p = np.stack([row[0] for row in rows])
    w = np.array([row[1] for row in rows])
    for pool in (linear_pool, log_linear_pool):
        pooled = pool(p, w)
        assert pooled.shape == (8,)
        assert pooled.min() >= 0.0
        assert np.isclose(pooled.sum(), 1.0)
        assert np.allclose(pool(p[::-1], w[::-1]), pooled)


def test_an_exponent_of_one_keeps_a_lone_distribution_and_zero_ignores_it():
    p = distribution(4, 0.7)
    assert np.allclose(log_linear_pool(p[None], np.ones(1)), p)
    assert np.allclose(log_linear_pool(p[None], np.zeros(1)), np.full(8, 1 / 8))


def test_classes_a_model_does_not_know_are_no_evidence():
    voice_only = log_linear_pool(distribution(3, 0.6, VOICE_CLASSES)[None], np.ones(1))
    assert voice_only[Expression.SURPRISE] == voice_only[Expression.CONTEMPT] == 0.0
    flat_voice = np.zeros(8)
    flat_voice[VOICE_CLASSES] = 1 / 6
    surprised = distribution(Expression.SURPRISE, 0.8)
    assert np.allclose(log_linear_pool(np.stack([surprised, flat_voice]), np.ones(2)), surprised)


def test_pools_refuse_what_does_not_fit():
    with pytest.raises(ShapeError):
        linear_pool(np.ones((2, 8)) / 8, np.ones(3))
    with pytest.raises(ShapeError):
        linear_pool(np.ones((2, 8)) / 8, np.zeros(2))
    with pytest.raises(ShapeError):
        log_linear_pool(np.ones(8) / 8, np.ones(1))


def test_freshness_halves_and_ends():
    assert [freshness(a, 1.0, 3.0) for a in (-1.0, 0.0, 1.0, 2.0, 3.5)] == [1, 1, 0.5, 0.25, 0]


def test_agreement_is_surer_than_either_alone():
    both = fused(face(1, 0.7), voice(1, 0.7))
    alone = fused(face(1, 0.7))
    assert both.confidence > alone.confidence == pytest.approx(0.7)
    assert both.modalities == Modality.FACE | Modality.VOICE


def test_the_more_reliable_modality_wins_a_quarrel():
    scene = fused(face(1, 0.9), voice(3, 0.5))
    assert scene.probabilities.argmax() == Expression.HAPPINESS
    scene = fused(face(1, 0.4), voice(3, 0.9))
    assert scene.probabilities.argmax() == Expression.SADNESS


@given(st.floats(0.2, 0.95), st.floats(0.2, 0.95))
def test_more_reliable_evidence_never_weighs_less(low, high):
    low, high = sorted((low, high))
    weaker = fused(face(1, 0.6), voice(3, low))
    stronger = fused(face(1, 0.6), voice(3, high))
    floor = Fusion().min_confidence
    if weaker.probabilities is None or stronger.probabilities is None:
        assert min(weaker.confidence, stronger.confidence) < floor
        return
    sadness = Expression.SADNESS
    assert stronger.probabilities[sadness] >= weaker.probabilities[sadness] - 1e-9


def test_a_stale_modality_fades_and_then_counts_for_nothing():
    fresh = fused(face(1, 0.9, 0.0), voice(3, 0.9, 0.0), at_s=0.0)
    older = fused(face(1, 0.9, 0.0), voice(3, 0.9, 2.0), at_s=2.0)
    gone = fused(face(1, 0.9, 0.0), voice(3, 0.9, 4.0), at_s=4.0)
    joy = [s.probabilities[Expression.HAPPINESS] for s in (fresh, older)]
    assert joy[0] > 5 * joy[1]
    assert np.allclose(gone.probabilities, distribution(3, 0.9, VOICE_CLASSES))
    assert gone.modalities == Modality.VOICE
    assert gone.n_faces is None


@pytest.mark.parametrize(
    ("observations", "at_s", "reason"),
    [
        ((), 0.0, AbstainReason.STARTING),
        ((FaceObservation(0, (), 0),), 0.0, AbstainReason.NOBODY),
        ((FaceObservation(0, (), 0), VoiceObservation(0.0, None, 0)), 0.0, AbstainReason.NOBODY),
        ((FaceObservation(2, (), 0),), 0.0, AbstainReason.POOR_QUALITY),
        ((VoiceObservation(0.2, None, 0),), 0.0, AbstainReason.POOR_QUALITY),
        ((face(1, 0.2),), 0.0, AbstainReason.LOW_CONFIDENCE),
        ((face(1, 0.9),), 10.0, AbstainReason.NO_SOURCE),
        ((face(1, 0.9), FaceObservation(0, (), S)), 1.5, AbstainReason.NOBODY),
    ],
)
def test_it_abstains_and_says_why(observations, at_s, reason):
    scene = fused(*observations, at_s=at_s)
    assert scene.abstained is reason
    assert scene.probabilities is None
    assert scene.valence is None
    assert scene.arousal is None
    assert scene.confidence == 0.0


def answered(readings, rate_hz, settings=None):
    """Return the filtered distribution after each reading."""
    s = settings or Fusion()
    one = EvidenceFilter(FilterSettings(s.smoothing_half_life_s, s.expression_half_life_s))
    said = []
    for number, p in enumerate(readings):
        one.add(ExpressionEstimate(p, float(p.max()), round(number / rate_hz * S)))
        said.append(one.estimate.probabilities)
        assert one.n_runs <= MOST_RUNS
    return np.stack(said)


@pytest.mark.parametrize("rate_hz", [10.0, 5.0, 1.0])
@pytest.mark.parametrize("mass", [0.9, 0.6])
def test_an_abrupt_change_is_followed_within_seven_tenths_of_a_second(rate_hz, mass):
    n = round(5 * rate_hz)
    said = answered([distribution(1, mass)] * n + [distribution(3, mass)] * n, rate_hz)
    assert (said[:n].argmax(axis=1) == 1).all()
    first = int((said[n:].argmax(axis=1) == 3).argmax())
    assert said[n + first].argmax() == 3
    assert first / rate_hz <= 0.7


@pytest.mark.parametrize("length", [1, 2])
def test_a_slip_of_a_frame_or_two_does_not_change_the_answer(length):
    readings = [distribution(1, 0.8)] * 20 + [distribution(6, 0.8)] * length
    said = answered(readings + [distribution(1, 0.8)] * 20, 10.0)
    assert (said.argmax(axis=1) == 1).all()


def test_a_mixture_stays_a_mixture_and_the_same_reading_is_answered_as_it_is():
    both = 0.5 * distribution(1, 0.9) + 0.5 * distribution(2, 0.9)
    assert np.allclose(answered([both] * 50, 10.0)[-1], both)


def test_noise_between_two_expressions_changes_the_answer_less_than_smoothing_would():
    generator = np.random.default_rng(0)
    base = 0.55 * distribution(0, 0.9) + 0.45 * distribution(3, 0.9)
    powers = base * np.exp(generator.normal(0.0, 0.6, (600, 8)))
    readings = powers / powers.sum(axis=1, keepdims=True)
    said = answered(list(readings), 10.0).argmax(axis=1)
    smooth, tops = readings[0], []
    for p in readings:
        kept = 0.5 ** (0.1 / 0.5)
        smooth = kept * smooth + (1.0 - kept) * p
        tops.append(int(smooth.argmax()))
    n_said, n_smooth = (int((np.diff(one) != 0).sum()) for one in (said, np.array(tops)))
    assert n_smooth > 10
    assert n_said < 0.5 * n_smooth


def noisy(base, generator, n):
    powers = base * np.exp(generator.normal(0.0, 0.6, (n, 8)))
    return list(powers / powers.sum(axis=1, keepdims=True))


def test_a_near_tie_does_not_flicker_and_the_answer_waits_at_the_border():
    tie = np.full(8, 0.2 / 6)
    tie[[0, 3]] = 0.42, 0.38
    readings = noisy(tie, np.random.default_rng(5), 600)
    held = answered(readings, 10.0).argmax(axis=1)
    one = EvidenceFilter(FilterSettings(1.0, 10.0, switch_cost=0.0))
    free, largest = [], 0.0
    for number, (p, top) in enumerate(zip(readings, held, strict=True)):
        one.add(ExpressionEstimate(p, 0.5, round(number / 10.0 * S)))
        q = one.estimate.probabilities
        free.append(int(q.argmax()))
        largest = max(largest, float(q.max() - q[top]))
    n_held, n_free = (int((np.diff(tops) != 0).sum()) for tops in (held, np.array(free)))
    assert n_free > 30
    assert n_held <= 6
    assert largest < 0.3


@pytest.mark.parametrize("rate_hz", [10.0, 5.0, 1.0])
@pytest.mark.parametrize("mass", [0.9, 0.6, 0.45])
def test_noise_does_not_make_an_abrupt_change_wait(rate_hz, mass):
    for seed in range(5, 10):
        generator = np.random.default_rng(seed)
        n = round(8 * rate_hz)
        readings = noisy(distribution(1, mass), generator, n)
        said = answered(readings + noisy(distribution(3, mass), generator, n), rate_hz)
        first = int((said[n:].argmax(axis=1) == 3).argmax())
        assert said[n + first].argmax() == 3
        assert first / rate_hz <= 0.7


@given(st.lists(st.tuples(probabilities, st.floats(0.0, 20.0)), min_size=1, max_size=25))
def test_whatever_is_read_and_whenever_the_filter_answers_with_a_distribution(rows):
    one, at_s = EvidenceFilter(FilterSettings(2.0, 10.0)), 0.0
    for p, wait_s in rows:
        at_s += wait_s
        one.add(ExpressionEstimate(p, float(p.max()), round(at_s * S)))
        low, high = np.min([r[0] for r in rows], axis=0), np.max([r[0] for r in rows], axis=0)
        assert (one.estimate.probabilities >= low - 1e-6).all()
        assert (one.estimate.probabilities <= high + 1e-6).all()
    one.forget()
    assert one.estimate is None


def test_what_a_model_does_not_know_stays_unknown_over_time():
    said = answered([distribution(t, 0.7, VOICE_CLASSES) for t in (1, 1, 3, 3, 4)], 1.0)
    assert (said[:, [2, 7]] == 0.0).all()


def test_a_face_in_a_single_frame_is_a_slip():
    fusion = SceneFusion(Fusion())
    empty = FaceObservation(0, (), 0)
    for observation in (empty, face(1, 0.9), empty):
        fusion.add_faces(observation)
        assert fusion.scene(0).abstained is AbstainReason.NOBODY
        assert fusion.scene(0).n_faces == 0
    for observation in (face(1, 0.9), face(1, 0.9)):
        fusion.add_faces(observation)
    assert fusion.scene(0).n_faces == 1
    assert fusion.scene(0).abstained is AbstainReason.NONE


def test_a_scene_forgets_when_told():
    fusion = SceneFusion(Fusion())
    fusion.add_faces(face(1, 0.9))
    fusion.add_faces(face(1, 0.9))
    fusion.forget()
    assert fusion.scene(0).abstained is AbstainReason.STARTING


def test_faces_are_averaged_by_reliability_and_not_by_order():
    happy, sad = (ExpressionEstimate(distribution(t, m), m, 0) for t, m in ((1, 0.9), (3, 0.5)))
    one = scene_of_faces(FaceObservation(2, (happy, sad), 0))
    other = scene_of_faces(FaceObservation(2, (sad, happy), 0))
    assert np.allclose(one.probabilities, other.probabilities)
    assert one.probabilities.argmax() == Expression.HAPPINESS
    assert one.probabilities[3] > 0.15


@given(probabilities)
def test_valence_and_arousal_stay_in_range(p):
    valence, arousal = valence_arousal(p)
    assert -1.0 <= valence <= 1.0
    assert -1.0 <= arousal <= 1.0


def test_valence_and_arousal_point_the_right_way():
    assert VALENCE_AROUSAL.shape == (8, 2)
    happy, sad, angry = (valence_arousal(np.eye(8)[e]) for e in (1, 3, 4))
    assert happy[0] > 0 > sad[0]
    assert angry[1] > 0 > sad[1]
    assert valence_arousal(np.eye(8)[0]) == (0.0, 0.0)


def test_the_shipped_weights_are_those_of_the_shipped_models():
    path = shipped_models_dir() / FILE_NAME
    weights = product_weights(path)
    shipped = {one.name: one.sha256 for one in shipped_manifests()}
    named = {row["model"]: row["sha256"] for row in weights.provenance["fitted_on"]}
    assert set(named) == {"face_expression", "voice_expression"}
    for modality in ("face", "voice"):
        assert weights.modalities[modality].sources == (f"{modality}_expression",)
        assert 0.5 < weights.modalities[modality].alone[0] < 1.5
    for name, sha256 in named.items():
        assert shipped[name] == sha256, "fit the weights of fusion again: make train-fusion"


def test_weights_of_other_expressions_are_refused(tmp_path):
    path = tmp_path / "fusion.json"
    text = (shipped_models_dir() / FILE_NAME).read_text(encoding="utf-8")
    path.write_text(text.replace('"contempt"', '"boredom"'), encoding="utf-8")
    with pytest.raises(ManifestError, match="other expressions"):
        product_weights(path)


@given(st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_evidence_weighs_by_age_and_reliability(first, second):
    fresh = (
        (Modality.FACE, ExpressionEstimate(distribution(1, 0.6), first, 0), 1.0),
        (Modality.VOICE, ExpressionEstimate(distribution(3, 0.6), second, 0), 0.5),
    )
    weights = {name: one.weight for name, one in evidence_of(fresh).items()}
    assert set(weights) == {"face", "voice"}
    assert weights["face"] <= 1.0
    assert weights["voice"] <= 0.5
    assert max(weights["face"], 2.0 * weights["voice"]) == pytest.approx(1.0)
