"""How many faces one frame may be read for, so that a crowd does not slow the camera down."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

NS_PER_MS = 1_000_000
MEMORY = 0.2
"""Share that the newest time of a step has in the time expected of the next one."""
STALE_FRAMES = 100
"""After so many frames without room for a step, what it took before is not believed any more: one
slow run, such as the first, must not switch it off for ever."""


class ReadingPace:
    """A budget of time for each frame; one reading is always allowed.

    Time is that of the calling thread's processor, so that a recording gives the same answers on
    a busy machine; a slow or throttled board still reads fewer faces.

    Args:
        budget_ms: Time for the faces of one frame, > 0.
        stopwatch: Returns nanoseconds.
    """

    def __init__(
        self, budget_ms: float, stopwatch: Callable[[], int] = time.thread_time_ns
    ) -> None:
        self._budget_ns = budget_ms * NS_PER_MS
        self._stopwatch = stopwatch
        self._usual_ns: dict[Hashable, float] = {}
        self._refused_since: dict[Hashable, int] = {}
        self._n_frames = 0
        self._deadline_ns = 0.0
        self._is_first = True

    def set_budget(self, budget_ms: float) -> None:
        """Allow so much time from the next frame on, > 0; may be called from another thread."""
        self._budget_ns = budget_ms * NS_PER_MS

    def begin_frame(self) -> None:
        """Start the budget of a new frame."""
        self._deadline_ns = self._stopwatch() + self._budget_ns
        self._is_first = True
        self._n_frames += 1

    def allows(self, reading: Hashable, *before: Hashable) -> bool:
        """Return whether one more reading fits into the budget, as long as it usually takes.

        Args:
            reading: The step.
            before: Other steps that this frame still needs.
        """
        usual_ns = sum(self._usual_ns.get(step, 0.0) for step in (reading, *before))
        is_allowed = self._is_first or self._stopwatch() + usual_ns <= self._deadline_ns
        if not is_allowed:
            since = self._refused_since.setdefault(reading, self._n_frames)
            if self._n_frames - since >= STALE_FRAMES:
                del self._refused_since[reading]
                self._usual_ns.pop(reading, None)
        return is_allowed

    def note_reading(self) -> None:
        """Take note that this frame has had a reading."""
        self._is_first = False

    @contextlib.contextmanager
    def timed(self, step: Hashable) -> Iterator[None]:
        """Take the time of a step."""
        before_ns = self._stopwatch()
        yield
        took_ns = self._stopwatch() - before_ns
        self._refused_since.pop(step, None)
        usual_ns = self._usual_ns.get(step, float(took_ns))
        self._usual_ns[step] = usual_ns + MEMORY * (took_ns - usual_ns)


def unhurried() -> ReadingPace:
    """Return a pace that allows every reading: its stopwatch stands still."""
    return ReadingPace(1.0, lambda: 0)
