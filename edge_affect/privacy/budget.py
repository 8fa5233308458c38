"""How much privacy has been spent: an accountant that adds up, and says no."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

from edge_affect.clock import NS_PER_S

DAY_NS = 86_400 * NS_PER_S


class PrivacyBudget:
    """Privacy loss of any 24 hours, kept at or below a bound by refusing what would exceed it.

    Losses of releases about the same people add up (basic composition, which holds for any order
    and for releases that depend on each other). What is older than 24 hours is forgotten.

    The sensing process can keep nothing that outlives it, so a new one does not know what its
    predecessor spent. It takes the whole budget as spent at its start: a restart can silence the
    box for a day, and can never be used to get a second budget.

    Args:
        daily: The bound, > 0.
        start_ns: Monotonic clock at the start.
    """

    def __init__(self, daily: Fraction, start_ns: int) -> None:
        self._daily = daily
        self._spent: deque[tuple[int, Fraction]] = deque([(start_ns, daily)])

    def left(self, now_ns: int) -> Fraction:
        """Return what may still be spent at this moment."""
        while self._spent and now_ns - self._spent[0][0] >= DAY_NS:
            self._spent.popleft()
        return self._daily - sum((epsilon for _, epsilon in self._spent), Fraction(0))

    def spend(self, epsilon: Fraction, now_ns: int) -> bool:
        """Spend ``epsilon`` > 0 and return True, or spend nothing and return False."""
        if epsilon > self.left(now_ns):
            return False
        self._spent.append((now_ns, epsilon))
        return True
