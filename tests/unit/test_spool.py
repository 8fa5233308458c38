"""The spool: what is put is acknowledged, on disk, or told as lost, whatever happens between."""

import errno
import logging
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.config import Publish
from edge_affect.errors import CannotWriteError
from edge_affect.publishing import spool as module
from edge_affect.publishing.outbox import Outbox, unpack
from edge_affect.publishing.outboxes import FILE_NAME, outbox_for
from edge_affect.publishing.payload import Gap, Stamp
from edge_affect.publishing.ring import HEADER_BYTES, PAGE_BYTES, SLOT_BYTES, FileDisk, Ring
from edge_affect.publishing.spool import SEQUENCE_BLOCK, Spool
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


def test_what_is_acknowledged_at_once_is_never_written():
    bench = Bench()
    n_writes = bench.platter.n_writes
    for _ in range(500):
        bench.put()
        bench.now_s += 0.1
        bench.spool.settle(bench.spool.take())
        bench.commit()
    assert bench.platter.n_writes == n_writes


def test_a_closed_spool_goes_on_where_it_was():
    bench = Bench()
    put = bench.put(7)
    bench.spool.close()
    bench.open()
    assert bench.spool.first_sequence == 7
    assert len(bench.spool) == 7
    entries = bench.drain()
    assert numbers_of(entries) == put
    assert [entry.is_late for entry in entries] == [True] * 7
    assert gaps_of(entries) == []
    bench.spool.close()
    assert bench.platter.size() == HEADER_BYTES


def test_what_is_live_goes_before_what_is_late():
    bench = Bench()
    old = bench.put(3)
    bench.commit()
    new = bench.put(2)
    entries = bench.drain()
    assert numbers_of(entries) == [*new, *old]
    assert [entry.is_late for entry in entries] == [False, False, True, True, True]


def test_replay_keeps_its_pace():
    bench = Bench(n_slots=400, capacity=400)
    bench.put(300)
    bench.commit()
    n = 0
    for _ in range(20):
        while bench.spool.take() is not None:
            n += 1
        assert 0 < bench.spool.wait_s() <= 1 / module.REPLAY_HZ + 1e-9
        bench.now_s += 0.1
    assert module.REPLAY_HZ * 1.8 <= n <= module.REPLAY_HZ * 2 + module.REPLAY_BURST
    assert Bench().spool.wait_s() == float("inf")


def test_past_the_bound_the_oldest_go_and_their_count_is_told():
    bench = Bench(n_slots=40)
    for _ in range(100):
        bench.put()
        bench.commit()
    assert 30 <= len(bench.spool) <= 41
    n_lost = bench.spool.n_dropped
    entries = bench.drain()
    assert numbers_of(entries) == list(range(n_lost, 100))
    assert gaps_of(entries) == [Gap(n_lost, 1, n_lost)]
    assert entries[0].gap is not None


def test_what_was_dropped_is_counted_after_a_power_cut_too():
    bench = Bench(n_slots=40)
    for _ in range(100):
        bench.put()
        bench.commit()
    n_lost = bench.spool.n_dropped
    bench.platter.cut_power(random.Random(1))  # noqa: S311 (repeatable)
    bench.open()
    entries = bench.drain()
    assert numbers_of(entries) == list(range(n_lost, 100))
    assert gaps_of(entries) == [Gap(n_lost, 1, n_lost)]


def test_a_lowered_bound_holds_at_once():
    bench = Bench(n_slots=200, capacity=200)
    bench.put(150)
    bench.spool.close()
    bench.n_slots = 20
    bench.open()
    assert len(bench.spool) <= 20
    entries = bench.drain()
    assert entries[0].gap == Gap(entries[0].sequence, 1, entries[0].sequence)
    assert entries[-1].sequence == 149


