"""Parts for tests of the spool: a disk in memory, and a spool with a clock of its own."""

import os

from edge_affect.publishing.payload import Stamp
from edge_affect.publishing.spool import Spool
from edge_affect.record import AbstainReason, AffectRecord

RECORD = AffectRecord(abstained=AbstainReason.NOBODY)


class Platter:
    """A disk in memory: what was not synced may be gone, page by page, after a power cut."""

    def __init__(self):
        self.data = bytearray()
        self.durable = b""
        self.error = None
        self.n_writes = 0
        self.n_written = 0
        self.n_syncs = 0

    def read(self, n_bytes, offset):
        return bytes(self.data[offset : offset + n_bytes])

    def write(self, data, offset):
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self.n_writes += 1
        self.n_written += len(data)
        end = offset + len(data)
        self.data.extend(bytes(max(0, end - len(self.data))))
        self.data[offset:end] = data

    def sync(self):
        self.n_syncs += 1
        self.durable = bytes(self.data)

    def size(self):
        return len(self.data)

    def truncate(self, n_bytes):
        del self.data[n_bytes:]

    def close(self):
        pass

    def cut_power(self, rng):
        """Keep what was synced, and of the rest any sectors."""
        kept = bytearray(self.durable.ljust(len(self.data), b"\0"))
        for start in range(0, len(self.data), 512):
            if rng.random() < 0.5:
                kept[start : start + 512] = self.data[start : start + 512]
        self.data, self.durable = kept, bytes(kept)


class Bench:
    """A spool on a platter, and a clock that only tests move."""

    def __init__(self, n_slots=40, capacity=10):
        self.platter, self.now_s, self.n_put = Platter(), 1000.0, 0
        self.n_slots, self.capacity = n_slots, capacity
        self.open()

    def open(self):
        self.spool = Spool(self.platter, self.n_slots, self.capacity, lambda: self.now_s)
        self.sequence = self.spool.first_sequence

    def put(self, n=1):
        numbers = []
        for _ in range(n):
            self.n_put += 1
            numbers.append(self.sequence)
            self.spool.put(RECORD, Stamp(self.n_put, True, self.sequence))
            self.sequence += 1
        return numbers

    def commit(self, after_s=2.0):
        self.now_s += after_s
        self.spool.commit()

    def drain(self):
        """Take and acknowledge all there is."""
        entries = []
        while True:
            self.now_s += 1.0
            entry = self.spool.take()
            if entry is None:
                return entries
            self.spool.settle(entry)
            entries.append(entry)


def numbers_of(entries):
    return [entry.sequence for entry in entries]


def gaps_of(entries):
    return [entry.gap for entry in entries if entry.gap is not None]
