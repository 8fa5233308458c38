"""What the stages of the sensing process hand to each other; never imported by the publisher.

One stage's output type is the next one's input type. Everything here may hold raw samples,
pixels or landmarks and therefore lives only in memory, only in the sensing process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError
from edge_affect.record import (
    EVENTS,
    EXPRESSIONS,
    N_PHRASES,
    STATES,
    AbstainReason,
    Modality,
    SourceState,
)

SAMPLE_RATE_HZ = 16_000
"""Rate of all audio after capture."""

N_EXPRESSIONS = len(EXPRESSIONS)
SUM_TOLERANCE = 1.1e-5
"""Probabilities may sum to this much more or less than 1; rounding alone stays far below it."""


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A run of consecutive mono samples at ``SAMPLE_RATE_HZ``.

    Attributes:
        samples: Shape ``(n_samples,)``, float32, range [-1, 1].
        start_ns: Monotonic clock at the first sample.
        n_lost: Samples lost between the previous block and this one.
    """

    samples: NDArray[np.float32]
    start_ns: int
    n_lost: int = 0

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ShapeError("An audio block needs one-dimensional float32 samples.")

    @property
    def end_ns(self) -> int:
        """Monotonic clock just after the last sample."""
        return self.start_ns + self.samples.size * 1_000_000_000 // SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture.

    Attributes:
        pixels: Shape ``(height, width, 3)``, uint8, RGB, C-contiguous.
        captured_ns: Monotonic clock when it was taken.
        n_lost: Frames lost between the previous frame and this one.
    """

    pixels: NDArray[np.uint8]
    captured_ns: int
    n_lost: int = 0

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ShapeError("A frame needs uint8 pixels of shape (height, width, 3).")


@dataclass(frozen=True, slots=True)
class ExpressionEstimate:
    """What one modality says about the expression in one window or frame.

    Attributes:
        probabilities: Shape ``(8,)``, float64, order of ``Expression``, sums to 1; exactly 0 for
            a class that the model does not know, which softmax never gives to one it knows.
        reliability: Calibrated chance that the top class is right, [0, 1].
        observed_ns: Monotonic clock at the middle of the window.
    """

    probabilities: NDArray[np.float64]
    reliability: float
    observed_ns: int

    def __post_init__(self) -> None:
        if self.probabilities.shape != (N_EXPRESSIONS,):
            raise ShapeError(f"Expression probabilities have shape {self.probabilities.shape}.")
        if not abs(float(self.probabilities.sum()) - 1.0) <= SUM_TOLERANCE:
            raise ShapeError("Expression probabilities must sum to 1.")
        if not 0.0 <= self.reliability <= 1.0:
            raise ShapeError(f"Reliability {self.reliability} is outside [0, 1].")


@dataclass(frozen=True, slots=True)
class SoundObservation:
    """Which sound events one window of sound holds; every field is in the order of ``EVENTS``.

    Attributes:
        levels: Smoothed over the latest windows, [0, 1], or None where an event is not sensed.
        active: Whether the event is going on: hysteresis has been applied.
        started: Whether it started with this window.
        ended: Whether it ended with this window.
        observed_ns: Monotonic clock at the middle of the window.
    """

    levels: tuple[float | None, ...]
    active: tuple[bool, ...]
    started: tuple[bool, ...]
    ended: tuple[bool, ...]
    observed_ns: int

    def __post_init__(self) -> None:
        fields = (self.levels, self.active, self.started, self.ended)
        if any(len(values) != len(EVENTS) for values in fields):
            raise ShapeError(f"A sound observation needs {len(EVENTS)} of everything.")
        if not all(level is None or 0.0 <= level <= 1.0 for level in self.levels):
            raise ShapeError(f"A sound event level is outside [0, 1]: {self.levels}.")


@dataclass(frozen=True, slots=True)
class Prosody:
    """How something was said in one window of sound, in physical units; never leaves sensing.

    Everything but the first two is None where there was too little voice to say it.

    Attributes:
        voiced_share: Share of the frames that hold voice, [0, 1].
        intensity_db: Mean power of the speech, pauses left out, in dB relative to full scale,
            [-96, 0]; of the whole window where there was no speech.
        intensity_spread_db: Standard deviation of the voiced frames' levels, >= 0.
        f0_hz: Median pitch of the voiced frames, [60, 600].
        f0_spread_st: Half the range in semitones that holds the middle 68 % of the pitch, >= 0.
        f0_slope_st_per_s: Of the straight line through the pitch, in semitones per second.
        speech_rate_hz: Syllable nuclei per second from the first to the last speech, pauses
            included, >= 0.
        pause_share: Share of that stretch that was silent for at least 0.15 s, [0, 1].
        mean_pause_s: Mean length of those silences, 0 where there was none.
        spectral_slope_db: Tilt of the voice's power density from 354 Hz to 5.7 kHz, in dB per
            octave; about -6 pressed, -12 soft.
        centroid_hz: Centre of gravity of the voice's power spectrum, [50, 8000].
        harmonicity: Mean share of the voiced frames' power that repeats with the period, [0, 1].
        jitter: Median change of the period from cycle to cycle over its length, [0, 0.25].
        shimmer_db: Median change of the level from cycle to cycle in dB, >= 0.
    """

    voiced_share: float
    intensity_db: float
    intensity_spread_db: float | None = None
    f0_hz: float | None = None
    f0_spread_st: float | None = None
    f0_slope_st_per_s: float | None = None
    speech_rate_hz: float | None = None
    pause_share: float | None = None
    mean_pause_s: float | None = None
    spectral_slope_db: float | None = None
    centroid_hz: float | None = None
    harmonicity: float | None = None
    jitter: float | None = None
    shimmer_db: float | None = None

    def __post_init__(self) -> None:
        shares = (self.voiced_share, self.pause_share, self.harmonicity)
        if not all(share is None or 0.0 <= share <= 1.0 for share in shares):
            raise ShapeError(f"A share of prosody is outside [0, 1]: {shares}.")
        if self.f0_hz is not None and not 50.0 <= self.f0_hz <= 700.0:
            raise ShapeError(f"A pitch of {self.f0_hz} Hz is no voice's.")


@dataclass(frozen=True, slots=True)
class VoiceObservation:
    """What perception says about one window of sound.

    Attributes:
        speech_share: Share of the window that holds speech, [0, 1].
        estimate: Expression of the voice, or None where there was too little speech.
        observed_ns: Monotonic clock at the middle of the window.
        prosody: How it was said, or None from a reader that measures none.
        arousal: How aroused it sounds, whatever was expressed, [-1, 1]; None where the voice was
            not read, or from a reader that measures none.
    """

    speech_share: float
    estimate: ExpressionEstimate | None
    observed_ns: int
    prosody: Prosody | None = None
    arousal: float | None = None


@dataclass(frozen=True, slots=True)
class WordsObservation:
    """What perception says about one utterance; the words themselves are gone.

    Attributes:
        signs: Chance of negative, neutral and positive words, sums to 1; None where no word tells.
        estimate: Expression of the words, or None where no word tells.
        phrases: For each phrase slot of the record whether its phrase was said.
        observed_ns: Monotonic clock at the middle of the utterance.
    """

    signs: tuple[float, ...] | None
    estimate: ExpressionEstimate | None
    phrases: tuple[bool, ...]
    observed_ns: int

    def __post_init__(self) -> None:
        if len(self.phrases) != N_PHRASES:
            raise ShapeError(f"Words need {N_PHRASES} phrase slots, not {len(self.phrases)}.")
        if self.signs is not None and len(self.signs) != 3:
            raise ShapeError(f"Words have three signs, not {len(self.signs)}.")


@dataclass(frozen=True, slots=True)
class FaceSignals:
    """What the geometry of one face shows, without a learned expression.

    Angles are seen from the camera: 0 is straight into it, positive yaw turns to the subject's
    left, positive pitch up, positive roll tilts the head to the subject's left shoulder.

    Attributes:
        yaw_deg: Of the head, [-90, 90].
        pitch_deg: Of the head, [-90, 90].
        roll_deg: Of the head, [-180, 180].
        gaze_yaw_deg: Of the eyes against the head, or None where no eye could be read.
        gaze_pitch_deg: As above.
        eye_openness: 0 closed to 1 wide open, the mean of both eyes.
        mouth_openness: 0 closed to 1 wide open.
        smile: 0 to 1, corners of the mouth drawn out and up.
        brow_raise: 0 to 1.
        brow_furrow: 0 to 1, brows drawn together and down.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    gaze_yaw_deg: float | None
    gaze_pitch_deg: float | None
    eye_openness: float
    mouth_openness: float
    smile: float
    brow_raise: float
    brow_furrow: float

    def __post_init__(self) -> None:
        shares = (
            self.eye_openness,
            self.mouth_openness,
            self.smile,
            self.brow_raise,
            self.brow_furrow,
        )
        if not all(0.0 <= share <= 1.0 for share in shares):
            raise ShapeError(f"A face signal is outside [0, 1]: {shares}.")


