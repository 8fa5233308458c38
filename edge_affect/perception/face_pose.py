"""Where a head points, and its mesh as seen from straight ahead.

The mesh has depth, so that the pose is one rigid fit in closed form: the turn, size and shift that
bring the points of a median head (``face_canonical``), which no expression moves, closest to the
points of this face (B. K. P. Horn, 1987, "Closed-form solution of absolute orientation"; by
singular values as in S. Umeyama, 1991).

The mesh is a weak perspective, taken about the line from the camera to the head, so the angles are
against that line: 0 looks into the camera from wherever the head is in the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.perception.face_canonical import HEAD_POINTS, RIGID_POINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_landmarks import FaceLandmarks

_RIGID = list(RIGID_POINTS)
_HEAD_CENTRE = HEAD_POINTS.mean(axis=0)
_HEAD = HEAD_POINTS - _HEAD_CENTRE
_HEAD_ENERGY = float((_HEAD**2).sum())


@dataclass(frozen=True, slots=True)
class HeadPose:
    """How a head lies in a picture; angles as in ``types.FaceSignals``.

    Attributes:
        rotation: Shape ``(3, 3)``, from the head's axes (to its left, down, backwards) to the
            camera's (right, down, away).
        scale_px: Pixels for one unit of the head, which is the distance of its eyes, > 0.
        origin_px: Shape ``(3,)``, the middle between the eyes of the fitted head, in pixels.
        yaw_deg: [-90, 90].
        pitch_deg: [-90, 90].
        roll_deg: [-180, 180], the slope of the line through the eyes in the picture.
    """

    rotation: NDArray[np.float64] = field(repr=False)
    scale_px: float
    origin_px: NDArray[np.float64] = field(repr=False)
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def rotation_of(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """Return the rotation of a head at known angles: first pitched, then turned, then tilted.

    The tilt comes last, so that turning the picture in its plane changes the roll alone.

    >>> facing = rotation_of(30, 0, 0) @ [0, 0, -1]
    >>> bool(facing[0] > 0)
    True
    """
    (cy, cp, cr), (sy, sp, sr) = (
        [turn(math.radians(angle)) for angle in (yaw_deg, pitch_deg, roll_deg)]
        for turn in (math.cos, math.sin)
    )
    turned = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    pitched = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilted = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilted @ turned @ pitched, dtype=np.float64)


def angles_of(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees: the inverse of ``rotation_of``.

    >>> [round(angle) for angle in angles_of(rotation_of(20, -10, 100))]
    [20, -10, 100]
    """
    to_left, down, back = rotation.T
    roll_rad = math.atan2(to_left[1], to_left[0])
    yaw_rad = math.atan2(to_left[2], math.hypot(to_left[0], to_left[1]))
    sine, cosine = math.sin(roll_rad), math.cos(roll_rad)
    pitch_rad = math.atan2(
        cosine * back[1] - sine * back[0], max(cosine * down[1] - sine * down[0], 0.0)
    )
    return math.degrees(yaw_rad), math.degrees(pitch_rad), math.degrees(roll_rad)


def head_pose(landmarks: FaceLandmarks) -> HeadPose:
    """Return how the head of one mesh lies in the picture.

    Raises:
        ShapeError: If the mesh has no depth, is not finite, or all its points coincide.
    """
    points = mesh_px(landmarks)[_RIGID]
    if not np.isfinite(points).all():
        raise ShapeError("A mesh with points that are not finite has no pose.")
    centre = points.mean(axis=0)
    left, gains, right = np.linalg.svd((points - centre).T @ _HEAD)
    if gains[0] <= 0:
        raise ShapeError("A mesh whose points coincide has no pose.")
    handedness = 1.0 if _determinant(left @ right) > 0 else -1.0
    gains[2] *= handedness
    left[:, 2] *= handedness
    rotation = np.asarray(left @ right, dtype=np.float64)
    scale = float(gains.sum()) / _HEAD_ENERGY
    origin = centre - scale * rotation @ _HEAD_CENTRE
    return HeadPose(rotation, scale, origin, *angles_of(rotation))


def _determinant(matrix: NDArray[np.float64]) -> float:
    """Return the determinant of a 3 x 3 matrix; a general solver takes ten times as long."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return float(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))


def mesh_px(landmarks: FaceLandmarks) -> NDArray[np.float64]:
    """Return the mesh with its depth, shape ``(468, 3)``, in pixels of the frame.

    Raises:
        ShapeError: If the mesh has no depth.
    """
    if landmarks.depths_px is None:
        raise ShapeError("The pose of a head needs the depths of its mesh.")
    mesh = np.empty((len(landmarks.points_px), 3))
    mesh[:, :2] = landmarks.points_px
    mesh[:, 2] = landmarks.depths_px
    return mesh


def in_head(points_px: NDArray[np.floating], pose: HeadPose) -> NDArray[np.float64]:
    """Return points seen from straight ahead: turned back, the unit the distance of the eyes.

    Args:
        points_px: Shape ``(n, 3)``, with depth, in pixels of the frame.
        pose: Of their head.

    Returns:
        Shape ``(n, 3)``: to the subject's left, down, backwards from between the eyes.
    """
    return np.asarray((points_px - pose.origin_px) @ pose.rotation / pose.scale_px)
