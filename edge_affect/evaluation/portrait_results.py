"""What the whole face path says about each picture of a list."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.portrait_list import decode
from edge_affect.evaluation.progress import with_progress
from edge_affect.perception.expression_model import spread
from edge_affect.perception.face import LANDMARKS
from edge_affect.perception.face_quality import crop_quality
from edge_affect.perception.face_signals import SignalScales, signals
from edge_affect.perception.model_store import find_manifest
from edge_affect.perception.picture import Square, cut
from edge_affect.record import EXPRESSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.portrait_list import Portrait
    from edge_affect.perception.expression_model import FaceExpressionModel
    from edge_affect.perception.face import FaceReader, FaceReading

N_CLASSES = len(EXPRESSIONS)
NOT_READ = N_CLASSES
"""Stands for a guess where no face could be read."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the face path said about all pictures; n is their number.

    Attributes:
        is_found: Shape ``(n,)``, bool: at least one face was found.
        width_px: Shape ``(n,)``: of the largest face, or not a number where none was found.
        guess: Shape ``(n,)``: the expression of the largest face, or ``NOT_READ``.
        probabilities: Shape ``(n, 8)``: of the largest face; not a number where it was not read.
        crops: Shape ``(n, side, side)``, uint8: what was read; black where nothing was.
        quality: Shape ``(n,)``: of the crop; not a number where it was not read.
        smile: Shape ``(n,)``: what the mesh says of the mouth, in [0, 1]; not a number where there
            is no mesh. `look` fills it, `put` does not.
        centre: Shape ``(n, 8)``: of the middle square of the picture, taken as a ready crop.
        times_ms: Shape ``(n,)``: from pixels to expressions.
    """

    is_found: NDArray[np.bool_]
    width_px: NDArray[np.float64]
    guess: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    crops: NDArray[np.uint8]
    quality: NDArray[np.float64]
    smile: NDArray[np.float64]
    centre: NDArray[np.float64]
    times_ms: NDArray[np.float64]

    @classmethod
    def blank(cls, n: int, size_px: int) -> Results:
        """Return the results of n pictures in which nothing was found.

        Args:
            n: How many.
            size_px: Side of the crops that the expression model takes.
        """
        return cls(
            is_found=np.zeros(n, dtype=np.bool_),
            width_px=np.full(n, np.nan),
            guess=np.full(n, NOT_READ, dtype=np.int64),
            probabilities=np.full((n, N_CLASSES), np.nan),
            crops=np.zeros((n, size_px, size_px), dtype=np.uint8),
            quality=np.full(n, np.nan),
            smile=np.full(n, np.nan),
            centre=np.full((n, N_CLASSES), np.nan),
            times_ms=np.zeros(n),
        )

    @property
    def is_read(self) -> NDArray[np.bool_]:
        """Shape ``(n,)``: whether the largest face was read."""
        return np.asarray(self.guess != NOT_READ)

    def put(self, row: int, pixels: NDArray[np.uint8], face: FaceReading) -> None:
        """Write down what a picture's face shows.

        Args:
            row: Of the picture.
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
            face: The one that answers for the picture.
        """
        width_px = face.detection.box.width_px
        self.is_found[row] = True
        self.width_px[row] = width_px
        if face.probabilities is not None and face.square is not None:
            self.probabilities[row] = face.probabilities
            self.guess[row] = face.probabilities.argmax()
            crop = cut(pixels, face.square, self.crops.shape[1], is_grey=True)
            self.crops[row] = crop
            self.quality[row] = crop_quality(crop, width_px)


def largest(readings: tuple[FaceReading, ...]) -> FaceReading | None:
    """Return the widest face of a picture, or None where there is none."""
    return max(readings, key=lambda reading: reading.detection.box.width_px, default=None)


def look(
    portraits: tuple[Portrait, ...], reader: FaceReader, expression: FaceExpressionModel
) -> Results:
    """Return what the face path says about the largest face of each picture.

    Raises:
        InputMissingError: If a picture is not there.
        MediaError: If a picture cannot be decoded.
    """
    results = Results.blank(len(portraits), expression.crop.size_px)
    scales = SignalScales.from_manifest(find_manifest(LANDMARKS))
    for row, portrait in enumerate(with_progress(portraits, len(portraits), "pictures")):
        pixels = decode(portrait.path)
        started_ns = time.perf_counter_ns()
        face = largest(reader.read(pixels))
        results.times_ms[row] = (time.perf_counter_ns() - started_ns) / 1e6
        if face is not None:
            results.put(row, pixels, face)
            if face.landmarks is not None:
                results.smile[row] = signals(face.landmarks, scales).smile
        results.centre[row] = _read_centre(pixels, expression)
    return results


def _read_centre(pixels: NDArray[np.uint8], expression: FaceExpressionModel) -> NDArray[np.float64]:
    height, width = pixels.shape[:2]
    square = Square(width / 2, height / 2, min(width, height))
    crop = cut(pixels, square, expression.crop.size_px, is_grey=True)
    return spread(expression.probabilities(crop), expression.expressions)
