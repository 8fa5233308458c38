"""What a signal handler sets to end a process, without a lock.

A handler runs between any two instructions of the main thread, also within another handler. An
``Event`` takes a lock there that the interrupted code may hold, and then waits for itself for ever:
seen when two signals came at once, on a busy machine.
"""

from __future__ import annotations

import time

LOOK_S = 0.1


class StopFlag:
    """Set once, by a signal handler or any thread.

    Attributes:
        is_set: Whether it is time to end.
    """

    def __init__(self) -> None:
        self.is_set = False

    def set(self, *_signal: object) -> None:
        """Say that it is time to end; takes what a signal handler is given."""
        self.is_set = True

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, for ``seconds`` at most (None: for ever); return whether it is."""
        end_s = None if seconds is None else time.monotonic() + seconds
        while not self.is_set:
            left_s = LOOK_S if end_s is None else end_s - time.monotonic()
            if left_s <= 0:
                break
            time.sleep(min(LOOK_S, left_s))
        return self.is_set
