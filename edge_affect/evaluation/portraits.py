"""Figures of the whole face path on whole pictures: detection, alignment, expression."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Face
from edge_affect.errors import DatasetError, InputMissingError, MediaError
from edge_affect.evaluation.figures import DIGITS, classification_figures, model_identity
from edge_affect.evaluation.metrics import accuracy, confusion_matrix, macro_f1, recalls, uar
from edge_affect.evaluation.progress import with_progress
from edge_affect.perception.expression_model import FaceExpressionModel, spread
from edge_affect.perception.face import EXPRESSION, FaceModels, FaceReader
from edge_affect.perception.picture import Square, cut
from edge_affect.record import EXPRESSIONS, Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.face import FaceReading

N_CLASSES = len(EXPRESSIONS)
NOT_READ = N_CLASSES
"""Column of the confusion matrix for pictures in which no face could be read."""
MAX_GROUPS = 30
"""A column with more different values is no grouping."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture of the list.

    Attributes:
        path: Of the picture.
        label: What it shows, or None where the list has no labels.
        groups: Other columns of the list, by name.
    """

    path: Path
    label: Expression | None
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """What the face path said about all pictures; n is their number.

    Attributes:
        is_found: Shape ``(n,)``, bool: at least one face was found.
        guess: Shape ``(n,)``: the expression of the largest face, or ``NOT_READ``.
        probabilities: Shape ``(n, 8)``: of the largest face; not a number where it was not read.
        centre: Shape ``(n, 8)``: of the middle square of the picture, taken as a ready crop.
        times_ms: Shape ``(n,)``: from pixels to expressions.
    """

    is_found: NDArray[np.bool_]
    guess: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    centre: NDArray[np.float64]
    times_ms: NDArray[np.float64]


def read_portraits(listing: Path, root: Path) -> tuple[Portrait, ...]:
    """Return the pictures of a CSV with ``path``, ``label`` where it has them, and groups.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If a column or value is missing, or a label is no expression.
    """
    if not listing.is_file():
        raise InputMissingError(f"The list of pictures {listing} does not exist; check --csv.")
    try:
        with listing.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DatasetError(f"{listing} is not a readable CSV file: {error}.") from None
    if not rows or not rows[0].get("path"):
        raise DatasetError(f"{listing} needs a header with 'path' and at least one picture.")
    return tuple(_portrait(row, listing, root, n) for n, row in enumerate(rows, start=2))


def _portrait(row: dict[str, str], listing: Path, root: Path, line: int) -> Portrait:
    if None in row or None in row.values() or not row["path"]:
        raise DatasetError(
            f"{listing}, line {line}: the number of columns differs from the header."
        )
    label = row.get("label")
    if label is not None and label not in EXPRESSIONS:
        raise DatasetError(
            f"{listing}, line {line}: label {label!r} is not one of {', '.join(EXPRESSIONS)}."
        )
    groups = {name: value for name, value in row.items() if name not in {"path", "label"}}
    return Portrait(
        root / row["path"], None if label is None else Expression[label.upper()], groups
    )


def evaluate_portraits(
    listing: Path, root: Path, model: str = EXPRESSION, settings: Face | None = None
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

    Raises:
        DatasetError: If the list has another shape.
        InputMissingError: If the list, a picture or a model is not there.
        MediaError: If a picture cannot be decoded.
        ModelError: If a model is not the one its manifest describes.
    """
    portraits = read_portraits(listing, root)
    models = FaceModels.load(model)
    expression = FaceExpressionModel.load(model)
    reader = FaceReader(models, Face() if settings is None else settings)
    results = _look(portraits, reader, expression)
    everything = np.ones(len(portraits), dtype=np.bool_)
    report = {
        "model": model_identity(expression.manifest),
        **_figures(portraits, results, everything),
        "median_ms_per_item": round(float(np.median(results.times_ms)), DIGITS),
    }
    truth = _truth(portraits)
    if truth is not None:
        is_read = results.guess != NOT_READ
        classes = tuple(Expression)
        centre = classification_figures(truth, results.centre, classes)
        report["centre_crop"] = centre
        report["loss_in_the_wild"] = round(centre["accuracy"] - report["accuracy"], DIGITS)
        if is_read.any():
            where_read = classification_figures(
                truth[is_read], results.probabilities[is_read], classes
            )
            report["where_read"] = where_read
            report["ece"] = where_read["ece"]
    report["groups"] = _group_tables(portraits, results)
    return report


