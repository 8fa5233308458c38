"""Figures of a face expression model on ready crops with votes."""

from __future__ import annotations

import time
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
from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.record import Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


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
    truth = majority_labels(faces.votes)
    probabilities, times_ms = read_crops(faces, reader)
    classes = tuple(Expression(value) for value in range(N_CLASSES))
    report: dict[str, Any] = {
        "model": model_identity(reader.manifest),
        "split": split,
        **classification_figures(truth, probabilities, classes),
        **confidence_figures(truth, probabilities),
        "median_ms_per_item": round(float(np.median(times_ms)), 4),
    }
    if faces.duplicate_of_train is not None and (alone := ~faces.duplicate_of_train).any():
        rest = {
            **classification_figures(truth[alone], probabilities[alone], classes),
            **confidence_figures(truth[alone], probabilities[alone]),
        }
        report["n_without_duplicates"] = rest["n"]
        report["accuracy_without_duplicates"] = rest["accuracy"]
        report["without_duplicates"] = rest
    return report


def read_crops(
    faces: FaceSet, reader: FaceExpressionModel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return probabilities ``(n, 8)``, zero for classes the model lacks, and times in ms."""
    columns = [int(expression) for expression in reader.expressions]
    probabilities = np.zeros((len(faces), N_CLASSES))
    times_ms = np.empty(len(faces))
    for row, crop in enumerate(with_progress(faces.images, len(faces), "faces")):
        started_ns = time.perf_counter_ns()
        probabilities[row, columns] = reader.probabilities(crop)
        times_ms[row] = (time.perf_counter_ns() - started_ns) / 1e6
    return probabilities, times_ms
