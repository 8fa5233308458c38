"""How hard sensing works: less where the board is hot, held back or busy, and in an empty room.

Rates go down in steps soon and come back late, a step at a time; a step that had to be taken back
makes the next attempt wait longer. So they do not flap, whatever the load does.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge_affect.board import hottest_c, is_held_back
from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock
    from edge_affect.sensing.allowance import Allowance

EFFORTS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)
"""Shares of the configured rates, step by step."""
LEAST_HZ = 1.0
"""Frames a second at least: below that faces could not be followed."""
REST_HZ = 4.0
"""Frames a second at most in an empty room that lies still: enough to see that somebody comes."""
LOOK_S = 0.5
"""How often the governor looks."""
BUSY_SHARE = 0.8
"""A thread that is at work for more of its time than this will soon fall behind."""
DOWN_AFTER_S = 2.0
"""So long a load must last before a step down; the next one waits as long again."""
COOLING_S = 10.0
"""The same for heat, which takes its time to follow."""
UP_AFTER_S = 20.0
"""So long there must be room for more before a step up."""
MAX_UP_AFTER_S = 320.0
"""It doubles up to this each time a step up had to be taken back."""
COOLER_C = 5.0
"""So far below the limit the board must be before a step up."""

log = logging.getLogger("edge_affect.sensing")


@dataclass(frozen=True, slots=True)
class Strain:
    """What sensing costs and what it costs it on, over the latest look.

    Attributes:
        busy_share: Of the busiest thread's time at work, waits for a processor included, [0, 1].
        cpu_share: Processor time over what may be used, [0, 1] and a little more.
        temperature_c: Of the hottest zone, None where nobody says.
        is_held_back: Whether the board says that it slows itself down.
    """

    busy_share: float
    cpu_share: float
    temperature_c: float | None = None
    is_held_back: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond what sensing slows down.

    Attributes:
        hot_c: Degrees Celsius.
        cpu_share: Of the processors that may be used.
    """

    hot_c: float
    cpu_share: float


class Effort:
    """The step that strain calls for; pure but for its memory.

    Args:
        limits: Beyond what it is too much.
        start_ns: Monotonic clock.
    """

    def __init__(self, limits: Limits, start_ns: int) -> None:
        self._limits = limits
        self._step = 0
        self._moved_ns = self._eased_ns = self._strained_ns = start_ns
        self._went_up = False
        self._up_after_s = UP_AFTER_S

    @property
    def share(self) -> float:
        """Share of the configured rates, one of ``EFFORTS``."""
        return EFFORTS[self._step]

    def heed(self, strain: Strain, now_ns: int) -> bool:
        """Take note of the strain and return whether the step has changed."""
        is_hot = self._is_hot(strain)
        is_loaded = self._load(strain) > 1.0
        if not (is_hot or is_loaded):
            self._eased_ns = now_ns
        if is_hot or is_loaded or not self._has_room(strain):
            self._strained_ns = now_ns
        patience_s = DOWN_AFTER_S if is_loaded else COOLING_S
        since_ns = max(self._eased_ns, self._moved_ns)
        # Heat that is new is answered at once; only the steps after that wait for it to follow.
        is_first_heat = is_hot and self._step == 0
        if (is_hot or is_loaded) and (
            now_ns - since_ns >= (DOWN_AFTER_S if is_first_heat else patience_s) * NS_PER_S
        ):
            return self._move(+1, now_ns)
        calm_s = (now_ns - max(self._strained_ns, self._moved_ns)) / NS_PER_S
        if calm_s >= self._up_after_s:
            return self._move(-1, now_ns)
        return False

    def _move(self, by: int, now_ns: int) -> bool:
        step = min(len(EFFORTS) - 1, max(0, self._step + by))
        if by > 0 and self._went_up:
            self._up_after_s = min(MAX_UP_AFTER_S, 2 * self._up_after_s)
        elif by < 0 and self._went_up:
            # The step before has held.
            self._up_after_s = max(UP_AFTER_S, self._up_after_s / 2)
        has_changed = step != self._step
        if has_changed:
            self._went_up = by < 0
            self._step = step
        self._moved_ns = self._eased_ns = self._strained_ns = now_ns
        return has_changed

    def _is_hot(self, strain: Strain) -> bool:
        celsius = strain.temperature_c
        return strain.is_held_back or (celsius is not None and celsius >= self._limits.hot_c)

    def _load(self, strain: Strain) -> float:
        """Return the load, above 1 where it is too much."""
        return max(strain.busy_share / BUSY_SHARE, strain.cpu_share / self._limits.cpu_share)

    def _has_room(self, strain: Strain) -> bool:
        """Return whether a step up would not be too much."""
        if self._step == 0:
            return False
        growth = EFFORTS[self._step - 1] / EFFORTS[self._step]
        celsius = strain.temperature_c
        is_cool = celsius is None or celsius < self._limits.hot_c - COOLER_C
        return is_cool and self._load(strain) * growth < 1.0


