"""Distances of a face that its muscles change, from its mesh seen from straight ahead.

Each function takes a mesh turned back into the head's own axes (``face_pose.in_head``), so that a
head turned aside does not look narrower: shape ``(468, 3)``, to the subject's left, down, backward,
the unit the distance of the eyes. AU numbers are those of the Facial Action Coding System (P. Ekman
and W. Friesen, 1978; P. Ekman, W. Friesen and J. Hager, 2002).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.face_alignment import EYE_CORNERS, MOUTH_CORNERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPPER_LIDS, LOWER_LIDS = (160, 158, 387, 385), (144, 153, 373, 380)
"""Twice for each eye: with its corners the six points of the eye aspect ratio."""
OUTER_CORNERS, INNER_CORNERS = zip(*EYE_CORNERS, strict=True)
UPPER_LIP, LOWER_LIP = (13, 82, 312), (14, 87, 317)
"""Inner lips: in the middle, to its right, to its left."""
BROWS = (70, 46, 63, 53, 105, 52, 66, 65, 107, 55, 300, 276, 293, 283, 334, 282, 296, 295, 336, 285)
"""Upper and lower rim of both brows, each from outside to inside."""
INNER_BROWS = (107, 55, 336, 285)
OUTER_BROWS = (70, 46, 300, 276)
MIN_WIDTH = 1e-3
"""Of an eye, in distances of the eyes: a mesh that has collapsed must not divide by 0."""


def eye_aspect_ratio(mesh: NDArray[np.float64]) -> float:
    """Return how far both eyes are open, as a share of their width, mean of both.

    The eye aspect ratio of T. Soukupova and J. Cech, 2016, "Real-time eye blink detection using
    facial landmarks", taken in space instead of in the picture. AU 5 raises it, AU 43 and 45 close
    the eye, AU 6 and 7 narrow it.
    """
    heights = _distances(mesh, UPPER_LIDS, LOWER_LIDS)
    right, left = _distances(mesh, OUTER_CORNERS, INNER_CORNERS)
    ratios = (
        (heights[0] + heights[1]) / 2 / max(right, MIN_WIDTH),
        (heights[2] + heights[3]) / 2 / max(left, MIN_WIDTH),
    )
    return float(sum(ratios) / 2)


def lip_gap(mesh: NDArray[np.float64]) -> float:
    """Return the height of the mouth's opening in distances of the eyes: AU 25, 26 and 27.

    Against the distance of the eyes rather than the width of the mouth, which a smile changes.
    """
    return float(_distances(mesh, UPPER_LIP, LOWER_LIP).sum()) / len(UPPER_LIP)


def mouth_width(mesh: NDArray[np.float64]) -> float:
    """Return the distance of the corners of the mouth in distances of the eyes; AU 12 and 20."""
    right, left = MOUTH_CORNERS
    return math.dist(mesh[left].tolist(), mesh[right].tolist())


def corner_lift(mesh: NDArray[np.float64]) -> float:
    """Return how far the corners of the mouth lie above the middle of its inner lips; AU 12.

    In distances of the eyes; below 0 where they hang (AU 15).
    """
    return _height(mesh, MOUTH_CORNERS) - _height(mesh, (UPPER_LIP[0], LOWER_LIP[0]))


def brow_height(mesh: NDArray[np.float64]) -> float:
    """Return how far both brows lie above the corners of the eyes: AU 1 and 2, less by AU 4.

    In distances of the eyes. Corners rather than lids, since blinks do not move them.
    """
    return _above_eyes(mesh, BROWS)


def inner_brow_height(mesh: NDArray[np.float64]) -> float:
    """Return how far the inner ends of the brows lie above the corners of the eyes; AU 1 and 4."""
    return _above_eyes(mesh, INNER_BROWS)


def outer_brow_height(mesh: NDArray[np.float64]) -> float:
    """Return how far the outer ends of the brows lie above the corners of the eyes; AU 2."""
    return _above_eyes(mesh, OUTER_BROWS)


def _above_eyes(mesh: NDArray[np.float64], points: tuple[int, ...]) -> float:
    return _height(mesh, points) - _height(mesh, (*OUTER_CORNERS, *INNER_CORNERS))


def _height(mesh: NDArray[np.float64], points: tuple[int, ...]) -> float:
    return -float(mesh[list(points), 1].sum()) / len(points)


def _distances(
    mesh: NDArray[np.float64], some: tuple[int, ...], others: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the distance of each point to its partner, shape ``(len(some),)``."""
    ways = mesh[list(some)] - mesh[list(others)]
    return np.asarray(np.sqrt((ways * ways).sum(axis=1)))
