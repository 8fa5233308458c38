"""What waits for the broker, on disk: an outbox that outlives its process and a power cut.

What the broker acknowledges at once never touches the disk. A record that is not acknowledged
within a moment is written to the ring; after an outage the ring is replayed at a bounded pace,
behind what is live. A disk that fills up or fails is replaced by memory until it works again.
"""

from __future__ import annotations

import bisect
import logging
import math
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from edge_affect.publishing.outbox import Entry, Held, Outbox, pack
from edge_affect.publishing.payload import Gap
from edge_affect.publishing.ring import Ring
from edge_affect.publishing.spool_start import disk_state, recover

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_affect.publishing.payload import Stamp
    from edge_affect.publishing.ring import Disk
    from edge_affect.record import AffectRecord

LOG = logging.getLogger("edge_affect.publishing")
COMMIT_INTERVAL_S = 1.0
"""What was delivered is noted this often."""
HELD_AT_MOST_S = 1.6
"""An unacknowledged entry is written when it is this old: with the sync, less than 2 s are lost.

A broker that acknowledges within this costs no writes."""
SETTLED_WITHIN_S = 0.5
"""Entries at least this old go with it: two of them in one write, at one a second."""
REPLAY_HZ = 50.0
REPLAY_BURST = 10
SEQUENCE_BLOCK = 65_536
"""Sequence numbers are set aside in blocks: one write for each, and a jump after a kill."""
DROP_BATCH = 256
"""So many of the oldest go at once from a full ring, so that they cost one write."""
ERASE_AFTER_S = 60.0
"""When all is delivered for this long, the file is emptied."""
RETRY_S = 60.0


