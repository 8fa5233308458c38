"""The gate and the policy: coarse, withheld where it must be, and refused where the law says so."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.config import JURISDICTIONS, SETTINGS, Audio, Config, Deployment, Privacy
from edge_affect.errors import ConfigError, PolicyError, ShapeError
from edge_affect.privacy import policy
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


def declared(setting: str, jurisdiction: str, exception: str = "") -> Config:
    return Config(
        deployment=Deployment(setting, jurisdiction, "test", "me", "", exception),
        audio=Audio(channel=1),
    )


def test_the_whole_matrix_of_settings_and_jurisdictions():
    allowed, group_only = set(), set()
    for setting in SETTINGS:
        for jurisdiction in JURISDICTIONS:
            config = declared(setting, jurisdiction)
            with contextlib.suppress(PolicyError):
                policy.check_live(config)
                allowed.add((setting, jurisdiction))
            effects = {rule.effect for rule in policy.applying(config.deployment)}
            assert (config.min_people == 5) == (policy.Effect.GROUP_ONLY in effects)
            if config.min_people == 5:
                group_only.add((setting, jurisdiction))
    matrix = {(s, j) for s in SETTINGS for j in JURISDICTIONS}
    assert matrix - allowed == {("classroom", "EU"), ("workplace", "EU")}
    assert group_only == {(s, j) for s in ("classroom", "workplace") for j in JURISDICTIONS}


def test_a_refusal_names_the_article():
    with pytest.raises(PolicyError, match=r"Article 5\(1\)\(f\).*2 February 2025"):
        policy.check_live(declared("classroom", "EU"))


@pytest.mark.parametrize("exception", ["medical", "safety"])
def test_a_declared_exception_lifts_the_refusal(exception):
    config = declared("workplace", "EU", exception)
    policy.check_live(config)
    assert config.min_people == 1


def test_more_people_may_be_asked_for_but_not_fewer():
    strict = replace(declared("classroom", "US"), privacy=Privacy(min_people=12))
    loose = replace(declared("classroom", "US"), privacy=Privacy(min_people=2))
    assert [c.min_people for c in (strict, loose)] == [12, 5]


@pytest.mark.parametrize("name", ["setting", "jurisdiction", "purpose", "contact"])
def test_live_capture_needs_a_declared_deployment(name):
    config = declared("home", "UK")
    missing = replace(config, deployment=replace(config.deployment, **{name: ""}))
    policy.check_live(config)
    with pytest.raises(ConfigError, match=name):
        policy.check_live(missing)


def test_a_contact_centre_must_choose_the_customers_channel():
    config = declared("contact-centre", "UK")
    policy.check_live(config)
    with pytest.raises(ConfigError, match="customer"):
        policy.check_live(replace(config, audio=Audio(channel=0)))


def test_a_recorded_call_needs_the_customers_channel_whatever_else_is_declared():
    call = Config(deployment=Deployment(setting="contact-centre"))
    with pytest.raises(ConfigError, match="never the employee's") as caught:
        policy.check_channel(call)
    assert caught.value.exit_code == 78
    policy.check_channel(replace(call, audio=Audio(channel=2)))
    policy.check_channel(Config(deployment=Deployment(setting="home")))


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
