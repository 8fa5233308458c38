"""Figures of a face expression model on ready crops with votes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.coverage import confidence_figures
from edge_affect.evaluation.ferplus import (
    N_CLASSES,
    FaceSet,
    majority_faces,
    majority_labels,
)
from edge_affect.evaluation.figures import classification_figures, model_identity
from edge_affect.evaluation.progress import with_progress
from edge_affect.perception.expression_model import FaceExpressionModel, spread
from edge_affect.perception.picture import Square, cut
from edge_affect.record import Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

CLASSES = tuple(Expression(value) for value in range(N_CLASSES))


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said about faces that all have a majority.

    Attributes:
        faces: The n faces.
        truth: Shape ``(n,)``.
        probabilities: Shape ``(n, 8)``, zero for classes that the model lacks.
        times_ms: Shape ``(n,)``.
    """

    faces: FaceSet
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    times_ms: NDArray[np.float64]


def ask(faces: FaceSet, reader: FaceExpressionModel) -> Answers:
    """Return what a model says about faces that all have a majority."""
    n = len(faces)
    probabilities, times_ms = np.empty((n, N_CLASSES)), np.empty(n)
    for row, image in enumerate(with_progress(faces.images, n, "faces")):
        crop = fit_crop(image, reader)
        started_ns = time.perf_counter_ns()
        probabilities[row] = spread(reader.probabilities(crop), reader.expressions)
        times_ms[row] = (time.perf_counter_ns() - started_ns) / 1e6
    return Answers(faces, majority_labels(faces.votes), probabilities, times_ms)


def fit_crop(image: NDArray[np.uint8], reader: FaceExpressionModel) -> NDArray[np.uint8]:
    """Return a ready crop at the size that a model takes, as the product would cut it."""
    side, size_px = image.shape[0], reader.crop.size_px
    return image if side == size_px else cut(image, Square(side / 2, side / 2, side), size_px)


def evaluate_faces(data: Path, split: str, model: str = "face_expression") -> dict[str, Any]:
    """Return the figures on the majority faces of one split, as plain JSON values.

    Args:
        data: ``.npz`` file in the shape of FER+.
        split: Such as ``valid``; ``dev`` is the development part of ``train``.
        model: Name of a shipped model or path of a manifest.

    Raises:
        DatasetError: If the file has another shape, or no majority face in this split.
        InputMissingError: If file or model is not there.
        ModelError: If the model is not the one its manifest describes.
    """
    faces = majority_faces(data, split)
    return face_figures(faces, FaceExpressionModel.load(model), split)


def face_figures(faces: FaceSet, reader: FaceExpressionModel, split: str) -> dict[str, Any]:
    """Return the figures of faces that all have a majority."""
    return answer_figures(ask(faces, reader), reader.manifest, split)


def answer_figures(answers: Answers, manifest: Manifest, split: str) -> dict[str, Any]:
    """Return the figures of a model's answers, as plain JSON values.

    Args:
        answers: At least one.
        manifest: Of the model that gave them.
        split: Where the faces come from.
    """
    truth, probabilities = answers.truth, answers.probabilities
    report: dict[str, Any] = {
        "model": model_identity(manifest),
        "split": split,
        **_figures(truth, probabilities),
        "median_ms_per_item": round(float(np.median(answers.times_ms)), 4),
    }
    twins = answers.faces.duplicate_of_train
    if twins is not None and (alone := ~twins).any():
        rest = _figures(truth[alone], probabilities[alone])
        report["n_without_duplicates"] = rest["n"]
        report["accuracy_without_duplicates"] = rest["accuracy"]
        report["without_duplicates"] = rest
    return report


def _figures(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    return {
        **classification_figures(truth, probabilities, CLASSES),
        **confidence_figures(truth, probabilities),
    }
