"""Whether the face path treats people alike: recall and predicted expressions by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Face
from edge_affect.errors import DatasetError
from edge_affect.evaluation.equal_smiles import gaps_at_equal_smiles
from edge_affect.evaluation.figures import DIGITS, model_identity
from edge_affect.evaluation.metrics import wilson_interval
from edge_affect.evaluation.parity import (
    crossed,
    gaps_of,
    group_names,
    share_with_interval,
    worst_gap,
)
from edge_affect.evaluation.portrait_list import MAX_GROUPS, group_columns, read_portraits
from edge_affect.evaluation.portrait_results import Results, look
from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.face import EXPRESSION, FaceModels, FaceReader
from edge_affect.record import EXPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def evaluate_groups(
    listing: Path, root: Path, model: str = EXPRESSION, settings: Face | None = None
) -> dict[str, Any]:
    """Return what is found and what is predicted for each group, as plain JSON values.

    The pictures need no labels: where groups show the same, a fair model predicts the same. What
    remains of a gap may lie in the pictures, because nobody says what these faces show. Smiles are
    the greater part of what they show, and the mesh sees them without the expression model: the
    gaps are told once more among faces that smile alike.

    Args:
        listing: CSV with ``path`` and group columns, see ``read_portraits``.
        root: Folder that the listed paths are relative to.
        model: Name of a shipped expression model or path of a manifest.
        settings: Of the face reader; None takes the defaults of the configuration.

    Raises:
        DatasetError: If the list has another shape, or no column that groups the pictures.
        InputMissingError: If the list, a picture or a model is not there.
        MediaError: If a picture cannot be decoded.
        ModelError: If a model is not the one its manifest describes.
    """
    portraits = read_portraits(listing, root, "--groups")
    columns = crossed(group_columns(portraits))
    if not columns:
        raise DatasetError(
            f"{listing} has no column to group by; it needs one besides 'path' with at most "
            f"{MAX_GROUPS} different values, such as gender, age or race."
        )
    expression = FaceExpressionModel.load(model)
    reader = FaceReader(FaceModels.load(model), Face() if settings is None else settings)
    results = look(portraits, reader, expression)
    return {
        "model": model_identity(expression.manifest),
        **group_figures(results, columns),
        "median_ms_per_item": round(float(np.median(results.times_ms)), DIGITS),
    }


def group_figures(results: Results, columns: dict[str, NDArray[np.str_]]) -> dict[str, Any]:
    """Return the figures of all pictures, of each group, and the gaps between groups.

    Args:
        results: Of n pictures.
        columns: The group of each picture, shape ``(n,)``, by column.
    """
    everybody = np.ones(results.is_found.size, dtype=np.bool_)
    gaps = {
        column: _gaps(results, groups)
        for column, groups in columns.items()
        if np.unique(groups).size > 1
    }
    at_equal_smiles = _gaps_at_equal_smiles(results, columns)
    return {
        **shown_shares(results, everybody),
        "groups": {
            column: {name: shown_shares(results, groups == name) for name in group_names(groups)}
            for column, groups in columns.items()
        },
        "gaps": gaps,
        "worst_gap": worst_gap(gaps),
        "gaps_at_equal_smiles": at_equal_smiles,
        "worst_gap_at_equal_smiles": worst_gap(at_equal_smiles),
    }


def shown_shares(results: Results, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Return how many of some rows, shape ``(n,)``, are found and read, and what they show."""
    guesses = results.guess[rows & results.is_read]
    shares: dict[str, float | None] = {}
    intervals: dict[str, list[float]] = {}
    for number, name in enumerate(EXPRESSIONS):
        n_hits = int((guesses == number).sum())
        interval = wilson_interval(n_hits, guesses.size)
        shares[name] = round(n_hits / guesses.size, DIGITS) if guesses.size else None
        intervals[name] = [round(interval.low, DIGITS), round(interval.high, DIGITS)]
    return {
        "n": int(rows.sum()),
        **share_with_interval("detection_recall", results.is_found[rows]),
        **share_with_interval("read_share", results.is_read[rows]),
        "predicted_share": shares,
        "predicted_share_interval": intervals,
    }


def _gaps(results: Results, groups: NDArray[np.str_]) -> dict[str, dict[str, Any]]:
    path = {"detection_recall": results.is_found, "read_share": results.is_read}
    read = results.is_read
    gaps = gaps_of(groups, path)
    if np.unique(groups[read]).size > 1:
        gaps |= gaps_of(groups[read], _shown(results, read))
    return gaps


def _gaps_at_equal_smiles(
    results: Results, columns: dict[str, NDArray[np.str_]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the gaps of what faces with a mesh show, by column, where groups allow it."""
    rows = results.is_read & np.isfinite(results.smile)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    if not rows.any():
        return found
    for column, groups in columns.items():
        if np.unique(groups[rows]).size > 1:
            gaps = gaps_at_equal_smiles(results.smile[rows], groups[rows], _shown(results, rows))
            found |= {} if gaps is None else {column: gaps}
    return found


def _shown(results: Results, rows: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    return {name: results.guess[rows] == n for n, name in enumerate(EXPRESSIONS)}
