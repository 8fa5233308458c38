"""What of faces, voices and sounds the derived states look at: one number for each signal.

Every function returns only the signals that are known; what is not known is not there, which is not
the same as 0. The names are those of ``edge_affect.states``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.fusion.circumplex import VALENCE_AROUSAL
from edge_affect.record import EVENTS, Expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.states import Looking
    from edge_affect.types import FaceSignals, ObservedFace, SoundObservation, VoiceObservation

_ELATION = np.where(VALENCE_AROUSAL[:, 0] > 0.0, VALENCE_AROUSAL[:, 1], 0.0)
_UNPLEASANT = (VALENCE_AROUSAL[:, 0] < 0.0).astype(np.float64)
RESPONSES = ("laughter", "cheering", "applause")


def off_camera_deg(signals: FaceSignals, looking: Looking) -> float:
    """Return the angle between where a face looks and the camera, [0, 180] degrees.

    The eyes turn with the head, on average so far that the head does ``head_share`` of a look to
    the side (R. Stiefelhagen and J. Zhu, 2002, "Head orientation and gaze direction in meetings");
    that is what is expected of eyes that cannot be read, and the same is taken up and down.
    Measured eyes count by ``gaze_gain`` against that expectation, as they are measured with an
    error about as large as what they do (the mean of two normal distributions, weighted by their
    precision). Roll does not matter: it turns the picture about the line to the camera.
    """
    eyes_per_head = 1.0 / looking.head_share - 1.0
    turn_deg, lift_deg = signals.yaw_deg * eyes_per_head, signals.pitch_deg * eyes_per_head
    if signals.gaze_yaw_deg is not None and signals.gaze_pitch_deg is not None:
        turn_deg += looking.gaze_gain * (signals.gaze_yaw_deg - turn_deg)
        lift_deg += looking.gaze_gain * (signals.gaze_pitch_deg - lift_deg)
    yaw, pitch, turn, lift = map(
        math.radians, (signals.yaw_deg, signals.pitch_deg, turn_deg, lift_deg)
    )
    # The direction of the eyes in the axes of the head: to its left, down, backwards.
    left, down, back = (
        math.sin(turn) * math.cos(lift),
        -math.sin(lift),
        -math.cos(turn) * math.cos(lift),
    )
    # Pitched, then turned; only the part along the line to the camera is needed.
    away = math.sin(yaw) * left + math.cos(yaw) * (math.cos(pitch) * back - math.sin(pitch) * down)
    return math.degrees(math.acos(min(max(-away, -1.0), 1.0)))


def look(signals: FaceSignals, looking: Looking) -> float:
    """Return how much a face looks here with open eyes, [0, 1]."""
    off_deg = off_camera_deg(signals, looking)
    facing = (looking.away_deg - off_deg) / (looking.away_deg - looking.on_deg)
    openness = (signals.eye_openness - looking.shut) / (looking.open - looking.shut)
    return _limited(facing) * _limited(openness)


def face_signals(face: ObservedFace, looking: Looking) -> dict[str, tuple[float, float]]:
    """Return the signals of one face, each with the weight of this face among others, [0, 1].

    ``look`` weighs less where the eyes could not be read; what rests on the expression weighs as
    much as that is reliable; everything else weighs 1.
    """
    found: dict[str, tuple[float, float]] = {}
    signals, estimate = face.signals, face.estimate
    if signals is not None:
        has_gaze = signals.gaze_yaw_deg is not None
        is_shut = signals.eye_openness <= looking.shut
        weight = 1.0 if has_gaze or is_shut else looking.head_share
        found["look"] = look(signals, looking), weight
        found["tilt_deg"] = abs(signals.roll_deg), 1.0
    if face.blink_rate_hz is not None:
        found["blink_rate_hz"] = face.blink_rate_hz, 1.0
    if estimate is not None:
        p, weight = estimate.probabilities, estimate.reliability
        found["animation"] = 1.0 - float(p[Expression.NEUTRAL]), weight
        found["face_fear"] = float(p[Expression.FEAR]), weight
        found["face_elation"] = elation(p), weight
        if signals is not None:
            # Brows are drawn together in anger and disgust as well; what is left is a puzzled face.
            calm = 1.0 - float(p[Expression.ANGER] + p[Expression.DISGUST])
            found["furrow"] = signals.brow_furrow * calm, weight
    return found


def voice_signals(observation: VoiceObservation) -> dict[str, float]:
    """Return the signals of one window of voice, without those that need to know what is normal.

    Nothing but the share of speech is told of a window with too little speech to read.
    """
    found = {"speech_share": observation.speech_share}
    if observation.estimate is None:
        return found
    p = observation.estimate.probabilities
    found["voice_fear"] = float(p[Expression.FEAR])
    found["voice_elation"] = elation(p)
    if observation.arousal is not None:
        pleasant = 1.0 - float(p @ _UNPLEASANT)
        found["voice_arousal"] = max(observation.arousal, 0.0) * pleasant
    prosody = observation.prosody
    if prosody is not None:
        measured = {
            "pitch_slope_st_per_s": prosody.f0_slope_st_per_s,
            "pause_share": prosody.pause_share,
            "jitter": prosody.jitter,
        }
        found |= {name: value for name, value in measured.items() if value is not None}
    return found


def normal_values(observation: VoiceObservation) -> NDArray[np.float64] | None:
    """Return what is followed as normal for the voices here, order of ``states.NORMAL_NAMES``.

    None where the window says too little.
    """
    prosody = observation.prosody
    if observation.estimate is None or prosody is None:
        return None
    if prosody.f0_hz is None or prosody.speech_rate_hz is None:
        return None
    return np.array([12.0 * math.log2(prosody.f0_hz / 100.0), prosody.speech_rate_hz])


def against_normal(deviations: NDArray[np.float64]) -> dict[str, float]:
    """Return the signals of how far a voice is from its normal.

    Args:
        deviations: Order of ``states.NORMAL_NAMES``, in deviations of one person.
    """
    pitch, rate = deviations.tolist()
    return {"pitch_above_normal": pitch, "rate_above_normal": rate, "rate_below_normal": -rate}


def sound_signals(observation: SoundObservation) -> dict[str, float]:
    """Return the levels of the events that are responses of a crowd or a person, [0, 1]."""
    levels = dict(zip(EVENTS, observation.levels, strict=True))
    found = {name: level for name in RESPONSES if (level := levels[name]) is not None}
    if found:
        found["response"] = max(found.values())
    return found


def elation(probabilities: NDArray[np.float64]) -> float:
    """Return the arousal of the pleasant expressions in a distribution, [0, 0.67].

    Excitement is what is pleasant and aroused (J. A. Russell, 1980, "A circumplex model of
    affect"), so anger and fear, aroused as they are, add nothing.

    Args:
        probabilities: Shape ``(8,)``, order of ``Expression``, sums to 1.
    """
    return float(probabilities @ _ELATION)


def _limited(value: float) -> float:
    return min(max(value, 0.0), 1.0)
