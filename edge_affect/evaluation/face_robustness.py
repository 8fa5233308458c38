"""How far face crops may be spoilt before the expression model fails, and whether it knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.face_degradation import DEGRADATIONS, Degradation
from edge_affect.evaluation.faces import fit_crop
from edge_affect.evaluation.ferplus import N_CLASSES, majority_faces, majority_labels
from edge_affect.evaluation.figures import DIGITS, model_identity
from edge_affect.evaluation.metrics import confusion_matrix, expected_calibration_error, uar
from edge_affect.evaluation.parity import share_with_interval
from edge_affect.evaluation.progress import with_progress
from edge_affect.perception.expression_model import FaceExpressionModel, spread
from edge_affect.perception.face_quality import crop_quality
from edge_affect.record import Expression

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MIN_QUALITY = "min_quality"
"""Threshold of an expression model: crops of less quality are not read."""
CROP_PER_FACE = 1.13
"""Side of the crop over the width of the detector's box: the median over whole pictures."""
LARGE_FACE_PX = 200.0
"""Stands for the unknown size of the face that a ready crop was cut from."""
MAX_FACES = 1000
"""More would not change a curve: all its points share the same faces."""
TOLERATED_LOSS = 0.02
"""A level is held if it costs no more accuracy than this."""
QUALITY_EDGES = (0.0, 0.001, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.999, 1.0)
"""Bins of quality; those at both ends hold what is rated exactly 0 or 1."""
UNSEEN_BY_QUALITY = ("jpeg", "rotation", "shift", "framing", "cover")


@dataclass(frozen=True, slots=True)
class Level:
    """What a model said about n faces at one level of one degradation.

    Attributes:
        degradation: Which.
        level: How much of it.
        probabilities: Shape ``(n, 8)``.
        quality: Shape ``(n,)``, of the crops.
    """

    degradation: Degradation
    level: float
    probabilities: NDArray[np.float64]
    quality: NDArray[np.float64]


def evaluate_robustness(
    data: Path,
    split: str,
    model: str = "face_expression",
    degradations: tuple[Degradation, ...] = DEGRADATIONS,
) -> dict[str, Any]:
    """Return the figures of a model on spoilt crops, as plain JSON values.

    Of a large split, faces at even steps are taken, ``MAX_FACES`` at most.

    Args:
        data: ``.npz`` file in the shape of FER+.
        split: Such as ``valid``; ``dev`` is the development part of ``train``.
        model: Name of a shipped model or path of a manifest.
        degradations: What to spoil the crops with.

    Raises:
        DatasetError: If the file has another shape, or no majority face in this split.
        InputMissingError: If file or model is not there.
        ModelError: If the model is not the one its manifest describes.
    """
    faces = majority_faces(data, split)
    rows = np.arange(len(faces))
    faces = faces.select(rows % math.ceil(len(faces) / MAX_FACES) == 0)
    reader = FaceExpressionModel.load(model)
    n_levels = sum(len(degradation.levels) for degradation in degradations)
    spoilt = _levels(faces.images, reader, degradations)
    levels = tuple(with_progress(spoilt, n_levels, "levels"))
    truth = majority_labels(faces.votes)
    min_quality = reader.manifest.thresholds.get(MIN_QUALITY)
    return {
        "model": model_identity(reader.manifest),
        "split": split,
        "n": int(truth.size),
        "min_quality": min_quality,
        "tolerated_loss": TOLERATED_LOSS,
        "curves": [_curve(degradation, levels, truth, min_quality) for degradation in degradations],
        "by_quality": _by_quality(levels, truth),
    }


def _levels(
    images: NDArray[np.uint8],
    reader: FaceExpressionModel,
    degradations: tuple[Degradation, ...],
) -> Iterator[Level]:
    for degradation in degradations:
        for level in degradation.levels:
            # The same random numbers at each level, so that a curve shows the level alone.
            generator = np.random.default_rng(0)
            width_px = LARGE_FACE_PX
            if degradation.name == "size":
                width_px = level / CROP_PER_FACE
            probabilities = np.empty((images.shape[0], N_CLASSES))
            quality = np.empty(images.shape[0])
            for row, image in enumerate(images):
                crop = fit_crop(degradation.apply(image, level, generator), reader)
                probabilities[row] = spread(reader.probabilities(crop), reader.expressions)
                quality[row] = crop_quality(crop, width_px)
            yield Level(degradation, level, probabilities, quality)


def _curve(
    degradation: Degradation,
    levels: tuple[Level, ...],
    truth: NDArray[np.int64],
    min_quality: float | None,
) -> dict[str, Any]:
    points = [
        _point(level, truth, min_quality) for level in levels if level.degradation is degradation
    ]
    return {
        "name": degradation.name,
        "unit": degradation.unit,
        "unchanged": degradation.unchanged,
        "holds": _held(points, degradation.unchanged),
        "points": points,
    }


def _point(level: Level, truth: NDArray[np.int64], min_quality: float | None) -> dict[str, Any]:
    guess = level.probabilities.argmax(axis=1)
    is_right = guess == truth
    is_neutral = truth == Expression.NEUTRAL
    point = {
        "level": level.level,
        **share_with_interval("accuracy", is_right),
        "uar": round(uar(confusion_matrix(truth, guess, N_CLASSES)), DIGITS),
        "ece": round(expected_calibration_error(truth, level.probabilities), DIGITS),
        "confidence": round(float(level.probabilities.max(axis=1).mean()), DIGITS),
        "neutral_share": round(float(np.mean(guess == Expression.NEUTRAL)), DIGITS),
        **share_with_interval("false_emotion_rate_on_neutral", ~is_right[is_neutral]),
        "median_quality": round(float(np.median(level.quality)), DIGITS),
    }
    if min_quality is not None:
        is_kept = level.quality >= min_quality
        point["kept_share"] = round(float(is_kept.mean()), DIGITS)
        point |= share_with_interval("kept_accuracy", is_right[is_kept])
    return point


def _held(points: list[dict[str, Any]], unchanged: float) -> list[float]:
    """Return the lowest and highest level around the unchanged one that cost next to nothing."""
    start = next(n for n, point in enumerate(points) if point["level"] == unchanged)
    least = points[start]["accuracy"] - TOLERATED_LOSS
    first = last = start
    while first > 0 and points[first - 1]["accuracy"] >= least:
        first -= 1
    while last + 1 < len(points) and points[last + 1]["accuracy"] >= least:
        last += 1
    return [points[first]["level"], points[last]["level"]]


def _by_quality(levels: tuple[Level, ...], truth: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return accuracy and confidence by quality, over all that quality claims to see."""
    seen = [level for level in levels if level.degradation.name not in UNSEEN_BY_QUALITY]
    if not seen:
        return []
    quality = np.concatenate([level.quality for level in seen])
    probabilities = np.concatenate([level.probabilities for level in seen])
    is_right = probabilities.argmax(axis=1) == np.tile(truth, len(seen))
    bins = np.digitize(quality, QUALITY_EDGES[1:-1])
    rows = []
    for number in np.unique(bins):
        members = bins == number
        rows.append(
            {
                "from": QUALITY_EDGES[number],
                "to": QUALITY_EDGES[number + 1],
                "n": int(members.sum()),
                **share_with_interval("accuracy", is_right[members]),
                "confidence": round(float(probabilities[members].max(axis=1).mean()), DIGITS),
            }
        )
    return rows
