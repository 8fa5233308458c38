"""How much processor this process may use: the quota of its control groups, and its processors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("sys/fs/cgroup")
MEMBERSHIP = Path("proc/self/cgroup")
_V2 = "cpu.max"
_V1 = ("cpu.cfs_quota_us", "cpu.cfs_period_us")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where the limits stand; they may change while the process runs.

    Attributes:
        folders: The control groups of this process, from its own up to the root.
    """

    folders: tuple[Path, ...]

    @classmethod
    def here(cls, root: Path = Path("/")) -> Allowance:
        """Find the control groups; before the cage, inside which they have no names."""
        try:
            lines = (root / MEMBERSHIP).read_text(encoding="utf-8").splitlines()
        except OSError:
            return cls(())
        folders: list[Path] = []
        for line in lines:
            _, controllers, name = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            top = root / CGROUPS
            if controllers:
                top /= controllers if (top / controllers).is_dir() else "cpu"
            own = top / name.strip("/")
            folders += [folder for folder in (own, *own.parents) if folder.is_relative_to(top)]
        return cls(tuple(folders))

    def n_processors(self) -> float:
        """Return how many processors may be kept busy, > 0: half of one is 0.5."""
        quotas = [quota for folder in self.folders if (quota := _quota(folder)) is not None]
        return min([float(len(os.sched_getaffinity(0))), *quotas])


def _quota(folder: Path) -> float | None:
    """Return the quota of one control group in processors, None where it has none."""
    try:
        quota, period = (folder / _V2).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = ((folder / name).read_text(encoding="ascii") for name in _V1)
        except (OSError, ValueError):  # no such controller here
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)
