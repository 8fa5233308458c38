"""Reads the switches, lights the lamp, and permits sensing; fails closed.

The lamp burns before a permit says so, and goes on burning until sensing says that every device is
closed, or has died, which closes them too. What sensing says can make the lamp blink; it changes at
most twice a second, so that it is no channel worth having.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.switch_line import Claim, Permit

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock
    from edge_affect.sdnotify import Notifier
    from edge_affect.switch_line import SwitchLine

POLL_S = 0.05
LIGHT_STEP_S = 0.5
"""The light changes no sooner than this after its last change."""
RETRY_S = 2.0
"""Pause before pins that failed are tried again."""

log = logging.getLogger("edge_affect.switching")


class Pins(Protocol):
    """What the switches and the light are."""

    def permit(self) -> bool:
        """Return whether all switches permit; raises ``DeviceError``."""

    def set_light(self, *, is_on: bool) -> None:
        """Switch the light; raises ``DeviceError``."""

    def close(self) -> None:
        """Let go of the pins."""


class SwitchDaemon:
    """Minds the switches and the light for as long as sensing is on the line.

    Args:
        take_pins: Makes the pins; called again after they failed.
        line: To sensing.
        clock: Monotonic.
        notifier: The service manager, if one watches.
    """

    def __init__(
        self,
        take_pins: Callable[[], Pins],
        line: SwitchLine,
        clock: Clock,
        notifier: Notifier | None = None,
    ) -> None:
        self._take_pins = take_pins
        self._line = line
        self._clock = clock
        self._notifier = notifier
        self._pins: Pins | None = None
        self._claim = Claim.NONE
        self._said: Permit | None = None
        self._is_lit = False
        self._changed_ns = -round(LIGHT_STEP_S * NS_PER_S)
        self._retry_ns = clock.now_ns()
        self._trouble = ""
        self._is_stopping = False

    def stop(self) -> None:
        """End at the next opportunity; safe to call from a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Mind them until told to stop or until sensing has gone; leaves the light off."""
        try:
            while not self._is_stopping and not self._line.is_gone:
                self.step()
                if self._notifier is not None:
                    self._notifier.watchdog()
                self._clock.sleep(POLL_S)
        finally:
            self._claim = Claim.NONE
            self._line.send(Permit.WITHHELD)
            self._line.close()
            self._drop_pins()

    def step(self) -> None:
        """Look once at everything and tell sensing."""
        claim = self._line.newest_claim()
        if claim is not None:
            self._claim = claim
        try:
            permit = self._permit()
        except DeviceError as error:
            permit = Permit.WITHHELD
            if str(error) != self._trouble:
                log.warning("nothing is permitted: %s", error)
            self._trouble = str(error)
            self._drop_pins()
            self._retry_ns = self._clock.now_ns() + round(RETRY_S * NS_PER_S)
        if (permit is Permit.WITHHELD) is not (self._said in {None, Permit.WITHHELD}):
            log.info("%s", "muted" if permit is Permit.WITHHELD else "sensing is permitted")
        self._said = permit
        self._line.send(permit)

    def _permit(self) -> Permit:
        if self._pins is None:
            if self._clock.now_ns() < self._retry_ns:
                return Permit.WITHHELD
            self._pins = self._take_pins()
            self._is_lit = False
            self._trouble = ""
        is_permitted = self._pins.permit()
        if self._claim is Claim.NONE:
            self._light(self._pins, is_on=False)
        elif is_permitted:
            self._light(self._pins, is_on=True)
        # Claimed and muted: the light stays as it is until the last device is closed.
        if not is_permitted:
            return Permit.WITHHELD
        return Permit.LIT if self._is_lit and self._claim is Claim.DEVICE else Permit.DARK

    def _light(self, pins: Pins, *, is_on: bool) -> None:
        now_ns = self._clock.now_ns()
        if is_on is not self._is_lit:
            if now_ns - self._changed_ns < LIGHT_STEP_S * NS_PER_S:
                return
            self._changed_ns = now_ns
        # Said again at every look, so that a pin that stopped following is noticed.
        pins.set_light(is_on=is_on)
        self._is_lit = is_on

    def _drop_pins(self) -> None:
        if self._pins is not None:
            self._pins.close()
            self._pins = None
        self._is_lit = False
