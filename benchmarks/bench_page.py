"""The page on performance and its plots, from results.json alone.

Only what is between the two marks in docs/performance.md is written; other sections are others'.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from edge_affect.evaluation.charts import BLUE, FAINT, GREY, ORANGE, draw_title
from edge_affect.evaluation.svg import Drawing

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"
BEGIN, END = "<!-- made by make bench -->", "<!-- made by make bench: end -->"
LABEL_PX, PLOT_PX, ROW_PX, TOP_PX = 470.0, 360.0, 24.0, 62.0
OURS = "edge-affect"


def write_page(told: dict[str, Any], docs: Path = DOCS) -> None:
    """Write the plots, and the part of the page between the marks."""
    (docs / "performance-ratios.svg").write_text(draw_ratios(told), encoding="utf-8")
    (docs / "performance-footprint.svg").write_text(draw_footprint(told), encoding="utf-8")
    page = docs / PAGE.name
    page.write_text(put_between(page.read_text(encoding="utf-8"), text_of(told)), encoding="utf-8")


def put_between(page: str, text: str) -> str:
    """Return a page with other text between the marks.

    >>> print(put_between(f"a {BEGIN} old {END} b", "new"))
    a <!-- made by make bench -->
    new
    <!-- made by make bench: end --> b
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise SystemExit(f"{PAGE.name} has lost its marks: {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{text.strip()}\n{END}{after}"


def number(value: float) -> str:
    """Return three significant digits, no exponent.

    >>> [number(value) for value in (0.00526, 0.5264, 5.264, 52.64, 5264.0)]
    ['0.00526', '0.526', '5.26', '52.6', '5264']
    """
    if value <= 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:.{digits}f}"


def with_interval(figure: list[float]) -> str:
    """Return a figure with the ends of its interval."""
    return f"{number(figure[0])} ({number(figure[1])}-{number(figure[2])})"


def quantile_cells(cpu_ms: dict[str, list[float] | None]) -> list[str]:
    """Return p50, p95 and p99 as cells of a table."""
    found = [cpu_ms[name] for name in ("p50", "p95", "p99")]
    return ["too few" if one is None else with_interval(one) for one in found]


def row(*cells: object) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def text_of(told: dict[str, Any]) -> str:
    """Return the part of the page that is made."""
    parts = (
        _ratios(told), _slower(told), _protocol(told), _contestants(told), _stages(told),
        _boards(told), _missing(told),
    )  # fmt: skip
    return "\n\n".join(part for part in parts if part)


SIDE_BY_SIDE = """\
## Side by side

Processor time of ours over theirs, same inputs, same run; below 1 we are faster. In brackets the
95 % interval.
"""


def _ratios(told: dict[str, Any]) -> str:
    head = ("what is done", "ours", "theirs", "ours / theirs")
    lines = [SIDE_BY_SIDE, row(*head), row(*("---",) * len(head))]
    for one in told["comparisons"]:
        figure = with_interval(one["ratio"])
        shown = f"**{figure}**" if one["ratio"][1] > 1 else figure
        lines.append(row(one["what"], one["ours_shown"], one["peer_shown"], shown))
    lines += ["", "![Ratios of processor time](performance-ratios.svg)"]
    return "\n".join(lines)


BOUGHT = """\
What the time goes to: MediaPipe's mesh is half the size of the one used here and it reads neither
expression nor pose nor blinks; the expression models tell different classes with different errors
([card](../models_tflite/face_expression.md)); WebRTC's detector compares energies in bands, and
[decision 3](decisions/0003-silero-behind-a-level-gate.md) tells how much speech that gets wrong.
dlib looks at pictures blown up twofold, as face_recognition calls it by default."""


def _slower(told: dict[str, Any]) -> str:
    slower = [one for one in told["comparisons"] if one["ratio"][1] > 1]
    if not slower:
        return "No row is slower than what it is compared with."
    named = "; ".join(
        f"{one['what']}, against {one['peer_shown']}: {number(one['ratio'][0])} times its time"
        for one in slower
    )
    return f"**Where we are slower** (bold above): {named}.\n\n{BOUGHT}"


