"""When records go through the slit: as soon as a frame is read, but never many of them."""

from __future__ import annotations

SOON = 0.5
"""A frame that is read this share of a period after the last record is told at once."""
PATIENCE = 1.4
"""Where frames come, the next one is waited for until this share of a period."""
COMING = 2.0
"""Frames count as coming for this many periods after the last one."""


class RecordRhythm:
    """Decides when the next record is due; pure but for its memory.

    Without frames records lie on a grid of periods. Where it follows frames, a record goes out with
    the news: with every second of ten frames a second, so that none is older than two intervals and
    what its reading took. Between 1 / ``PATIENCE`` and 1 / ``SOON`` records leave in a period,
    which the publisher's socket has room for.

    Args:
        period_ns: Of the grid, > 0.
        start_ns: Monotonic clock.
        follows_frames: Whether frames matter at all.
    """

    def __init__(self, period_ns: int, start_ns: int, *, follows_frames: bool) -> None:
        self._period_ns = period_ns
        self._follows_frames = follows_frames
        self._due_ns = start_ns + period_ns
        self._sent_ns: int | None = None
        self._frame_ns: int | None = None

    def is_due(self, now_ns: int, *, has_frame: bool) -> bool:
        """Return whether to send a record now.

        Args:
            now_ns: Monotonic clock.
            has_frame: Whether a frame has been read since the last question.
        """
        if has_frame and self._follows_frames:
            is_first, self._frame_ns = self._frame_ns is None, now_ns
            if self._sent_ns is None:
                # One frame alone is not believed; the publisher waits for the second at its start.
                if not is_first:
                    return True
            elif now_ns - self._sent_ns >= SOON * self._period_ns:
                return True
        return now_ns >= self._latest_ns(now_ns)

    def sent(self, now_ns: int) -> None:
        """Take note that a record was sent; periods that were missed are not made up for."""
        self._sent_ns = now_ns
        if now_ns < self._latest_ns(now_ns) or self._are_coming(now_ns):
            self._due_ns = now_ns + self._period_ns
        else:
            n_periods = max(1, (now_ns - self._due_ns) // self._period_ns + 1)
            self._due_ns += self._period_ns * n_periods

    def wait_ns(self, now_ns: int) -> int:
        """Return how long no record is due unless a frame comes, >= 0."""
        return max(0, self._latest_ns(now_ns) - now_ns)

    def _are_coming(self, now_ns: int) -> bool:
        last_ns = self._frame_ns
        return last_ns is not None and now_ns - last_ns < COMING * self._period_ns

    def _latest_ns(self, now_ns: int) -> int:
        patience_ns = round((PATIENCE - 1.0) * self._period_ns)
        return self._due_ns + (patience_ns if self._are_coming(now_ns) else 0)
