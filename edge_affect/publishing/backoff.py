"""How long to wait before the next attempt: longer each time, never in step with other boxes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BackoffRange:
    """From the first wait to the longest.

    Attributes:
        first_s: Upper bound of the first wait in seconds, > 0.
        longest_s: Upper bound of all later waits in seconds, >= ``first_s``.
    """

    first_s: float = 1.0
    longest_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.longest_s:
            raise ValueError(f"Back-off needs 0 < {self.first_s} <= {self.longest_s}.")


@dataclass(slots=True)
class Backoff:
    """Waits that double, each shortened at random to between a half and the whole.

    The shortening spreads the boxes of a house over time when their broker comes back.

    Attributes:
        limits: First and longest wait.
        uniform: Returns a random number in [0, 1).
    """

    limits: BackoffRange = field(default_factory=BackoffRange)
    uniform: Callable[[], float] = random.random
    _n_failures: int = 0

    def next_s(self) -> float:
        """Return how long to wait now, in seconds, and expect to wait longer next time."""
        # 2**30 already exceeds every sensible range; the exponent must not grow for years.
        full_s = self.limits.first_s * 2.0 ** min(self._n_failures, 30)
        self._n_failures += 1
        return min(full_s, self.limits.longest_s) * (0.5 + 0.5 * self.uniform())

    def reset(self) -> None:
        """Start again with the first wait."""
        self._n_failures = 0
