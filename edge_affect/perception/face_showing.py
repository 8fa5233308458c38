"""What the geometry of a followed face shows: its signals, and its eyes over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.perception.blinking import BlinkCounter, BlinkSettings
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_signals import SignalScales, signals

if TYPE_CHECKING:
    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.face_gaze import Gaze
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_pose import HeadPose
    from edge_affect.perception.manifest import Manifest
    from edge_affect.types import FaceSignals, VideoFrame

MAX_GAZE_AGE_NS = NS_PER_S // 2
"""Eyes read longer ago say nothing about now."""
EYES_EVERY_NS = 90_000_000
"""Eyes are not read more often: a blink takes a tenth of a second or more."""
NEVER_NS = -1


@dataclass(slots=True)
class Eyes:
    """What the eyes of one followed face did lately.

    Attributes:
        blinks: Counts them, or None without an iris model.
        gaze: As last read.
        read_ns: When somebody last tried.
    """

    blinks: BlinkCounter | None
    gaze: Gaze | None = None
    read_ns: int = NEVER_NS

    @property
    def blink_rate_hz(self) -> float | None:
        """Blinks per second, or None while they were watched too shortly."""
        return None if self.blinks is None else self.blinks.rate_hz


class SignalReader:
    """Turns meshes into signals; the eyes, which cost an inference, only where it is asked to.

    Args:
        landmarks: Manifest of the mesh, with the scales of the signals.
        iris: The iris model, or None to do without gaze and blinks.

    Raises:
        ManifestError: If a manifest lacks a number.
    """

    def __init__(self, landmarks: Manifest, iris: RunsModel | None) -> None:
        self._scales = SignalScales.from_manifest(landmarks)
        self._gaze = None if iris is None else GazeReader(iris)
        self._blinking = None if iris is None else BlinkSettings.from_manifest(iris.manifest)

    def new_eyes(self) -> Eyes:
        """Return the eyes of a face that begins to be followed."""
        return Eyes(None if self._blinking is None else BlinkCounter(self._blinking))

    def wants_eyes(self, eyes: Eyes, now_ns: int) -> bool:
        """Return whether it is time to read these eyes again."""
        is_due = eyes.read_ns == NEVER_NS or now_ns - eyes.read_ns >= EYES_EVERY_NS
        return self._gaze is not None and is_due

    def read_eyes(
        self, frame: VideoFrame, landmarks: FaceLandmarks, pose: HeadPose, eyes: Eyes
    ) -> None:
        """Read one eye of a face, the one that is seen better, for both.

        Args:
            frame: The frame.
            landmarks: The mesh in it.
            pose: Of its head.
            eyes: Of the face; are brought up to date.
        """
        if self._gaze is None:
            return
        eyes.read_ns = frame.captured_ns
        eyes.gaze = self._gaze.read(frame.pixels, landmarks, pose, is_quick=True)
        if eyes.gaze is not None and eyes.blinks is not None:
            eyes.blinks.add(eyes.gaze.eye_openness, frame.captured_ns)

    def signals(
        self, frame: VideoFrame, landmarks: FaceLandmarks, pose: HeadPose, eyes: Eyes
    ) -> FaceSignals:
        """Return what a mesh shows; arguments as ``read_eyes``."""
        gaze = eyes.gaze if frame.captured_ns - eyes.read_ns <= MAX_GAZE_AGE_NS else None
        return signals(landmarks, self._scales, gaze, pose)
