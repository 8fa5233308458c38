"""What waits for the broker: bounded, the oldest go first, and what is lost is told."""

from __future__ import annotations

import logging
import math
import struct
import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_affect.publishing.payload import Gap, Stamp
from edge_affect.record import SIZE_BYTES, decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.record import AffectRecord

LOG = logging.getLogger("edge_affect.publishing")
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
        is_late: Whether it has waited on disk, behind what is live.
    """

    packed: bytes
    gap: Gap | None = None
    is_late: bool = False

    @property
    def sequence(self) -> int:
        """Number of the record."""
        return int(_STAMP.unpack_from(self.packed)[1])

    @property
    def unix_ms(self) -> int:
        """Wall-clock time of the record, milliseconds since 1970."""
        return int(_STAMP.unpack_from(self.packed)[0])

    def as_gap(self) -> Gap:
        """Return the gap that losing this entry leaves, earlier losses before it included."""
        own = Gap(1, self.unix_ms, self.unix_ms)
        return own if self.gap is None else self.gap.joined(own)


@dataclass(slots=True)
class Held:
    """An entry in memory, and on disk or not.

    Attributes:
        entry: The entry.
        since_s: Monotonic seconds when it came; what was read from disk is older than all.
        at: Its position in the ring, or None while it is not there.
    """

    entry: Entry
    since_s: float = float("-inf")
    at: int | None = None


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
    def spool(self) -> str:
        """How the disk is doing: there is none here."""
        return "off"

    @property
    def first_sequence(self) -> int:
        """The sequence number to begin with."""
        return 0

    def start(self) -> None:
        """Begin; memory needs no beginning."""

    @property
    def is_alive(self) -> bool:
        """Whether all goes its way."""
        return True

    def close(self) -> None:
        """End; what is in memory is lost, and the log says how much that was."""
        if self._entries:
            LOG.warning(
                "unsent records are lost: %d; [publish] spool_dir would keep them",
                len(self._entries),
            )

    def wait_s(self) -> float:
        """Return after how long to try ``take`` again, at most, seconds."""
        return math.inf

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

    def settle(self, entry: Entry) -> None:
        """Take note that the broker has acknowledged an entry; memory has forgotten it already."""

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Return entries the broker did not acknowledge to the front, oldest first."""
        with self._lock:
            self._entries.extendleft(reversed(entries))
            self._drop_surplus()

    def _drop_surplus(self) -> None:
        while len(self._entries) > self.capacity:
            gap = self._entries.popleft().as_gap()
            head = self._entries[0]
            self._entries[0] = replace(head, gap=gap.joined(head.gap))
            self._n_dropped += 1