class Works(Protocol):
    """A thread whose time at work is told."""

    @property
    def busy_ns(self) -> int:
        """Nanoseconds at work since its start."""


@dataclass(frozen=True, slots=True)
class Dials:
    """What the governor turns.

    Attributes:
        pace: Takes frames a second.
        ease: Takes the share of work that models may do, (0, 1].
        is_at_rest: Whether the room is empty and lies still.
    """

    pace: Callable[[float], None]
    ease: Callable[[float], None]
    is_at_rest: Callable[[], bool]


class Gauges:
    """Reads the strain of this process and its board.

    Args:
        clock: Monotonic.
        allowance: What may be used.
        temperature_c: Reads the hottest zone.
        is_held_back: Reads the board's flags.
        cpu_ns: Processor time of this process so far.
    """

    def __init__(
        self,
        clock: Clock,
        allowance: Allowance,
        temperature_c: Callable[[], float | None] = hottest_c,
        is_held_back: Callable[[], bool] = is_held_back,
        cpu_ns: Callable[[], int] = time.process_time_ns,
    ) -> None:
        self._clock = clock
        self._allowance = allowance
        self._temperature_c = temperature_c
        self._is_held_back = is_held_back
        self._cpu_ns = cpu_ns
        self._read_ns, self._spent_ns = clock.now_ns(), cpu_ns()
        self._busy_ns: dict[int, int] = {}

    def read(self, workers: tuple[Works, ...]) -> Strain:
        """Return the strain since the last reading."""
        now_ns, spent_ns = self._clock.now_ns(), self._cpu_ns()
        span_ns = max(1, now_ns - self._read_ns)
        busy_ns = {id(worker): worker.busy_ns for worker in workers}
        busiest_ns = max((ns - self._busy_ns.get(key, 0) for key, ns in busy_ns.items()), default=0)
        cpu_share = (spent_ns - self._spent_ns) / span_ns / self._allowance.n_processors()
        self._read_ns, self._spent_ns, self._busy_ns = now_ns, spent_ns, busy_ns
        return Strain(
            min(1.0, busiest_ns / span_ns), cpu_share, self._temperature_c(), self._is_held_back()
        )


class Governor:
    """Reads the gauges twice a second and turns the dials.

    Args:
        clock: Monotonic.
        gauges: Of this process and board.
        dials: Of the camera and the models.
        limits: Beyond what sensing slows down.
        frame_rate_hz: The configured rate.
    """

    def __init__(
        self, clock: Clock, gauges: Gauges, dials: Dials, limits: Limits, frame_rate_hz: float
    ) -> None:
        self._clock = clock
        self._gauges = gauges
        self._dials = dials
        self._effort = Effort(limits, clock.now_ns())
        self._full_hz = self._paced_hz = frame_rate_hz
        self._due_ns = clock.now_ns()

    def step(self, workers: tuple[Works, ...]) -> None:
        """Look whether anything is to be changed; called often, looks twice a second."""
        now_ns = self._clock.now_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + round(LOOK_S * NS_PER_S)
        strain = self._gauges.read(workers)
        if self._effort.heed(strain, now_ns):
            self._dials.ease(self._effort.share)
            log.info("load: working at %.0f %%", 100 * self._effort.share)
        rate_hz = max(min(LEAST_HZ, self._full_hz), self._full_hz * self._effort.share)
        if self._dials.is_at_rest():
            rate_hz = min(REST_HZ, rate_hz)
        if rate_hz != self._paced_hz:
            self._paced_hz = rate_hz
            self._dials.pace(rate_hz)
