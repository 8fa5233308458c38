"""``edge-affect bench``: times the stages on this machine; a table, and a line to send back."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import __version__, board, demo_clip
from edge_affect.commands.arguments import seconds
from edge_affect.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_affect.stage_times import Stage

QUANTILES = (("p50_ms", 50), ("p95_ms", 95), ("p99_ms", 99))
PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "Pillow")
PROCESSOR_FIELD = 36
"""Of /proc/self/stat, counted behind the name: on which core the process ran last."""
DISTURBED_SHARE = 0.85
"""With less of the wall clock than this, other programs had the core as well."""
SENT = {
    "face detection": "detect",
    "landmarks of one face": "landmarks",
    "eye of one face, with its iris": "eye",
    "expression of one face, crop included": "expression",
    "frame of a film, one face, end to end": "frame",
    "second of speech, end to end": "second",
    "fusion, states, gate, 18 bytes": "vector",
}
"""Stages that are in the line, by what it calls them."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "bench",
        help="time the stages of the box on this machine",
        description="Runs the stages of the box in turns, on one core, on the clip of the demo "
        "(fetched once), and says what each costs in processor time. The last line is meant to be "
        "sent back by owners of a board; nothing leaves the machine by itself. Stop the services "
        "of a box first. Opens no microphone and no camera.",
        epilog="examples:\n  edge-affect bench\n  edge-affect bench --seconds 60 --json\n\n"
        "ends with 65 if the clip or a model is damaged, 66 if a model is missing, 69 if the clip "
        "cannot be fetched, 73 if it cannot be kept",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=seconds, default=20.0, help="measure for so long; default: %(default)g"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What came of it.

    Attributes:
        times_ms: Of each stage, by its name.
        core: On which core.
        share: Processor time over wall clock while it was measured.
        before_c: Temperature at the beginning, None where the machine tells none.
        after_c: Temperature at the end.
    """

    times_ms: dict[str, list[float]]
    core: int
    share: float
    before_c: float | None
    after_c: float | None


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from edge_affect.stage_times import all_stages, read_parts

    parts = read_parts(*demo_clip.ensure(_say))
    stages = all_stages(parts)
    _say(f"Measuring {len(stages)} stages in turns for about {args.seconds:g} s.")
    measured = _measure(stages, args.seconds)
    told = _report(stages, measured)
    print(json.dumps(told, indent=2) if args.json else _table(told))
    if measured.share < DISTURBED_SHARE:
        _say(
            f"Other programs had the core for {100 * (1 - measured.share):.0f} % of the time; "
            "the times are processor time, but come out too long; stop them and measure again."
        )
    return ExitCode.DONE


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _on_one_core() -> Iterator[int]:
    """Keep the process on the core that the scheduler gave it, which is a free and a fast one."""
    allowed = os.sched_getaffinity(0)
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    core = int(fields[PROCESSOR_FIELD])
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, allowed)


def _measure(stages: list[Stage], for_s: float) -> _Measured:
    from edge_affect.stage_times import time_in_turns

    before_c = board.hottest_c()
    with _on_one_core() as core:
        wall_s, busy_s = time.monotonic(), time.process_time()
        times_ms = time_in_turns(stages, for_s)
        wall_s, busy_s = time.monotonic() - wall_s, time.process_time() - busy_s
    return _Measured(times_ms, core, busy_s / max(wall_s, 1e-9), before_c, board.hottest_c())


def _report(stages: list[Stage], measured: _Measured) -> dict[str, Any]:
    import numpy as np

    rows = []
    for stage in stages:
        times_ms = measured.times_ms[stage.name]
        quantiles = np.percentile(times_ms, [share for _, share in QUANTILES])
        figures = {
            name: round(float(value), 3)
            for (name, _), value in zip(QUANTILES, quantiles, strict=True)
        }
        rows.append({"stage": stage.name, "of": stage.of, "n": len(times_ms), **figures})
    return {"edge_affect": __version__, "machine": _machine(measured), "stages": rows}


def _machine(measured: _Measured) -> dict[str, Any]:
    def degrees(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    return {
        "board": board.model_name(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "core": measured.core,
        "governor": board.governor(measured.core),
        "temperature_before_c": degrees(measured.before_c),
        "temperature_after_c": degrees(measured.after_c),
        "held_back": board.is_held_back(),
        "share_of_the_core": round(measured.share, 2),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # one of the two runtimes is never there
    return found


def line_to_send(told: dict[str, Any]) -> str:
    """Return the machine and the medians of a report in one line."""
    about = told["machine"]
    after_c = about["temperature_after_c"]
    speed = [f"{about['cores']} cores", f"governor {about['governor']}"]
    speed.append("no temperature" if after_c is None else f"{after_c:g} C")
    if about["held_back"]:
        speed.append("held back")
    speed.append(f"{100 * about['share_of_the_core']:.0f} % of the core")
    versions = [about["kernel"], f"Python {about['python']}"]
    versions += [f"{name} {version}" for name, version in about["packages"].items()]
    medians = [
        f"{SENT[row['stage']]} {row['p50_ms']:.2f}"
        for row in told["stages"]
        if row["stage"] in SENT
    ]
    parts = (
        f"edge-affect {told['edge_affect']} bench",
        f"{about['board']} ({about['machine']})",
        ", ".join(speed),
        ", ".join(versions),
        "p50 ms: " + ", ".join(medians),
    )
    return " | ".join(part.replace("|", "/") for part in parts)


def _table(told: dict[str, Any]) -> str:
    width = max(len(row["stage"]) for row in told["stages"]) + 2
    lines = [f"{'ms of one core':{width}s}{'p50':>9s}{'p95':>9s}{'p99':>9s}"]
    of = None
    for row in told["stages"]:
        if row["of"] != of:
            of = row["of"]
            lines.append(f"for one {of}:")
        times = "".join(f"{row[name]:9.2f}" for name, _ in QUANTILES)
        lines.append(f"  {row['stage']:{width - 2}s}{times}")
    return "\n".join([*lines, "", "Please send this line back:", line_to_send(told)])
