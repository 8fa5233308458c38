"""Derived states: each signal moves its states one way; bounded, order-free, silent on nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.config import Fusion
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.fusion.scene import SceneFusion
from edge_affect.fusion.state_signals import look, off_camera_deg, voice_signals
from edge_affect.record import EVENTS, STATES, Expression
from edge_affect.states import load_states
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    FaceSignals,
    ObservedFace,
    Prosody,
    SoundObservation,
    VoiceObservation,
)

S = 1_000_000_000
TABLE = load_states()
LOOKING = TABLE.looking

CALM_FACE = FaceSignals(0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1, 0.1, 0.2, 0.1)
CALM_VOICE = Prosody(
    voiced_share=0.5, intensity_db=-25.0, f0_hz=150.0, f0_slope_st_per_s=-2.0, speech_rate_hz=4.4,
    pause_share=0.05, jitter=0.012,
)  # fmt: skip


def expressions(**masses):
    """A distribution with given masses; the rest is neutral."""
    p = np.zeros(8)
    for name, mass in masses.items():
        p[Expression[name.upper()]] = mass
    p[Expression.NEUTRAL] += 1.0 - p.sum()
    return p


def estimate(p, reliability=0.9, at_s=0.0):
    return ExpressionEstimate(p, reliability, round(at_s * S))


def a_face(track=1, blink_rate_hz=0.3, p=None, reliability=0.9, **signals):
    p = expressions() if p is None else p
    shown = replace(CALM_FACE, **signals)
    return ObservedFace(track, estimate(p, reliability), shown, blink_rate_hz)


def faces(*some, at_s=0.0):
    return FaceObservation(len(some), (), round(at_s * S), tuple(some))


def a_voice(at_s=0.0, p=None, arousal=0.1, speech_share=0.9, **prosody):
    p = expressions() if p is None else p
    said = replace(CALM_VOICE, **prosody)
    at_ns = round(at_s * S)
    return VoiceObservation(speech_share, estimate(p, at_s=at_s), at_ns, said, arousal)


def a_sound(at_s=0.0, **levels):
    heard = tuple(levels.get(name, 0.0) for name in EVENTS)
    none = (False,) * len(EVENTS)
    return SoundObservation(heard, none, none, none, round(at_s * S))


def states_of(*observations, now_s=0.0):
    """Return the states after some observations, by name."""
    derived = DerivedStates(TABLE)
    for observation in observations:
        if isinstance(observation, FaceObservation):
            derived.add_faces(observation)
        elif isinstance(observation, SoundObservation):
            derived.add_sound(observation)
        else:
            derived.add_voice(observation)
    return dict(zip(STATES, derived.at(round(now_s * S)), strict=True))


def usual_voice(seconds=20):
    """Enough calm speech for the voice's normal to be known; ends at 0 s."""
    return [a_voice(at_s) for at_s in range(-seconds, 0)]


BASE = states_of(faces(a_face()), *usual_voice(), a_voice(), a_sound())

FACE_MOVES = [
    ({"yaw_deg": 35.0}, {"attention": -1, "engagement": -1}),
    ({"yaw_deg": -35.0}, {"attention": -1, "engagement": -1}),
    ({"pitch_deg": -35.0}, {"attention": -1, "engagement": -1}),
    ({"gaze_yaw_deg": 60.0}, {"attention": -1, "engagement": -1}),
    ({"gaze_pitch_deg": -60.0}, {"attention": -1, "engagement": -1}),
    ({"eye_openness": 0.0}, {"attention": -1, "engagement": -1}),
    ({"roll_deg": 18.0}, {"confusion": 1}),
    ({"roll_deg": -18.0}, {"confusion": 1}),
    ({"brow_furrow": 0.9}, {"confusion": 1}),
    ({"blink_rate_hz": 1.0}, {"anxiety": 1}),
    ({"mouth_openness": 1.0}, {}),
    ({"p": expressions(fear=0.8)}, {"anxiety": 1, "engagement": 1}),
    ({"p": expressions(happiness=0.9)}, {"excitement": 1, "engagement": 1}),
    ({"p": expressions(surprise=0.9)}, {"excitement": 1, "engagement": 1}),
    ({"p": expressions(anger=0.9)}, {"engagement": 1}),
    ({"p": expressions(sadness=0.9)}, {"engagement": 1}),
]
VOICE_MOVES = [
    ({"p": expressions(fear=0.9)}, {"anxiety": 1}),
    ({"p": expressions(happiness=0.9)}, {"excitement": 1}),
    ({"p": expressions(anger=0.9)}, {}),
    ({"arousal": 0.8}, {"excitement": 1}),
    ({"arousal": -0.8}, {}),
    ({"f0_hz": 320.0}, {"anxiety": 1}),
    ({"f0_hz": 90.0}, {}),
    ({"speech_rate_hz": 7.5}, {"anxiety": 1}),
    ({"speech_rate_hz": 1.5}, {"confusion": 1}),
    ({"f0_slope_st_per_s": 6.0}, {"confusion": 1}),
    ({"f0_slope_st_per_s": -8.0}, {}),
    ({"pause_share": 0.4}, {"confusion": 1, "anxiety": 1}),
    ({"jitter": 0.05}, {"anxiety": 1}),
    ({"speech_share": 0.41}, {"engagement": -1}),
    ({"intensity_db": -5.0}, {}),
    ({"sound": a_sound(laughter=0.9)}, {"excitement": 1, "engagement": 1}),
    ({"sound": a_sound(cheering=0.9)}, {"excitement": 1, "engagement": 1}),
    ({"sound": a_sound(applause=0.9)}, {"excitement": 1, "engagement": 1}),
    ({"sound": a_sound(crying=0.9, screaming=0.9)}, {}),
]


