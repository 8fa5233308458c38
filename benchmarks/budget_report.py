"""What the budgets are, whether they are held, and the table in `docs/performance.md`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
HELD, BROKEN = "held", "broken"
POLICIES = {os.SCHED_OTHER: "normal", os.SCHED_RR: "real time", os.SCHED_FIFO: "real time"}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit that the box is held to.

    Attributes:
        what: In words.
        unit: Of limit and figures.
        limit: At most this.
        statistic: What is held against it: ``p50``, ``p95``, ``mean`` or ``most``.
    """

    what: str
    unit: str
    limit: float
    statistic: str


BUDGETS: dict[str, Budget] = {
    "one_face": Budget("detection, landmarks, expression of one face", "ms a frame", 8.0, "p50"),
    "further_face": Budget("each further face", "ms a frame", 4.0, "p50"),
    "sound_speech": Budget("sound path, speech all the time", "% of a core", 2.0, "mean"),
    "sound_silence": Budget("sound path, silence", "% of a core", 2.0, "mean"),
    "slit": Budget("frame taken to the first record with it", "ms", 120.0, "p95"),
    "slit_newest": Budget("newest frame in a record that comes", "ms", 120.0, "p95"),
    "start_slit_warm": Budget("start to first vector at the slit, warm", "s", 1.5, "most"),
    "start_mqtt_warm": Budget("start to first vector over MQTT, warm", "s", 1.5, "most"),
    "start_slit_cold": Budget("start to first vector at the slit, cold", "s", 1.5, "most"),
    "start_mqtt_cold": Budget("start to first vector over MQTT, cold", "s", 1.5, "most"),
    "sense_resident": Budget("sensing, resident", "MB", 150.0, "most"),
    "sense_private": Budget("sensing, its own pages", "MB", 150.0, "most"),
    "publish_resident": Budget("publisher, resident", "MB", 45.0, "most"),
    "publish_private": Budget("publisher, its own pages", "MB", 45.0, "most"),
    "empty_room": Budget("empty silent room, both processes", "% of a core", 4.0, "mean"),
    "face_and_speech": Budget(
        "one face and speech, 10 frames a second, both processes", "% of a core", 30.0, "mean"
    ),
}


def figures(values: Sequence[float]) -> dict[str, float]:
    """Return how values lie.

    >>> figures([1.0, 2.0, 6.0])
    {'p50': 2.0, 'p95': 5.6, 'mean': 3.0, 'most': 6.0, 'n': 3}

    Raises:
        ValueError: If there are none.
    """
    if not len(values):
        raise ValueError("Nothing was measured.")
    return {
        "p50": round(float(np.percentile(values, 50)), 3),
        "p95": round(float(np.percentile(values, 95)), 3),
        "mean": round(float(np.mean(values)), 3),
        "most": round(float(np.max(values)), 3),
        "n": len(values),
    }


def judged(key: str, values: Sequence[float]) -> dict[str, Any]:
    """Return figures and verdict of one budget.

    >>> judged("slit", [119.0, 120.0])["verdict"], judged("slit", [120.0, 122.0])["verdict"]
    ('held', 'broken')

    Raises:
        KeyError: If there is no such budget.
        ValueError: If nothing was measured.
    """
    budget, told = BUDGETS[key], figures(values)
    verdict = HELD if told[budget.statistic] <= budget.limit else BROKEN
    return {**asdict(budget), **told, "verdict": verdict}


def machine() -> dict[str, Any]:
    """Return what the figures were made on, without a name that tells whose it is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "processor": names[0] if names else platform.machine(),
        "cores_used": len(os.sched_getaffinity(0)),
        "scheduling": POLICIES.get(os.sched_getscheduler(0), "other"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit or "none told",
        "date": date.today().isoformat(),  # noqa: DTZ011 (a day is enough, whose ever it is)
    }


def machine_line(told: Mapping[str, Any]) -> str:
    """Return the machine in one line."""
    cores = "one core" if told["cores_used"] == 1 else f"{told['cores_used']} cores"
    return (
        f"{told['processor']}, {cores}, {told['scheduling']} scheduling, Linux {told['kernel']}, "
        f"Python {told['python']}, commit {told['commit']}, {told['date']}."
    )


def table(results: Mapping[str, Any]) -> str:
    """Return the section's figures as Markdown."""
    lines = [
        machine_line(results["machine"]),
        "",
        "| budget | at most | measured | p50 | p95 | n | verdict |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in results["budgets"].values():
        held = f"**{row[row['statistic']]:.3g}** ({row['statistic']})"
        lines.append(
            f"| {row['what']} | {row['limit']:g} {row['unit']} | {held} "
            f"| {row['p50']:.3g} | {row['p95']:.3g} | {row['n']} | {row['verdict']} |"
        )
    return "\n".join(lines)


def put_into_page(name: str, body: str, page: Path = PAGE) -> None:
    """Replace what a script wrote into a page before.

    Args:
        name: Of the make target, as its markers have it.
        body: Markdown.
        page: With the markers.

    Raises:
        SystemExit: If the page has no place for it.
    """
    begin, end = f"<!-- made by make {name} -->\n", f"<!-- made by make {name}: end -->"
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        sys.exit(f"{page} has no place for what make {name} writes: {begin.strip()}")
    page.write_text(f"{before}{begin}{body}\n{end}{after}", encoding="utf-8")
