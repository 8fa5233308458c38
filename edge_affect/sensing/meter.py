"""How the sensing process itself is doing, over the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge_affect.clock import NS_PER_S

SPAN_S = 2.0
"""Health looks back this far: long enough for 1 frame a second, short enough to show a stall."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    at_ns: int
    latency_ms: float
    n_lost: int


class Meter:
    """Counts what one source delivered, lost and how long its analysis took."""

    def __init__(self) -> None:
        self._arrivals: deque[_Arrival] = deque()

    def note(self, now_ns: int, taken_ns: int, n_lost: int) -> None:
        """Note one analysed block or frame.

        Args:
            now_ns: When its analysis ended.
            taken_ns: When its last sample or its picture was taken.
            n_lost: How many were lost just before it.
        """
        self._arrivals.append(_Arrival(now_ns, (now_ns - taken_ns) / 1e6, n_lost))
        self._forget(now_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return blocks or frames per second."""
        self._forget(now_ns)
        return len(self._arrivals) / SPAN_S

    def latency_ms(self, now_ns: int) -> float:
        """Return the largest latency seen, 0 where nothing came."""
        self._forget(now_ns)
        return max((a.latency_ms for a in self._arrivals), default=0.0)

    def counts(self, now_ns: int) -> tuple[int, int]:
        """Return how many arrived and how many were lost."""
        self._forget(now_ns)
        return len(self._arrivals), sum(a.n_lost for a in self._arrivals)

    def _forget(self, now_ns: int) -> None:
        while self._arrivals and now_ns - self._arrivals[0].at_ns > SPAN_S * NS_PER_S:
            self._arrivals.popleft()