class Spool(Outbox):
    """An outbox on disk; thread-safe. ``commit`` does the writing, ``start`` calls it regularly.

    Args:
        disk: The file.
        n_slots: Entries on disk at most.
        capacity: Entries in memory at most, >= 1.
        monotonic_s: Monotonic seconds.

    Raises:
        OSError: If the file cannot be read or written.
    """

    def __init__(
        self,
        disk: Disk,
        n_slots: int,
        capacity: int,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(capacity)
        self._monotonic_s = monotonic_s
        self._live: deque[Held] = deque()
        self._lent: dict[int, Held] = {}
        self._returned: list[tuple[int, Entry]] = []
        self._settled: set[int] = set()
        self._bad: dict[int, list[int]] = {}
        self._gap_at: int | None = None
        self._allowed_s = 0.0
        self._is_paced = False
        self._state = "on"
        self._retry_s = 0.0
        self._last_ms: int | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="spool", daemon=True)
        self._ring = ring = Ring(disk, n_slots)
        self._empty_since_s = monotonic_s()
        self._first = self._next = ring.first_sequence
        self._ceiling = self._first + SEQUENCE_BLOCK
        self._orphan = recover(ring, self._ceiling)
        self._saved_head = self._cursor = ring.head
        self.capacity = n_slots + capacity
        self._n_memory = capacity
        if ring.tail - ring.head > ring.capacity:
            # The bound was lowered.
            self._make_room()

    def __len__(self) -> int:
        with self._lock:
            ring = self._ring
            n_lent = sum(held.at is not None for held in self._lent.values())
            return len(self._live) + ring.tail - ring.head - len(self._settled) - n_lent

    @property
    def spool(self) -> str:
        """How the disk is doing: on, full, read-only or failed."""
        return self._state

    @property
    def first_sequence(self) -> int:
        """The sequence number to begin with: no earlier run has used it or a higher one."""
        return self._first

    # ---- the queue ----

    def put(self, record: AffectRecord, stamp: Stamp) -> None:
        """Take a stamped record; it goes to the disk if it is not acknowledged soon."""
        with self._lock:
            gap, self._orphan = self._orphan, None
            if gap is not None:
                gap = replace(gap, until_ms=gap.until_ms or stamp.unix_ms)
            self._next = stamp.sequence + 1
            self._live.append(Held(Entry(pack(record, stamp), gap), self._monotonic_s()))
            self._drop_surplus()

    def take(self) -> Entry | None:
        """Return the next entry: what is live, then what is late at its pace, each in order."""
        with self._lock:
            if self._is_over.is_set():
                return None
            self._is_paced = False
            held = self._live.popleft() if self._live else self._take_late()
            if held is None:
                return None
            self._lent[held.entry.sequence] = held
            return held.entry

    def wait_s(self) -> float:
        """Return after how long something late may be taken, seconds."""
        return max(0.0, self._allowed_s - self._monotonic_s()) if self._is_paced else math.inf

    def settle(self, entry: Entry) -> None:
        """Take note that the broker has acknowledged an entry."""
        with self._lock:
            held = self._lent.pop(entry.sequence, None)
            if held is not None and held.at is not None:
                self._settle_at(held.at)

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Return entries the broker did not acknowledge."""
        with self._lock:
            unwritten = []
            for entry in entries:
                held = self._lent.pop(entry.sequence, None)
                if held is None:
                    continue
                if held.at is None:
                    unwritten.append(held)
                elif held.at < self._cursor:
                    bisect.insort(self._returned, (held.at, entry), key=lambda item: item[0])
            # What lies ahead of the cursor is read in its turn.
            unwritten.extend(self._live)
            self._live = deque(sorted(unwritten, key=lambda held: held.entry.sequence))
            self._drop_surplus()

    def _take_late(self) -> Held | None:
        now_s = self._monotonic_s()
        if now_s < self._allowed_s:
            self._is_paced = True
            return None
        found = self._returned.pop(0) if self._returned else self._read_next()
        if found is None:
            return None
        earliest_s = now_s - REPLAY_BURST / REPLAY_HZ
        self._allowed_s = max(self._allowed_s, earliest_s) + 1 / REPLAY_HZ
        at, entry = found
        if self._ring.gap is not None and self._gap_at is None:
            self._gap_at = at
            entry = replace(entry, gap=self._ring.gap.joined(entry.gap))
        return Held(replace(entry, is_late=True), at=at)

    def _read_next(self) -> tuple[int, Entry] | None:
        """Return the next entry that can be read; bad ones before it become its gap."""
        ring = self._ring
        taken = {held.at for held in self._lent.values()}
        bad: list[int] = []
        # What was delivered out of turn may have taken the head past what was read.
        self._cursor = max(self._cursor, ring.head)
        while self._cursor < ring.tail:
            at = self._cursor
            self._cursor += 1
            if at in self._settled or at in taken:
                continue
            entry = ring.read(at)
            if entry is None:
                bad.append(at)
                continue
            if bad:
                self._bad[at] = bad
                self._n_dropped += len(bad)
                gap = Gap(len(bad), self._last_ms, entry.unix_ms)
                entry = replace(entry, gap=gap.joined(entry.gap))
            self._last_ms = entry.unix_ms
            return at, entry
        if bad:
            # Nothing on disk comes after them: the next record tells.
            self._n_dropped += len(bad)
            own = Gap(len(bad), self._last_ms, 0)
            self._orphan = own if self._orphan is None else own.joined(self._orphan)
            for at in bad:
                self._settle_at(at)
        return None

    def _settle_at(self, at: int) -> None:
        ring = self._ring
        if at < ring.head:
            return
        self._settled.update(x for x in (at, *self._bad.pop(at, ())) if x >= ring.head)
        if at == self._gap_at:
            ring.gap = self._gap_at = None
        while ring.head in self._settled:
            self._settled.remove(ring.head)
            ring.head += 1
        if ring.head == ring.tail:
            self._empty_since_s = self._monotonic_s()

    def _drop_surplus(self) -> None:
        """Keep memory bounded where the disk does not take what waits."""
        while len(self._live) > self._n_memory:
            gap = self._live.popleft().entry.as_gap()
            head = self._live[0]
            head.entry = replace(head.entry, gap=gap.joined(head.entry.gap))
            self._n_dropped += 1

    # ---- the disk ----

    def commit(self) -> None:
        """Write what has waited for a moment, and what was delivered since; at best nothing."""
        now_s = self._monotonic_s()
        with self._lock:
            if self._state != "on" and now_s < self._retry_s:
                return
            try:
                oldest_s = self._oldest_unwritten_s()
                is_time = oldest_s is not None and now_s - oldest_s >= HELD_AT_MOST_S
                has_written = is_time and self._write_due(now_s - SETTLED_WITHIN_S)
                is_changed = self._save_if_needed() or has_written
                if self._state != "on" and not has_written:
                    # A broker that answers leaves nothing to write: try whether it would work.
                    self._ring.extend()
                    self._save()
                    has_written = is_changed = True
            except OSError as error:
                self._fail(error)
                return
        try:
            if is_changed:
                # Not under the lock: a card may take its time.
                self._ring.sync()
        except OSError as error:
            self._fail(error)
            return
        if self._state != "on" and has_written:
            self._state = "on"
            LOG.info("the spool works again")

    def _oldest_unwritten_s(self) -> float | None:
        """Return since when the oldest entry that is not on disk waits, or None."""
        waiting = [held.since_s for held in self._lent.values() if held.at is None]
        waiting += [held.since_s for held in self._live]
        return min(waiting, default=None)

    def _rest_s(self) -> float:
        """Return how long the thread may rest until something is to be done, seconds."""
        with self._lock:
            oldest_s = self._oldest_unwritten_s()
        if oldest_s is None or self._state != "on":
            return COMMIT_INTERVAL_S
        due_s = oldest_s + HELD_AT_MOST_S - self._monotonic_s()
        return min(COMMIT_INTERVAL_S, max(0.01, due_s))

    def _write_due(self, before_s: float) -> bool:
        due = [held for held in self._lent.values() if held.at is None and held.since_s <= before_s]
        due.sort(key=lambda held: held.entry.sequence)
        for held in due:
            self._append(held)
        is_changed = bool(due)
        while self._live and self._live[0].since_s <= before_s:
            self._append(self._live[0])
            self._live.popleft()
            is_changed = True
        return is_changed

    def _append(self, held: Held) -> None:
        if self._ring.tail - self._ring.head >= self._ring.capacity:
            self._make_room()
        held.at = self._ring.append(held.entry)

    def _make_room(self) -> None:
        """Let the oldest go; the header says so before anything is overwritten."""
        ring = self._ring
        n_over = ring.tail - ring.head - ring.capacity
        end = ring.head + n_over + min(DROP_BATCH, max(1, ring.capacity // 4))
        end = min(end, ring.tail)
        gap = ring.gap if self._gap_at is None else None
        lent = {held.at: held for held in self._lent.values() if held.at is not None}
        returned = dict(self._returned)
        known_bad = {at for bad in self._bad.values() for at in bad}
        for at in range(ring.head, end):
            if at in self._settled or at in known_bad:
                self._settled.discard(at)
            elif at in lent:
                # It is on its way, and waits in memory for the answer.
                lent[at].at = None
            else:
                entry = returned[at] if at in returned else ring.read(at)
                lost = (
                    Gap(1, self._last_ms, self._last_ms or 0) if entry is None else entry.as_gap()
                )
                gap = lost if gap is None else gap.joined(lost)
                self._last_ms = gap.until_ms
                self._n_dropped += 1
        self._returned = [item for item in self._returned if item[0] >= end]
        self._bad = {at: bad for at, bad in self._bad.items() if at >= end}
        ring.head = end
        if self._gap_at is None or self._gap_at < end:
            ring.gap, self._gap_at = gap, None
        elif gap is not None:
            # The next one on disk has told its gap already: the next record tells this one.
            self._orphan = gap.joined(self._orphan)
        self._cursor = max(self._cursor, end)
        self._save()
        ring.sync()

    def _save_if_needed(self) -> bool:
        ring = self._ring
        is_over = self._monotonic_s() - self._empty_since_s >= ERASE_AFTER_S
        if ring.head == ring.tail and is_over and not ring.is_blank and not self._bad:
            ring.reset(self._ceiling)
            self._settled.clear()
            self._cursor = self._saved_head = 0
            return True
        if self._next + SEQUENCE_BLOCK // 2 > self._ceiling:
            self._ceiling = self._next + SEQUENCE_BLOCK
        elif ring.head == self._saved_head:
            return False
        self._save()
        return True

    def _save(self) -> None:
        self._ring.save(self._ceiling)
        self._saved_head = self._ring.head

    def _fail(self, error: OSError) -> None:
        state = disk_state(error)
        if state != self._state:
            LOG.warning(
                "the spool cannot be written (%s); unsent records wait in memory", error.strerror
            )
        self._state = state
        self._retry_s = self._monotonic_s() + RETRY_S

    # ---- the thread ----

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; it ends by itself only through a bug."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Commit regularly from now on."""
        self._thread.start()

    def _keep(self) -> None:
        while not self._is_over.wait(self._rest_s()):
            self.commit()

    def close(self) -> None:
        """Write down all that waits, and let go of the file."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            try:
                self._write_due(float("inf"))
                # A loss that no record has told yet is told by the next run.
                is_clean = self._orphan is None
                if self._ring.head == self._ring.tail:
                    self._ring.reset(self._next, is_clean=is_clean)
                else:
                    self._ring.save(self._next, is_clean=is_clean)
                self._ring.sync()
            except OSError as error:
                LOG.warning(
                    "the spool could not be closed (%s); lost: %d", error.strerror, len(self._live)
                )
            finally:
                self._ring.close()
