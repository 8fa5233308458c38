"""Everything that one call of ``edge-affect evaluate face`` or ``portraits`` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.errors import UsageError
from edge_affect.evaluation.face_groups import evaluate_groups
from edge_affect.evaluation.face_robustness import evaluate_robustness
from edge_affect.evaluation.faces import answer_figures, ask
from edge_affect.evaluation.ferplus import majority_faces
from edge_affect.evaluation.montage import save_montage
from edge_affect.evaluation.plots import draw_report, make_folder
from edge_affect.evaluation.portrait_distance import evaluate_distance
from edge_affect.evaluation.portraits import evaluate_portraits
from edge_affect.perception.expression_model import FaceExpressionModel

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FaceRequest:
    """What to measure of a face model.

    Attributes:
        model: Name of a shipped expression model or path of a manifest.
        data: Ready crops with votes, or None.
        split: Which of them.
        groups: List of pictures with group columns, or None.
        root: Folder that the list's paths start from; None takes the list's own.
        is_robustness: Whether the crops are spoilt step by step as well.
        plots: Folder for pictures of the figures, or None.
        montage: File for a sheet of faces, or None.
    """

    model: str
    data: Path | None
    split: str
    groups: Path | None
    root: Path | None
    is_robustness: bool
    plots: Path | None
    montage: Path | None

    def __post_init__(self) -> None:
        if self.data is None and self.groups is None:
            raise UsageError("evaluate face needs --data, --groups or both.")
        if self.data is None and (self.is_robustness or self.montage is not None):
            raise UsageError("--robustness and --montage need --data.")


def report_on_faces(request: FaceRequest) -> dict[str, Any]:
    """Return the figures that were asked for, as plain JSON values.

    Figures of ready crops and of groups stand side by side; where both have a key, such as ``n``,
    it is that of the ready crops, and that of the group pictures is under ``group_pictures``.

    Raises:
        EdgeAffectError: As ``evaluate_faces``, ``evaluate_groups`` and ``draw_report``.
    """
    if request.plots is not None:
        make_folder(request.plots)
    report: dict[str, Any] = {}
    if request.groups is not None:
        root = request.groups.parent if request.root is None else request.root
        report = evaluate_groups(request.groups, root, request.model)
    if request.data is not None:
        report = _with_crops(report, request, request.data)
    if request.plots is not None:
        draw_report(report, request.plots)
    return report


def _with_crops(report: dict[str, Any], request: FaceRequest, data: Path) -> dict[str, Any]:
    faces = majority_faces(data, request.split)
    reader = FaceExpressionModel.load(request.model)
    answers = ask(faces, reader)
    of_crops = answer_figures(answers, reader.manifest, request.split)
    if request.montage is not None:
        save_montage(request.montage, answers.truth, answers.probabilities, faces.images)
    if request.is_robustness:
        of_crops["robustness"] = evaluate_robustness(data, request.split, request.model)
    if report:
        shared = {key: report[key] for key in ("n", "median_ms_per_item")}
        of_crops["group_pictures"] = shared
    return {**report, **of_crops}


@dataclass(frozen=True, slots=True)
class PortraitRequest:
    """What to measure on whole pictures.

    Attributes:
        model: Name of a shipped expression model or path of a manifest.
        listing: List of the pictures.
        root: Folder that the list's paths start from.
        distance: One of ``PLACES`` where small faces are measured as well, or None.
        plots: Folder for pictures of the figures, or None.
        montage: File for a sheet of faces, or None.
    """

    model: str
    listing: Path
    root: Path
    distance: str | None
    plots: Path | None
    montage: Path | None


def report_on_portraits(request: PortraitRequest) -> dict[str, Any]:
    """Return the figures that were asked for, as plain JSON values.

    Raises:
        EdgeAffectError: As ``evaluate_portraits``, ``evaluate_distance`` and ``draw_report``.
    """
    if request.plots is not None:
        make_folder(request.plots)
    report = evaluate_portraits(
        request.listing, request.root, request.model, montage=request.montage
    )
    if request.distance is not None:
        report["distance"] = evaluate_distance(
            request.listing, request.root, request.model, request.distance
        )
    if request.plots is not None:
        draw_report(report, request.plots)
    return report
