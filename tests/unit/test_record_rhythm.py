"""When records go through the slit, and when a publisher speaks for the first time."""

import math
import threading

import pytest

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.publishing.ticks import FIRST_WITHIN_S, FirstRecord, TickSchedule
from edge_affect.record import AbstainReason, AffectRecord
from edge_affect.sensing.daemon import RECORDS_PER_TICK
from edge_affect.sensing.rhythm import RecordRhythm

MS = 1_000_000
PERIOD_NS = NS_PER_S // RECORDS_PER_TICK
STARTING = AffectRecord(abstained=AbstainReason.STARTING)
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)
SOCKET_HOLDS = 10
"""Datagrams that Linux keeps for a socket unless told otherwise."""


def played(rate_hz, seconds=20.0, jitter_ms=0, *, follows_frames=True):
    """Return when frames were read and when records went out, in ns, looking every ms."""
    rhythm = RecordRhythm(PERIOD_NS, 0, follows_frames=follows_frames)
    frames, records = [], []
    n_read = 0
    for now_ns in range(0, round(seconds * NS_PER_S), MS):
        shift_ms = jitter_ms * (1 if n_read % 2 else -1)
        has_frame = (
            bool(rate_hz) and now_ns >= 40 * MS + n_read * NS_PER_S / rate_hz + shift_ms * MS
        )
        if has_frame:
            frames.append(now_ns)
            n_read += 1
        if rhythm.is_due(now_ns, has_frame=has_frame):
            records.append(now_ns)
            rhythm.sent(now_ns)
    return frames, records


def waits_ms(frames, records):
    return [(min(r for r in records if r >= f) - f) / MS for f in frames if f <= records[-1]]


@pytest.mark.parametrize("jitter_ms", [0, 15])
def test_no_frame_of_ten_a_second_waits_longer_than_for_the_next_one(jitter_ms):
    frames, records = played(10.0, jitter_ms=jitter_ms)
    waits = waits_ms(frames, records)
    assert len(waits) > 190
    assert max(waits) <= 100 + 2 * jitter_ms
    assert len(records) == pytest.approx(100, abs=2)


@pytest.mark.parametrize("rate_hz", [1.0, 3.0, 4.0, 7.0, 8.0, 10.0, 15.0, 25.0, 30.0])
def test_there_is_something_for_each_tick_and_never_too_much_for_the_socket(rate_hz):
    _, records = played(rate_hz)
    counts = [
        sum(start <= r < start + NS_PER_S for r in records)
        for start in range(0, 19 * NS_PER_S, NS_PER_S // 7)
    ]
    assert len(counts) == 134
    assert min(counts) >= 2
    assert max(counts) < SOCKET_HOLDS


def test_in_an_empty_room_at_rest_every_frame_is_told_at_once():
    frames, records = played(4.0)
    assert max(waits_ms(frames, records)[4:]) == 0


@pytest.mark.parametrize(("rate_hz", "follows"), [(0, True), (10.0, False)])
def test_without_frames_to_follow_records_lie_on_a_grid(rate_hz, follows):
    _, records = played(rate_hz, follows_frames=follows)
    assert records == list(range(PERIOD_NS, 20 * NS_PER_S, PERIOD_NS))


def test_records_go_on_when_frames_stop():
    rhythm = RecordRhythm(PERIOD_NS, 0, follows_frames=True)
    assert not rhythm.is_due(5 * MS, has_frame=True)
    assert rhythm.is_due(10 * MS, has_frame=True)
    rhythm.sent(10 * MS)
    sent = []
    for now_ns in range(10 * MS, 5 * NS_PER_S, MS):
        if rhythm.is_due(now_ns, has_frame=False):
            sent.append(now_ns)
            rhythm.sent(now_ns)
    gaps = [b - a for a, b in zip([10 * MS, *sent], sent, strict=False)]
    assert len(gaps) == 19
    assert max(gaps) <= 1.4 * PERIOD_NS


def test_periods_that_were_slept_through_are_not_made_up_for():
    rhythm = RecordRhythm(PERIOD_NS, 0, follows_frames=True)
    assert rhythm.is_due(3600 * NS_PER_S, has_frame=False)
    rhythm.sent(3600 * NS_PER_S)
    assert rhythm.wait_ns(3600 * NS_PER_S) == PERIOD_NS


def test_a_clock_of_ones_own_waits_no_longer_than_for_the_event():
    clock, event = ManualClock(), threading.Event()
    clock.wait(event, 0.25)
    assert clock.now_ns() == NS_PER_S // 4
    event.set()
    clock.wait(event, 0.25)
    assert clock.now_ns() == NS_PER_S // 4


def test_the_first_record_comes_within_a_fifth_of_a_second_and_is_the_only_one():
    start_ns = 7 * NS_PER_S + 520 * MS
    first = FirstRecord(start_ns)
    told = []
    for now_ns in range(start_ns, start_ns + 6 * NS_PER_S, 10 * MS):
        is_there = now_ns >= start_ns + 800 * MS
        if first.is_due(now_ns) and first.is_this(NOBODY if is_there else STARTING):
            told.append(now_ns)
    [at_ns] = told
    assert 800 * MS <= at_ns - start_ns <= 1010 * MS
    assert first.wait_s(at_ns) == math.inf
    assert not first.is_this(NOBODY)


def test_a_tick_that_says_something_ends_the_wait():
    first = FirstRecord(0)
    assert not first.is_this(None)
    assert not first.is_this(STARTING)
    assert first.wait_s(0) <= 0.2
    assert first.is_this(NOBODY)
    assert not any(first.is_due(now_ns) for now_ns in range(0, 6 * NS_PER_S, 10 * MS))


def test_the_first_record_is_not_looked_for_for_ever():
    first = FirstRecord(0)
    for now_ns in range(0, round((FIRST_WITHIN_S + 0.5) * NS_PER_S), 10 * MS):
        if first.is_due(now_ns):
            assert not first.is_this(STARTING)
    assert first.wait_s(6 * NS_PER_S) == math.inf


def test_looks_lie_on_the_grid_of_the_fastest_tick():
    """When it was looked tells nothing of when the record came but a fifth of a second."""
    first, fastest = FirstRecord(123 * MS), TickSchedule(5.0, 123 * MS)
    assert first.wait_s(123 * MS) == fastest.wait_s(123 * MS)
