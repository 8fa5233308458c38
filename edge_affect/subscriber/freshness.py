"""Whether a vector tells of the present.

What a box kept on disk says so by ``late``. What it kept in memory while its broker was away does
not: it comes in order, oldest first, and fast. It is told apart by its age on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BEHIND_MS = 8_000
"""A vector this much older than usual on arrival is history."""
SETTLED_MS = 15_000
"""When all have been equally old for this long, it is the clocks that differ."""
STEADY_MS = 2_000


@dataclass(slots=True)
class Freshness:
    """Learns how the box's clock differs from ours, one vector after the other.

    A box whose clock is known to be right is expected to agree with ours; any other one is taken at
    its first word. Where the difference turns out steady, it is the clocks' and not the vectors'.
    """

    _usual_ms: int | None = None
    _is_synced: bool = False
    _behind: tuple[int, int] | None = field(default=None)

    def is_present(self, arrived_ms: int, said_ms: int, *, is_synced: bool) -> bool:
        """Return whether a vector that comes now tells of now.

        Args:
            arrived_ms: Our wall clock, ms since 1970.
            said_ms: The time in the vector, ms since 1970.
            is_synced: Whether the box's clock was known to be right.
        """
        age_ms = arrived_ms - said_ms
        if self._usual_ms is None or is_synced != self._is_synced:
            self._usual_ms = min(0, age_ms) if is_synced else age_ms
            self._behind = None
        self._is_synced = is_synced
        if age_ms - self._usual_ms <= BEHIND_MS:
            self._usual_ms = min(self._usual_ms, age_ms)
            self._behind = None
            return True
        if self._behind is None or abs(age_ms - self._behind[1]) > STEADY_MS:
            self._behind = (arrived_ms, age_ms)
        if arrived_ms - self._behind[0] < SETTLED_MS:
            return False
        self._usual_ms, self._behind = age_ms, None
        return True
