"""Cutting what a model wants to see out of a frame.

Coordinates are continuous pixels: the top left corner of the frame is (0, 0), and the pixel in
column i, row j covers [i, i + 1) x [j, j + 1). Pillow is imported where it is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Square:
    """A rotated square region of a frame; it may reach beyond it.

    Attributes:
        centre_x_px: Centre, to the right.
        centre_y_px: Centre, downwards.
        side_px: Length of a side, > 0.
        roll_rad: Turn of its top side against the frame's, clockwise on screen.
    """

    centre_x_px: float
    centre_y_px: float
    side_px: float
    roll_rad: float = 0.0

    def __post_init__(self) -> None:
        values = (self.centre_x_px, self.centre_y_px, self.side_px, self.roll_rad)
        if not all(map(math.isfinite, values)) or self.side_px <= 0:
            raise ShapeError("A square needs a finite place and a side above 0.")

    def axes_px(self) -> NDArray[np.float64]:
        """Return its top side and its left side as vectors in the frame, shape ``(2, 2)``."""
        across = self.side_px * math.cos(self.roll_rad)
        down = self.side_px * math.sin(self.roll_rad)
        return np.array([[across, down], [-down, across]])

    def origin_px(self) -> NDArray[np.float64]:
        """Return its top left corner in the frame, shape ``(2,)``."""
        centre = np.array([self.centre_x_px, self.centre_y_px])
        return np.asarray(centre - self.axes_px().sum(axis=0) / 2, dtype=np.float64)

    def to_frame(self, places: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return places of the square, unit [0, 1] from its top left, in pixels of the frame.

        >>> Square(10, 20, 4).to_frame(np.array([[0.0, 0.0], [1.0, 0.5]])).tolist()
        [[8.0, 18.0], [12.0, 20.0]]
        """
        return (places @ self.axes_px() + self.origin_px()).astype(np.float32)

    def from_frame(self, points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return points of the frame as places in the square: the inverse of ``to_frame``."""
        places = (points_px - self.origin_px()) @ self.axes_px().T / self.side_px**2
        return places.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """A whole frame inside a square tensor; the padding travels with it.

    Attributes:
        pixels: Shape ``(size, size, 3)``, uint8, RGB, the padding black.
        scale: Tensor pixels for each frame pixel, to the right and downwards.
        offset_px: Frame's top left corner in the tensor.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    scale: tuple[float, float]
    offset_px: tuple[float, float]

    def to_frame(self, points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return points of the tensor, shape ``(..., 2)`` in its pixels, in pixels of the frame."""
        moved = points_px - np.array(self.offset_px, dtype=np.float64)
        return np.asarray(moved / np.array(self.scale), dtype=np.float32)


def letterbox(pixels: NDArray[np.uint8], size_px: int, fill: float = 1.0) -> Letterboxed:
    """Fit a whole frame into a square of ``size_px``, centred, its aspect ratio kept.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8.
        size_px: Side of the tensor.
        fill: Share of the tensor's side that the frame's longer side takes, (0, 1].
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = fill * size_px / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    # Bilinear after a whole-number box reduction: three times as fast, as good for a detector.
    small = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (new_width, new_height), Image.Resampling.BILINEAR, reducing_gap=1.0
    )
    left, top = (size_px - new_width) // 2, (size_px - new_height) // 2
    tensor = np.zeros((size_px, size_px, 3), dtype=np.uint8)
    tensor[top : top + new_height, left : left + new_width] = np.asarray(small)
    return Letterboxed(tensor, (new_width / width, new_height / height), (left, top))


def cut(
    pixels: NDArray[np.uint8],
    square: Square,
    size_px: int,
    *,
    is_grey: bool = False,
    is_quick: bool = False,
) -> NDArray[np.uint8]:
    """Return the content of a square, upright, shrunk without aliasing.

    Beyond the frame its outermost pixels go on, so that a face at the edge does not get a black
    bar that the models would read.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8, RGB.
        square: Region to cut.
        size_px: Side of the result.
        is_grey: Whether to return luma (ITU-R BT.601) instead of RGB.
        is_quick: Whether to take the nearest sample instead of mixing four: a tenth of the time,
            up to half a pixel off, for a model that looks at shapes rather than textures.

    Returns:
        Shape ``(size_px, size_px)`` or ``(size_px, size_px, 3)``, uint8.
    """
    from PIL import Image

    shrink = square.side_px / size_px
    whole = max(1, int(shrink))
    inside, before, after = _surroundings(pixels, square, size_px)
    # Whole rows at once: Pillow would take a view apart value by value, a hundred times as slowly.
    image = Image.fromarray(np.ascontiguousarray(pixels[inside]))
    if is_grey:
        image = image.convert("L")
    if whole > 1:
        image = image.reduce(whole)
    # In cells of the reduced picture, so that padding never touches full-size pixels.
    pad_before, pad_after = -(-before // whole), -(-after // whole)
    if pad_before.any() or pad_after.any():
        image = Image.fromarray(_extend(np.asarray(image), pad_before, pad_after))
    corner = np.array([inside[1].start, inside[0].start])
    ox, oy = (square.origin_px() - corner) / whole + pad_before
    # What is left to shrink is below 2: two samples a side for each grey pixel are enough.
    oversample = 2 if is_grey and shrink > 1 else 1
    n_samples = size_px * oversample
    (ax, ay), (bx, by) = square.axes_px() / (n_samples * whole)
    image = image.transform(
        (n_samples, n_samples),
        Image.Transform.AFFINE,
        (ax, bx, ox, ay, by, oy),
        Image.Resampling.NEAREST if is_quick else Image.Resampling.BILINEAR,
    )
    if oversample > 1:
        image = image.reduce(oversample)
    return np.asarray(image)


def _surroundings(
    pixels: NDArray[np.uint8], square: Square, size_px: int
) -> tuple[tuple[slice, slice], NDArray[np.int64], NDArray[np.int64]]:
    """Return the upright part of a frame that holds a square, and what lies beyond the frame.

    Returns:
        Rows and columns of the frame, at least one each; how many columns and rows are missing
        before and after them.
    """
    corners = square.to_frame(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float64))
    # Two pixels more for bilinear sampling, of the reduced picture where it is reduced.
    margin = 2 * max(1, math.ceil(square.side_px / size_px))
    low = np.floor(corners.min(axis=0)).astype(np.int64) - margin
    high = np.ceil(corners.max(axis=0)).astype(np.int64) + margin
    size = np.array([pixels.shape[1], pixels.shape[0]])
    first = np.clip(low, 0, size - 1)
    last = np.clip(high, first + 1, size)
    inside = (slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0])))
    return inside, np.maximum(first - low, 0), np.maximum(high - last, 0)


def _extend(
    pixels: NDArray[np.uint8], before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return a picture whose outermost pixels go on for some columns and rows."""
    width = [(int(before[1]), int(after[1])), (int(before[0]), int(after[0]))]
    return np.pad(pixels, width + [(0, 0)] * (pixels.ndim - 2), mode="edge")