HOW = """\
### How it was measured

- Commit {commit}, {date}. {processor} ({machine}), {cores} cores, {kernel}, governor {governor},
  Python {python}.
- Each contestant is a process in an environment of its own, pinned to core {core}, {threads}
  thread. {warm_up_runs} runs to warm up, then {rounds} rounds in which all take turns, in an
  order drawn anew.
- Inputs: {inputs}, from the clip that `edge-affect demo` makes of pinned packages.
- Times are processor time of the whole process, all its threads, so that other programs disturb
  them little; the contestants had {share} of the core (median of the rounds). Ratios by the wall
  clock are in results.json and differ by {furthest} at most.
- Intervals: bootstrap over whole rounds, the same rounds for both sides of a ratio. They tell how
  well this run knows its figures, not how other machines differ.

`make bench` does it again (the environments take 9 GB and a quarter of an hour the first time;
six minutes afterwards) and writes this part of the page from
[results.json](../benchmarks/results.json)."""


def _protocol(told: dict[str, Any]) -> str:
    how = told["protocol"]
    off = [abs(one["wall_ratio"][0] / one["ratio"][0] - 1) for one in told["comparisons"]]
    return HOW.format(
        commit=told["commit"],
        date=told["date"],
        share=f"{100 * how['cpu_over_wall']:.0f} %",
        furthest=f"{100 * max(off, default=0):.0f} %",
        **told["machine"],
        **how,
    )


CONTESTANTS = """
First result: from starting the process to the first answer, files in the cache. Memory: resident
after the last round, with the frames that were looked at (65 MB of a film, 9 MB of pictures).
Installed: all packages as pip chooses them, without Python and pip; ours with all models.
openSMILE is a yardstick only: its licence allows no use in products, and nothing of it is used.

![Memory, installation and first result](performance-footprint.svg)"""


def _contestants(told: dict[str, Any]) -> str:
    head = ("contestant", "of one", "p50 ms", "p95 ms", "p99 ms", "first result s", "memory MB",
            "installed MB")  # fmt: skip
    lines = ["### Every contestant", "", row(*head), row(*("---",) * len(head))]
    for one in told["contestants"].values():
        name = one["shown_as"]
        if "failed" in one:
            lines.append(row(name, one["unit"], f"not measured: {one['failed']}", *[""] * 5))
            continue
        disk = told["environments"][one["environment"]]["disk_mb"]
        cells = (f"{one['first_result_s']:.1f}", f"{one['memory_mb']:.0f}", f"{disk:,.0f}")
        lines.append(row(name, one["unit"], *quantile_cells(one["cpu_ms"]), *cells))
    return "\n".join([*lines, CONTESTANTS])


def _stages(told: dict[str, Any]) -> str:
    head = ("stage", "of one", "p50 ms", "p95 ms", "p99 ms")
    lines = ["### Every stage of the box", "", row(*head), row(*("---",) * len(head))]
    lines += [row(one["name"], one["of"], *quantile_cells(one["cpu_ms"])) for one in told["stages"]]
    return "\n".join(lines)


BOARDS = """\
## On paper: boards

**Estimates, not measurements.** Two published benchmarks of one core stand for the two kinds of
work: 7-zip (scalar code) and MobileNet v1 in ncnn (networks). Both were run here ({mips}; {ms}).
A board's factor is how much slower the same benchmark is there: `MIPS here / MIPS there`, `ms
there / ms here`. An estimate is a time of this page times the lowest and the highest factor.
Heat, memory and the operating system of the board are in none of it.
"""


def _boards(told: dict[str, Any]) -> str:
    if not told["boards"]:
        return ""
    names, anchors = list(told["boards"][0]["estimates_ms"]), told["anchors"]
    mips = _anchor(anchors["seven_zip_mips"], "MIPS for a core")
    lines = [
        BOARDS.format(mips=mips, ms=_anchor(anchors["mobilenet_ms"], "ms")),
        row("board, one core", "factor", *(f"{name}, ms" for name in names)),
        row(*("---",) * (2 + len(names))),
    ]
    for one in told["boards"]:
        ranges = [f"{low:.0f}-{high:.0f}" for low, high in one["estimates_ms"].values()]
        low, high = one["factor"]
        lines.append(row(one["board"], f"{low:.1f}-{high:.1f}", *ranges))
    lines += ["", "Published figures:", ""]
    lines += [f"- {one['board']}: {one['sources']}." for one in told["boards"]]
    return "\n".join(lines)


