"""Whether sensing is permitted now: command, hours and switches; any one of them mutes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from edge_affect.clock import NS_PER_S
from edge_affect.hours import hours
from edge_affect.record import Command

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.consent import Consent
    from edge_affect.wall_clock import WallClock

HOURS_CHECK_S = 0.25
"""How often the wall clock is asked."""


class Mute(Enum):
    """Why nothing is sensed, as log lines say it."""

    COMMAND = "paused by command"
    HOURS = "outside the allowed hours"
    CLOCK = "the clock is not known to be right yet"
    SWITCH = "muted by a switch, or its state is unknown"


class SaysPermitted(Protocol):
    """What permission needs of the switches."""

    @property
    def is_permitted(self) -> bool:
        """Whether they permit sensing."""

    def exchange(self) -> None:
        """Hear what is new."""


class AllowedHours:
    """The hours of a configuration against the wall clock; fails closed while that is unsure.

    Args:
        consent: Hours and their time zone.
        wall: Wall clock.
        clock: Monotonic, so that the wall clock is not asked all the time.
    """

    def __init__(self, consent: Consent, wall: WallClock, clock: Clock) -> None:
        self._hours = hours(consent.hours) if consent.hours else None
        self._zone = consent.zone()
        self._wall = wall
        self._clock = clock
        self._checked_ns: int | None = None
        self._mute: Mute | None = None

    def mute(self) -> Mute | None:
        """Return why the hours mute now, or None."""
        if self._hours is None:
            return None
        now_ns = self._clock.now_ns()
        if self._checked_ns is None or now_ns - self._checked_ns >= HOURS_CHECK_S * NS_PER_S:
            self._checked_ns = now_ns
            if not self._wall.is_synced():
                self._mute = Mute.CLOCK
            else:
                is_allowed = self._hours.contain(self._wall.now().astimezone(self._zone))
                self._mute = None if is_allowed else Mute.HOURS
        return self._mute


class Permission:
    """All that can mute, together; nothing that one of them forbids can be allowed by another.

    Args:
        allowed_hours: None where there is no such limit, as for recordings.
        switches: None where the box has none.
    """

    def __init__(
        self, allowed_hours: AllowedHours | None = None, switches: SaysPermitted | None = None
    ) -> None:
        self._hours = allowed_hours
        self._switches = switches
        self._is_paused = False

    def obey(self, command: Command) -> None:
        """Take a command: it lifts or sets its own mute and no other."""
        self._is_paused = command is Command.PAUSE

    def mutes(self) -> frozenset[Mute]:
        """Return everything that mutes now; empty means that devices may be open.

        Raises:
            DeviceError: If the switches are gone for good.
        """
        found = {Mute.COMMAND} if self._is_paused else set()
        if self._hours is not None and (mute := self._hours.mute()) is not None:
            found.add(mute)
        if self._switches is not None:
            self._switches.exchange()
            if not self._switches.is_permitted:
                found.add(Mute.SWITCH)
        return frozenset(found)
