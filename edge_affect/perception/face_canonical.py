"""The points of the mesh that no expression moves, and where they lie on a median head.

The places are medians over the meshes of FairFace pictures, aligned onto each other (Karkkainen and
Joo, 2021, "FairFace", CC BY 4.0: as many faces of each of seven races and both genders);
``tools/measure_head_shape.py`` prints them from the data. The points were chosen because they stay
within 6 % of the distance of the eyes while an actor laughs and cries: bridge and wings of the
nose, corners of the eyes, cheekbones, temples, forehead; neither brows, lids, mouth nor jaw.

Axes: to the subject's left, down, backwards, from between the eyes; the unit is the distance of the
eyes' middles, about 63 mm.
"""

from __future__ import annotations

import numpy as np

MIDLINE: dict[int, tuple[float, float, float]] = {
    10: (0.0, -0.798, -0.271),
    151: (0.0, -0.563, -0.315),
    168: (0.0, -0.073, -0.305),
    6: (0.0, 0.060, -0.370),
    197: (0.0, 0.175, -0.445),
    195: (0.0, 0.279, -0.526),
    4: (0.0, 0.523, -0.644),
    2: (0.0, 0.709, -0.358),
}
"""Points between both halves of the face."""
RIGHT_SIDE: dict[int, tuple[float, float, float]] = {
    33: (-0.720, -0.014, 0.045),
    133: (-0.280, 0.014, -0.045),
    47: (-0.289, 0.263, -0.179),
    114: (-0.223, 0.205, -0.219),
    129: (-0.333, 0.561, -0.177),
    98: (-0.274, 0.670, -0.230),
    226: (-0.814, 0.009, 0.108),
    143: (-0.979, 0.043, 0.280),
    111: (-0.896, 0.169, 0.145),
    117: (-0.832, 0.240, 0.061),
    119: (-0.524, 0.268, -0.074),
    127: (-1.096, 0.008, 0.821),
    234: (-1.081, 0.216, 0.902),
    162: (-1.085, -0.209, 0.654),
    54: (-0.942, -0.547, 0.248),
    109: (-0.301, -0.792, -0.241),
}
"""Points of the subject's right half."""
LEFT_TWINS: dict[int, int] = {
    33: 263,
    133: 362,
    47: 277,
    114: 343,
    129: 358,
    98: 327,
    226: 446,
    143: 372,
    111: 340,
    117: 346,
    119: 348,
    127: 356,
    234: 454,
    162: 389,
    54: 284,
    109: 338,
}
"""Point of the left half that mirrors each one of the right half."""

TWINS: dict[int, int] = {
    **{point: point for point in MIDLINE},
    **LEFT_TWINS,
    **{left: right for right, left in LEFT_TWINS.items()},
}
"""Each rigid point and its mirror image, itself in the middle."""

RIGID_POINTS: tuple[int, ...] = (*MIDLINE, *RIGHT_SIDE, *LEFT_TWINS.values())
"""Rows of the mesh, in the order of ``HEAD_POINTS``."""

HEAD_POINTS = np.array(
    [*MIDLINE.values(), *RIGHT_SIDE.values(), *((-x, y, z) for x, y, z in RIGHT_SIDE.values())]
)
"""Shape ``(40, 3)``: the median head."""
