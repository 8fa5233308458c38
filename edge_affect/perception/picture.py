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
    from PIL import Image


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

    def side_vector_px(self) -> tuple[float, float]:
        """Return its top side as a vector in the frame, to the right and downwards.

        Plain numbers, as there are four of them: an array costs more than the arithmetic.
        """
        return (
            self.side_px * math.cos(self.roll_rad),
            self.side_px * math.sin(self.roll_rad),
        )

    def corner_px(self) -> tuple[float, float]:
        """Return its top left corner in the frame."""
        across, down = self.side_vector_px()
        return self.centre_x_px - (across - down) / 2, self.centre_y_px - (down + across) / 2

    def axes_px(self) -> NDArray[np.float64]:
        """Return its top side and its left side as vectors in the frame, shape ``(2, 2)``."""
        across, down = self.side_vector_px()
        return np.array([[across, down], [-down, across]])

    def to_frame(self, places: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return places of the square, unit [0, 1] from its top left, in pixels of the frame.

        >>> Square(10, 20, 4).to_frame(np.array([[0.0, 0.0], [1.0, 0.5]])).tolist()
        [[8.0, 18.0], [12.0, 20.0]]
        """
        return (places @ self.axes_px() + self.corner_px()).astype(np.float32)

    def from_frame(self, points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return points of the frame as places in the square: the inverse of ``to_frame``."""
        places = (points_px - self.corner_px()) @ self.axes_px().T / self.side_px**2
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
    whole = slice(0, height), slice(0, width)
    scale = fill * size_px / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    # Bilinear after a whole-number box reduction: three times as fast, as good for a detector.
    small = _as_image(pixels, whole).resize(
        (new_width, new_height), Image.Resampling.BILINEAR, reducing_gap=1.0
    )
    left, top = (size_px - new_width) // 2, (size_px - new_height) // 2
    tensor = np.zeros((size_px, size_px, 3), dtype=np.uint8)
    tensor[top : top + new_height, left : left + new_width] = np.asarray(small)
    return Letterboxed(tensor, (new_width / width, new_height / height), (left, top))


def tensor_of(crop: NDArray[np.uint8], low: float, high: float) -> NDArray[np.float32]:
    """Return a picture as the input of a float model; no more than one array is made.

    Args:
        crop: Shape ``(height, width, 3)``, uint8.
        low: What a black pixel becomes.
        high: What a white pixel becomes.

    Returns:
        Shape ``(1, height, width, 3)``, float32, range [low, high].
    """
    tensor = crop.astype(np.float32, order="C")
    tensor *= np.float32((high - low) / 255)
    if low:
        tensor += np.float32(low)
    return tensor[np.newaxis]


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
        pixels: Shape ``(height, width, 3)``, uint8, RGB, or ``(height, width)``, grey.
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
    image = _as_image(pixels, inside)
    if is_grey:
        image = image.convert("L")
    if whole > 1:
        image = image.reduce(whole)
    # In cells of the reduced picture, so that padding never touches full-size pixels.
    pad_before = -(-before[0] // whole), -(-before[1] // whole)
    pad_after = -(-after[0] // whole), -(-after[1] // whole)
    if any(pad_before) or any(pad_after):
        image = Image.fromarray(_extend(np.asarray(image), pad_before, pad_after))
    left, top = square.corner_px()
    ox = (left - inside[1].start) / whole + pad_before[0]
    oy = (top - inside[0].start) / whole + pad_before[1]
    # What is left to shrink is below 2: two samples a side for each grey pixel are enough.
    oversample = 2 if is_grey and shrink > 1 else 1
    n_samples = size_px * oversample
    ax, ay = (along / (n_samples * whole) for along in square.side_vector_px())
    image = image.transform(
        (n_samples, n_samples),
        Image.Transform.AFFINE,
        (ax, -ay, ox, ay, ax, oy),
        Image.Resampling.NEAREST if is_quick else Image.Resampling.BILINEAR,
    )
    if oversample > 1:
        image = image.reduce(oversample)
    return np.asarray(image)


def _as_image(pixels: NDArray[np.uint8], inside: tuple[slice, slice]) -> Image.Image:
    """Return some rows and columns of a frame as a picture of Pillow's; copies each pixel once.

    ``Image.fromarray`` would first paint a picture black, and takes a part of a frame to pieces
    value by value, a hundred times as slowly.
    """
    from PIL import Image

    rows, columns = inside
    height, width = rows.stop - rows.start, columns.stop - columns.start
    mode, n_channels = ("L", 1) if pixels.ndim == 2 else ("RGB", 3)
    bytes_in_row = n_channels * pixels.shape[1]
    first = rows.start * bytes_in_row + n_channels * columns.start
    last = first + (height - 1) * bytes_in_row + n_channels * width
    part = np.ascontiguousarray(pixels).reshape(-1)[first:last].data
    image = Image.new(mode, (width, height), None)
    image.frombytes(part, "raw", mode, bytes_in_row)
    return image


def _surroundings(
    pixels: NDArray[np.uint8], square: Square, size_px: int
) -> tuple[tuple[slice, slice], tuple[int, int], tuple[int, int]]:
    """Return the upright part of a frame that holds a square, and what lies beyond the frame.

    Returns:
        Rows and columns of the frame, at least one each; how many columns and rows are missing
        before and after them.
    """
    across, down = square.side_vector_px()
    left, top = square.corner_px()
    # Two pixels more for bilinear sampling, of the reduced picture where it is reduced.
    margin = 2 * max(1, math.ceil(square.side_px / size_px))
    sides = (
        (pixels.shape[1], (left, left + across, left - down, left + (across - down))),
        (pixels.shape[0], (top, top + down, top + across, top + (down + across))),
    )
    parts, before, after = [], [], []
    for n_there, corners in sides:
        # Rounded as points of the frame are elsewhere.
        low = math.floor(np.float32(min(corners))) - margin
        high = math.ceil(np.float32(max(corners))) + margin
        first = min(max(low, 0), n_there - 1)
        last = min(max(high, first + 1), n_there)
        parts.append(slice(first, last))
        before.append(max(first - low, 0))
        after.append(max(high - last, 0))
    return (parts[1], parts[0]), (before[0], before[1]), (after[0], after[1])


def _extend(
    pixels: NDArray[np.uint8], before: tuple[int, int], after: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a picture whose outermost pixels go on for some columns and rows."""
    width = [(before[1], after[1]), (before[0], after[0])]
    return np.pad(pixels, width + [(0, 0)] * (pixels.ndim - 2), mode="edge")
