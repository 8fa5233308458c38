"""What cameras, distance and bad alignment do to a face crop, one thing at a time."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.picture import Square, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Crop = NDArray[np.uint8]
    Change = Callable[[Crop, float, np.random.Generator], Crop]

GAMMA = 2.2
"""Of the usual picture file: light is its grey level to this power."""
BLUR_REACH = 3.0
"""Where a Gaussian is cut off, in its own deviations."""
MIDDLE_GREY = 128


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way in which a crop gets worse.

    Attributes:
        name: Such as ``blur``.
        unit: What a level counts.
        levels: From the least to the most, in steps worth a point of a curve.
        unchanged: The level that changes nothing.
        apply: Returns a worse copy of a square grey crop; random where the level leaves it open.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    unchanged: float
    apply: Change


def expose(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop with ``2**level`` times the light, cut off at white."""
    light = (crop / 255.0) ** GAMMA * 2.0**level
    return _grey(255.0 * np.minimum(light, 1.0) ** (1.0 / GAMMA))


def flatten(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop with its deviation from its mean times ``level``, in whole grey levels."""
    mean = crop.mean()
    return _grey(mean + level * (crop - mean))


def blur(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop blurred by a Gaussian with a deviation of ``level`` px."""
    if level == 0:
        return crop
    reach = math.ceil(BLUR_REACH * level)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / level) ** 2)
    kernel /= kernel.sum()
    size = crop.shape[0]
    # One matrix that blurs a line whose ends go on serves rows and columns alike.
    places = np.clip(np.arange(size)[:, None] + np.arange(-reach, reach + 1)[None, :], 0, size - 1)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], places), kernel[None, :])
    return _grey(matrix @ crop @ matrix.T)


def add_noise(crop: Crop, level: float, generator: np.random.Generator) -> Crop:
    """Return the crop with white noise of a deviation of ``level`` grey levels."""
    return _grey(crop + level * generator.standard_normal(crop.shape))


def compress(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop after JPEG of quality ``level``; 100 and more leaves it alone."""
    from PIL import Image

    if level >= 100:
        return crop
    memory = io.BytesIO()
    Image.fromarray(crop).save(memory, format="JPEG", quality=int(level))
    return np.asarray(Image.open(memory), dtype=np.uint8)


def shrink(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop as the product cuts it from a frame in which it is ``level`` px wide."""
    from PIL import Image

    size, small = crop.shape[0], round(level)
    if small == size:
        return crop
    resized = Image.fromarray(crop).resize((small, small), Image.Resampling.BOX)
    return cut(np.asarray(resized), Square(small / 2, small / 2, small), size)


def turn(crop: Crop, level: float, generator: np.random.Generator) -> Crop:
    """Return the crop turned by ``level`` degrees, either way."""
    return _recut(crop, roll_rad=math.radians(level) * generator.choice((-1, 1)))


def shift(crop: Crop, level: float, generator: np.random.Generator) -> Crop:
    """Return the crop cut ``level`` of its side aside, in any direction."""
    angle = generator.uniform(0.0, 2.0 * math.pi)
    return _recut(crop, right=level * math.cos(angle), down=level * math.sin(angle))


def zoom(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop cut ``level`` times as wide as it should be."""
    return _recut(crop, side=level)


def cover(crop: Crop, level: float, _: np.random.Generator) -> Crop:
    """Return the crop with the lowest ``level`` of its height hidden, as by a hand or a mask."""
    covered = crop.copy()
    covered[round(crop.shape[0] * (1.0 - level)) :] = MIDDLE_GREY
    return covered


def _recut(
    crop: Crop, *, right: float = 0.0, down: float = 0.0, side: float = 1.0, roll_rad: float = 0.0
) -> Crop:
    """Cut a crop again as if the face had been found elsewhere; unit is the crop's side."""
    size = crop.shape[0]
    centre = Square(size * (0.5 + right), size * (0.5 + down), size * side, roll_rad)
    return cut(crop, centre, size)


def _grey(values: NDArray[np.float64]) -> Crop:
    return np.asarray(np.clip(np.round(values), 0, 255), dtype=np.uint8)


DEGRADATIONS: tuple[Degradation, ...] = (
    Degradation(
        "exposure",
        "stops of light",
        (-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0),
        0.0,
        expose,
    ),
    Degradation(
        "contrast", "times the contrast", (0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.0), 1.0, flatten
    ),
    Degradation(
        "blur", "px of deviation, crop of 48 px", (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0), 0.0, blur
    ),
    Degradation(
        "noise",
        "grey levels of deviation",
        (0.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0),
        0.0,
        add_noise,
    ),
    Degradation("jpeg", "JPEG quality", (3.0, 6.0, 12.0, 20.0, 35.0, 60.0, 100.0), 100.0, compress),
    Degradation(
        "size",
        "px of face crop in the frame",
        (6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 48.0),
        48.0,
        shrink,
    ),
    Degradation("rotation", "degrees", (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0), 0.0, turn),
    Degradation(
        "shift", "share of the crop's side", (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25), 0.0, shift
    ),
    Degradation(
        "framing", "times the right side", (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6), 1.0, zoom
    ),
    Degradation("cover", "share covered from below", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), 0.0, cover),
)
