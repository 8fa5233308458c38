"""Where the eyes point against the head and how far they are open, from the iris model.

The model sees each eye upright; the subject's left one is shown mirrored, as the model knows only
right ones. Of its answer three things are used: the middle of the iris, and the rims of both lids.

Gaze: an eyeball turns about its centre, which lies behind the middle of the eye's corners; the way
from where that centre lies in the picture to the iris, in units of the eyeball's radius, is the
sine of the gaze. (Such an eyeball behind a face model is used by e.g. K. Wang and Q. Ji, 2017,
"Real time eye gaze tracking with 3D deformable eye-face model".) Place and pose of the head come
from the mesh.

Openness: the eye aspect ratio of T. Soukupova and J. Cech, 2016, "Real-time eye blink detection
using facial landmarks", with this model's lids over the mesh's width of the eye. The mesh alone
does not see a closed eye: its lids stay where those of an open eye would be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_pose import head_pose, in_head, mesh_px
from edge_affect.perception.picture import Square, cut, tensor_of
from edge_affect.perception.signal_scale import SignalScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_pose import HeadPose
    from edge_affect.perception.manifest import Manifest

N_AXES, N_EYE_POINTS, N_IRIS_POINTS = 4, 71, 5
LIDS = ((3, 11), (4, 12), (5, 13))
"""Points of an eye on its lower and upper lid, above each other."""
_LOWER, _UPPER = [lower for lower, _ in LIDS], [upper for _, upper in LIDS]
THRESHOLDS = (
    "ball_depth", "ball_drop", "ball_out", "ball_radius", "mesh_shift",
    "min_openness", "max_turn_deg", "min_corners_px",
)  # fmt: skip
RIGHT, LEFT = -1.0, 1.0
"""Side of an eye, the subject's, and the sign of its place in the head."""
MAX_SINE = 0.95
"""An iris further out than this is no iris."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """What the eyes of one face do; signs as in ``types.FaceSignals``.

    Attributes:
        yaw_deg: Against the head, to the subject's left, [-90, 90]; None while the eyes are closed.
        pitch_deg: Against the head, up, [-90, 90]; None while the eyes are closed.
        eye_openness: 0 closed to 1 wide open.
    """

    yaw_deg: float | None
    pitch_deg: float | None
    eye_openness: float


@dataclass(frozen=True, slots=True)
class EyeModel:
    """How the iris model sees an eye, and the eyeball behind it; from its manifest.

    Attributes:
        size_px: Side of the square input.
        input_low: What a black pixel becomes.
        input_high: What a white pixel becomes.
        square_scale: Side of the cut square in distances of the eye's corners.
        ball_depth: How far behind its corners an eyeball turns, in distances of the eyes.
        ball_drop: How far below them.
        ball_out: How far outside their middle.
        ball_radius: From there to the middle of the iris, in distances of the eyes, > 0.
        mesh_shift: How far too far to the left the mesh puts the eyes, in distances of the eyes.
        openness: Of the height of the lids' opening over the width of the eye.
        min_openness: An eye less open than this shows no gaze, [0, 1].
        max_turn_deg: An eye of a head turned to its side further than this is not read.
        min_corners_px: Nor is an eye whose corners are closer to each other than this.
    """

    size_px: int
    input_low: float
    input_high: float
    square_scale: float
    ball_depth: float
    ball_drop: float
    ball_out: float
    ball_radius: float
    mesh_shift: float
    openness: SignalScale
    min_openness: float
    max_turn_deg: float
    min_corners_px: float

    def __post_init__(self) -> None:
        if self.ball_radius <= 0 or self.square_scale <= 0:
            raise ManifestError("'ball_radius' and 'square_scale' must be above 0")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> EyeModel:
        """Read the settings of an iris model.

        Raises:
            ManifestError: If a key is missing, unknown or out of range, or the tensors are others.
        """
        numbers = manifest.preprocessing_numbers({"input_low", "input_high", "square_scale"})
        shape = manifest.inputs[0].shape
        sizes = [math.prod(spec.shape) for spec in manifest.outputs]
        if len(shape) != N_AXES or sizes != [3 * N_EYE_POINTS, 3 * N_IRIS_POINTS]:
            raise ManifestError(
                f"{manifest.path}: an iris model takes a picture and has outputs of "
                f"{3 * N_EYE_POINTS} and {3 * N_IRIS_POINTS} values, not {sizes}."
            )
        numbers |= {name: manifest.threshold(name) for name in THRESHOLDS}
        openness = SignalScale.from_manifest(manifest, "openness")
        try:
            return cls(size_px=shape[1], openness=openness, **numbers)
        except ManifestError as error:
            raise ManifestError(f"{manifest.path}: {error}.") from None


@dataclass(frozen=True, slots=True)
class Eye:
    """What the iris model found in one eye, in the frame.

    Attributes:
        iris_px: Shape ``(2,)``, the middle of the iris.
        gap_px: Height of the opening between the lids.
    """

    iris_px: NDArray[np.float64] = field(repr=False)
    gap_px: float


def eye_square(
    outer_px: NDArray[np.floating], inner_px: NDArray[np.floating], scale: float
) -> Square:
    """Return the square around an eye in which its corners are level.

    Args:
        outer_px: Shape ``(2,)``, the corner on the left of the picture.
        inner_px: Shape ``(2,)``, the corner on the right.
        scale: Side in distances of the corners.
    """
    across, down = (inner_px - outer_px).astype(np.float64)
    middle = (inner_px + outer_px) / 2
    return Square(
        centre_x_px=float(middle[0]),
        centre_y_px=float(middle[1]),
        side_px=math.hypot(across, down) * scale,
        roll_rad=math.atan2(down, across),
    )


def eye_direction(
    iris_px: NDArray[np.floating],
    middle: NDArray[np.float64],
    side: float,
    pose: HeadPose,
    model: EyeModel,
) -> NDArray[np.float64] | None:
    """Return where one eye points, in the axes of the head, or None where that cannot be.

    Args:
        iris_px: Shape ``(2,)``, the middle of the iris in the frame.
        middle: Shape ``(3,)``, the middle of the eye's corners in the axes of the head.
        side: ``RIGHT`` or ``LEFT``.
        pose: Of the head.
        model: Of the eyeball.

    Returns:
        Shape ``(3,)``, of length 1: to the subject's left, down, backwards.
    """
    ball = (side * model.ball_out, model.ball_drop, model.ball_depth)
    centre_px = pose.origin_px + pose.scale_px * pose.rotation @ (middle + ball)
    roll_rad = math.radians(pose.roll_deg)
    across = np.array([math.cos(roll_rad), math.sin(roll_rad)])
    centre_px[:2] += model.mesh_shift * pose.scale_px * across
    offset = (iris_px - centre_px[:2]) / (pose.scale_px * model.ball_radius)
    sine = float(np.linalg.norm(offset))
    if sine > MAX_SINE:
        return None
    seen = np.array([offset[0], offset[1], -math.sqrt(1 - sine**2)])
    return np.asarray(pose.rotation.T @ seen, dtype=np.float64)


def angles_of_gaze(direction: NDArray[np.float64]) -> tuple[float, float]:
    """Return a direction in the axes of the head as yaw and pitch in degrees.

    >>> angles_of_gaze(np.array([1.0, 0.0, -1.0]))
    (45.0, 0.0)
    """
    to_left, down, back = direction
    yaw_rad = math.atan2(to_left, -back)
    pitch_rad = math.atan2(-down, math.hypot(to_left, back))
    return math.degrees(yaw_rad), math.degrees(pitch_rad) + 0.0


class GazeReader:
    """Reads the eyes of one face at a time and keeps nothing.

    Costs one inference for each eye. Where there is no time for both, the wider one answers.

    Args:
        model: Of kind ``iris_landmarks``.

    Raises:
        ManifestError: If the manifest does not describe such a model.
    """

    def __init__(self, model: RunsModel) -> None:
        self._runner = model
        self._model = EyeModel.from_manifest(model.manifest)

    def read(
        self,
        pixels: NDArray[np.uint8],
        landmarks: FaceLandmarks,
        pose: HeadPose | None = None,
        *,
        is_quick: bool = False,
    ) -> Gaze | None:
        """Return what the eyes of a face do, or None where neither can be read.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB: the frame of the mesh.
            landmarks: The mesh, with depth.
            pose: Of its head, where it is known already.
            is_quick: Whether one eye is enough.

        Raises:
            ShapeError: If the mesh has no depth, or all its points coincide.
        """
        pose = head_pose(landmarks) if pose is None else pose
        mesh, model = mesh_px(landmarks), self._model
        direction, openness, weight = np.zeros(3), 0.0, 0.0
        for side, width_px in self._readable(landmarks, pose, is_quick=is_quick):
            points = mesh[list(EYE_CORNERS[0 if side == RIGHT else 1])]
            eye = self.look(pixels, points[:, :2], is_left=side == LEFT)
            ratio = eye.gap_px / float(np.linalg.norm(points[1] - points[0]))
            middle = in_head(points, pose).mean(axis=0)
            pointing = eye_direction(eye.iris_px, middle, side, pose, model)
            if pointing is not None:
                direction += width_px * pointing
            openness += width_px * model.openness.signal(ratio, pose.pitch_deg, pose.yaw_deg)
            weight += width_px
        if weight <= 0:
            return None
        openness = min(openness / weight, 1.0)
        if openness < model.min_openness or not direction.any():
            return Gaze(None, None, openness)
        return Gaze(*angles_of_gaze(direction), openness)

    def _readable(
        self, landmarks: FaceLandmarks, pose: HeadPose, *, is_quick: bool
    ) -> list[tuple[float, float]]:
        """Return side and width in pixels of the eyes that can be read, the better one first."""
        eyes = []
        for side, points in zip((RIGHT, LEFT), EYE_CORNERS, strict=True):
            outer, inner = landmarks.points_px[list(points)]
            width_px = float(np.linalg.norm(inner - outer))
            # Turning to one side hides the eye of that side behind the nose.
            is_hidden = side * pose.yaw_deg > self._model.max_turn_deg
            if not is_hidden and width_px >= self._model.min_corners_px:
                eyes.append((side, width_px))
        eyes.sort(key=lambda eye: eye[1], reverse=True)
        return eyes[:1] if is_quick else eyes

    def look(
        self, pixels: NDArray[np.uint8], corners_px: NDArray[np.floating], *, is_left: bool
    ) -> Eye:
        """Return what the model finds in one eye.

        Args:
            pixels: The frame.
            corners_px: Shape ``(2, 2)``: outer and inner corner of the eye.
            is_left: Whether it is the subject's left eye.
        """
        model = self._model
        ordered = corners_px[::-1] if is_left else corners_px
        square = eye_square(ordered[0], ordered[1], model.square_scale)
        crop = cut(pixels, square, model.size_px)
        shown = crop[:, ::-1] if is_left else crop
        rims, iris = self._runner.run(tensor_of(shown, model.input_low, model.input_high))
        place = iris.reshape(-1, 3)[0, :2].astype(np.float64) / model.size_px
        if is_left:
            place[0] = 1 - place[0]
        points = rims.reshape(-1, 3)[:, :2].astype(np.float64) / model.size_px
        ways = (points[_LOWER] - points[_UPPER]).tolist()
        gaps = [math.sqrt(across * across + down * down) for across, down in ways]
        return Eye(
            iris_px=square.to_frame(place[np.newaxis])[0].astype(np.float64),
            gap_px=sum(gaps) / len(gaps) * square.side_px,
        )
