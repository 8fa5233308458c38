"""Where to cut the crop that the expression model reads, so that it looks like its training data.

The model learned on FER+, whose pictures are tight crops of varied framing. The template below is
where eyes and mouth lie there at the median; ``tools/measure_crop_template.py`` prints it from the
data. A similarity transform brings a face's own points onto it: place, size and roll go, the shape
of the face stays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.picture import Square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.types import FaceDetection

EYE_CORNERS = ((33, 133), (263, 362))
"""Mesh points at the outer and inner corner of the subject's right and left eye."""
MOUTH_CORNERS = (61, 291)
"""Mesh points at the subject's right and left corner of the mouth."""
EYES_AND_MOUTH = (0, 1, 3)
"""Rows of a detection's keypoints: right eye, left eye, centre of the mouth."""
_ALIGNED = [*EYE_CORNERS[0], *EYE_CORNERS[1], *MOUTH_CORNERS]
_FIRST_EACH = [0, 2, 4, 5]
_N_EACH = np.array([[2], [2], [1], [1]], dtype=np.float32)

MESH_TEMPLATE = np.array([[0.315, 0.390], [0.685, 0.390], [0.351, 0.755], [0.649, 0.755]])
"""Right eye, left eye, right and left mouth corner in FER+ crops; unit is the crop's side."""
KEYPOINT_TEMPLATE = np.array([[0.315, 0.391], [0.685, 0.391], [0.5, 0.776]])
"""Right eye, left eye and mouth in FER+ crops as the detector puts them; unit as above."""
MIN_SIDE_PX = 1.0


def fit_square(points_px: NDArray[np.floating], template: NDArray[np.float64]) -> Square:
    """Return the square in which points fall on a template as closely as possible.

    Least squares over turn, size and shift without reflection (S. Umeyama, 1991, "Least-squares
    estimation of transformation parameters between two point patterns"), in the plane of complex
    numbers. The error is taken in the crop, not in the frame: a face turned aside, whose eyes seem
    close to each other, is then cut wider rather than narrower.

    >>> corners = np.array([[10.0, 20.0], [14.0, 20.0], [10.0, 24.0]])
    >>> square = fit_square(corners, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> round(square.centre_x_px, 6), round(square.centre_y_px, 6), round(square.side_px, 6)
    (12.0, 22.0, 4.0)

    Args:
        points_px: Shape ``(n, 2)``, n >= 2, in pixels of the frame.
        template: Shape ``(n, 2)``, where they belong, unit [0, 1] from the crop's top left.
    """
    is_at = points_px[:, 0].astype(np.float64) + 1j * points_px[:, 1]
    belongs = template[:, 0] + 1j * template[:, 1]
    middle, belonging_middle = is_at.mean(), belongs.mean()
    spread = is_at - middle
    turn = np.vdot(spread, belongs - belonging_middle)
    energy = float(np.vdot(spread, spread).real)
    # Points that all coincide have no size or roll: the smallest upright square at their place.
    side = energy / abs(turn) if abs(turn) > 0 else MIN_SIDE_PX
    roll_rad = -math.atan2(turn.imag, turn.real) if abs(turn) > 0 else 0.0
    side = max(side, MIN_SIDE_PX)
    axis = side * complex(math.cos(roll_rad), math.sin(roll_rad))
    centre = middle + axis * ((0.5 + 0.5j) - belonging_middle)
    return Square(float(centre.real), float(centre.imag), float(side), roll_rad)


def square_of_mesh(landmarks: FaceLandmarks) -> Square:
    """Return the square to cut for the expression model, from the mesh."""
    sums = np.add.reduceat(landmarks.points_px[_ALIGNED], _FIRST_EACH, axis=0)
    return fit_square(sums / _N_EACH, MESH_TEMPLATE)


def square_of_keypoints(detection: FaceDetection) -> Square:
    """Return the square to cut for the expression model, from the detector's coarser keypoints."""
    return fit_square(detection.keypoints_px[list(EYES_AND_MOUTH)], KEYPOINT_TEMPLATE)
