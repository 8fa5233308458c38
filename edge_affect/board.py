"""How warm a board is and whether it holds its processor back; read from sysfs, nothing else."""

from __future__ import annotations

from pathlib import Path

THERMAL = Path("/sys/class/thermal")
RASPBERRY_PI = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
HELD_BACK_NOW = 0xF
"""Of a Raspberry Pi's flags: under-voltage, frequency capped, throttled, near the limit. Those
that only tell of the past are further up."""
COOLERS = ("cpufreq", "thermal-cpufreq", "Processor", "thermal-devfreq", "devfreq")
"""Beginnings of the kinds of cooling device that cool by slowing down; fans do not."""


def hottest_c(thermal: Path = THERMAL) -> float | None:
    """Return the temperature of the hottest thermal zone in degrees Celsius, None without any."""
    found = []
    for path in thermal.glob("thermal_zone*/temp"):
        try:
            found.append(int(path.read_text(encoding="ascii")) / 1000)
        except (OSError, ValueError):
            # Some boards list zones that cannot be read while a driver sleeps.
            continue
    return max(found, default=None)


def is_held_back(flags: Path = RASPBERRY_PI, thermal: Path = THERMAL) -> bool:
    """Return whether the board runs slower than it could, to stay cool or for want of power."""
    try:
        raised = int(flags.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):  # another board
        raised = 0
    return bool(raised & HELD_BACK_NOW) or any(
        _is_cooling(folder) for folder in thermal.glob("cooling_device*")
    )


def _is_cooling(folder: Path) -> bool:
    try:
        kind = (folder / "type").read_text(encoding="ascii", errors="replace")
        state = int((folder / "cur_state").read_text(encoding="ascii"))
    except (OSError, ValueError):  # gone, or asleep
        return False
    return state > 0 and kind.startswith(COOLERS)
