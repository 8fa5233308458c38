"""Films with several faces on known paths, composed of clips that show one face each.

No film of several people with their places marked is at hand. Heads cut out of talking-head clips
are pasted over each other on scripted paths: who is where is known exactly, and passing, hiding and
leaving happen when they are told to. Pasted edges and a flat background make detection neither
easier nor harder than a room does; these films measure who is taken for whom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.errors import InputMissingError
from edge_affect.types import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.face import FaceReader

Place = tuple[float, float, float]
"""Middle to the right and downwards, width of the face, all in pixels."""
PathOfFace = Callable[[float], Place | None]
"""Where a face is after some seconds, or None while it is not there."""

CROP_WIDTHS = 1.8
"""Side of a head's picture in widths of its face."""
WIDEST_PX = 800
"""Wider clips are made smaller: a composed head is small."""
HIDDEN_WITHIN = 0.6
"""A face is hidden while another is in front of it, this near in mean widths."""


@dataclass(frozen=True, slots=True)
class Head:
    """One talking head, cut around its face.

    Attributes:
        pictures: Shape ``(n, side, side, 3)``, uint8, RGB: the face in the middle of each.
        rate_hz: Pictures per second.
    """

    pictures: NDArray[np.uint8] = field(repr=False)
    rate_hz: float

    def at(self, at_s: float) -> NDArray[np.uint8]:
        """Return the picture of some moment; the clip runs to and fro without end."""
        n = len(self.pictures)
        step = int(at_s * self.rate_hz) % max(1, 2 * n - 2)
        picture: NDArray[np.uint8] = self.pictures[min(step, 2 * n - 2 - step) if n > 1 else 0]
        return picture


def load_head(clip: Path, reader: FaceReader, most_s: float = 8.0) -> Head:
    """Cut the only face of a clip out of it.

    Args:
        clip: A film in which one face hardly moves.
        reader: Finds it, in the first picture.
        most_s: No more than this is taken, from the beginning.

    Raises:
        InputMissingError: If there is no face in its first picture.
    """
    import av

    with av.open(str(clip)) as film:
        stream = film.streams.video[0]
        rate_hz = float(stream.average_rate or 25)
        width, height = stream.width, stream.height
        if width > WIDEST_PX:
            width, height = WIDEST_PX, round(height * WIDEST_PX / width)
        frames = islice(film.decode(stream), math.ceil(most_s * rate_hz))
        pictures = [
            frame.to_ndarray(width=width, height=height, format="rgb24").astype(np.uint8)
            for frame in frames
        ]
    readings = reader.read(pictures[0])
    if not readings:
        raise InputMissingError(f"No face was found in the first picture of {clip}.")
    box = readings[0].detection.box
    side = round(box.width_px * CROP_WIDTHS)
    left = round(box.left_px + (box.width_px - side) / 2)
    top = round(box.top_px + (box.height_px - side) / 2)
    padding = ((side, side), (side, side), (0, 0))
    window = slice(top + side, top + 2 * side), slice(left + side, left + 2 * side)
    # A copy each: a view would keep the whole padded picture.
    cut = [np.pad(picture, padding, mode="edge")[window].copy() for picture in pictures]
    return Head(np.stack(cut), rate_hz)


@dataclass(frozen=True, slots=True)
class ComposedFrame:
    """One composed picture and who is in it.

    Attributes:
        frame: The picture.
        places: Where each person's face can be seen, by person.
    """

    frame: VideoFrame
    places: dict[int, Place]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who moves how; later people are in front of earlier ones.

    Attributes:
        heads: Of each person.
        paths: Of each person.
        seconds: How long, > 0.
        rate_hz: Frames per second, > 0.
        size_px: Width and height of the picture.
    """

    heads: tuple[Head, ...]
    paths: tuple[PathOfFace, ...]
    seconds: float
    rate_hz: float = 10.0
    size_px: tuple[int, int] = (640, 480)

    def frames(self) -> Iterator[ComposedFrame]:
        """Compose one picture after the other."""
        for n in range(round(self.seconds * self.rate_hz)):
            yield self._compose(n / self.rate_hz)

    def _compose(self, at_s: float) -> ComposedFrame:
        from PIL import Image

        canvas = Image.new("RGB", self.size_px, (96, 104, 112))
        places: dict[int, Place] = {}
        for person, (head, path) in enumerate(zip(self.heads, self.paths, strict=True)):
            place = path(at_s)
            if place is None:
                continue
            x, y, width = place
            side = max(1, round(width * CROP_WIDTHS))
            picture = Image.fromarray(head.at(at_s + person)).resize((side, side))
            canvas.paste(picture, (round(x - side / 2), round(y - side / 2)))
            places = {n: there for n, there in places.items() if not _hides(place, there)}
            if 0 <= x < self.size_px[0] and 0 <= y < self.size_px[1]:
                places[person] = place
        frame = VideoFrame(np.array(canvas), round(at_s * NS_PER_S))
        return ComposedFrame(frame, places)


def _hides(front: Place, behind: Place) -> bool:
    distance = float(np.hypot(front[0] - behind[0], front[1] - behind[1]))
    return distance < HIDDEN_WITHIN * (CROP_WIDTHS * front[2] + behind[2]) / 2
