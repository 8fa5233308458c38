"""Figures of the whole face path on whole pictures: detection, alignment, expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Face
from edge_affect.evaluation.face_groups import shown_shares
from edge_affect.evaluation.figures import DIGITS, classification_figures, model_identity
from edge_affect.evaluation.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    macro_f1,
    recalls,
    uar,
)
from edge_affect.evaluation.montage import save_montage
from edge_affect.evaluation.parity import gaps_of, group_names, share_with_interval, worst_gap
from edge_affect.evaluation.portrait_list import group_columns, read_portraits, truth_of
from edge_affect.evaluation.portrait_results import N_CLASSES, Results, look
from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.face import EXPRESSION, FaceModels, FaceReader
from edge_affect.record import EXPRESSIONS, Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N_RESAMPLES = 1000


def evaluate_portraits(
    listing: Path,
    root: Path,
    model: str = EXPRESSION,
    settings: Face | None = None,
    montage: Path | None = None,
) -> dict[str, Any]:
    """Return the figures of a list of pictures, as plain JSON values.

    The largest face of a picture answers for it. A picture in which no face could be read counts
    as wrong in ``accuracy``, ``uar``, ``macro_f1`` and ``per_class_recall``; what holds for the
    others alone, with calibration, is under ``where_read``. ``centre_crop`` is the same expression
    model on the middle square of each picture, as if it were a ready crop; the difference is the
    loss in the wild. A list without labels gives recall and predictions only.

    Args:
        listing: CSV, see ``read_portraits``.
        root: Folder that the listed paths are relative to.
        model: Name of a shipped expression model or path of a manifest.
        settings: Of the face reader; None takes the defaults of the configuration.
        montage: File for a sheet of right and wrong cases, or None.

    Raises:
        CannotWriteError: If the montage cannot be written.
        DatasetError: If the list has another shape.
        InputMissingError: If the list, a picture or a model is not there.
        MediaError: If a picture cannot be decoded.
        ModelError: If a model is not the one its manifest describes.
    """
    portraits = read_portraits(listing, root)
    models = FaceModels.load(model)
    expression = FaceExpressionModel.load(model)
    reader = FaceReader(models, Face() if settings is None else settings)
    results = look(portraits, reader, expression)
    truth = truth_of(portraits)
    if montage is not None and truth is not None:
        save_montage(montage, truth, results.probabilities, results.crops)
    return {
        "model": model_identity(expression.manifest),
        **portrait_figures(results, truth, group_columns(portraits)),
        "median_ms_per_item": round(float(np.median(results.times_ms)), DIGITS),
    }


def portrait_figures(
    results: Results,
    truth: NDArray[np.int64] | None,
    columns: dict[str, NDArray[np.str_]],
) -> dict[str, Any]:
    """Return the figures of all pictures and of each group.

    Args:
        results: Of n pictures.
        truth: Shape ``(n,)``, or None where the list has no labels.
        columns: The group of each picture, shape ``(n,)``, by column.
    """
    report = _figures(results, truth, np.ones(results.guess.size, dtype=np.bool_))
    if truth is not None:
        report |= _figures_of_labels(results, truth)
    report["groups"] = {
        column: {name: _figures(results, truth, values == name) for name in group_names(values)}
        for column, values in columns.items()
    }
    gaps = {
        column: gaps_of(values, _hits(results, truth))
        for column, values in columns.items()
        if np.unique(values).size > 1
    }
    if gaps:
        report["gaps"], report["worst_gap"] = gaps, worst_gap(gaps)
    return report


def _hits(results: Results, truth: NDArray[np.int64] | None) -> dict[str, NDArray[np.bool_]]:
    hits = {"detection_recall": results.is_found, "read_share": results.is_read}
    return hits if truth is None else {**hits, "accuracy": results.guess == truth}


def _figures(
    results: Results, truth: NDArray[np.int64] | None, rows: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return the figures of some rows, shape ``(n,)``, at least one."""
    report = shown_shares(results, rows)
    if truth is None:
        return report
    guess, some_truth, centre = (
        results.guess[rows],
        truth[rows],
        results.centre[rows].argmax(axis=1),
    )
    matrix = confusion_matrix(some_truth, guess, N_CLASSES + 1)
    lost = bootstrap_interval(_loss, guess == some_truth, centre == some_truth)
    return {
        **report,
        **share_with_interval("accuracy", guess == some_truth),
        "uar": round(uar(matrix), DIGITS),
        "macro_f1": round(macro_f1(matrix), DIGITS),
        "per_class_recall": _by_name(recalls(matrix)[:N_CLASSES]),
        "confusion_matrix": {
            "labels": [*EXPRESSIONS, "not read"],
            "rows_are_truth": matrix[:N_CLASSES].tolist(),
        },
        "centre_crop_accuracy": round(accuracy(some_truth, centre), DIGITS),
        "loss_in_the_wild": round(
            accuracy(some_truth, centre) - accuracy(some_truth, guess), DIGITS
        ),
        "loss_in_the_wild_interval": [round(lost.low, DIGITS), round(lost.high, DIGITS)],
    }


def _figures_of_labels(results: Results, truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return what is told of all labelled pictures but not of each group."""
    classes = tuple(Expression)
    of_uar = bootstrap_interval(_uar, truth, results.guess, n_resamples=N_RESAMPLES)
    report: dict[str, Any] = {
        "uar_interval": [round(of_uar.low, DIGITS), round(of_uar.high, DIGITS)],
        "centre_crop": classification_figures(truth, results.centre, classes),
    }
    is_read = results.is_read
    if is_read.any():
        where_read = classification_figures(truth[is_read], results.probabilities[is_read], classes)
        report |= {"where_read": where_read, "ece": where_read["ece"]}
    return report


def _uar(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    return uar(confusion_matrix(truth, guess, N_CLASSES + 1))


def _loss(is_right: NDArray[np.int64], is_right_in_centre: NDArray[np.int64]) -> float:
    return float(is_right_in_centre.mean() - is_right.mean())


def _by_name(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return one rounded value for each expression; None for not a number."""
    rounded = [None if np.isnan(value) else round(float(value), DIGITS) for value in values]
    return dict(zip(EXPRESSIONS, rounded, strict=True))
