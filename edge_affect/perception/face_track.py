"""One face over a few seconds: where it is, where it is going, what it showed last.

A track is geometry in memory and nothing else: no picture, no embedding, nothing that could tell
whether somebody was here before. It ends soon after its face was last seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.perception.face_detection import MIN_BOX_PX
from edge_affect.types import Box, FaceDetection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_landmarks import FaceLandmarks

MESH_KEYPOINTS = ((33, 133), (263, 362), (1,), (13, 14), (234,), (454,))
"""Mesh points whose means stand for the six keypoints of a detection."""
_ALL_KEYPOINTS = [row for rows in MESH_KEYPOINTS for row in rows]
_N_EACH = np.array([len(rows) for rows in MESH_KEYPOINTS])
_FIRST_EACH = np.cumsum(_N_EACH) - _N_EACH
MESH_SIDE = 1.014
"""Longer side of the upright mesh in sides of the detector's box."""
MESH_RISE = 0.047
"""How far the middle of the mesh lies above the middle of that box, in its sides."""


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """When two sightings are one face; distances in widths of the face.

    Attributes:
        max_gap_s: A track not seen for longer has ended, > 0.
        max_unconfirmed_s: So long may the mesh hold a face that no detector finds, > 0.
        reach: How far a face may be from where it was expected, > 0.
        reach_per_s: How much further for each second since it was seen, >= 0.
        max_size_ratio: How much wider or narrower it may have become, >= 1.
        clear_ratio: A sighting belongs to a track if any other match of either is further away
            than its own distance divided by this, (0, 1).
        min_apart: Faces of like size nearer than this cannot be told apart, > 0.
        velocity_memory_s: Over how long the velocity is averaged, > 0.
        leaving_speed: A missing face at the border that moved out faster than this, in widths per
            second, has left, >= 0.
    """

    max_gap_s: float = 0.6
    max_unconfirmed_s: float = 3.0
    reach: float = 0.4
    reach_per_s: float = 0.8
    max_size_ratio: float = 1.6
    clear_ratio: float = 0.5
    min_apart: float = 0.5
    velocity_memory_s: float = 0.25
    leaving_speed: float = 0.3

    @property
    def max_gap_ns(self) -> int:
        """``max_gap_s`` in nanoseconds."""
        return round(self.max_gap_s * NS_PER_S)

    @property
    def max_unconfirmed_ns(self) -> int:
        """``max_unconfirmed_s`` in nanoseconds."""
        return round(self.max_unconfirmed_s * NS_PER_S)


@dataclass(slots=True, eq=False)
class Track:
    """One followed face; changes from frame to frame.

    Attributes:
        number: Its name while it lasts.
        face: How it was last seen.
        seen_ns: When that was.
        found_ns: When a detector last agreed.
        velocity_px_s: Shape ``(2,)``, of its middle.
        n_seen: In how many frames it was seen.
        is_missing: Whether it was looked for in vain since it was seen.
        is_meshed: Whether the mesh fitted last time, so that it can be followed without detector.
        is_verified: Whether it surely is a face and counts.
    """

    number: int
    face: FaceDetection
    seen_ns: int
    found_ns: int
    velocity_px_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    n_seen: int = 1
    is_missing: bool = False
    is_meshed: bool = False
    is_verified: bool = False

    def expected(self, now_ns: int) -> FaceDetection:
        """Return where it should be by now, with probability 0: nobody has seen it there."""
        shift = self.velocity_px_s * max(0.0, (now_ns - self.seen_ns) / NS_PER_S)
        return moved(self.face, shift)

    def see(self, face: FaceDetection, now_ns: int, memory_s: float) -> None:
        """Move to where the face is now.

        Args:
            face: As it was seen.
            now_ns: Monotonic clock of the frame.
            memory_s: See ``TrackSettings.velocity_memory_s``.
        """
        elapsed_s = (now_ns - self.seen_ns) / NS_PER_S
        if elapsed_s > 0:
            off = middle_px(face.box) - middle_px(self.expected(now_ns).box)
            # A part of what the velocity got wrong: a jump of one frame does not become a journey.
            self.velocity_px_s = (
                self.velocity_px_s + off * min(1.0, elapsed_s / memory_s) / elapsed_s
            )
            self.n_seen += 1
        self.face = face
        self.seen_ns = now_ns
        self.is_missing = False

    def is_leaving(self, now_ns: int, frame_size_px: tuple[int, int], speed: float) -> bool:
        """Return whether its middle is outside, or it crosses the border on its way out.

        Args:
            now_ns: Monotonic clock of the frame.
            frame_size_px: Width and height.
            speed: See ``TrackSettings.leaving_speed``.
        """
        box = self.expected(now_ns).box
        size = np.array(frame_size_px, dtype=np.float64)
        middle = middle_px(box)
        if (middle < 0).any() or (middle > size).any():
            return True
        low = np.array([box.left_px, box.top_px])
        high = low + np.array([box.width_px, box.height_px])
        outward = np.where(low < 0, -self.velocity_px_s, 0.0)
        outward = np.maximum(outward, np.where(high > size, self.velocity_px_s, 0.0))
        return bool((outward > speed * box.width_px).any())


def middle_px(box: Box) -> NDArray[np.float64]:
    """Return the middle of a box, shape ``(2,)``."""
    return np.array([box.left_px + box.width_px / 2, box.top_px + box.height_px / 2])


def apart(one: Box, other: Box) -> float:
    """Return the distance of two faces' middles in their mean width.

    >>> apart(Box(0, 0, 10, 10), Box(20, 0, 10, 10))
    2.0
    """
    distance_px = float(np.hypot(*(middle_px(one) - middle_px(other))))
    return 2 * distance_px / (one.width_px + other.width_px)


def size_ratio(one: Box, other: Box) -> float:
    """Return how many times wider the wider face is, >= 1."""
    return max(one.width_px / other.width_px, other.width_px / one.width_px)


def moved(face: FaceDetection, shift_px: NDArray[np.float64]) -> FaceDetection:
    """Return a face elsewhere, with probability 0."""
    right, down = shift_px.tolist()
    box = replace(face.box, left_px=face.box.left_px + right, top_px=face.box.top_px + down)
    keypoints = (face.keypoints_px + shift_px).astype(np.float32)
    return FaceDetection(box, keypoints, 0.0)


def face_of_mesh(landmarks: FaceLandmarks) -> FaceDetection:
    """Return a mesh as the detector would have put it, so that both can follow one face.

    The sizes are medians over 217 portraits, where box and mesh differ by 3 % (one deviation).
    The upright extent of the mesh is used, not eyes and mouth: it stays as it is while the head
    turns aside. The probability is 0: no detector has seen it.
    """
    points = landmarks.points_px.astype(np.float64)
    sums = np.add.reduceat(points[_ALL_KEYPOINTS], _FIRST_EACH, axis=0)
    keypoints = sums / _N_EACH[:, np.newaxis]
    across, down = keypoints[1] - keypoints[0]
    roll_rad = math.atan2(down, across)
    axes = np.array(
        [[math.cos(roll_rad), math.sin(roll_rad)], [-math.sin(roll_rad), math.cos(roll_rad)]]
    )
    upright = points @ axes.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    side = max(float((high - low).max()) / MESH_SIDE, MIN_BOX_PX)
    centre = ((low + high) / 2 + (0.0, MESH_RISE * side)) @ axes
    box = Box(float(centre[0] - side / 2), float(centre[1] - side / 2), side, side)
    return FaceDetection(box, keypoints.astype(np.float32), 0.0)