def test_a_kill_is_told_and_numbers_go_on_above():
    bench = Bench()
    old = bench.put(5)
    bench.commit()
    bench.put(2)
    bench.open()
    assert bench.spool.first_sequence == SEQUENCE_BLOCK
    new = bench.put(2)
    entries = bench.drain()
    assert numbers_of(entries) == [*new, *old]
    assert gaps_of(entries) == [Gap(None, None, 8)]
    assert entries[0].gap is not None


def test_a_bad_entry_is_skipped_counted_and_said_once(caplog):
    bench = Bench()
    bench.put(6)
    bench.spool.close()
    for at in (0, 3, 5):
        bench.platter.data[HEADER_BYTES + at * SLOT_BYTES + 20] ^= 1
    bench.open()
    assert [r.message for r in caplog.records] == ["the spool has entries that cannot be read: 3"]
    entries = bench.drain()
    assert numbers_of(entries) == [1, 2, 4]
    assert [entry.gap for entry in entries] == [Gap(1, None, 2), None, Gap(1, 3, 5)]
    bench.put()
    (last,) = bench.drain()
    assert last.gap == Gap(1, 5, 7)
    assert bench.spool.n_dropped == 3
    assert len(bench.spool) == 0


@pytest.mark.parametrize("n_bytes", [HEADER_BYTES + 2 * SLOT_BYTES + 30, HEADER_BYTES, 10])
def test_a_truncated_file_tells_what_it_lacks(n_bytes):
    bench = Bench()
    bench.put(6)
    bench.spool.close()
    bench.platter.truncate(n_bytes)
    bench.open()
    entries = bench.drain()
    n_left = max(0, n_bytes - HEADER_BYTES) // SLOT_BYTES
    assert numbers_of(entries) == list(range(n_left))
    bench.put()
    (last,) = bench.drain()
    assert last.gap is not None
    # Where the headers are gone too, nobody can know the count.
    assert last.gap.n_messages in ({6 - n_left} if n_bytes >= HEADER_BYTES else {None})


def test_without_both_headers_entries_are_found_all_the_same(caplog):
    bench = Bench()
    bench.put(6)
    bench.commit()
    bench.platter.data[:20] = bench.platter.data[PAGE_BYTES : PAGE_BYTES + 20] = b"x" * 20
    bench.open()
    assert [r.message for r in caplog.records] == ["the spool is damaged; read what could be: 6"]
    assert numbers_of(bench.drain()) == list(range(6))
    assert bench.spool.first_sequence == 6


@given(st.binary(max_size=3 * PAGE_BYTES))
@settings(max_examples=40, deadline=None)
def test_any_other_file_is_no_obstacle(data):
    bench = Bench()
    bench.platter.data = bytearray(data)
    bench.open()
    put = bench.put(3)
    assert numbers_of(bench.drain()) == put


@pytest.mark.parametrize(
    ("number", "state"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EIO, "failed")],
)
def test_a_disk_that_fails_is_replaced_by_memory_until_it_works(number, state, caplog):
    caplog.set_level(logging.INFO, "edge_affect.publishing")
    bench = Bench(capacity=10)
    bench.put(3)
    bench.commit()
    bench.platter.error = number
    for _ in range(130):
        bench.put()
        bench.commit()
    assert bench.spool.spool == state
    assert len(bench.spool) == 13
    assert sum("cannot be written" in r.message for r in caplog.records) == 1
    bench.platter.error = None
    for _ in range(70):
        bench.commit()
    assert bench.spool.spool == "on"
    assert caplog.records[-1].message == "the spool works again"
    entries = bench.drain()
    assert numbers_of(entries) == [0, 1, 2, *range(123, 133)]
    assert gaps_of(entries) == [Gap(120, 4, 123)]


def test_a_disk_that_works_again_is_told_though_nothing_waits():
    """With a broker that answers nothing is written, and the state must not stay for ever."""
    bench = Bench(capacity=10)
    bench.platter.error = errno.ENOSPC
    bench.put(3)
    for _ in range(5):
        bench.commit()
    assert numbers_of(bench.drain()) == [0, 1, 2]
    for _ in range(130):
        bench.commit()
    assert bench.spool.spool == "full"
    bench.platter.error = None
    for _ in range(70):
        bench.commit()
    assert bench.spool.spool == "on"
    assert len(bench.spool) == 0


