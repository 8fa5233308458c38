"""The outbox: bounded, oldest first out, and every loss is told where it happened."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.publishing.outbox import Outbox, unpack
from edge_affect.publishing.payload import Gap, Stamp
from edge_affect.record import AbstainReason, AffectRecord

RECORD = AffectRecord(abstained=AbstainReason.NOBODY)


def filled(capacity, n):
    outbox = Outbox(capacity)
    for i in range(n):
        outbox.put(RECORD, Stamp(i * 1000, True, i))
    return outbox


def drained(outbox):
    entries = []
    while (entry := outbox.take()) is not None:
        entries.append((unpack(entry.packed)[1].sequence, entry.gap))
    return entries


def test_what_fits_comes_out_in_order():
    outbox = filled(5, 3)
    assert len(outbox) == 3
    assert drained(outbox) == [(0, None), (1, None), (2, None)]
    assert outbox.n_dropped == 0
    assert outbox.take() is None


def test_when_full_the_oldest_go_and_the_next_one_tells():
    outbox = filled(3, 8)
    assert len(outbox) == 3
    assert outbox.n_dropped == 5
    assert drained(outbox) == [(5, Gap(5, 0, 4000)), (6, None), (7, None)]


def test_a_capacity_of_one_keeps_the_newest():
    assert drained(filled(1, 4)) == [(3, Gap(3, 0, 2000))]


def test_unacknowledged_entries_return_to_the_front_in_order():
    outbox = filled(5, 4)
    lent = [outbox.take(), outbox.take()]
    outbox.put_back(lent)
    assert drained(outbox) == [(0, None), (1, None), (2, None), (3, None)]


def test_returned_entries_give_way_to_newer_ones():
    outbox = filled(4, 4)
    lent = [outbox.take() for _ in range(3)]
    for i in range(4, 6):
        outbox.put(RECORD, Stamp(i * 1000, True, i))
    outbox.put_back(lent)
    assert drained(outbox) == [(2, Gap(2, 0, 1000)), (3, None), (4, None), (5, None)]


def test_two_gaps_stay_apart_while_something_between_them_survives():
    outbox = filled(3, 3)
    lent = [outbox.take(), outbox.take()]
    for i in range(3, 6):
        outbox.put(RECORD, Stamp(i * 1000, True, i))
    assert outbox.n_dropped == 1
    outbox.take(), outbox.take()
    outbox.put_back(lent)
    assert drained(outbox) == [(0, None), (1, None), (5, None)]


@given(
    st.integers(1, 5),
    st.lists(st.sampled_from(["put", "lend", "return", "deliver"]), max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_every_record_is_delivered_or_counted_in_a_gap(capacity, steps):
    """Whatever happens, sequences grow, and each hole is announced with its exact size."""
    outbox, lent, delivered, n_put = Outbox(capacity), [], [], 0
    for step in steps:
        if step == "put":
            outbox.put(RECORD, Stamp(n_put, True, n_put))
            n_put += 1
        elif step == "lend" and len(outbox):
            lent.append(outbox.take())
        elif step == "return":
            outbox.put_back(lent)
            lent = []
        elif step == "deliver":
            delivered, lent = delivered + lent, []
    delivered += lent
    while (entry := outbox.take()) is not None:
        delivered.append(entry)
    expected = 0
    for entry in delivered:
        if entry.gap is not None:
            assert (entry.gap.since_ms, entry.gap.until_ms) == (
                expected,
                expected + entry.gap.n_messages - 1,
            )
            expected += entry.gap.n_messages
        assert unpack(entry.packed)[1].sequence == expected
        expected += 1
    assert expected == n_put
    assert outbox.n_dropped == n_put - len(delivered)


def test_an_entry_is_small_enough_for_the_largest_queue():
    """100,000 entries, the most that can be configured, must fit into a publisher of 45 MB."""
    n = 2000
    tracemalloc.start()
    try:
        outbox = filled(n, n)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(outbox) == n
    assert size / n * 100_000 < 16_000_000


def test_what_is_lost_at_the_end_is_told(caplog):
    outbox = filled(5, 3)
    outbox.close()
    assert caplog.messages == [
        "unsent records are lost: 3; [publish] spool_dir would keep them",
    ]
    caplog.clear()
    drained(outbox)
    outbox.close()
    assert caplog.messages == []
