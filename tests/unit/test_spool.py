"""The spool: what is put is acknowledged, on disk, or told as lost, whatever happens between."""

import errno
import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spool_parts import RECORD, Bench, Platter, gaps_of, numbers_of

from edge_affect.publishing import spool as module
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.payload import Gap, Stamp
from edge_affect.publishing.ring import HEADER_BYTES, PAGE_BYTES, SLOT_BYTES, Ring
from edge_affect.publishing.spool import SEQUENCE_BLOCK


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
