"""Waiting on an injected clock, and choosing which frames of a fast camera to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock

_SLICE_S = 0.05
CAMERA_TOLERANCE = 0.25
"""Share of the interval by which a frame may come early; cameras jitter around their rate."""
FILE_TOLERANCE = 0.05
"""The same for recordings, whose containers round their timestamps."""


def wait_until(
    clock: Clock, due_ns: int, deadline_ns: int, is_cancelled: Callable[[], bool]
) -> bool:
    """Wait for ``due_ns``, but not beyond ``deadline_ns``.

    Args:
        clock: What to wait on.
        due_ns: Time waited for.
        deadline_ns: Time to give up at.
        is_cancelled: Asked every 50 ms, so that another thread can end the wait.

    Returns:
        Whether ``due_ns`` has come.
    """
    while not is_cancelled():
        now_ns = clock.now_ns()
        if now_ns >= due_ns:
            return True
        if now_ns >= deadline_ns:
            return False
        clock.sleep(min(_SLICE_S, (min(due_ns, deadline_ns) - now_ns) / NS_PER_S))
    return False


class FramePacer:
    """Accepts at most ``rate_hz`` frames per second, by their time, evenly spread.

    Over any long run no more than the rate is accepted; a single frame may come a little early,
    so that a camera which runs at the very rate asked for loses none to jitter.

    Args:
        rate_hz: Frames per second at most, > 0.
        tolerance: Share of the interval by which a frame may come early, [0, 1).
    """

    def __init__(self, rate_hz: float, tolerance: float = CAMERA_TOLERANCE) -> None:
        self._tolerance = tolerance
        self._interval_ns = round(NS_PER_S / rate_hz)
        self._due_ns: int | None = None

    def set_rate(self, rate_hz: float) -> None:
        """Accept at most so many frames a second from now on; may be called by another thread."""
        before_ns, self._interval_ns = self._interval_ns, round(NS_PER_S / rate_hz)
        if self._due_ns is not None:
            # A rate that rises does not wait for the frame that the lower one was due.
            self._due_ns -= max(0, before_ns - self._interval_ns)

    def accept(self, taken_ns: int) -> bool:
        """Return whether the frame taken at ``taken_ns`` is to be used."""
        if self._due_ns is None:
            self._due_ns = taken_ns
        if taken_ns < self._due_ns - self._interval_ns * self._tolerance:
            return False
        # After a pause nothing is caught up: no burst follows it.
        if taken_ns - self._due_ns > self._interval_ns:
            self._due_ns = taken_ns
        self._due_ns += self._interval_ns
        return True
