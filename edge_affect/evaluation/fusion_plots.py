"""The pictures of late fusion, drawn from what ``edge-affect evaluate fusion`` reports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edge_affect.evaluation.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Axis,
    Panel,
    Series,
    line_chart,
    percent_axis,
)
from edge_affect.evaluation.plots import PANEL_PX, make_folder, sheet, write_text

if TYPE_CHECKING:
    from pathlib import Path

    Report = dict[str, Any]

HAPPENINGS: dict[str, tuple[str, str]] = {
    "missing": ("share", "share of clips without it"),
    "stale": ("age_s", "its age in s, another expression since"),
    "noisy": ("noise", "share of noise in what it says"),
    "contradicting": ("share", "share of clips where it shows another expression"),
}
LINES = (
    ("fused", BLUE, "1 2"),
    ("settled_known", BLUE, ""),
    ("product", ORANGE, "5 4"),
    ("other_alone", GREY, "2 3"),
)
NAMES = {
    "fused": "pool",
    "settled_known": "conflicts settled",
    "product": "product, same normal",
    "other_alone": "other alone",
}


def draw_fusion(report: Report, folder: Path) -> list[Path]:
    """Draw every picture and return the files.

    Args:
        report: From `fusion.evaluate_fusion`.
        folder: Made where it does not exist.

    Raises:
        CannotWriteError: If the folder or a file cannot be written.
    """
    make_folder(folder)
    pictures = {
        "fusion_degradation": _degradation(report),
        "fusion_clips_heard": _clips_heard(report),
        "fusion_moods": _moods(report),
    }
    written = []
    for name, text in pictures.items():
        written.append(folder / f"{name}.svg")
        write_text(written[-1], text)
    return written


def _degradation(report: Report) -> str:
    panels = []
    for row, name in enumerate(("face", "voice")):
        for column, (what, (key, words)) in enumerate(HAPPENINGS.items()):
            points = report["degradation"][f"{name}_{what}"]
            x = tuple(float(point[key]) for point in points)
            series = [
                Series(NAMES[line], colour, x, tuple(point[line] for point in points), dash=dash)
                for line, colour, dash in LINES
            ]
            surer = tuple(point["settled_known_confidence"] for point in points)
            series.append(Series("confidence", GREEN, x, surer, dash="8 3"))
            across = Axis(words, x[0], x[-1], tuple((value, f"{value:g}") for value in x))
            panels.append(
                Panel(
                    60 + column * (PANEL_PX[0] + 70),
                    80 + row * (PANEL_PX[1] + 90),
                    *PANEL_PX,
                    across,
                    percent_axis("", step=0.25),
                    f"{name} {what}",
                    tuple(series),
                )
            )
    title = f"One modality degraded, accuracy, n = {report['n']}"
    return sheet(title, panels, panels[0].series)


def _clips_heard(report: Report) -> str:
    points = report["clips_heard"]
    x = tuple(math.log2(point["clips_heard"]) for point in points)
    flat = (min(x), max(x))
    series = (
        Series("fused, after so many clips", BLUE, x, tuple(p["accuracy"] for p in points)),
        Series("fused, clip alone", GREY, flat, (report["fused_alone_accuracy"],) * 2, dash="5 4"),
        Series("plain product", ORANGE, flat, (report["product_accuracy"],) * 2, dash="2 3"),
    )
    across = Axis(
        "which clip of the person it is",
        *flat,
        tuple((place, str(p["clips_heard"])) for place, p in zip(x, points, strict=True)),
    )
    panel = Panel(60, 60, 520, 280, across, percent_axis("", 0.8, 1.0, 0.05), series=series)
    return line_chart(f"What knowing a person's normal adds, {report['people']} people", panel)


def _moods(report: Report) -> str:
    rows = report["moods"]
    x = tuple(float(place) for place in range(len(rows)))
    series = (
        Series("read against the person's normal", BLUE, x, tuple(r["accuracy"] for r in rows)),
        Series("clip alone", GREY, x, tuple(r["accuracy_alone"] for r in rows), dash="5 4"),
    )
    across = Axis(
        "the expression of four clips in five",
        -0.3,
        len(rows) - 0.7,
        tuple((place, row["mood"]) for place, row in zip(x, rows, strict=True)),
    )
    panel = Panel(60, 60, 560, 280, across, percent_axis("", 0.6, 1.0, 0.1), series=series)
    return line_chart("A lasting mood is not taken for the person", panel)
