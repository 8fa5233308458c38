"""A drawn head that the third-party face models take for a real one; nobody's portrait."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SKIN, HAIR, SHADE = (214, 164, 138), (60, 42, 34), (150, 100, 80)


def drawn_head(
    size_px: tuple[int, int] = (640, 480),
    centre_px: tuple[float, float] = (330, 235),
    half_width_px: float = 110,
    roll_deg: float = 0.0,
) -> np.ndarray:
    """Return a frame with one head, shape ``(height, width, 3)``, uint8, RGB.

    Args:
        size_px: Width and height of the frame.
        centre_px: Of the face, to the right and downwards.
        half_width_px: Half of the head's width; a detection is about 1.7 times as wide.
        roll_deg: Turn of the head, clockwise on screen.
    """
    image = Image.new("RGB", size_px, (96, 110, 126))
    draw = ImageDraw.Draw(image)
    (x0, y0), unit = centre_px, half_width_px

    def place(x: float, y: float) -> tuple[float, float]:
        return x0 + unit * x, y0 + unit * y

    def ellipse(x: float, y: float, rx: float, ry: float, colour: tuple[int, int, int]) -> None:
        draw.ellipse((*place(x - rx, y - ry), *place(x + rx, y + ry)), fill=colour)

    draw.rectangle((*place(-0.45, 0.8), *place(0.45, 2)), fill=(190, 140, 115))
    ellipse(0, -0.25, 1.02, 1.15, HAIR)
    ellipse(0, 0.05, 0.85, 1.08, SKIN)
    for side in (-1, 1):
        ellipse(0.88 * side, 0.1, 0.12, 0.24, (200, 150, 125))
        ellipse(0.34 * side, -0.1, 0.2, 0.1, (240, 238, 234))
        ellipse(0.34 * side, -0.1, 0.09, 0.095, HAIR)
        brow = [place(side * 0.12, -0.3), place(side * 0.34, -0.37), place(side * 0.58, -0.29)]
        draw.line(brow, fill=HAIR, width=int(unit * 0.07))
        ellipse(0.1 * side, 0.32, 0.05, 0.035, SHADE)
    draw.polygon(
        [place(-0.04, -0.1), place(-0.15, 0.3), place(0.15, 0.3), place(0.04, -0.1)],
        fill=(204, 152, 126),
    )
    ellipse(0, 0.28, 0.1, 0.08, (220, 170, 145))
    ellipse(0, 0.6, 0.27, 0.09, (178, 84, 84))
    lips = [place(-0.26, 0.6), place(0.26, 0.6)]
    draw.line(lips, fill=(110, 40, 44), width=max(1, int(unit * 0.03)))
    turned = image.rotate(
        -roll_deg, Image.Resampling.BICUBIC, center=centre_px, fillcolor=(96, 110, 126)
    )
    return np.asarray(turned.filter(ImageFilter.GaussianBlur(unit * 0.025)))