def _anchor(value: float | None, unit: str) -> str:
    return "not run" if value is None else f"{number(value)} {unit}"


def _missing(told: dict[str, Any]) -> str:
    lines = ["### Peers that could not be had from a package registry", ""]
    lines += [f"- {one}." for one in told["not_had"]]
    lines += [
        f"- {name}: its environment could not be made: {one['failed']}."
        for name, one in told["environments"].items()
        if "failed" in one
    ]
    return "\n".join(lines)


def draw_ratios(told: dict[str, Any]) -> str:
    """Return all ratios on one logarithmic axis, with their intervals, as SVG."""
    rows = told["comparisons"]
    title = "Processor time of edge-affect over that of others; left of 1 is faster"
    height = TOP_PX + ROW_PX * len(rows)
    drawing = Drawing(LABEL_PX + PLOT_PX + 90, height + 40, title)
    draw_title(drawing, title)
    values = [value for one in rows for value in one["ratio"]]
    low = math.floor(math.log10(min([*values, 0.1])))
    high = math.ceil(math.log10(max([*values, 10.0])))

    def place(value: float) -> float:
        return LABEL_PX + PLOT_PX * (math.log10(value) - low) / (high - low)

    for decade in range(low, high + 1):
        x, stroke = place(10.0**decade), GREY if decade == 0 else FAINT
        drawing.line([(x, TOP_PX - 14), (x, height - 6)], stroke=stroke)
        drawing.text(x, height + 12, f"{10.0**decade:g}", font_size=11, text_anchor="middle")
    for place_in_list, one in enumerate(rows):
        y = TOP_PX + ROW_PX * place_in_list
        middle, begin, end = one["ratio"]
        colour = ORANGE if begin > 1 else BLUE
        words = f"{one['what'].split(';')[0].split(':')[0]} / {one['peer_shown']}"
        drawing.text(LABEL_PX - 12, y + 4, words, font_size=11, text_anchor="end")
        drawing.line([(place(begin), y), (place(end), y)], stroke=colour, stroke_width=2)
        drawing.circle(place(middle), y, 4, fill=colour)
        drawing.text(LABEL_PX + PLOT_PX + 14, y + 4, number(middle), font_size=11)
    return drawing.render()


def draw_footprint(told: dict[str, Any]) -> str:
    """Return memory, size of the installation and time to the first result as bars, as SVG."""
    rows = [one for one in told["contestants"].values() if "failed" not in one]
    rows = [one for one in rows if "boards" not in one["shown_as"]]
    columns = (
        ("memory, MB", [one["memory_mb"] for one in rows]),
        ("installed, MB", [told["environments"][o["environment"]]["disk_mb"] for o in rows]),
        ("first result, s", [one["first_result_s"] for one in rows]),
    )
    title = "Memory, installation and start of each contestant"
    label, width, gap = 250.0, 150.0, 76.0
    drawing = Drawing(label + len(columns) * (width + gap), TOP_PX + 14 + ROW_PX * len(rows), title)
    draw_title(drawing, title)
    for place_in_list, one in enumerate(rows):
        y = TOP_PX + 14 + ROW_PX * place_in_list
        words = f"{one['shown_as']} ({one['unit']})"
        drawing.text(label - 10, y + 4, words, font_size=11, text_anchor="end")
    for column, (name, values) in enumerate(columns):
        left, most = label + column * (width + gap), max(values)
        drawing.text(left, TOP_PX - 10, name, font_weight="bold")
        for place_in_list, (one, value) in enumerate(zip(rows, values, strict=True)):
            y = TOP_PX + 14 + ROW_PX * place_in_list
            colour = BLUE if one["shown_as"].startswith(OURS) else GREY
            length = max(1.0, width * value / most)
            drawing.rect(left, y - 7, length, 14, fill=colour)
            drawing.text(left + length + 5, y + 4, number(value), font_size=11)
    return drawing.render()
