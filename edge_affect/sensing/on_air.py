"""Devices open only while the switches permit and the on-air light burns.

The switches are read by a process of its own (``edge_affect.switching``), which lights the lamp
before it says ``LIT``. Sensing claims the air before it opens a device and releases it after it
closed one. A line that is silent or dead permits nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.switch_line import Claim, Permit

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.switch_line import SwitchLine

FRESH_S = 0.5
"""A permit older than this permits nothing; they come ten times a second."""
GONE_S = 10.0
"""Sensing ends, to be started anew, when the other side has been dead for this long."""


class Air(Protocol):
    """What opening a device needs."""

    @property
    def is_permitted(self) -> bool:
        """Whether the switches permit sensing."""

    def exchange(self) -> None:
        """Say and hear what is new; called many times a second by one thread."""

    def claim(self, label: str) -> bool:
        """Ask to open a device; returns whether it may be opened now, so ask until it does."""

    def release(self, label: str) -> None:
        """Say that a device is closed."""


class FreeAir:
    """A box without switches and light."""

    is_permitted = True

    def exchange(self) -> None:
        """There is nobody to talk to."""

    def claim(self, label: str) -> bool:  # noqa: ARG002 (the protocol's)
        """Permit."""
        return True

    def release(self, label: str) -> None:
        """Nothing to do."""


class SwitchedAir:
    """A box with switches, a light, or both.

    Args:
        line: To the process that minds them.
        clock: Monotonic.
    """

    def __init__(self, line: SwitchLine, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._lock = threading.Lock()
        self._claims: set[str] = set()
        self._permit = Permit.WITHHELD
        self._heard_ns = clock.now_ns()

    @property
    def is_permitted(self) -> bool:
        """Whether the switches permit sensing, as far as anybody knows now."""
        return self._fresh() is not Permit.WITHHELD

    def exchange(self) -> None:
        """Say whether a device is claimed, and hear what the switches say.

        Raises:
            DeviceError: If the other side has been dead for long; a new start may find it again.
        """
        with self._lock:
            claim = Claim.DEVICE if self._claims else Claim.NONE
        permit = self._line.newest_permit()
        now_ns = self._clock.now_ns()
        if permit is not None:
            self._permit, self._heard_ns = permit, now_ns
        self._line.send(claim)
        if self._line.is_gone:
            self._permit = Permit.WITHHELD
            if now_ns - self._heard_ns > GONE_S * NS_PER_S:
                raise DeviceError(
                    "The process that reads the mute and consent switches has ended; "
                    "devices stay closed until both are started again."
                )

    def claim(self, label: str) -> bool:
        """Claim the air for a device and return whether the light burns for it."""
        with self._lock:
            self._claims.add(label)
        return self._fresh() is Permit.LIT

    def release(self, label: str) -> None:
        """Give up a claim; the light goes out after the last one."""
        with self._lock:
            self._claims.discard(label)

    def _fresh(self) -> Permit:
        is_fresh = self._clock.now_ns() - self._heard_ns <= FRESH_S * NS_PER_S
        return self._permit if is_fresh else Permit.WITHHELD
