"""A progress line for people: on standard error, and only where that is a terminal."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from edge_affect.insights.wire import Facts, Job

_WIDTH = 30
_EVERY_S = 0.2
_S_PER_MINUTE = 60
_S_PER_HOUR = 3600


class Progress:
    """How far an analysis is, by the size of what is done; may be told from several threads.

    Args:
        sizes: Bytes of each recording to analyse, by path.
        tick_hz: Records per second of media.
        stream: Where to; None is standard error.
    """

    def __init__(self, sizes: dict[str, int], tick_hz: float, stream: TextIO | None = None) -> None:
        self._sizes = sizes
        self._total = max(1, sum(sizes.values()))
        self._tick_hz = tick_hz
        self._stream = stream or sys.stderr
        self._is_shown = self._stream.isatty()
        self._lock = threading.Lock()
        self._started_s = time.monotonic()
        self._drawn_s = 0.0
        self._done_bytes = 0.0
        self._n_done = 0
        self._done_media_s = 0.0
        self._open: dict[str, tuple[float, float]] = {}

    def on_record(self, job: Job, facts: Facts | None, n_records: int) -> None:
        """Take note of one more record of a recording."""
        if not self._is_shown:
            return
        media_s = n_records / self._tick_hz
        length_s = (facts.duration_s if facts is not None else None) or 2.0 * media_s
        share = min(1.0, media_s / max(length_s, media_s))
        with self._lock:
            self._open[job.path] = (share * self._sizes.get(job.path, 0), media_s)
            self._draw()

    def on_done(self, job: Job, media_s: float) -> None:
        """Take note of a recording that is done."""
        with self._lock:
            self._open.pop(job.path, None)
            self._done_bytes += self._sizes.get(job.path, 0)
            self._done_media_s += media_s
            self._n_done += 1
            self._draw(is_due=self._n_done == len(self._sizes))

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        with self._lock:
            self._clear()
            self._stream.write(f"{line}\n")
            self._stream.flush()
            self._drawn_s = 0.0

    def end(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")

    def _draw(self, *, is_due: bool = False) -> None:
        now_s = time.monotonic()
        if not self._is_shown or (now_s - self._drawn_s < _EVERY_S and not is_due):
            return
        self._drawn_s = now_s
        n_bytes = self._done_bytes + sum(n for n, _ in self._open.values())
        media_s = self._done_media_s + sum(s for _, s in self._open.values())
        passed_s = max(1e-3, now_s - self._started_s)
        share = min(1.0, n_bytes / self._total)
        left = f", {duration(passed_s / share - passed_s)} left" if 0.02 < share < 1.0 else ""
        bar = "#" * round(_WIDTH * share)
        self._stream.write(
            f"\r\x1b[K[{bar:<{_WIDTH}}] {self._n_done}/{len(self._sizes)} recordings, "
            f"{duration(media_s)} of media, {media_s / passed_s:.0f} x real time{left}"
        )
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a length of time for people.

    >>> duration(42.3), duration(125), duration(7260)
    ('42 s', '2 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < _S_PER_MINUTE:
        return f"{whole} s"
    if whole < _S_PER_HOUR:
        return f"{whole // _S_PER_MINUTE} min {whole % _S_PER_MINUTE} s"
    return f"{whole // _S_PER_HOUR} h {whole % _S_PER_HOUR // _S_PER_MINUTE} min"