def assert_moves(after, wanted):
    moved = {
        name: int(np.sign(round(after[name] - BASE[name], 9)))
        for name in STATES
        if BASE[name] is not None
    }
    assert moved == {name: wanted.get(name, 0) for name in moved}


@pytest.mark.parametrize(("change", "wanted"), FACE_MOVES)
def test_each_signal_of_a_face_moves_its_states_and_no_other(change, wanted):
    shown = states_of(faces(a_face(**change)), *usual_voice(), a_voice(), a_sound())
    assert_moves(shown, wanted)


@pytest.mark.parametrize(("change", "wanted"), VOICE_MOVES)
def test_each_signal_of_a_voice_moves_its_states_and_no_other(change, wanted):
    sound = change.get("sound", a_sound())
    voice = {name: value for name, value in change.items() if name != "sound"}
    heard = states_of(faces(a_face()), *usual_voice(), a_voice(**voice), sound)
    assert_moves(heard, wanted)


def test_every_signal_is_moved_by_one_of_these_tests():
    wanted = {name for _, moves in (*FACE_MOVES, *VOICE_MOVES) for name in moves}
    assert wanted == {state.name for state in TABLE.states if state.evidence}


def test_a_calm_face_that_looks_here_is_attentive_and_nothing_else():
    assert BASE["attention"] == 1.0
    assert BASE["engagement"] > 0.7
    assert [BASE[name] < 0.07 for name in ("confusion", "anxiety", "excitement")] == [True] * 3


def test_nothing_is_known_of_nothing():
    nothing = dict.fromkeys(STATES)
    assert states_of() == nothing
    assert states_of(faces()) == nothing
    assert states_of(faces(ObservedFace(1, None))) == nothing
    assert states_of(VoiceObservation(0.0, None, 0)) == nothing


def test_faces_alone_and_voices_alone_say_what_they_can():
    seen = states_of(faces(a_face()))
    assert [name for name in STATES if seen[name] is None] == ["incongruence"]
    heard = states_of(a_voice())
    unknown = [name for name in STATES if heard[name] is None]
    assert unknown == ["attention", "engagement", "incongruence"]


def test_a_small_face_that_is_not_read_says_nothing_and_does_not_dilute_the_others():
    alone = states_of(faces(a_face(yaw_deg=30.0)))
    both = states_of(faces(a_face(yaw_deg=30.0), ObservedFace(2, None)))
    assert both == alone


def test_closed_eyes_say_so_although_they_show_no_gaze():
    shut = states_of(faces(a_face(eye_openness=0.0, gaze_yaw_deg=None, gaze_pitch_deg=None)))
    assert shut["attention"] == 0.0


def test_eyes_that_were_not_read_are_expected_to_turn_with_the_head():
    straight = replace(CALM_FACE, yaw_deg=20.0)
    unread = replace(straight, gaze_yaw_deg=None, gaze_pitch_deg=None)
    back = replace(straight, gaze_yaw_deg=-20.0)
    assert off_camera_deg(unread, LOOKING) == pytest.approx(20.0 / LOOKING.head_share)
    assert off_camera_deg(back, LOOKING) < off_camera_deg(straight, LOOKING)
    assert off_camera_deg(straight, LOOKING) < off_camera_deg(unread, LOOKING)
    assert off_camera_deg(replace(CALM_FACE, roll_deg=50.0), LOOKING) == pytest.approx(0.0)