def _look(
    portraits: tuple[Portrait, ...], reader: FaceReader, expression: FaceExpressionModel
) -> Results:
    n = len(portraits)
    results = Results(
        is_found=np.zeros(n, dtype=np.bool_),
        guess=np.full(n, NOT_READ, dtype=np.int64),
        probabilities=np.full((n, N_CLASSES), np.nan),
        centre=np.empty((n, N_CLASSES)),
        times_ms=np.empty(n),
    )
    for row, portrait in enumerate(with_progress(portraits, n, "pictures")):
        pixels = _decode(portrait.path)
        started_ns = time.perf_counter_ns()
        readings = reader.read(pixels)
        results.times_ms[row] = (time.perf_counter_ns() - started_ns) / 1e6
        results.is_found[row] = bool(readings)
        largest = _largest(readings)
        if largest is not None:
            results.probabilities[row] = largest
            results.guess[row] = largest.argmax()
        results.centre[row] = _read_centre(pixels, expression)
    return results


def _decode(path: Path) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise InputMissingError(f"The picture {path} does not exist; check --root.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(f"The picture {path} cannot be decoded: {error}.") from None


def _largest(readings: tuple[FaceReading, ...]) -> NDArray[np.float64] | None:
    """Return what the largest face of a picture shows, or None where it was not read."""
    if not readings:
        return None
    largest = max(readings, key=lambda reading: reading.detection.box.width_px)
    return largest.probabilities


def _read_centre(pixels: NDArray[np.uint8], expression: FaceExpressionModel) -> NDArray[np.float64]:
    height, width = pixels.shape[:2]
    square = Square(width / 2, height / 2, min(width, height))
    crop = cut(pixels, square, expression.crop.size_px, is_grey=True)
    return spread(expression.probabilities(crop), expression.expressions)


def _truth(portraits: tuple[Portrait, ...]) -> NDArray[np.int64] | None:
    labels = [int(p.label) for p in portraits if p.label is not None]
    return np.array(labels, dtype=np.int64) if len(labels) == len(portraits) else None


def _figures(
    portraits: tuple[Portrait, ...], results: Results, rows: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return the figures of some rows, shape ``(n,)``."""
    guess = results.guess[rows]
    is_read = guess != NOT_READ
    shown = np.bincount(guess[is_read], minlength=N_CLASSES) / max(1, int(is_read.sum()))
    report: dict[str, Any] = {
        "n": int(rows.sum()),
        "detection_recall": round(float(results.is_found[rows].mean()), DIGITS),
        "read_share": round(float(is_read.mean()), DIGITS),
        "predicted_share": _by_name(shown),
    }
    truth = _truth(portraits)
    if truth is None:
        return report
    matrix = confusion_matrix(truth[rows], guess, N_CLASSES + 1)
    return {
        **report,
        "accuracy": round(accuracy(truth[rows], guess), DIGITS),
        "uar": round(uar(matrix), DIGITS),
        "macro_f1": round(macro_f1(matrix), DIGITS),
        "per_class_recall": _by_name(recalls(matrix)[:N_CLASSES]),
        "confusion_matrix": {
            "labels": [*EXPRESSIONS, "not read"],
            "rows_are_truth": matrix[:N_CLASSES].tolist(),
        },
    }


def _by_name(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return one rounded value for each expression; None for not a number."""
    rounded = [None if np.isnan(value) else round(float(value), DIGITS) for value in values]
    return dict(zip(EXPRESSIONS, rounded, strict=True))


def _group_tables(
    portraits: tuple[Portrait, ...], results: Results
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the figures of each value of each group column."""
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for column in portraits[0].groups:
        values = np.array([portrait.groups[column] for portrait in portraits])
        names = sorted(set(values.tolist()))
        if len(names) <= MAX_GROUPS:
            tables[column] = {name: _figures(portraits, results, values == name) for name in names}
    return tables
