"""Valence and arousal against what is normal here: learned, bounded, forgotten, no mood taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.config import Fusion
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.fusion.relative import RelativeAffect, RelativeSettings
from edge_affect.fusion.scene import SceneFusion
from edge_affect.perception.expression_model import VoiceReading
from edge_affect.perception.voice_baseline import CallBaseline, VoiceBaselineModel
from edge_affect.perception.voice_manner import MANNER_NAMES
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    ObservedFace,
    VoiceObservation,
)

S = 1_000_000_000
SETTINGS = RelativeSettings(first_s=3.0, call_end_s=20.0)


def distribution(**shares):
    order = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
    p = np.full(8, 0.01)
    for name, share in shares.items():
        p[order.index(name)] = share
    return p / p.sum()


RESTING_SAD = distribution(neutral=0.6, sadness=0.35)
NEUTRAL = distribution(neutral=0.9)
SAD = distribution(neutral=0.2, sadness=0.7)
HAPPY = distribution(happiness=0.9)


def frame(p, at_s, track=1):
    at_ns = round(at_s * S)
    estimate = ExpressionEstimate(p, 0.8, at_ns)
    return FaceObservation(1, (estimate,), at_ns, (ObservedFace(track, estimate),))


def watched(rows, relative=None, start_s=0.0, track=1, rate_hz=5.0):
    relative = relative or RelativeAffect(SETTINGS)
    at_s = start_s
    for p in rows:
        relative.add_faces(frame(p, at_s, track))
        at_s += 1.0 / rate_hz
    return relative, round((at_s - 1.0 / rate_hz) * S)


def against_normal(relative, now_ns, p):
    return relative.at(now_ns, *valence_arousal(p))


def test_a_resting_face_becomes_its_own_normal():
    relative, now_ns = watched([RESTING_SAD] * 300)
    before = valence_arousal(RESTING_SAD)[0]
    assert before < -0.2
    assert abs(against_normal(relative, now_ns, RESTING_SAD)[0]) < 0.08
    assert against_normal(relative, now_ns, HAPPY)[0] > valence_arousal(HAPPY)[0]


@pytest.mark.parametrize("mood", [SAD, HAPPY, distribution(anger=0.8), distribution(fear=0.8)])
def test_a_lasting_mood_is_not_normalised_away(mood):
    relative, now_ns = watched([NEUTRAL] * 25 + [mood] * 3000)
    absolute = valence_arousal(mood)[0]
    seen = against_normal(relative, now_ns, mood)[0]
    assert np.sign(seen) == np.sign(absolute)
    assert abs(seen) > 0.7 * abs(absolute)


def test_nothing_is_said_before_the_first_seconds():
    relative, now_ns = watched([NEUTRAL] * 10)
    assert against_normal(relative, now_ns, NEUTRAL) == (None, None)
    relative, now_ns = watched([NEUTRAL] * 20)
    assert against_normal(relative, now_ns, NEUTRAL)[0] is not None
    assert RelativeAffect(SETTINGS).at(0, 0.5, 0.5) == (None, None)


def test_a_track_that_ends_takes_its_normal_along_and_leaves_the_room():
    relative, now_ns = watched([RESTING_SAD] * 500)
    relative.add_faces(FaceObservation(0, (), now_ns + 2 * S))
    assert relative.n_tracks == 0
    assert relative.at(now_ns + 2 * S, 0.0, 0.0) == (None, None)
    relative, later_ns = watched([NEUTRAL] * 20, relative, now_ns / S + 3.0, track=2)
    stranger, stranger_ns = watched([NEUTRAL] * 20)
    here = against_normal(relative, later_ns, NEUTRAL)[0]
    # In a room of sad resting faces a neutral face is above the room's normal.
    assert here > against_normal(stranger, stranger_ns, NEUTRAL)[0] + 0.05
    relative.forget()
    fresh, fresh_ns = watched([NEUTRAL] * 20, relative)
    again = against_normal(fresh, fresh_ns, NEUTRAL)[0]
    assert again == pytest.approx(against_normal(stranger, stranger_ns, NEUTRAL)[0])


def spoken(p, at_s, share=1.0):
    at_ns = round(at_s * S)
    estimate = None if p is None else ExpressionEstimate(p, 0.7, at_ns)
    return VoiceObservation(share, estimate, at_ns)


def test_a_call_ends_with_silence():
    relative = RelativeAffect(SETTINGS)
    for second in range(10):
        relative.add_voice(spoken(RESTING_SAD, second))
    assert relative.at(9 * S, 0.0, 0.0)[0] > 0.05
    for second in range(10, 40):
        relative.add_voice(spoken(None, second, 0.0))
    assert relative.at(40 * S, 0.0, 0.0) == (None, None)


mixtures = st.lists(st.floats(0.01, 1.0), min_size=8, max_size=8).map(
    lambda values: np.array(values) / sum(values)
)


@given(st.lists(st.tuples(mixtures, st.integers(1, 3), st.floats(0, 5)), min_size=1, max_size=20))
def test_relative_values_stay_in_range_whatever_is_seen(rows):
    relative, at_s = RelativeAffect(RelativeSettings(0.0, 20.0)), 0.0
    for p, track, wait_s in rows:
        at_s += wait_s
        relative.add_faces(frame(p, at_s, track))
        relative.add_voice(spoken(p, at_s))
        for value in against_normal(relative, round(at_s * S), p):
            assert value is None or -1.0 <= value <= 1.0
    assert relative.n_tracks <= 3


def test_the_scene_carries_both_values():
    fusion = SceneFusion(Fusion())
    for number in range(60):
        fusion.add_faces(frame(RESTING_SAD, number / 5.0))
    scene = fusion.scene(round(59 / 5.0 * S))
    assert scene.valence == pytest.approx(valence_arousal(RESTING_SAD)[0], abs=0.02)
    assert scene.valence_relative > scene.valence + 0.05
    fusion.forget()
    fusion.add_faces(frame(NEUTRAL, 20.0))
    fusion.add_faces(frame(NEUTRAL, 20.1))
    assert fusion.scene(round(20.1 * S)).valence_relative is None


def test_a_voice_is_forgotten_when_its_call_ends():
    model = VoiceBaselineModel.load()
    call = CallBaseline(model, call_end_s=20.0, weight=0.4)
    k = len(model.labels)
    p = VoiceReading(np.full(k, 1.0 / k), np.zeros(k))
    spoken_so = np.full(len(MANNER_NAMES), np.nan)
    for second in range(10):
        said = call.correct(p, spoken_so, second * S)
        assert np.isclose(said.sum(), 1.0)
    assert call.weight > 1.0
    call.correct(p, spoken_so, 100 * S)
    assert call.weight < 1.0
    call.forget()
    assert call.weight == 0.0