@given(st.floats(-90, 90), st.floats(-90, 90), st.floats(-60, 60), st.floats(-60, 60))
def test_the_angle_is_that_of_the_rotations_of_the_head(yaw, pitch, gaze_yaw, gaze_pitch):
    from edge_affect.perception.face_pose import rotation_of

    exact = replace(LOOKING, gaze_gain=1.0)
    shown = replace(
        CALM_FACE, yaw_deg=yaw, pitch_deg=pitch, gaze_yaw_deg=gaze_yaw, gaze_pitch_deg=gaze_pitch
    )
    turn, lift = np.radians([gaze_yaw, gaze_pitch])
    eyes = np.array([np.sin(turn) * np.cos(lift), -np.sin(lift), -np.cos(turn) * np.cos(lift)])
    away = rotation_of(yaw, pitch, 33.0) @ eyes
    wanted = np.degrees(np.arccos(np.clip(-away[2], -1.0, 1.0)))
    assert off_camera_deg(shown, exact) == pytest.approx(wanted, abs=1e-4)
    assert 0.0 <= look(shown, exact) <= 1.0


def test_pitch_says_nothing_before_the_voice_is_known_and_then_against_it():
    high = {"f0_hz": 330.0}
    at_once = states_of(a_voice(**high))
    assert at_once == states_of(a_voice())
    always = states_of(*[a_voice(at_s, **high) for at_s in range(-60, 1)])
    raised = states_of(*usual_voice(60), a_voice(**high))
    assert always["anxiety"] < raised["anxiety"]
    assert always["anxiety"] == pytest.approx(states_of(a_voice())["anxiety"], abs=0.01)


def test_the_voice_is_somebody_new_after_a_long_silence():
    high = {"f0_hz": 330.0}
    silence_s = TABLE.normal.silence_s
    soon = states_of(*usual_voice(), a_voice(silence_s - 2, **high), now_s=silence_s)
    late = states_of(*usual_voice(), a_voice(silence_s, **high), now_s=silence_s)
    assert soon["anxiety"] > late["anxiety"] == states_of(a_voice())["anxiety"]


def test_no_single_signal_is_enough_for_confusion_or_anxiety():
    for state in TABLE.states:
        if state.name in ("confusion", "anxiety"):
            assert [state.bias + item.weight < 0.0 for item in state.evidence] == [True] * len(
                state.evidence
            )


def test_what_was_shown_fades_by_half_in_one_half_life_and_is_forgotten_with_age():
    half_life_s = TABLE.states[0].half_life_s
    derived = DerivedStates(TABLE)
    derived.add_faces(faces(a_face()))
    derived.add_faces(faces(a_face(eye_openness=0.0), at_s=half_life_s))
    now_ns = round(half_life_s * S)
    assert derived.at(now_ns)[0] == pytest.approx(0.5)
    late_ns = now_ns + round(TABLE.face_age_s * S)
    assert derived.at(late_ns)[0] is not None
    assert derived.at(late_ns + 1) == (None,) * len(STATES)
    derived.add_faces(faces(a_face(), at_s=60.0))
    assert derived.at(60 * S)[0] == 1.0
    derived.forget()
    assert derived.at(60 * S) == (None,) * len(STATES)


def test_a_blink_hardly_moves_attention():
    derived = DerivedStates(TABLE)
    for frame in range(20):
        is_shut = 10 <= frame < 12
        derived.add_faces(faces(a_face(eye_openness=0.0 if is_shut else 0.5), at_s=frame / 10))
        assert derived.at(round(frame / 10 * S))[0] > 0.8


def test_frames_that_come_late_do_not_turn_time_back():
    derived = DerivedStates(TABLE)
    derived.add_faces(faces(a_face(), at_s=1.0))
    derived.add_faces(faces(a_face(eye_openness=0.0), at_s=0.5))
    assert derived.at(S)[0] == 1.0


