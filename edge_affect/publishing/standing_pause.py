"""Sees that a pause holds until somebody lifts it, also where sensing has begun anew meanwhile.

What sensing was told dies with it, and a driver that hangs is reason enough for it to be restarted.
The publisher goes on living then, and sees in the records that nobody there knows of the pause.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.record import AbstainReason, Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock
    from edge_affect.record import AffectRecord

LOG = logging.getLogger("edge_affect.publishing")
AGAIN_S = 3.0
"""Sensing closes its devices within a second, and a record of before may still be on its way."""


class StandingPause:
    """The last command that sensing took; thread-safe.

    Args:
        hand_over: Hands one command to sensing; raises OSError where that fails.
        clock: Of the publisher.
    """

    def __init__(self, hand_over: Callable[[Command], None], clock: Clock) -> None:
        self._hand_over = hand_over
        self._clock = clock
        self._lock = threading.Lock()
        self._is_paused = False
        self._is_told = False
        self._sent_ns = 0

    def forward(self, command: Command) -> None:
        """Hand a command to sensing, and remember it.

        Raises:
            OSError: If sensing does not take it; what it was told before holds.
        """
        with self._lock:
            self._hand_over(command)
            self._is_paused = command is Command.PAUSE
            self._is_told = False
            self._sent_ns = self._clock.now_ns()

    def tick(self, record: AffectRecord | None) -> None:
        """Take the record of one tick; say the pause again where sensing does not hold it."""
        with self._lock:
            if not self._is_paused or record is None or record.abstained is AbstainReason.PAUSED:
                return
            if self._clock.now_ns() - self._sent_ns < AGAIN_S * NS_PER_S:
                return
            self._sent_ns = self._clock.now_ns()
            if not self._is_told:
                LOG.warning("sensing does not hold the pause; it is told again")
                self._is_told = True
            try:
                self._hand_over(Command.PAUSE)
            except OSError:
                # It has gone again; there is a next tick.
                return
