"""Turning the pictures of a camera that hangs on its side, on its head, or shows a mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ShapeError

_QUARTER_DEG = 90


@dataclass(frozen=True, slots=True)
class Orientation:
    """What makes a picture upright.

    Attributes:
        rotation_deg: Clockwise turn: 0, 90, 180 or 270.
        is_mirrored: Whether left and right are exchanged in what the camera delivers.

    Raises:
        ShapeError: If it is turned by no quarter.
    """

    rotation_deg: int = 0
    is_mirrored: bool = False

    def __post_init__(self) -> None:
        if self.rotation_deg not in range(0, 360, _QUARTER_DEG):
            raise ShapeError(f"A picture is turned by quarters, not by {self.rotation_deg}.")

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the upright picture.

        Args:
            pixels: As delivered, shape ``(height, width, 3)``, uint8.

        Returns:
            C-contiguous; of shape ``(width, height, 3)`` after one or three quarters. The same
            array where nothing is to be done.

        >>> picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
        >>> Orientation(90).upright(picture)[:, 0, 0].tolist()
        [0, 3]
        >>> Orientation(0, is_mirrored=True).upright(picture)[0, :, 0].tolist()
        [3, 0]
        """
        # The mirror is in the camera, so it is undone first.
        turned = pixels[:, ::-1] if self.is_mirrored else pixels
        turned = np.rot90(turned, -(self.rotation_deg // _QUARTER_DEG))
        return np.ascontiguousarray(turned)


UPRIGHT = Orientation()
