"""Pictures of the synthetic camera: a drawn face that moves, or a plain wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WALL = (112, 116, 124)
SKIN = (214, 170, 140)
HAIR = (70, 50, 40)
EYE = (40, 36, 44)
LIPS = (150, 60, 64)


def draw_wall(width_px: int, height_px: int, seed: int, number: int) -> NDArray[np.uint8]:
    """Return an empty scene with a little sensor noise, different in every frame.

    Args:
        width_px: Width.
        height_px: Height.
        seed: Of the noise.
        number: Of the frame.

    Returns:
        Shape ``(height_px, width_px, 3)``, uint8, RGB.
    """
    # One byte of noise for each pixel, not for each channel: three times cheaper, grey anyway.
    noise = np.random.default_rng((seed, number)).integers(
        0, 5, (height_px, width_px, 1), dtype=np.uint8
    )
    return np.asarray(WALL, np.uint8) + noise


def draw_face(
    width_px: int, height_px: int, t_s: float, seed: int, number: int
) -> NDArray[np.uint8]:
    """Return a face that sways and talks in front of the wall.

    Args:
        width_px: Width.
        height_px: Height.
        t_s: Time since the start; the same time gives the same pose.
        seed: Of the noise.
        number: Of the frame.

    Returns:
        Shape ``(height_px, width_px, 3)``, uint8, RGB.
    """
    picture = draw_wall(width_px, height_px, seed, number)
    half = height_px * 0.25
    centre_x = width_px * (0.5 + 0.08 * np.sin(2 * np.pi * 0.15 * t_s))
    centre_y = height_px * (0.5 + 0.02 * np.sin(2 * np.pi * 0.31 * t_s))
    # One unit of the ellipses below is half the height of the head.
    mouth = 0.05 + 0.08 * np.sin(2 * np.pi * 3.0 * t_s) ** 2
    ellipses = (
        (0.0, -0.15, 0.84, 1.08, HAIR),
        (0.0, 0.0, 0.75, 1.0, SKIN),
        (-0.3, -0.15, 0.12, 0.07, EYE),
        (0.3, -0.15, 0.12, 0.07, EYE),
        (-0.3, -0.34, 0.17, 0.035, HAIR),
        (0.3, -0.34, 0.17, 0.035, HAIR),
        (0.0, 0.15, 0.07, 0.14, LIPS),
        (0.0, 0.5, 0.28, mouth, LIPS),
    )
    for at_u, at_v, half_u, half_v, colour in ellipses:
        _fill_ellipse(
            picture,
            (centre_x + at_u * half, centre_y + at_v * half),
            (half_u * half, half_v * half),
            colour,
        )
    return picture


def _fill_ellipse(
    picture: NDArray[np.uint8],
    centre_px: tuple[float, float],
    half_px: tuple[float, float],
    colour: tuple[int, int, int],
) -> None:
    """Fill an upright ellipse, looking only at the pixels around it."""
    left, top = (max(0, int(c - h)) for c, h in zip(centre_px, half_px, strict=True))
    right, bottom = (int(c + h) + 2 for c, h in zip(centre_px, half_px, strict=True))
    part = picture[top:bottom, left:right]
    y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    inside = ((x - centre_px[0]) / half_px[0]) ** 2 + ((y - centre_px[1]) / half_px[1]) ** 2 <= 1.0
    part[inside] = colour
