"""How far away a face may be: whole pictures made small, found and read again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Face
from edge_affect.errors import DatasetError
from edge_affect.evaluation.figures import DIGITS, model_identity
from edge_affect.evaluation.metrics import confusion_matrix, uar
from edge_affect.evaluation.parity import share_with_interval
from edge_affect.evaluation.portrait_list import decode, read_portraits, truth_of
from edge_affect.evaluation.portrait_results import (
    N_CLASSES,
    Results,
    largest,
)
from edge_affect.evaluation.progress import with_progress
from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.face import EXPRESSION, FaceModels, FaceReader

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.face import FaceReading

WIDTHS_PX = (12.0, 16.0, 20.0, 24.0, 28.0, 34.0, 40.0, 56.0, 80.0, 120.0)
"""Of the face in the frame."""
FRAME_PX = (640, 480)
"""Width and height of a camera's frame, the product's default."""
PLACES: tuple[str, ...] = ("alone", "frame")
"""Where a small picture is put: it is the whole frame, or it lies in the middle of a camera's."""
MAX_SHIFT = 0.5
"""A face further off, as a share of its width, is not the one that was put there."""


def evaluate_distance(
    listing: Path, root: Path, model: str = EXPRESSION, place: str = "alone"
) -> dict[str, Any]:
    """Return what is found and read of faces of several widths, as plain JSON values.

    Each picture is shrunk until its largest face is so wide and goes through the whole path,
    without the least size and quality that the product asks for. ``alone`` shows what the number
    of pixels does. ``frame`` puts the small picture into the middle of a camera's frame, on its
    mean colour, and shows what becomes of faces that are a small part of a frame; this is fair
    only to pictures with shoulders and surroundings, because a detector does not take a
    rectangle cut out of a face for a person far away. ``agreement`` is how often a face is read
    as at full size. Faces that are not that wide in their picture are left out of a point.

    Args:
        listing: CSV, see ``read_portraits``.
        root: Folder that the listed paths are relative to.
        model: Name of a shipped expression model or path of a manifest.
        place: One of ``PLACES``.

    Raises:
        DatasetError: If the list has another shape, or no face is found in any picture.
        InputMissingError: If the list, a picture or a model is not there.
        MediaError: If a picture cannot be decoded.
        ModelError: If a model is not the one its manifest describes.
    """
    portraits = read_portraits(listing, root)
    expression = FaceExpressionModel.load(model)
    reader = FaceReader(replace(FaceModels.load(model), min_quality=0.0), Face(min_size_px=1))
    size_px = expression.crop.size_px
    full = Results.blank(len(portraits), size_px)
    small = {width_px: Results.blank(len(portraits), size_px) for width_px in WIDTHS_PX}
    for row, portrait in enumerate(with_progress(portraits, len(portraits), "pictures")):
        pixels = decode(portrait.path)
        face = largest(reader.read(pixels))
        if face is None:
            continue
        full.put(row, pixels, face)
        for width_px in (width for width in WIDTHS_PX if width <= face.detection.box.width_px):
            frame, middle_px = shrink_to(pixels, face, width_px)
            if place == "frame":
                frame, middle_px = in_frame(frame, middle_px)
            seen = largest(_near(reader.read(frame), middle_px, MAX_SHIFT * width_px))
            if seen is not None:
                small[width_px].put(row, frame, seen)
    if not full.is_read.any():
        raise DatasetError(f"No face is found in any picture of {listing}; nothing to measure.")
    truth = truth_of(portraits)
    return {
        "model": model_identity(expression.manifest),
        "n": len(portraits),
        "place": place,
        "points": [
            _point(width_px, small[width_px], full, truth)
            for width_px in WIDTHS_PX
            if (full.is_read & (full.width_px >= width_px)).any()
        ],
    }


def shrink_to(
    pixels: NDArray[np.uint8], face: FaceReading, width_px: float
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return a picture in which a face is so wide, and where the middle of the face is then.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8, RGB.
        face: One of its faces, at least ``width_px`` wide.
        width_px: Of the face afterwards.
    """
    from PIL import Image

    box = face.detection.box
    scale = width_px / box.width_px
    width, height = (max(1, round(side * scale)) for side in (pixels.shape[1], pixels.shape[0]))
    # Pillow's filter grows with the reduction, so that nothing is aliased.
    shrunk = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    middle_x, middle_y = box.left_px + box.width_px / 2, box.top_px + box.height_px / 2
    return np.asarray(shrunk), (scale * middle_x, scale * middle_y)


def in_frame(
    small: NDArray[np.uint8], middle_px: tuple[float, float]
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return a camera's frame with a picture in it, and where the middle of the face is then.

    Args:
        small: Shape ``(height, width, 3)``, uint8, RGB.
        middle_px: Of its face, which comes to lie in the middle of the frame.
    """
    from PIL import Image

    red, green, blue = (round(float(value)) for value in small.mean(axis=(0, 1)))
    frame = Image.new("RGB", FRAME_PX, (red, green, blue))
    left, top = round(FRAME_PX[0] / 2 - middle_px[0]), round(FRAME_PX[1] / 2 - middle_px[1])
    frame.paste(Image.fromarray(small), (left, top))
    return np.asarray(frame), (left + middle_px[0], top + middle_px[1])


def _near(
    readings: tuple[FaceReading, ...], middle_px: tuple[float, float], distance_px: float
) -> tuple[FaceReading, ...]:
    """Return the faces whose middle is nearer to a point than a distance."""
    found = []
    for reading in readings:
        box = reading.detection.box
        right = box.left_px + box.width_px / 2 - middle_px[0]
        down = box.top_px + box.height_px / 2 - middle_px[1]
        if np.hypot(right, down) < distance_px:
            found.append(reading)
    return tuple(found)


def _point(
    width_px: float, small: Results, full: Results, truth: NDArray[np.int64] | None
) -> dict[str, Any]:
    rows = full.is_read & (full.width_px >= width_px)
    is_read = rows & small.is_read
    is_same = small.guess[is_read] == full.guess[is_read]
    quality = small.quality[is_read]
    point = {
        "face_width_px": width_px,
        "n": int(rows.sum()),
        **share_with_interval("detection_recall", small.is_found[rows]),
        **share_with_interval("read_share", small.is_read[rows]),
        **share_with_interval("agreement", is_same),
        "median_quality": round(float(np.median(quality)), DIGITS) if quality.size else None,
    }
    if truth is None or not is_read.any():
        return point
    matrix = confusion_matrix(truth[is_read], small.guess[is_read], N_CLASSES)
    return {
        **point,
        **share_with_interval("accuracy", small.guess[rows] == truth[rows]),
        **share_with_interval("accuracy_where_read", small.guess[is_read] == truth[is_read]),
        **share_with_interval("their_accuracy_at_full_size", full.guess[is_read] == truth[is_read]),
        "uar_where_read": round(uar(matrix), DIGITS),
        "confidence": round(float(small.probabilities[is_read].max(axis=1).mean()), DIGITS),
    }
