"""What board this is, how warm, and whether it holds its processor back; from /sys and /proc."""

from __future__ import annotations

import platform
from pathlib import Path

THERMAL = Path("/sys/class/thermal")
DEVICE_TREE = Path("/proc/device-tree/model")
CPU_INFO = Path("/proc/cpuinfo")
CORES = Path("/sys/devices/system/cpu")
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


def model_name(
    device_tree: Path = DEVICE_TREE, cpu_info: Path = CPU_INFO, machine: str = ""
) -> str:
    """Return what a board calls itself, else its processor, else the kind of machine; no serial."""
    try:
        if name := device_tree.read_text(encoding="utf-8", errors="replace").strip("\0\n "):
            return name
    except OSError:
        pass  # no board with a device tree
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in found if name), machine or platform.machine())


def governor(core: int, cores: Path = CORES) -> str:
    """Return how the speed of a core is governed, "none told" where the system does not say."""
    try:
        text = (cores / f"cpu{core}/cpufreq/scaling_governor").read_text(encoding="ascii")
    except (OSError, ValueError):
        return "none told"
    return text.strip() or "none told"