@dataclass(frozen=True, slots=True)
class ObservedFace:
    """One face of one frame, followed over a few seconds at most.

    Attributes:
        track: Number of its track, ascending; whoever comes back gets a new one.
        estimate: Its latest expression, or None where it is too small or too poor to read.
        signals: Its latest geometry, or None where the mesh did not fit.
        blink_rate_hz: Blinks per second over its track, or None while that is too short.
    """

    track: int
    estimate: ExpressionEstimate | None
    signals: FaceSignals | None = None
    blink_rate_hz: float | None = None


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """What perception says about one frame.

    Attributes:
        n_faces: Faces found, readable or not.
        estimates: One for each face that was good enough to read.
        observed_ns: Monotonic clock when the frame was taken.
        faces: The faces one by one, readable or not; empty from a reader that follows none.
    """

    n_faces: int
    estimates: tuple[ExpressionEstimate, ...]
    observed_ns: int
    faces: tuple[ObservedFace, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneEstimate:
    """Fusion's answer for one tick, still exact; the privacy gate makes it coarse.

    Attributes:
        probabilities: Shape ``(8,)``, order of ``Expression``, sums to 1; None while abstaining.
        valence: [-1, 1], or None while abstaining.
        arousal: [-1, 1], or None while abstaining.
        confidence: Calibrated chance that the top expression is right, [0, 1].
        modalities: What the answer rests on, or what was available while abstaining.
        abstained: Why there is no answer, or ``AbstainReason.NONE``.
        n_faces: Faces present, or None without a camera.
        speech_share: [0, 1], or None without a microphone.
        valence_relative: Valence against what is normal for who is seen and heard, [-1, 1], or
            None while that is not known.
        arousal_relative: As above.
        states: Derived states in the order of ``STATES``, [0, 1], None where not computed.
        events: Level of each of ``EVENTS``, [0, 1], of which an event that is going on has at
            least one half, or None where it is not sensed.
        polarity: Of the words, [-1, 1], or None if there were none.
        phrases: For each phrase slot of the record whether its phrase was said just now.
    """

    probabilities: NDArray[np.float64] | None
    valence: float | None
    arousal: float | None
    confidence: float
    modalities: Modality
    abstained: AbstainReason
    n_faces: int | None
    speech_share: float | None
    valence_relative: float | None = None
    arousal_relative: float | None = None
    states: tuple[float | None, ...] = (None,) * len(STATES)
    events: tuple[float | None, ...] = (None,) * len(EVENTS)
    polarity: float | None = None
    phrases: tuple[bool, ...] = (False,) * N_PHRASES

    def __post_init__(self) -> None:
        if len(self.states) != len(STATES):
            raise ShapeError(f"A scene needs {len(STATES)} states, not {len(self.states)}.")
        if len(self.events) != len(EVENTS):
            raise ShapeError(f"A scene needs {len(EVENTS)} events, not {len(self.events)}.")


@dataclass(frozen=True, slots=True)
class SensingHealth:
    """How the sensing process itself is doing, measured over the last tick or so.

    Attributes:
        microphone: State of the sound source.
        camera: State of the picture source.
        frame_rate_hz: Frames analysed per second.
        latency_ms: From capture to the end of analysis, the slower modality.
        drop_share: Share of blocks and frames that were lost, [0, 1].
    """

    microphone: SourceState = SourceState.OFF
    camera: SourceState = SourceState.OFF
    frame_rate_hz: float = 0.0
    latency_ms: float = 0.0
    drop_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in pixels of its frame; it may reach beyond the frame.

    Attributes:
        left_px: Left edge.
        top_px: Top edge.
        width_px: Width, > 0.
        height_px: Height, > 0.
    """

    left_px: float
    top_px: float
    width_px: float
    height_px: float


@dataclass(frozen=True, slots=True)
class FaceDetection:
    """A face found in a frame.

    Attributes:
        box: Where it is.
        keypoints_px: Shape ``(6, 2)``, float32, x and y in pixels: the subject's right eye, left
            eye, nose tip, mouth, right ear tragion, left ear tragion.
        probability: Of being a face, [0, 1].
    """

    box: Box
    keypoints_px: NDArray[np.float32] = field(repr=False)
    probability: float
