"""The pictures of an expression model's card, drawn from what ``edge-affect evaluate`` reports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge_affect.errors import CannotWriteError, DatasetError, InputMissingError
from edge_affect.evaluation.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Axis,
    Panel,
    Series,
    draw_legend,
    draw_panel,
    draw_title,
    line_chart,
    matrix_chart,
    percent_axis,
    title_width,
)
from edge_affect.evaluation.group_chart import GroupRow, Share, group_chart
from edge_affect.evaluation.svg import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Report = dict[str, Any]

SHOWN_EXPRESSIONS = ("neutral", "happiness", "sadness", "anger", "surprise")
"""Others are predicted too rarely for a share by group to say anything."""
NESTED = ("robustness", "distance")
"""Keys under which a report holds another one."""
PANELS_PER_ROW = 3
PANEL_PX = (250.0, 150.0)


def draw_report(report: Report, folder: Path) -> list[Path]:
    """Draw every picture that a report has the figures for, and return the files.

    Args:
        report: As ``edge-affect evaluate face``, ``portraits`` or ``voice`` prints it.
        folder: Made where it does not exist.

    Raises:
        CannotWriteError: If the folder or a file cannot be written.
    """
    make_folder(folder)
    sources = [report, *(report[key] for key in NESTED if key in report)]
    stem = report["model"]["name"] + ("_portraits" if "loss_in_the_wild" in report else "")
    written = []
    for part, needs, draw in _PICTURES:
        for source in sources:
            if needs in source:
                path = folder / f"{stem}_{part}.svg"
                write_text(path, draw(source))
                written.append(path)
    return written


def read_report(path: Path) -> Report:
    """Return what ``edge-affect evaluate ... --json`` printed into a file.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If it is no such report.
    """
    try:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
        if report["model"]["name"]:
            return report
    except OSError:
        raise InputMissingError(f"The report {path} cannot be read; check the path.") from None
    except (ValueError, TypeError, KeyError):
        pass
    raise DatasetError(f"{path} is no report that edge-affect evaluate --json printed.")


def make_folder(folder: Path) -> None:
    """Make a folder where it does not exist.

    Raises:
        CannotWriteError: If that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(f"The folder {folder} cannot be made: {error.strerror}.") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        CannotWriteError: If that cannot be done.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None


def _headline(report: Report) -> Report:
    """Return the figures without twins where there are any."""
    rest: Report = report.get("without_duplicates", report)
    return rest


def _of(report: Report) -> str:
    split = f", {report['split']}" if "split" in report else ""
    if "corpus" in report:
        split = f", {report['corpus']}, speakers {report['speakers']}"
    n = _headline(report)["n"]
    twins = ", without twins" if n != report["n"] else ""
    return f"{report['model']['name']}{split}{twins}, n = {n}"


def _confusion(report: Report) -> str:
    matrix = _headline(report)["confusion_matrix"]
    return matrix_chart(
        f"Confusion matrix: {_of(report)}", matrix["labels"], matrix["rows_are_truth"]
    )


def _coverage(report: Report) -> str:
    points = _headline(report)["coverage"]
    x = tuple(point["share"] for point in points)
    series = (
        _with_interval("accuracy of the answers", BLUE, x, points, "accuracy"),
        Series(
            "confidence of the least certain answer",
            ORANGE,
            x,
            tuple(point["threshold"] for point in points),
            dash="5 4",
        ),
    )
    low = min(0.5, *(point["threshold"] for point in points))
    floor = int(low * 10) / 10
    items = "clips" if "corpus" in report else "faces"
    across = percent_axis(f"share of {items} answered, the most certain first")
    panel = Panel(60, 60, 480, 280, across, percent_axis("", floor, 1.0, 0.1), series=series)
    return line_chart(f"Accuracy by coverage: {_of(report)}", panel)


def _reliability(report: Report) -> str:
    rows = _headline(report)["reliability"]
    x = tuple(row["confidence"] for row in rows)
    series = (
        Series("perfect", GREY, (0.0, 1.0), (0.0, 1.0), dash="5 4"),
        _with_interval("share that is right", BLUE, x, rows, "accuracy"),
    )
    axis = percent_axis("mean confidence of the bin")
    panel = Panel(60, 60, 400, 400, axis, percent_axis(""), series=series)
    ece = _headline(report)["ece"]
    return line_chart(f"Reliability: {_of(report)}, ECE {ece:.3f}", panel)


