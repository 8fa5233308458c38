"""Means that forget, over samples at any distance in time."""

from __future__ import annotations

from collections import deque

from edge_affect.clock import NS_PER_S


class FadingMean:
    """An exponentially forgetting mean that is right from its first sample on.

    The mean of all samples, each weighted by 0.5 ** (age / half-life). As the weights are summed
    as well, nothing pulls the first seconds towards zero.

    Args:
        half_life_s: > 0.
    """

    def __init__(self, half_life_s: float) -> None:
        self._half_life_ns = half_life_s * NS_PER_S
        self.forget()

    def forget(self) -> None:
        """Start again."""
        self._sum = 0.0
        self._weight = 0.0
        self._last_ns: int | None = None

    def add(self, now_ns: int, value: float) -> float:
        """Take one sample (not before the last one) and return the mean."""
        if self._last_ns is not None:
            kept = 0.5 ** (max(0, now_ns - self._last_ns) / self._half_life_ns)
            self._sum *= kept
            self._weight *= kept
        self._last_ns = now_ns
        self._sum += value
        self._weight += 1.0
        return self._sum / self._weight


class RecentExtremes:
    """The lowest and the highest of the samples of the last seconds, in constant time each.

    Args:
        span_s: How far back it looks, > 0.
    """

    def __init__(self, span_s: float) -> None:
        self._span_ns = round(span_s * NS_PER_S)
        # Candidates for the extreme, oldest first: a sample that a newer one outdoes is none.
        self._low: deque[tuple[int, float]] = deque()
        self._high: deque[tuple[int, float]] = deque()

    def forget(self) -> None:
        """Start again."""
        self._low.clear()
        self._high.clear()

    def add(self, now_ns: int, value: float) -> tuple[float, float]:
        """Take one sample (not before the last one); return the lowest and the highest."""
        while self._low and self._low[-1][1] >= value:
            self._low.pop()
        while self._high and self._high[-1][1] <= value:
            self._high.pop()
        for samples in (self._low, self._high):
            samples.append((now_ns, value))
            while samples[0][0] < now_ns - self._span_ns:
                samples.popleft()
        return self._low[0][1], self._high[0][1]
