"""What waits for the broker: bounded, the oldest go first, and what is lost is told."""

from __future__ import annotations

import struct
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.publishing.payload import Gap, Stamp
from edge_affect.record import SIZE_BYTES, decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.record import AffectRecord

_STAMP = struct.Struct(">QQ?")
PACKED_BYTES = _STAMP.size + SIZE_BYTES


def pack(record: AffectRecord, stamp: Stamp) -> bytes:
    """Return a stamped record in ``PACKED_BYTES`` bytes; JSON is made only when it is sent."""
    return _STAMP.pack(stamp.unix_ms, stamp.sequence, stamp.clock_synced) + encode(record)


def unpack(packed: bytes) -> tuple[AffectRecord, Stamp]:
    """Return what ``pack`` was given.

    Raises:
        RecordError: If the record inside is not valid.
    """
    unix_ms, sequence, clock_synced = _STAMP.unpack_from(packed)
    return decode(packed[_STAMP.size :]), Stamp(unix_ms, clock_synced, sequence)


@dataclass(frozen=True, slots=True)
class Entry:
    """One stamped record on its way.

    Attributes:
        packed: See ``pack``.
        gap: What was lost directly before it, if anything was.
    """

    packed: bytes
    gap: Gap | None = None

    def as_gap(self) -> Gap:
        """Return the gap that losing this entry leaves, earlier losses before it included."""
        unix_ms, _, _ = _STAMP.unpack_from(self.packed)
        own = Gap(1, unix_ms, unix_ms)
        return own if self.gap is None else self.gap.joined(own)


class Outbox:
    """A bounded first-in first-out queue between the tick and the broker; thread-safe.

    Args:
        capacity: Entries held at most, >= 1.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._n_dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def n_dropped(self) -> int:
        """How many entries were lost since the start."""
        return self._n_dropped

    def put(self, record: AffectRecord, stamp: Stamp) -> None:
        """Append a stamped record; when full, the oldest one goes."""
        with self._lock:
            self._entries.append(Entry(pack(record, stamp)))
            self._drop_surplus()

    def take(self) -> Entry | None:
        """Remove and return the oldest entry, or None if there is none."""
        with self._lock:
            return self._entries.popleft() if self._entries else None

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Return entries the broker did not acknowledge to the front, oldest first."""
        with self._lock:
            self._entries.extendleft(reversed(entries))
            self._drop_surplus()

    def _drop_surplus(self) -> None:
        while len(self._entries) > self.capacity:
            gap = self._entries.popleft().as_gap()
            head = self._entries[0]
            self._entries[0] = Entry(head.packed, gap.joined(head.gap))
            self._n_dropped += 1
