"""What a soak has measured: samples of processes, slopes with intervals, growth, verdicts."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

TICKS_PER_DAY = 86_400
SLOPE_BOUND_MB = 1.0
MAX_BLOCKS = 200
QUARTER = 4
LEAST_SAMPLES = 12
LEAST_POINTS = 20
"""Fewer blocks say nothing of a day, however orderly they lie."""
Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process held at one moment.

    Attributes:
        tick: Published ticks so far.
        life: Number of the start of this process.
        is_calm: Whether no fault was going on.
        anonymous_mb: Private memory of its own, MB (10**6 bytes).
        resident_mb: All resident memory.
        shared_mb: Shared memory.
        n_fds: Open descriptors.
        n_threads: Threads.
    """

    tick: int
    life: int
    is_calm: bool
    anonymous_mb: float
    resident_mb: float
    shared_mb: float
    n_fds: int
    n_threads: int


def sample(pid: int, tick: int, life: int, *, is_calm: bool) -> Sample | None:
    """Return what a process holds, or None where it has just ended.

    Raises:
        PermissionError: If this user may not look into it; sensing is not dumpable.
    """
    folder = Path(f"/proc/{pid}")
    try:
        lines = (folder / "status").read_text().splitlines()
        n_fds = len(list((folder / "fd").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    if "RssAnon" not in facts:  # it is a zombie
        return None

    def megabytes(name: str) -> float:
        return int(facts[name].split()[0]) * 1024 / 1e6

    return Sample(
        tick, life, is_calm, megabytes("RssAnon"), megabytes("VmRSS"), megabytes("RssShmem"),
        n_fds, int(facts["Threads"]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in MB a day-equivalent (86,400 ticks), with an interval of 95 %."""

    value: float
    low: float
    high: float
    n_points: int

    @property
    def verdict(self) -> str:
        """Whether the bound is held, broken, or cannot be told yet."""
        if self.n_points < LEAST_POINTS:
            return "too short to tell"
        if self.low > SLOPE_BOUND_MB:
            return "broken"
        return "held" if self.high < SLOPE_BOUND_MB else "too short to tell"


def warm(samples: list[Sample], warm_up_ticks: int) -> list[list[Sample]]:
    """Return the samples of each life without its first ticks."""
    lives: dict[int, list[Sample]] = defaultdict(list)
    for one in samples:
        lives[one.life].append(one)
    return [
        [one for one in life if one.tick - life[0].tick >= warm_up_ticks] for life in lives.values()
    ]


def blocks(life: list[Sample], size: int) -> list[tuple[float, float]]:
    """Return tick and memory at the medians of blocks, which are hardly correlated."""
    cut = [life[start : start + size] for start in range(0, len(life) - size + 1, size)]
    return [
        (median(float(s.tick) for s in block), median(s.anonymous_mb for s in block))
        for block in cut
    ]


def theil_sen(lives: list[list[tuple[float, float]]]) -> Slope | None:
    """Return the median of all slopes between two points of a life, pooled over lives.

    The interval is that of Sen (1968) from the variance of Kendall's S, summed over lives.

    >>> line = [(float(t), 50 + t * 2 / 86_400 + (t % 7) / 100) for t in range(0, 8640, 240)]
    >>> slope = theil_sen([line])
    >>> round(slope.value), slope.low < 2 < slope.high, slope.verdict
    (2, True, 'broken')
    """
    slopes = []
    variance = 0.0
    n_points = 0
    for life in lives:
        n = len(life)
        variance += n * (n - 1) * (2 * n + 5) / 18
        n_points += n
        slopes += [
            (later[1] - earlier[1]) / (later[0] - earlier[0]) * TICKS_PER_DAY
            for number, earlier in enumerate(life)
            for later in life[number + 1 :]
            if later[0] > earlier[0]
        ]
    if len(slopes) < LEAST_SAMPLES:
        return None
    slopes.sort()
    half = Z_95 * math.sqrt(variance)
    low = max(0, math.floor((len(slopes) - half) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + half) / 2))
    return Slope(median(slopes), slopes[low], slopes[high], n_points)


def memory_slope(samples: list[Sample], warm_up_ticks: int) -> Slope | None:
    """Return how the memory of one process grows, or None where its lives were too short."""
    lives = warm(samples, warm_up_ticks)
    size = max(1, math.ceil(sum(len(life) for life in lives) / MAX_BLOCKS))
    return theil_sen([blocks(life, size) for life in lives])


def growth(samples: list[Sample], warm_up_ticks: int, what: str) -> float | None:
    """Return by how much the last quarter of a life is above its first, at most; None unknown."""
    grown = []
    for life in warm(samples, warm_up_ticks):
        calm = [float(getattr(one, what)) for one in life if one.is_calm]
        quarter = len(calm) // QUARTER
        if len(calm) >= LEAST_SAMPLES:
            grown.append(median(calm[-quarter:]) - median(calm[:quarter]))
    return max(grown, default=None)


def judged(samples: dict[str, list[Sample]], warm_up_ticks: int) -> dict[str, Any]:
    """Return figures and verdict for each process."""
    told: dict[str, Any] = {}
    for name, mine in samples.items():
        slope = memory_slope(mine, warm_up_ticks)
        grown = {
            what: growth(mine, warm_up_ticks, what) for what in ("n_fds", "n_threads", "shared_mb")
        }
        told[name] = {
            "samples": len(mine),
            "lives": len({one.life for one in mine}),
            "peak_resident_mb": max((one.resident_mb for one in mine), default=None),
            "slope_mb_a_day": None if slope is None else slope.value,
            "slope_interval": None if slope is None else [slope.low, slope.high],
            "slope_points": 0 if slope is None else slope.n_points,
            "slope": "too short to tell" if slope is None else slope.verdict,
            "growth": grown,
            "grew": sorted(what for what, by in grown.items() if by is not None and by > 0),
        }
    return told
