"""The last minutes of one box: one point a second, late ones put where they belong."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from edge_affect.record import EXPRESSIONS, STATES

if TYPE_CHECKING:
    from edge_affect.subscriber.reading import Reading

SPAN_S = 900
"""How far back a history goes."""
COLUMNS: tuple[str, ...] = (*EXPRESSIONS, "valence", "arousal", *STATES, "confidence")
"""What each point holds, in this order, in hundredths; None where it was not told."""

Point = tuple[int, tuple[int | None, ...]]
"""Second since 1970 by the box's clock, and its values."""


class History:
    """Points by their second, oldest first; at most ``SPAN_S`` of them."""

    def __init__(self) -> None:
        self._seconds: list[int] = []
        self._values: dict[int, tuple[int | None, ...]] = {}
        self._fresh: list[int] = []
        self.n_changes = 0
        """Grows with each point that is put in; a reader that knows it asks for what came since."""
        self.epoch = 0
        """Grows when all was forgotten, because the box's clock was set back."""

    def __len__(self) -> int:
        return len(self._seconds)

    def put(self, item: Reading, *, is_present: bool) -> None:
        """Take one vector, of now or not; of one second the last one that came stays."""
        second = item.unix_ms // 1000
        newest = self._seconds[-1] if self._seconds else second
        if second > newest + SPAN_S and not is_present:
            # Of the past, and far later than all that is known: by a clock that was ahead. It would
            # push out what is true.
            return
        if second <= newest - SPAN_S:
            if not is_present:
                return
            # The clock was set back: what is remembered cannot be put in order with this.
            self._forget()
        if second not in self._values:
            insort(self._seconds, second)
        self._values[second] = _values(item)
        self.n_changes += 1
        self._fresh.append(second)
        if len(self._fresh) > SPAN_S:
            del self._fresh[: len(self._fresh) - SPAN_S]
        self._prune()

    def since(self, n_changes: int) -> list[Point]:
        """Return the points that changed after ``n_changes`` was read; all of them for 0."""
        n_new = self.n_changes - n_changes
        if n_changes <= 0 or n_new > len(self._fresh):
            return [(second, self._values[second]) for second in self._seconds]
        seconds = sorted(set(self._fresh[len(self._fresh) - n_new :])) if n_new > 0 else []
        return [(second, self._values[second]) for second in seconds if second in self._values]

    def _prune(self) -> None:
        first = bisect_left(self._seconds, self._seconds[-1] - SPAN_S + 1)
        for second in self._seconds[:first]:
            del self._values[second]
        del self._seconds[:first]

    def _forget(self) -> None:
        self._seconds.clear()
        self._values.clear()
        self._fresh.clear()
        self.epoch += 1


def _values(item: Reading) -> tuple[int | None, ...]:
    shares: tuple[float | None, ...] = item.expressions or (None,) * len(EXPRESSIONS)
    confidence = None if item.abstained is not None else item.confidence
    is_quiet = item.abstained is not None
    values = (*shares, item.valence, item.arousal, *item.states, confidence)
    return tuple(None if is_quiet or v is None else round(v * 100) for v in values)
