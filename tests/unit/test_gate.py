"""The gate: coarse, and withheld where it must be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.errors import ShapeError
from edge_affect.privacy.coarsening import expression_levels, signed_steps, steps
from edge_affect.privacy.gate import Gate
from edge_affect.record import AbstainReason, AffectRecord, Modality, People, SourceState
from edge_affect.types import SceneEstimate, SensingHealth

HEALTH = SensingHealth(SourceState.OK, SourceState.OK, 9.7, 70.0, 0.02)
SCENE = SceneEstimate(
    probabilities=np.array([0.1, 0.62, 0.08, 0.05, 0.05, 0.04, 0.03, 0.03]),
    valence=0.5,
    arousal=0.31,
    confidence=0.62,
    modalities=Modality.FACE | Modality.VOICE,
    abstained=AbstainReason.NONE,
    n_faces=3,
    speech_share=0.5,
)


@given(st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8).filter(lambda p: sum(p) > 0.01))
def test_levels_sum_to_fifteen_and_are_off_by_less_than_one(values):
    p = np.array(values) / sum(values)
    levels = expression_levels(p)
    assert sum(levels) == 15
    assert len(levels) == 8
    assert np.abs(np.array(levels) - p * 15).max() < 1.0


def test_steps_are_clamped():
    assert [steps(v, 6) for v in (-1.0, 0.0, 0.49, 1.0, 2.0)] == [0, 0, 3, 6, 6]
    assert [signed_steps(v) for v in (-2.0, -1.0, 0.0, 0.5, 1.0)] == [-15, -15, 0, 8, 15]


def test_a_scene_becomes_a_coarse_record():
    record = Gate(min_people=1).admit(SCENE, HEALTH)
    assert record == AffectRecord(
        expressions=(2, 9, 1, 1, 1, 1, 0, 0),
        valence=8,
        arousal=5,
        confidence=9,
        modalities=Modality.FACE | Modality.VOICE,
        people=People.FEW,
        speech_share=3,
        microphone=SourceState.OK,
        camera=SourceState.OK,
        frame_rate=4,
        latency=1,
        drops=2,
    )


def test_too_few_people_seal_everything_but_the_health_of_the_box():
    record = Gate(min_people=5).admit(SCENE, HEALTH)
    assert record.abstained is AbstainReason.TOO_FEW_PEOPLE
    assert record.people is None
    assert record.speech_share is None
    assert record.modalities == 0
    assert record.frame_rate == 4
    assert Gate(min_people=5).admit(replace(SCENE, n_faces=5), HEALTH).expressions[1] == 9


def test_who_cannot_be_counted_is_too_few():
    record = Gate(min_people=2).admit(replace(SCENE, n_faces=None), HEALTH)
    assert record.abstained is AbstainReason.TOO_FEW_PEOPLE


@pytest.mark.parametrize("reason", [r for r in AbstainReason if r is not AbstainReason.NONE])
def test_every_abstention_makes_a_valid_record(reason):
    blank = replace(
        SCENE, probabilities=None, valence=None, arousal=None, confidence=0.0, abstained=reason
    )
    assert Gate(min_people=1).admit(blank, HEALTH).abstained is reason


def test_it_fails_closed():
    with pytest.raises(ValueError, match="NaN"):
        Gate(min_people=1).admit(replace(SCENE, valence=float("nan")), HEALTH)


def test_relative_values_and_states_leave_coarse_or_unknown():
    scene = replace(
        SCENE,
        valence_relative=-0.4,
        arousal_relative=None,
        states=(1.0, 0.5, None, 0.0, None, 0.04),
    )
    record = Gate(min_people=1).admit(scene, HEALTH)
    assert (record.valence_relative, record.arousal_relative) == (-6, None)
    assert record.states == (14, 7, None, 0, None, 1)
    with pytest.raises(ShapeError):
        replace(SCENE, states=(None,) * 5)
