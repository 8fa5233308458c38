"""Ticks, waits and stamps: the publisher's own time."""

import itertools

import pytest

from edge_affect.clock import NS_PER_S
from edge_affect.publishing.backoff import Backoff, BackoffRange
from edge_affect.publishing.stamping import Stamper
from edge_affect.publishing.ticks import TickSchedule


@pytest.mark.parametrize("tick_hz", [0.2, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("start_ns", [0, 1, 499_999_999, 500_000_000, 123_456_789_012_345])
def test_ticks_do_not_drift_when_each_one_is_late(tick_hz, start_ns):
    period_ns = round(NS_PER_S / tick_hz)
    now_ns = start_ns
    ticks = TickSchedule(tick_hz, now_ns)
    seen = []
    for late_ns in itertools.islice(itertools.cycle([0, 7_000_000, 90_000_000]), 50):
        due_ns = now_ns + round(ticks.wait_s(now_ns) * NS_PER_S)
        seen.append(due_ns)
        now_ns = due_ns + late_ns
        assert ticks.wait_s(now_ns) == 0
        ticks.skip_to(now_ns)
    steps = [b - a for a, b in itertools.pairwise(seen)]
    # wait_s is a float: some nanoseconds are lost in it, never more than a microsecond.
    assert len(steps) == 49
    assert all(abs(step - period_ns) < 1000 for step in steps)
    assert start_ns < seen[0] + 1000 <= start_ns + period_ns + 2000


def test_missed_ticks_are_not_caught_up():
    ticks = TickSchedule(1.0, 0)
    ticks.skip_to(10 * NS_PER_S)
    assert ticks.wait_s(10 * NS_PER_S) == pytest.approx(0.5)


def test_the_grid_does_not_depend_on_the_start():
    """Two starts within one period tick at the same moments: the start carries nothing."""
    at_ns = 77 * NS_PER_S
    one, other = TickSchedule(2.0, 3 * NS_PER_S), TickSchedule(2.0, 3 * NS_PER_S + 123_456_789)
    one.skip_to(at_ns)
    other.skip_to(at_ns)
    assert one.wait_s(at_ns) == other.wait_s(at_ns) == pytest.approx(0.25)


def test_waits_double_up_to_the_longest_and_start_again():
    backoff = Backoff(BackoffRange(1.0, 60.0), uniform=lambda: 1.0)
    assert [backoff.next_s() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    backoff.reset()
    assert backoff.next_s() == 1


def test_waits_are_spread_between_half_and_whole():
    assert Backoff(BackoffRange(4.0, 8.0), uniform=lambda: 0.0).next_s() == 2.0
    waits = [Backoff(BackoffRange(4.0, 8.0)).next_s() for _ in range(200)]
    assert 2.0 <= min(waits) < max(waits) < 4.0
    assert len(set(waits)) > 100


def test_waits_stay_finite_for_years():
    backoff = Backoff(BackoffRange(1.0, 60.0), uniform=lambda: 1.0)
    for _ in range(5000):
        assert backoff.next_s() <= 60


@pytest.mark.parametrize("limits", [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_impossible_waits_are_refused(limits):
    with pytest.raises(ValueError, match="Back-off"):
        BackoffRange(*limits)


def test_stamps_count_up_and_ask_about_the_clock_every_ten_seconds():
    now_s, answers, asked = [0.0], iter([False, True]), []

    def is_synced():
        asked.append(now_s[0])
        return next(answers)

    stamper = Stamper(lambda: 1_000.5 + now_s[0], is_synced, lambda: now_s[0])
    stamps = [stamper.next(), stamper.next()]
    now_s[0] = 9.9
    stamps.append(stamper.next())
    now_s[0] = 10.0
    stamps += [stamper.peek(), stamper.next()]
    assert [s.sequence for s in stamps] == [0, 1, 2, 3, 3]
    assert [s.clock_synced for s in stamps] == [False, False, False, True, True]
    assert {s.unix_ms for s in stamps} == {1_000_500, 1_010_400, 1_010_500}
    assert asked == [0.0, 10.0]


def test_a_clock_before_1970_is_shown_as_1970():
    assert Stamper(lambda: -5.0, lambda: False).next().unix_ms == 0


def test_the_real_clock_question_is_answered():
    assert isinstance(Stamper().next().clock_synced, bool)
