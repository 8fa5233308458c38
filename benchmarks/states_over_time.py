"""Draw the derived states of recordings over time, as the box would publish them.

    python benchmarks/states_over_time.py --out states.svg clip.mp4 [another.mp4 ...]

Each clip is replayed through the live path at 5 ticks per second. A gap in a line is a tick at
which the state was unknown or the box abstained; dots along the foot of a plot mark abstentions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_affect.evaluation.charts import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Axis,
    Panel,
    Series,
    draw_legend,
    draw_panel,
    draw_title,
)
from edge_affect.evaluation.svg import Drawing
from edge_affect.record import STATES

COLOURS = (BLUE, GREEN, "#7b3fa0", "#b3262a", ORANGE, GREY)
TICK_HZ = 5.0
PLOT_PX, GAP_PX, LEFT_PX = (620.0, 150.0), 86.0, 70.0


def main() -> None:
    """Replay and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("clips", type=Path, nargs="+")
    args = parser.parse_args()
    vectors = {clip.stem: replayed(clip) for clip in args.clips}
    args.out.write_text(drawing_of(vectors), encoding="utf-8")
    print(args.out)


def replayed(clip: Path) -> list[dict[str, Any]]:
    """Return what the box says of a clip, tick by tick."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(f"[publish]\ntick_hz = {TICK_HZ}\n[face]\nbudget_ms = 1000\n")
        config.flush()
        command = [sys.executable, "-m", "edge_affect", "replay", "--video", str(clip)]
        command += ["--config", config.name, "--fast", "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def drawing_of(vectors: dict[str, list[dict[str, Any]]]) -> str:
    """Return one plot for each clip, below each other, as SVG."""
    width, height = PLOT_PX
    title = f"Derived states as published, {TICK_HZ:.0f} ticks a second"
    sheet = Drawing(LEFT_PX + width + 30, 60 + (height + GAP_PX) * len(vectors) + 30, title)
    draw_title(sheet, title)
    for number, (name, ticks) in enumerate(vectors.items()):
        top = 64 + (height + GAP_PX) * number
        draw_panel(sheet, _panel(name, ticks, top))
    lines = [Series(name, colour, (), ()) for name, colour in zip(STATES, COLOURS, strict=True)]
    draw_legend(sheet, LEFT_PX - 50, 64 + (height + GAP_PX) * len(vectors), lines)
    return sheet.render()


def _panel(name: str, ticks: list[dict[str, Any]], top: float) -> Panel:
    end_s = max(tick["media_time_s"] for tick in ticks)
    marks = tuple((float(s), str(s)) for s in range(0, int(end_s) + 1, 1 + int(end_s) // 10))
    series = [
        run
        for state, colour in zip(STATES, COLOURS, strict=True)
        for run in _runs(ticks, state, colour)
    ]
    silent = [tick["media_time_s"] for tick in ticks if tick["abstained"] is not None]
    series += [Series("abstains", INK, (at, at + 1 / TICK_HZ), (-0.03, -0.03)) for at in silent]
    across = Axis("seconds", 0.0, max(end_s, 1.0), marks)
    up = Axis("", -0.05, 1.05, tuple((v, f"{v:.1f}") for v in (0.0, 0.5, 1.0)))
    return Panel(LEFT_PX, top, *PLOT_PX, across, up, name, tuple(series))


def _runs(ticks: list[dict[str, Any]], state: str, colour: str) -> list[Series]:
    """Return the unbroken stretches of one state's line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for tick in ticks:
        value = tick["states"][state]
        if value is None:
            runs.append([])
        else:
            runs[-1].append((tick["media_time_s"], value))
    return [
        Series(state, colour, tuple(x for x, _ in run), tuple(y for _, y in run))
        for run in runs
        if run
    ]


if __name__ == "__main__":
    main()
