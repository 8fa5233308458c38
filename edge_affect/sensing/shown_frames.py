"""Between a live camera and the pipeline: frames that show nothing go no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.sensing.memory import overwrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.capture.picture_check import PictureCheck
    from edge_affect.types import VideoFrame


class ShownFrames:
    """Hands on the frames that show something and overwrites the others.

    A frozen face would be read for ever, and behind a covered lens nobody is counted, which is not
    the same as an empty room.

    Args:
        check: Has judged each frame before it comes here.
        consume: Takes the frames.
    """

    def __init__(self, check: PictureCheck, consume: Callable[[VideoFrame], None]) -> None:
        self._check = check
        self._consume = consume

    def __call__(self, frame: VideoFrame) -> None:
        """Take one frame."""
        if self._check.shows_something:
            self._consume(frame)
        else:
            overwrite(frame.pixels)