def conflict(voice, face, n_faces=1):
    """Return the incongruence of a voice and some faces, through fusion."""
    # A model that knows a class never gives it exactly 0.
    voice, face = (0.95 * p + 0.05 / 8 for p in (voice, face))
    fusion = SceneFusion(Fusion())
    one = estimate(face)
    for frame in range(3):
        at_ns = frame * S // 10
        shown = tuple(replace(one, observed_ns=at_ns) for _ in range(n_faces))
        fusion.add_faces(FaceObservation(n_faces, shown, at_ns))
    fusion.add_voice(a_voice(p=voice))
    pair = fusion.voice_and_face(S // 5)
    return DerivedStates(TABLE).at(S // 5, pair)[STATES.index("incongruence")]


def test_incongruence_rises_with_the_quarrel_of_voice_and_face():
    happy, sad = expressions(happiness=0.9), expressions(sadness=0.9)
    levels = [
        conflict(happy, p)
        for p in (happy, expressions(happiness=0.5), expressions(happiness=0.2), sad)
    ]
    assert levels == sorted(levels)
    assert levels[0] < 0.2
    assert levels[-1] > 0.5


def test_incongruence_needs_one_face_and_a_voice():
    happy = expressions(happiness=0.9)
    assert conflict(happy, happy) is not None
    assert conflict(happy, happy, n_faces=2) is None
    silent = SceneFusion(Fusion())
    for frame in range(3):
        at_ns = frame * S // 10
        silent.add_faces(FaceObservation(1, (estimate(happy, at_s=frame / 10),), at_ns))
    assert silent.voice_and_face(S // 5) is None


anybody = st.builds(
    lambda masses, reliability, numbers, has_gaze, blinks: ObservedFace(
        1,
        estimate(np.array(masses) / sum(masses), reliability),
        FaceSignals(
            numbers[0] * 90, numbers[1] * 90, numbers[2] * 180,
            numbers[3] * 40 if has_gaze else None, numbers[4] * 40 if has_gaze else None,
            *(abs(number) for number in numbers[5:]),
        ),
        blinks,
    ),
    st.lists(st.floats(0.01, 1.0), min_size=8, max_size=8),
    st.floats(0.05, 1.0),
    st.lists(st.floats(-1.0, 1.0), min_size=10, max_size=10),
    st.booleans(),
    st.none() | st.floats(0.0, 5.0),
)  # fmt: skip


@given(st.lists(anybody, max_size=5), st.randoms(use_true_random=False))
def test_states_are_bounded_and_the_order_of_faces_does_not_matter(people, random):
    shown = states_of(faces(*people))
    assert all(value is None or 0.0 <= value <= 1.0 for value in shown.values())
    assert (shown["attention"] is None) is (not people)
    mixed = random.sample(people, len(people))
    assert states_of(faces(*mixed)) == shown


@given(st.lists(anybody, min_size=1, max_size=4))
def test_a_group_is_within_its_members(people):
    alone = [states_of(faces(one))["attention"] for one in people]
    together = states_of(faces(*people))["attention"]
    assert min(alone) - 1e-9 <= together <= max(alone) + 1e-9


@given(anybody, st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_the_more_reliable_a_fearful_face_the_more_it_counts(other, low, high):
    low, high = sorted((low, high))
    p = expressions(fear=1.0)
    weaker, stronger = (
        states_of(faces(other, replace(a_face(p=p, reliability=r), blink_rate_hz=None)))
        for r in (low, high)
    )
    assert stronger["anxiety"] >= weaker["anxiety"] - 1e-9


@given(
    st.sampled_from(["yaw_deg", "pitch_deg", "roll_deg", "brow_furrow", "eye_openness"]),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_a_signal_that_rises_never_lowers_what_it_raises(name, low, high):
    low, high = sorted((low, high))
    scale = {"yaw_deg": 90.0, "pitch_deg": 90.0, "roll_deg": 180.0}.get(name, 1.0)
    less, more = (states_of(faces(a_face(**{name: scale * part}))) for part in (low, high))
    falls = name in {"yaw_deg", "pitch_deg"}
    state = "attention" if falls or name == "eye_openness" else "confusion"
    assert (less[state] - more[state] if falls else more[state] - less[state]) >= -1e-9


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_unpleasantness_takes_from_the_arousal_of_a_voice(arousal, low, high):
    low, high = sorted((low, high))
    calmer, angrier = (
        voice_signals(a_voice(p=expressions(anger=mass), arousal=arousal))["voice_arousal"]
        for mass in (low, high)
    )
    assert angrier <= calmer <= max(arousal, 0.0)