def _robustness(report: Report) -> str:
    legend: tuple[Series, ...] = ()
    panels = []
    for number, curve in enumerate(report["curves"]):
        row, column = divmod(number, PANELS_PER_ROW)
        points = curve["points"]
        x = tuple(float(place) for place in range(len(points)))
        series = [
            _with_interval("accuracy", BLUE, x, points, "accuracy"),
            _plain("confidence", ORANGE, x, points, "confidence", "5 4"),
            _plain("called neutral", GREY, x, points, "neutral_share", "2 3"),
        ]
        if all("kept_share" in point for point in points):
            series.append(_plain("good enough to be read", GREEN, x, points, "kept_share", "8 3"))
        legend = tuple(series)
        ticks = tuple((x[n], f"{point['level']:g}") for n, point in enumerate(points))
        panels.append(
            Panel(
                60 + column * (PANEL_PX[0] + 60),
                80 + row * (PANEL_PX[1] + 84),
                *PANEL_PX,
                Axis(curve["unit"], -0.3, len(points) - 0.7, ticks),
                percent_axis("", step=0.25),
                f"{curve['name']} (holds {curve['holds'][0]:g} to {curve['holds'][1]:g})",
                legend,
            )
        )
    loss = f"{100 * report['tolerated_loss']:.0f} points"
    return sheet(
        f"Robustness: {report['model']['name']}, {report['split']}, n = {report['n']}; "
        f"what holds loses at most {loss}",
        panels,
        legend,
    )


def sheet(title: str, panels: Sequence[Panel], legend: Sequence[Series]) -> str:
    """Return several plots with one title and one legend as SVG."""
    right = max(panel.left + panel.width for panel in panels)
    bottom = max(panel.top + panel.height for panel in panels)
    drawing = Drawing(max(right + 24, title_width(title)), bottom + 78, title)
    draw_title(drawing, title)
    for panel in panels:
        draw_panel(drawing, panel)
    draw_legend(drawing, 60, bottom + 64, legend)
    return drawing.render()


def _distance(report: Report) -> str:
    points = [point for point in report["points"] if point["agreement"] is not None]
    x = tuple(float(place) for place in range(len(points)))
    series = [
        _with_interval("found", GREY, x, points, "detection_recall"),
        _with_interval("read as at full size", ORANGE, x, points, "agreement"),
    ]
    if points and "accuracy_where_read" in points[0]:
        series.append(_with_interval("right where read", BLUE, x, points, "accuracy_where_read"))
    ticks = tuple((x[n], f"{point['face_width_px']:g}") for n, point in enumerate(points))
    across = Axis("width of the face in px", -0.3, len(points) - 0.7, ticks)
    panel = Panel(60, 60, 480, 280, across, percent_axis(""), series=tuple(series))
    return line_chart(f"Size of the face: {report['model']['name']}, n = {report['n']}", panel)


def _groups(report: Report) -> str:
    columns = {"found": "detection_recall", **{name: name for name in SHOWN_EXPRESSIONS}}
    blocks = {
        column: tuple(
            GroupRow(f"{name} ({figures['n']})", _shares(figures, columns))
            for name, figures in groups.items()
        )
        for column, groups in report["groups"].items()
    }
    everybody = {name: share.value for name, share in _shares(report, columns).items()}
    n = report.get("group_pictures", report)["n"]
    title = f"Faces found and expressions predicted by group: {report['model']['name']}, n = {n}"
    return group_chart(title, everybody, blocks)


def _shares(figures: Report, columns: Mapping[str, str]) -> dict[str, Share]:
    """Return the shares of one group by what they are called; ``columns`` says where they are."""
    shares = {}
    for name, key in columns.items():
        if key in figures:
            value, interval = figures[key], figures[f"{key}_interval"]
        else:
            value = figures["predicted_share"][key]
            interval = figures["predicted_share_interval"][key]
        if value is not None:
            shares[name] = Share(value, interval[0], interval[1])
    return shares


def _with_interval(
    name: str, colour: str, x: tuple[float, ...], points: Sequence[Report], key: str
) -> Series:
    values, low, high = _columns(points, key)
    return Series(name, colour, x, values, low, high)


def _columns(points: Sequence[Report], key: str) -> tuple[tuple[float, ...], ...]:
    ends = [point[f"{key}_interval"] for point in points]
    return (
        tuple(point[key] for point in points),
        tuple(end[0] for end in ends),
        tuple(end[1] for end in ends),
    )


def _plain(
    name: str, colour: str, x: tuple[float, ...], points: Sequence[Report], key: str, dash: str
) -> Series:
    return Series(name, colour, x, tuple(point[key] for point in points), dash=dash)


_PICTURES: tuple[tuple[str, str, Callable[[Report], str]], ...] = (
    ("confusion", "confusion_matrix", _confusion),
    ("coverage", "coverage", _coverage),
    ("reliability", "reliability", _reliability),
    ("robustness", "curves", _robustness),
    ("groups", "gaps", _groups),
    ("distance", "points", _distance),
)
"""What a picture is called, the key that it needs, and what draws it."""