def test_delivered_records_are_erased_after_a_minute():
    bench = Bench()
    bench.put(6)
    bench.commit()
    bench.drain()
    bench.commit()
    assert bench.platter.size() > HEADER_BYTES
    bench.commit(61.0)
    assert bench.platter.size() == HEADER_BYTES
    assert numbers_of(bench.drain()) == []
    put = bench.put(2)
    bench.commit()
    assert numbers_of(bench.drain()) == put


STEPS = st.lists(
    st.sampled_from(
        ["put"] * 2 + ["take"] * 2 + ["settle", "give_back"] + ["commit"] * 2
        + ["kill", "power", "close"]
    ),
    max_size=80,
)  # fmt: skip


class Story:
    """A spool to which things happen, and what became of each record."""

    def __init__(self, n_slots, seed):
        self.rng = random.Random(seed)  # noqa: S311 (repeatable)
        self.bench = Bench(n_slots, capacity=100)
        self.lent, self.young, self.excusable, self.n_crashes = [], set(), set(), 0
        self.all_put, self.seen, self.gaps = {}, [], {}

    def put(self):
        bench = self.bench
        self.all_put[bench.sequence] = Stamp(bench.n_put + 1, True, bench.sequence)
        self.young |= set(bench.put())

    def take(self):
        entry = self.bench.spool.take()
        if entry is not None:
            self.lent.append(entry)
            self.seen.append(entry.sequence)
            if entry.gap is not None:
                self.gaps[entry.sequence] = entry.gap
            assert unpack(entry.packed) == (RECORD, self.all_put[entry.sequence])
        return entry

    def settle(self):
        if self.lent:
            self.bench.spool.settle(self.lent.pop(self.rng.randrange(len(self.lent))))

    def give_back(self):
        self.bench.spool.put_back(self.lent)
        self.lent = []

    def commit(self):
        self.bench.commit()
        self.young = set()

    def close(self):
        self.give_back()
        self.bench.spool.close()
        self.young = set()
        self.bench.open()

    def kill(self):
        self.n_crashes += 1
        self.excusable |= self.young
        self.lent, self.young = [], set()
        self.bench.open()

    def power(self):
        self.bench.platter.cut_power(self.rng)
        self.kill()

    def end(self):
        """Deliver all that is left and return it."""
        self.give_back()
        self.put()
        last = []
        self.bench.now_s += 1.0
        while (entry := self.take()) is not None:
            last.append(entry)
            self.lent.pop()
            self.bench.spool.settle(entry)
            self.bench.now_s += 1.0
        return last


