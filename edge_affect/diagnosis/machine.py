"""The machine: system, Python, clock, disk and temperature."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from edge_affect import __version__
from edge_affect.board import is_held_back
from edge_affect.diagnosis.check import Finding, Subject, ok, warn
from edge_affect.publishing.health import temperature_c
from edge_affect.wall_clock import OLDEST_POSSIBLE, SystemWallClock, WallClock

OLDEST, NEWEST = (3, 10), (3, 13)
TESTED = ("x86_64",)
"""Machines on which the tests have run so far."""
KNOWN = ("x86_64", "aarch64", "armv7l")
HOT_C = 75
LOW_MB = 200


def system(_subject: Subject) -> Finding:
    """Say what this is, and whether it was ever tried."""
    machine, kernel = platform.machine(), platform.release()
    sentence = f"edge-affect {__version__} on {platform.system()} {kernel}, {machine}{_board()}."
    if platform.system() != "Linux" or machine not in KNOWN:
        return warn(sentence, "Use Linux on x86-64, arm64 or 32-bit ARM: there are no models else.")
    if machine not in TESTED:
        return warn(sentence, "Nothing was measured on this kind of machine yet; please report.")
    return ok(sentence)


def _board() -> str:
    try:
        return ", " + Path("/proc/device-tree/model").read_text(encoding="utf-8").strip("\0\n")
    except OSError:
        return ""


def python(_subject: Subject) -> Finding:
    """Say which Python runs."""
    version = sys.version_info[:2]
    sentence = f"Python {platform.python_version()}."
    if not OLDEST <= version <= NEWEST:
        return warn(sentence, "Use Python 3.10 to 3.13: the others were not tried.")
    return ok(sentence)


def clock(_subject: Subject) -> Finding:
    """Say whether the time can be trusted."""
    return clock_finding(SystemWallClock())


def clock_finding(wall: WallClock) -> Finding:
    """Say whether the time of a clock can be trusted."""
    remedy = "Wait for NTP, or install a time service such as systemd-timesyncd or chrony."
    now = wall.now()
    if now < OLDEST_POSSIBLE:
        return warn(
            f"The clock says {now:%Y-%m-%d}, which cannot be; until it is set, times of messages "
            "are wrong and a broker's certificate may count as not valid yet.",
            remedy,
        )
    if wall.is_synced():
        return ok("The clock is synchronised.")
    return warn(
        "The clock is not known to be right; messages say clock_synced false until it is.", remedy
    )


def temperature(_subject: Subject) -> Finding:
    """Say how hot the board is."""
    degrees = temperature_c()
    if degrees is None:
        return ok("This machine shows no temperature.")
    if degrees >= HOT_C:
        return warn(
            f"The hottest part is at about {degrees} C.",
            "Cool it: boards slow down from about 80 C on.",
            temperature_c=degrees,
        )
    return ok(f"The hottest part is at about {degrees} C.", temperature_c=degrees)


def throttling(_subject: Subject) -> Finding:
    """Say whether the board runs slower than it could."""
    if is_held_back():
        return warn(
            "The board holds its processor back, to stay cool or for want of power.",
            "Cool it, and use the power supply that its maker names.",
        )
    return ok("The board does not hold its processor back.")


def disk(_subject: Subject) -> Finding:
    """Say whether there is room for models and unsent records."""
    home = Path.home() if Path.home().is_dir() else Path("/")
    free_mb = shutil.disk_usage(home).free // 1_000_000
    if free_mb < LOW_MB:
        return warn(f"{free_mb} MB are free in {home}.", "Make room there.", free_mb=free_mb)
    return ok(f"{free_mb} MB are free in {home}.", free_mb=free_mb)
