"""A head whose every point is known, seen by a camera at a known place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_affect.perception.face_canonical import HEAD_POINTS, RIGID_POINTS
from edge_affect.perception.face_landmarks import FaceLandmarks
from edge_affect.perception.face_pose import rotation_of

EYE_DISTANCE_MM = 63.0
FOCAL_PX = 554.0
"""640 px across 60 degrees: a usual webcam."""
N_POINTS = 468


def somebody(seed: int) -> np.ndarray:
    """Return a head unlike the median one: wider or narrower, deeper or flatter, its own nose.

    Shape ``(40, 3)``, as ``HEAD_POINTS``; both halves alike.
    """
    rng = np.random.default_rng(seed)
    head = HEAD_POINTS * (1 + rng.uniform(-0.08, 0.08, 3))
    nose = np.exp(-(HEAD_POINTS[:, :2] ** 2 @ (1 / 0.2**2, 1 / 0.5**2)) / 2)
    head[:, 2] -= rng.uniform(-0.08, 0.08) * nose
    jitter = 0.02 * rng.standard_normal((RIGHT.size + MIDDLE.size, 3))
    jitter[: MIDDLE.size, 0] = 0
    head[MIDDLE] += jitter[: MIDDLE.size]
    head[RIGHT] += jitter[MIDDLE.size :]
    head[LEFT] += jitter[MIDDLE.size :] * (-1, 1, 1)
    return head


LIPS = {
    13: (0.0, 1.030, -0.249),
    14: (0.0, 1.067, -0.216),
    82: (-0.098, 1.026, -0.232),
    87: (-0.108, 1.063, -0.203),
    61: (-0.385, 1.040, -0.014),
}
LIDS = {
    160: (-0.612, -0.064, -0.062),
    158: (-0.442, -0.071, -0.090),
    144: (-0.583, 0.045, -0.043),
    153: (-0.418, 0.045, -0.070),
}
BROWS = {
    70: (-0.900, -0.258, 0.054),
    46: (-0.842, -0.210, -0.025),
    63: (-0.800, -0.346, -0.079),
    53: (-0.748, -0.279, -0.121),
    105: (-0.650, -0.389, -0.190),
    52: (-0.615, -0.311, -0.201),
    66: (-0.456, -0.381, -0.283),
    65: (-0.439, -0.302, -0.259),
    107: (-0.235, -0.353, -0.328),
    55: (-0.205, -0.226, -0.286),
}
"""The right half of a face at rest, in distances of the eyes from between them."""
TWINS = {
    82: 312, 87: 317, 61: 291, 160: 387, 158: 385, 144: 373, 153: 380, 70: 300, 46: 276,
    63: 293, 53: 283, 105: 334, 52: 282, 66: 296, 65: 295, 107: 336, 55: 285,
}  # fmt: skip


@dataclass(frozen=True)
class Face:
    """What the muscles of a known head do; at rest nothing. All in distances of the eyes.

    Attributes:
        lip_gap: The lower lip goes down by this.
        corners_up: The corners of the mouth go up by this and out by as much.
        brows_up: All of both brows goes up by this.
        inner_brows_down: The inner ends of the brows go down by this, the outer ends stay.
        lids_together: Upper and lower lids of the mesh come closer by this.
    """

    lip_gap: float = 0.0
    corners_up: float = 0.0
    brows_up: float = 0.0
    inner_brows_down: float = 0.0
    lids_together: float = 0.0

    def mesh(self) -> dict[int, np.ndarray]:
        """Return the place of each known point of the mesh by its row."""
        right = {point: np.array(place) for point, place in {**LIPS, **LIDS, **BROWS}.items()}
        for point in (14, 87):
            right[point] += (0, self.lip_gap, 0)
        right[61] += (-self.corners_up, -self.corners_up, 0)
        for point in LIDS:
            side = 1 if right[point][1] < 0 else -1
            right[point] += (0, side * self.lids_together / 2, 0)
        for point in BROWS:
            inwards = np.clip((right[point][0] + 0.65) / 0.4, 0, 1)
            right[point] += (0, inwards * self.inner_brows_down - self.brows_up, 0)
        left = {twin: right[point] * (-1, 1, 1) for point, twin in TWINS.items()}
        return {**dict(zip(RIGID_POINTS, HEAD_POINTS, strict=True)), **right, **left}

    def seen(
        self, angles_deg: tuple[float, float, float] = (0, 0, 0), distance_mm: float = 600.0
    ) -> FaceLandmarks:
        """Return its mesh as a camera sees it; as the function of that name."""
        mesh = self.mesh()
        return seen(np.array(list(mesh.values())), angles_deg, distance_mm, tuple(mesh))


N_MIDDLE = int((HEAD_POINTS[:, 0] == 0).sum())
N_SIDE = (len(HEAD_POINTS) - N_MIDDLE) // 2
MIDDLE = np.arange(N_MIDDLE)
RIGHT = N_MIDDLE + np.arange(N_SIDE)
LEFT = N_MIDDLE + N_SIDE + np.arange(N_SIDE)


def seen(
    head: np.ndarray,
    angles_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    distance_mm: float = 600.0,
    points: tuple[int, ...] = RIGID_POINTS,
) -> FaceLandmarks:
    """Return the mesh of a head in the middle of a 640 x 480 picture, in full perspective.

    The depth is that of the landmark model: of a weak perspective, in pixels at the head.

    Args:
        head: Shape ``(n, 3)``, in distances of the eyes from between them.
        angles_deg: Yaw, pitch and roll.
        distance_mm: From the camera to between the eyes.
        points: Rows of the mesh that ``head`` gives; all others stay 0.
    """
    placed = head @ rotation_of(*angles_deg).T * EYE_DISTANCE_MM
    scale = FOCAL_PX / (distance_mm + placed[:, 2:])
    places = np.zeros((N_POINTS, 2), dtype=np.float32)
    depths = np.zeros(N_POINTS, dtype=np.float32)
    places[list(points)] = placed[:, :2] * scale + (320, 240)
    depths[list(points)] = placed[:, 2] * FOCAL_PX / distance_mm
    return FaceLandmarks(places, 1.0, depths)
