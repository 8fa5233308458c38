"""Group values: when they open and close, which gate a configuration gets, the whole pipeline."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from group_parts import HEALTH, MARGIN, REST_S, K, Room, S, frame, group_gate, one_hot

from edge_affect.clock import ManualClock
from edge_affect.config import Config, Deployment, Face, Fusion, Privacy
from edge_affect.errors import ConfigError
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.fusion.scene import SceneFusion
from edge_affect.privacy.cohort import Cohort
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.gates import gate_of
from edge_affect.privacy.group_gate import GroupGate
from edge_affect.privacy.noisy_gate import NoisyGroupGate
from edge_affect.record import AbstainReason, Modality, People, SourceState
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import (
    AudioBlock,
    ExpressionEstimate,
    FaceObservation,
    ObservedFace,
    SoundObservation,
    VideoFrame,
    VoiceObservation,
)

# ---- opening and closing ----


def test_it_opens_late_and_closes_early():
    cohort = Cohort(K, MARGIN, S)
    sizes = [len(cohort.update(dict.fromkeys(range(n), True), n * S)) for n in range(10)]
    assert sizes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 8]
    # Two blocks of four: whoever goes takes three along, and four are too few.
    assert cohort.update(dict.fromkeys(range(1, 9), True), 10 * S) == frozenset()
    assert not cohort.is_open


def test_one_person_cannot_open_and_close_it_by_stepping_in_and_out():
    cohort = Cohort(K, MARGIN, REST_S * S)
    stay = dict.fromkeys(range(7), True)
    told = [
        bool(cohort.update(stay | ({100 + s: True} if s % 2 else {}), s * S)) for s in range(60)
    ]
    assert not any(told)
    assert len(cohort.update(stay | {7: True}, 60 * S)) == 0
    assert len(cohort.update(stay | {7: True}, 80 * S)) == 8


def test_a_face_must_have_been_there_for_a_while():
    cohort = Cohort(K, MARGIN, 10 * S)
    everybody = dict.fromkeys(range(8), True)
    assert [len(cohort.update(everybody, s * S)) for s in (0, 9, 10)] == [0, 0, 8]
    # Who is left over when a block goes has to wait as well.
    assert len(cohort.update(dict.fromkeys(range(1, 12), True), 11 * S)) == 0
    assert len(cohort.update(dict.fromkeys(range(1, 12), True), 20 * S)) == 0
    assert len(cohort.update(dict.fromkeys(range(1, 12), True), 21 * S)) == 11


def test_a_member_who_cannot_be_read_takes_its_block_out_and_brings_it_back():
    cohort = Cohort(K, MARGIN, 0)
    everybody = dict.fromkeys(range(12), True)
    assert len(cohort.update(everybody, 0)) == 12
    fewer = cohort.update({**everybody, 3: False}, S)
    assert 12 - len(fewer) == MARGIN
    assert 3 not in fewer
    assert len(cohort.update(everybody, 2 * S)) == 12


def test_one_unsure_face_weighs_as_much_as_a_sure_one():
    shown = {t: one_hot(0) for t in range(4)} | {t: np.full(8, 0.125) for t in range(4, 8)}
    record = Room(group_gate()).look(shown, 3.0)
    assert record.people is People.GROUP
    assert record.expressions[0] == round((0.93 + 0.125) / 2 * 15)


def test_a_frame_on_which_few_were_read_is_still_about_all():
    shown = {t: one_hot(t % 2) for t in range(8)}
    room = Room(group_gate())
    room.look(shown, 3.0)
    whole = frame(shown, room.at_ns)
    partial = replace(whole, estimates=whole.estimates[:1])
    screened = room.gate.screen_faces(partial)
    assert len(screened.estimates) == 8
    assert len(Gate(K).screen_faces(partial).estimates) == 1


def test_no_voice_gets_through_to_a_group_value():
    sound = SoundObservation((0.5,) * 5, (True,) * 5, (True,) * 5, (False,) * 5, 0)
    heard = VoiceObservation(0.5, ExpressionEstimate(one_hot(4), 0.9, 0), 0, None, 0.4)
    room = Room(group_gate())
    room.look({t: one_hot(0) for t in range(8)}, 3.0)
    through = room.gate.screen_voice(heard)
    assert through == VoiceObservation(0.5, None, 0)
    assert room.gate.screen_sound(sound) is None
    scene = room.fusion.scene(room.at_ns)
    assert room.gate.admit(scene, HEALTH).abstained is AbstainReason.NONE
    # Should one get through all the same, the gate behind fusion withholds the scene.
    leaked = replace(scene, states=(0.5,) * 6, valence_relative=0.1, arousal_relative=0.1)
    record = room.gate.admit(leaked, HEALTH)
    assert record.states == (None,) * 6
    assert (record.valence_relative, record.arousal_relative) == (None, None)
    leaked = replace(scene, modalities=scene.modalities | Modality.VOICE)
    assert room.gate.admit(leaked, HEALTH).abstained is AbstainReason.TOO_FEW_PEOPLE


def test_a_camera_that_stalls_closes_the_group():
    room = Room(group_gate())
    assert room.look({t: one_hot(0) for t in range(8)}, 3.0).abstained is AbstainReason.NONE
    late_ns = room.at_ns + 10 * S
    record = room.gate.admit(room.fusion.scene(late_ns), HEALTH, late_ns)
    assert record.abstained is AbstainReason.TOO_FEW_PEOPLE


def test_forgetting_closes_the_group():
    room = Room(group_gate(rest_s=2.0))
    shown = {t: one_hot(0) for t in range(8)}
    assert room.look(shown, 4.0).abstained is AbstainReason.NONE
    room.gate.forget()
    assert room.look(shown, 1.0).abstained is AbstainReason.TOO_FEW_PEOPLE


def test_the_policy_is_asked_without_numpy():
    code = "import sys, edge_affect.privacy.policy; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- which gate a configuration gets ----


def gate_for(**privacy) -> Gate:
    return gate_of(Config(privacy=Privacy(**privacy)), valence_arousal)


def test_the_gate_follows_from_the_configuration():
    assert type(gate_for()) is Gate
    assert type(gate_for(min_people=5)) is GroupGate
    assert type(gate_for(aggregate_epsilon=1.0)) is NoisyGroupGate
    classroom = Config(deployment=Deployment("classroom", "US"))
    assert type(gate_of(classroom, valence_arousal)) is GroupGate
    assert classroom.group_opens_at == 8


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(privacy=Privacy(min_people=18)), "max_faces is 20"),
        (Config(privacy=Privacy(min_people=5), face=Face(max_faces=7)), "8 faces"),
        (
            Config(privacy=Privacy(aggregate_epsilon=2.0, aggregate_daily_epsilon=1.0)),
            "nothing could leave",
        ),
    ],
)
def test_a_group_that_could_never_be_told_is_refused(config, words):
    with pytest.raises(ConfigError, match=words):
        gate_of(config, valence_arousal)


# ---- the whole pipeline ----


class TurnTaking:
    """A face reader with time for few faces a frame: the others keep their latest reading.

    Args:
        people: What each shows; they stay, and one cannot be read for a while now and then.
        n_read: Faces read on one frame.
    """

    def __init__(self, people: list[np.ndarray], n_read: int) -> None:
        self._people = people
        self._n_read = n_read
        self._n_frames = 0
        self._latest: dict[int, ExpressionEstimate] = {}

    def observe(self, picture):
        at_ns = picture.captured_ns
        for k in range(self._n_frames * self._n_read, (self._n_frames + 1) * self._n_read):
            who = k % len(self._people)
            p = self._people[who]
            self._latest[who] = ExpressionEstimate(p, float(p.max()), at_ns)
        self._n_frames += 1
        faces = tuple(
            ObservedFace(track, estimate if at_ns - estimate.observed_ns <= 2 * S else None)
            if (estimate := self._latest.get(track)) is not None
            else ObservedFace(track, None)
            for track in range(len(self._people))
        )
        fresh = tuple(
            face.estimate for face in faces if face.estimate and face.estimate.observed_ns == at_ns
        )
        return FaceObservation(len(faces), fresh, at_ns, faces)

    def clear(self):
        pass


def seconds_told(people: list[np.ndarray], n_read: int, config: Config, seconds: int) -> list[int]:
    """Which seconds of a film of an audience that stays have a record with a value."""
    clock = ManualClock()
    gate = gate_of(config, valence_arousal)
    face = TurnTaking(people, n_read)
    fusion = SceneFusion(config.fusion, is_group=True)
    pipeline = Pipeline(Stages(None, face, fusion, gate), clock)
    told = []
    for i in range(10 * seconds):
        clock.advance_to(i * S // 10)
        pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), clock.now_ns()))
        if i % 10 == 9:
            record = pipeline.record(SourceState.MISSING, SourceState.OK)
            if record.abstained is AbstainReason.NONE:
                told.append(i // 10 + 1)
    return told


@pytest.mark.parametrize("n_read", [1, 3, 9])
@pytest.mark.parametrize("n_people", [8, 9, 16])
def test_an_audience_that_stays_is_told_after_the_rest_and_from_then_on(n_people, n_read):
    people = [one_hot(k % 3) for k in range(n_people)]
    classroom = Config(deployment=Deployment("classroom", "US"))
    told = seconds_told(people, n_read, classroom, 40)
    assert told[0] <= REST_S + 3
    assert told == list(range(told[0], 41))


def test_an_audience_is_told_if_its_faces_are_sure_however_much_they_differ():
    classroom = Config(deployment=Deployment("classroom", "US"))
    differing = [one_hot(k % 8) for k in range(8)]
    assert seconds_told(differing, 3, classroom, 30) == list(range(21, 31))
    unsure = [np.full(8, 0.125)] * 8
    assert seconds_told(unsure, 3, classroom, 30) == []


def test_seven_people_are_never_told():
    classroom = Config(deployment=Deployment("classroom", "US"))
    assert seconds_told([one_hot(1)] * 7, 3, classroom, 40) == []


def record_after(past: list[int], since: list[int], *, is_told_apart: bool) -> tuple[int, ...]:
    """Twelve people show ``past``; one goes; the nine whose blocks stay show ``since``.

    Returns what is published at the end. With ``is_told_apart`` the pipeline's own gate decides
    when fusion forgets; without, it never does.
    """
    gate, shown, clock = group_gate(), {"i": 0}, ManualClock()

    class Audience:
        n = 12

        def observe(self, picture):
            people = {t: one_hot(shown["i"]) for t in range(self.n)}
            return frame(people, picture.captured_ns)

        def clear(self):
            pass

    class ForgetsNothing(GroupGate):
        begins_anew = False

    if not is_told_apart:
        gate = ForgetsNothing(K, MARGIN, 0)
    face = Audience()
    pipeline = Pipeline(Stages(None, face, SceneFusion(Fusion()), gate), clock)
    for k, i in enumerate([*past, *since]):
        shown["i"], face.n = i, 12 if k < len(past) else 11
        clock.advance_to(k * S // 10)
        pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), clock.now_ns()))
    record = pipeline.record(SourceState.MISSING, SourceState.OK)
    assert record.abstained is AbstainReason.NONE
    return record.expressions


def test_those_who_have_gone_are_not_smoothed_into_what_is_told_of_others():
    """Two pasts and the same 20 s since: the filter over time alone remembers which past it was."""
    since = [0, 1] * 100
    told = [record_after([i] * 40, since, is_told_apart=True) for i in (0, 1)]
    assert told[0] == told[1]
    leaked = [record_after([i] * 40, since, is_told_apart=False) for i in (0, 1)]
    assert leaked[0] != leaked[1]


class EightFaces:
    """A face reader that sees eight calm people."""

    def observe(self, picture):
        return frame({t: one_hot(0) for t in range(8)}, picture.captured_ns)

    def clear(self):
        pass


class OneAngryVoice:
    """A voice reader that hears one person shout and laugh."""

    def feed(self, block):
        sound = SoundObservation((1.0,) * 5, (True,) * 5, (True,) * 5, (False,) * 5, block.start_ns)
        voice = VoiceObservation(
            1.0, ExpressionEstimate(one_hot(4), 0.93, block.start_ns), block.start_ns
        )
        return (sound, voice)

    def clear(self):
        pass


@pytest.mark.parametrize(("gate", "is_heard"), [(Gate(K), True), (group_gate(), False)])
def test_one_voice_does_not_colour_what_is_said_of_a_group(gate, is_heard):
    clock = ManualClock()
    pipeline = Pipeline(Stages(OneAngryVoice(), EightFaces(), SceneFusion(Fusion()), gate), clock)
    for i in range(30):
        clock.advance_to(i * S // 10)
        pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), clock.now_ns()))
        pipeline.on_block(AudioBlock(np.zeros(1600, np.float32), clock.now_ns()))
    record = pipeline.record(SourceState.OK, SourceState.OK)
    assert record.abstained is AbstainReason.NONE
    assert (Modality.VOICE in record.modalities) == is_heard
    assert (record.expressions[4] > 1) == is_heard
    assert any(level is not None for level in record.events) == is_heard
    assert record.speech_share == 6
