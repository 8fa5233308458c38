"""Where the eyes point against the head, from the iris model and the mesh.

The model sees each eye upright; the subject's left one is shown mirrored, as the model knows only
right ones. Of its answer one point is used, the middle of the iris. An eyeball turns about its
centre, which lies behind the middle of the eye's corners: the way from where that centre lies in
the picture to the iris, in units of the eyeball's radius, is the sine of the gaze. (Such an eyeball
behind a face model is used by e.g. K. Wang and Q. Ji, 2017, "Real time eye gaze tracking with 3D
deformable eye-face model".) The mesh gives place and pose of the head; the wider eye counts more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_pose import head_pose, in_head, mesh_px
from edge_affect.perception.picture import Square, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_pose import HeadPose
    from edge_affect.perception.manifest import Manifest

N_EYE_VALUES, N_IRIS_VALUES = 213, 15
RIGHT, LEFT = -1.0, 1.0
"""Side of an eye, the subject's, and the sign of its place in the head."""
MAX_SINE = 0.95
"""An iris further out than this, about 72 degrees, is no iris."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the eyes point against the head; signs as in ``types.FaceSignals``.

    Attributes:
        yaw_deg: To the subject's left, [-90, 90].
        pitch_deg: Up, [-90, 90].
    """

    yaw_deg: float
    pitch_deg: float


@dataclass(frozen=True, slots=True)
class GazeSettings:
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
        max_turn_deg: An eye of a head turned aside further than this on its side is not read.
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
    max_turn_deg: float
    min_corners_px: float

    def __post_init__(self) -> None:
        if self.ball_radius <= 0 or self.square_scale <= 0:
            raise ManifestError("'ball_radius' and 'square_scale' must be above 0")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> GazeSettings:
        """Read the settings of an iris model.

        Raises:
            ManifestError: If a key is missing, unknown or out of range, or the tensors are others.
        """
        numbers = manifest.preprocessing_numbers({"input_low", "input_high", "square_scale"})
        sizes = [math.prod(spec.shape) for spec in manifest.outputs]
        if sizes != [N_EYE_VALUES, N_IRIS_VALUES]:
            raise ManifestError(
                f"{manifest.path}: an iris model has outputs of {N_EYE_VALUES} and "
                f"{N_IRIS_VALUES} values, not {sizes}."
            )
        try:
            return cls(
                size_px=manifest.inputs[0].shape[1],
                **numbers,
                ball_depth=manifest.threshold("ball_depth"),
                ball_drop=manifest.threshold("ball_drop"),
                ball_out=manifest.threshold("ball_out"),
                ball_radius=manifest.threshold("ball_radius"),
                max_turn_deg=manifest.threshold("max_turn_deg"),
                min_corners_px=manifest.threshold("min_corners_px"),
            )
        except IndexError:
            raise ManifestError(f"{manifest.path}: the input is not a picture.") from None
        except ManifestError as error:
            text = str(error).rstrip(".")
            prefix = "" if text.startswith(str(manifest.path)) else f"{manifest.path}: "
            raise ManifestError(f"{prefix}{text}.") from None


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
    settings: GazeSettings,
) -> NDArray[np.float64] | None:
    """Return where one eye points, in the axes of the head, or None where that cannot be.

    Args:
        iris_px: Shape ``(2,)``, the middle of the iris in the frame.
        middle: Shape ``(3,)``, the middle of the eye's corners in the axes of the head.
        side: ``RIGHT`` or ``LEFT``.
        pose: Of the head.
        settings: Of the eyeball.

    Returns:
        Shape ``(3,)``, of length 1: to the subject's left, down, backwards.
    """
    ball = (side * settings.ball_out, settings.ball_drop, settings.ball_depth)
    centre_px = pose.origin_px + pose.scale_px * pose.rotation @ (middle + ball)
    offset = (iris_px - centre_px[:2]) / (pose.scale_px * settings.ball_radius)
    sine = float(np.linalg.norm(offset))
    if sine > MAX_SINE:
        return None
    seen = np.array([offset[0], offset[1], -math.sqrt(1 - sine**2)])
    return np.asarray(pose.rotation.T @ seen, dtype=np.float64)


def gaze_of(direction: NDArray[np.float64]) -> Gaze:
    """Return a direction in the axes of the head as angles.

    >>> gaze_of(np.array([0.0, 0.0, -1.0]))
    Gaze(yaw_deg=0.0, pitch_deg=0.0)
    """
    to_left, down, back = direction
    return Gaze(
        yaw_deg=math.degrees(math.atan2(to_left, -back)) + 0.0,
        pitch_deg=math.degrees(math.atan2(-down, math.hypot(to_left, back))) + 0.0,
    )


class GazeReader:
    """Reads where the eyes of one face point and keeps nothing.

    Costs two inferences for each face, so it is to be run less often than the mesh.

    Args:
        model: Of kind ``iris_landmarks``.

    Raises:
        ManifestError: If the manifest does not describe such a model.
    """

    def __init__(self, model: RunsModel) -> None:
        self._model = model
        self._settings = GazeSettings.from_manifest(model.manifest)

    def read(
        self,
        pixels: NDArray[np.uint8],
        landmarks: FaceLandmarks,
        pose: HeadPose | None = None,
    ) -> Gaze | None:
        """Return where the eyes of a face point, or None where neither can be read.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB: the frame of the mesh.
            landmarks: The mesh, with depth.
            pose: Of its head, where it is known already.

        Raises:
            ShapeError: If the mesh has no depth, or all its points coincide.
        """
        pose = head_pose(landmarks) if pose is None else pose
        mesh = mesh_px(landmarks)
        total = np.zeros(3)
        for side, points in zip((RIGHT, LEFT), EYE_CORNERS, strict=True):
            corners_px = landmarks.points_px[list(points)]
            width_px = float(np.linalg.norm(corners_px[1] - corners_px[0]))
            # Turning to one side hides the eye of that side behind the nose.
            is_hidden = side * pose.yaw_deg > self._settings.max_turn_deg
            if is_hidden or width_px < self._settings.min_corners_px:
                continue
            iris_px = self.iris_px(pixels, corners_px, is_left=side == LEFT)
            middle = in_head(mesh[list(points)], pose).mean(axis=0)
            direction = eye_direction(iris_px, middle, side, pose, self._settings)
            if direction is not None:
                total += width_px * direction
        return gaze_of(total) if total.any() else None

    def iris_px(
        self, pixels: NDArray[np.uint8], corners_px: NDArray[np.floating], *, is_left: bool
    ) -> NDArray[np.float32]:
        """Return the middle of one iris in the frame, shape ``(2,)``.

        Args:
            pixels: The frame.
            corners_px: Shape ``(2, 2)``: outer and inner corner of the eye.
            is_left: Whether it is the subject's left eye.
        """
        settings = self._settings
        ordered = corners_px[::-1] if is_left else corners_px
        square = eye_square(ordered[0], ordered[1], settings.square_scale)
        crop = cut(pixels, square, settings.size_px)
        shown = crop[:, ::-1] if is_left else crop
        step = np.float32((settings.input_high - settings.input_low) / 255)
        _, iris = self._model.run(shown[np.newaxis] * step + np.float32(settings.input_low))
        place = iris.reshape(-1, 3)[:1, :2].astype(np.float64) / settings.size_px
        if is_left:
            place[:, 0] = 1 - place[:, 0]
        return np.asarray(square.to_frame(place)[0], dtype=np.float32)