@given(STEPS, st.sampled_from([1, 2, 5, 12, 100]), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_any_interleaving_keeps_order_loses_nothing_and_invents_nothing(steps, n_slots, seed):
    """Puts, deliveries, broken connections, kills and power cuts in any order.

    What was written and synced before a crash comes out after it. What never comes out was either
    dropped past the bound, or younger than the last commit at a crash; both are told as a gap.
    """
    story = Story(n_slots, seed)
    for step in steps:
        story.bench.now_s += 0.3
        getattr(story, step)()
    last = story.end()
    assert len(story.bench.spool) == 0
    missing = set(story.all_put) - set(story.seen)
    gaps = story.gaps.values()
    n_told = sum(gap.n_messages or 0 for gap in gaps)
    assert any(gap.n_messages is None for gap in gaps) == (story.n_crashes > 0)
    if len(story.all_put) <= n_slots:
        # Only a crash loses anything then, and only what was not committed yet.
        assert missing <= story.excusable
        assert n_told == 0 or story.n_crashes > 0
        late = [entry.sequence for entry in last if entry.is_late]
        assert late == sorted(late)
    if story.n_crashes == 0:
        assert n_told >= len(missing)


def test_a_ring_wraps_and_reads_back_its_newest():
    platter = Platter()
    ring = Ring(platter, 8)
    outbox = Outbox(100)
    for i in range(20):
        outbox.put(RECORD, Stamp(i, True, i))
        ring.head = max(ring.head, ring.tail - 7)
        ring.append(outbox.take())
    ring.save(99)
    again = Ring(platter, 8)
    assert (again.head, again.tail, again.first_sequence) == (12, 20, 99)
    assert [again.read(at).sequence for at in range(12, 20)] == list(range(12, 20))
    assert again.read(11) is None
    assert platter.size() == HEADER_BYTES + 8 * SLOT_BYTES


def test_the_configuration_decides(tmp_path):
    assert type(outbox_for(Publish())) is Outbox
    outbox = outbox_for(Publish(spool_dir=str(tmp_path), spool_max_mb=1, queue_size=5))
    assert (
        outbox.capacity
        == 15_625 + 5
        == Publish(spool_dir="x", spool_max_mb=1, queue_size=5).max_unsent
    )
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    outbox.close()


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    with pytest.raises(CannotWriteError, match=r"cannot be used \(No such file or directory\)"):
        outbox_for(Publish(spool_dir=str(tmp_path / "nowhere")))
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(CannotWriteError, match="Is a directory"):
        outbox_for(Publish(spool_dir=str(tmp_path)))


def test_a_second_process_is_refused(tmp_path):
    outbox = outbox_for(Publish(spool_dir=str(tmp_path)))
    with pytest.raises(CannotWriteError, match="Another process uses the spool") as raised:
        outbox_for(Publish(spool_dir=str(tmp_path)))
    assert raised.value.exit_code == 73
    outbox.close()
    outbox_for(Publish(spool_dir=str(tmp_path))).close()


def test_a_disk_with_no_room_for_the_file_leaves_memory(tmp_path):
    """A limit on file sizes stands for a full disk; the kernel says EFBIG."""
    program = (
        "import resource, sys;"
        "from edge_affect.config import Publish;"
        "from edge_affect.publishing.outboxes import outbox_for;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2);"
        "print(outbox_for(Publish(spool_dir=sys.argv[1])).spool)"
    )
    for limit, state in ((100, "full"), (1 << 20, "on")):
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path, str(limit)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == state
        assert "Traceback" not in done.stderr


def test_a_real_file_is_written_and_read_whole(tmp_path):
    disk = FileDisk(tmp_path / "file")
    disk.write(b"abc", 5)
    disk.sync()
    assert (disk.size(), disk.read(10, 4)) == (8, b"\0abc")
    disk.truncate(6)
    assert disk.size() == 6
    disk.close()


def test_two_records_share_a_write_and_none_waits_two_seconds():
    """The thread's rhythm with a broker that is away, at one record a second with some jitter."""
    bench, rng = Bench(n_slots=400, capacity=400), random.Random(1)  # noqa: S311
    end_s, next_put_s = bench.now_s + 120, bench.now_s
    wake_s, oldest_s = bench.now_s, 0.0
    syncs = bench.platter.n_syncs
    while bench.now_s < end_s:
        bench.now_s = min(next_put_s, wake_s)
        if bench.now_s == next_put_s:
            bench.put()
            next_put_s += 1.0 + rng.uniform(-0.02, 0.02)
        else:
            since_s = bench.spool._oldest_unwritten_s()
            oldest_s = max(oldest_s, 0.0 if since_s is None else bench.now_s - since_s)
            bench.spool.commit()
            wake_s = bench.now_s + bench.spool._rest_s()
    assert bench.platter.n_syncs - syncs <= 62
    assert oldest_s <= module.HELD_AT_MOST_S + 0.011
    assert len(bench.spool) >= 118
