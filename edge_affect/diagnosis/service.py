"""The installed service: are its units there, running, started at boot, and their walls whole?"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_affect.diagnosis.check import Finding, State, Subject, ok, warn

SYSTEMD_RUNS = Path("/run/systemd/system")
TARGET = "edge-affect.target"
SCORES: dict[str, float] = {
    "edge-affect-sense.service": 1.0,
    "edge-affect-publish.service": 1.5,
    "edge-affect-switches.service": 1.0,
}
"""What systemd-analyze may say of each at most, 0 is best; tests hold the shipped units to it."""
SLACK = 0.5
"""Other versions of systemd count a little differently."""
NEEDED = ("edge-affect-sense.service", "edge-affect-publish.service")
TIMEOUT_S = 20.0

Ask = Callable[[Sequence[str]], str]
"""Runs one of systemd's tools and returns what it prints."""


def ask_systemd(words: Sequence[str]) -> str:
    """Run one of systemd's tools; what it says on failure is of no use here."""
    try:
        done = subprocess.run(
            list(words), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def service(_subject: Subject) -> Finding:
    """Say how the installed service is doing."""
    if not SYSTEMD_RUNS.is_dir():
        return Finding(State.SKIPPED, "systemd is not running here, so no service was looked at.")
    if shutil.which("systemctl") is None:
        return Finding(State.SKIPPED, "There is no systemctl here, so no service was looked at.")
    return judged(ask_systemd)


def judged(ask: Ask) -> Finding:
    """Return what systemd says of the units.

    Args:
        ask: See there.
    """
    names = "Id,LoadState,ActiveState,UnitFileState,Result,NRestarts"
    units = _units(ask(["systemctl", "show", "-p", names, TARGET, *SCORES]))
    if units.get(TARGET, {}).get("LoadState") != "loaded":
        return Finding(State.SKIPPED, "edge-affect is not installed as a service here.")
    missing = [name for name in SCORES if units.get(name, {}).get("LoadState") != "loaded"]
    if missing:
        return warn(
            f"Units are missing: {', '.join(missing)}.", "Run: sudo systemd/install.sh install"
        )
    down = [
        f"{name} is {units[name].get('ActiveState')} ({units[name].get('Result')})"
        for name in NEEDED
        if units[name].get("ActiveState") != "active"
    ]
    if down:
        return warn(
            f"The service is not running: {'; '.join(down)}.",
            "Run: sudo systemctl start edge-affect.target; journalctl -n 50 -u 'edge-affect-*'",
        )
    scores = {
        name: _score(ask(["systemd-analyze", "security", "--no-pager", name])) for name in SCORES
    }
    weak = [
        f"{name} scores {score}" for name, score in scores.items()
        if score is not None and score > SCORES[name] + SLACK
    ]  # fmt: skip
    if weak:
        return warn(
            f"Walls of the service were taken down: {', '.join(weak)} (0 is best).",
            "Look at the drop-ins: systemctl cat edge-affect-sense.service",
            scores=scores,
        )
    if units[TARGET].get("UnitFileState") != "enabled":
        return warn(
            "The service runs, but does not start at boot.",
            "Run: sudo systemctl enable edge-affect.target",
            scores=scores,
        )
    n_restarts = sum(int(units[name].get("NRestarts") or 0) for name in NEEDED)
    said = ", ".join(
        f"{name.removeprefix('edge-affect-').removesuffix('.service')} {score}"
        for name, score in scores.items()
    )
    return ok(
        f"The service runs and starts at boot; restarts: {n_restarts}; walls: {said}.",
        scores=scores, restarts=n_restarts,
    )  # fmt: skip


def _units(shown: str) -> dict[str, dict[str, str]]:
    """Return the properties of each unit from ``systemctl show``: blocks with a blank between."""
    units = {}
    for block in shown.split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in said:
            units[said["Id"]] = said
    return units


def _score(printed: str) -> float | None:
    found = re.search(r"exposure level for \S+: ([0-9.]+)", printed)
    return None if found is None else float(found.group(1))
