"""Means that forget, over samples at any distance in time."""

from __future__ import annotations

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
