"""What alerts must never do, whatever records come."""

import itertools

from alert_parts import NOBODY, STEPS, angry, ns, with_event
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.alert_settings import AlertRule, Alerts, NamedRule
from edge_affect.alerting.event_edges import EventEdges
from edge_affect.alerting.smoothing import FadingMean
from edge_affect.alerting.watch import BRIDGE_NS, AlertWatch, Change
from edge_affect.record import EVENTS

SECONDS = st.integers(0, 8).map(float)
RECORDS = st.one_of(st.integers(0, 15).map(lambda n: angry(n / 15)), st.just(NOBODY), st.none())
RUNS = st.lists(
    st.tuples(st.sampled_from([0.2, 1.0, 1.0, 2.0, 5.0, 30.0]), RECORDS, st.booleans()),
    max_size=80,
)
"""Time since the tick before, the record, and whether the hour is quiet."""


@st.composite
def rules(draw):
    direction = draw(st.sampled_from(["above", "below"]))
    low, high = sorted(draw(st.tuples(st.integers(0, 15), st.integers(0, 15))))
    threshold, clear = (high, low) if direction == "above" else (low, high)
    rule = AlertRule(
        signals=("anger",), direction=direction, threshold=threshold / 15, clear=clear / 15,
        change=draw(st.sampled_from([0.0, 0.2])), change_over_s=20.0,
        smooth_half_life_s=draw(st.sampled_from([0.0, 1.0])), dwell_s=draw(SECONDS),
        clear_after_s=draw(SECONDS), refractory_s=draw(SECONDS), unknown_hold_s=draw(SECONDS),
        follow=draw(st.booleans()), ignore_quiet_hours=draw(st.booleans()),
    )  # fmt: skip
    return NamedRule("test", rule, STEPS)


def played(rule, run, n_times=1):
    """Changes as (time in ns, change) of a run; each record is given ``n_times``."""
    watch, now_ns, changes = AlertWatch(rule, 0), 0, []
    for pause_s, record, is_quiet in run:
        now_ns += ns(pause_s)
        told = [watch.step(now_ns, record, is_quiet=is_quiet) for _ in range(n_times)]
        changes += [(now_ns, change) for change in told if change is not None]
    return changes


@settings(max_examples=80, deadline=None)
@given(rules(), RUNS)
def test_the_same_records_say_the_same_and_given_twice_count_once(rule, run):
    once = played(rule, run)
    assert once == played(rule, run)
    assert once == played(rule, run, n_times=2)


@settings(max_examples=80, deadline=None)
@given(rules(), RUNS)
def test_an_alert_takes_turns_and_stays_in_range(rule, run):
    is_raised, escalation = False, 0
    changes = played(rule, run)
    assert len(changes) <= len(run)
    for _, change in changes:
        state = change.state
        assert state.level is None or -1.0 <= state.level <= 1.0
        if change.kind is Change.RAISED:
            assert not is_raised
            escalation = 0
        else:
            assert is_raised
        if change.kind is Change.ESCALATED:
            escalation += 1
        if change.kind is Change.LEVEL:
            assert rule.rule.follow
        assert state.escalation == escalation < len(rule.steps)
        is_raised = change.kind is not Change.CLEARED
        assert state.is_raised == is_raised
        assert (state.reason is None) == (state.step is not None) == is_raised


def held_ns(s, run, moments, until_ns):
    """Return for how long the condition held at known ticks up to ``until_ns``, gaps bridged."""
    total_ns, later_ns, is_next = 0, None, True
    for then_ns, (_, record, _) in reversed(list(zip(moments, run, strict=True))):
        if then_ns > until_ns:
            continue
        if record is None or record is NOBODY:
            is_next = False
            continue
        share = record.expressions[4] / 15
        if share < s.threshold if s.direction == "above" else share > s.threshold:
            break
        gap_ns = 0 if later_ns is None else later_ns - then_ns
        total_ns += gap_ns if is_next or gap_ns <= BRIDGE_NS else 0
        later_ns, is_next = then_ns, True
    return total_ns


@settings(max_examples=60, deadline=None)
@given(rules(), RUNS)
def test_nothing_is_raised_without_its_dwell_or_in_its_refractory_time(rule, run):
    """Judged from the run itself, not from what the rule remembers."""
    s = rule.rule
    moments = list(itertools.accumulate(ns(pause_s) for pause_s, _, _ in run))
    cleared_ns = None
    for at_ns, change in played(rule, run):
        if change.kind is Change.CLEARED:
            cleared_ns = at_ns
        if change.kind is not Change.RAISED:
            continue
        assert cleared_ns is None or at_ns - cleared_ns >= ns(s.refractory_s)
        if not s.smooth_half_life_s:
            assert held_ns(s, run, moments, at_ns) >= ns(s.dwell_s)


@settings(max_examples=80, deadline=None)
@given(rules(), RUNS)
def test_an_escalation_needs_its_time_since_raising(rule, run):
    raised_ns = 0
    for at_ns, change in played(rule, run):
        if change.kind is Change.RAISED:
            raised_ns = at_ns
        if change.kind is Change.ESCALATED:
            assert at_ns - raised_ns >= ns(change.state.step.after_s)


@settings(max_examples=60, deadline=None)
@given(rules(), st.lists(st.tuples(st.just(1.0), st.sampled_from([NOBODY, None]), st.booleans())))
def test_nothing_known_says_nothing(rule, run):
    assert played(rule, run) == []


@settings(max_examples=60, deadline=None)
@given(rules(), RUNS)
def test_quiet_hours_raise_nothing_unless_told(rule, run):
    changes = played(rule, [(pause_s, record, True) for pause_s, record, _ in run])
    assert changes == [] or rule.rule.ignore_quiet_hours


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.2, 1.0, 3.0]), st.none() | st.integers(0, 6))))
def test_a_sound_event_starts_and_ends_in_turn(run):
    edges, now_ns, is_on = EventEdges(Alerts()), 0, False
    for pause_s, level in run:
        now_ns += ns(pause_s)
        record = with_event("applause", None if level is None else level / 6)
        told = edges.step(now_ns, record)
        assert edges.step(now_ns, record) == ()
        for edge in told:
            assert edge.event == "applause"
            assert edge.is_start != is_on
            assert 0.0 < edge.level <= 1.0
            assert edge.started_ns <= edge.at_ns == now_ns
            is_on = edge.is_start
        if level is not None and level >= 3:
            assert is_on
    assert len(edges.stop(now_ns)) == int(is_on)


def test_a_sound_event_ends_when_it_is_not_sensed_any_more():
    edges = EventEdges(Alerts())
    assert [e.event for e in edges.step(ns(1), with_event("crying", 1.0))] == ["crying"]
    assert edges.step(ns(1.5), None) == ()
    (end,) = edges.step(ns(2.0), None)
    assert (end.is_start, end.is_lost, end.level) == (False, True, 1.0)
    assert len(EVENTS) == 5


SAMPLES = st.lists(st.tuples(st.integers(0, 5_000_000_000), st.floats(-1.0, 1.0)), min_size=1)


@settings(max_examples=60, deadline=None)
@given(SAMPLES, st.floats(0.1, 60.0))
def test_a_fading_mean_lies_between_its_samples(samples, half_life_s):
    mean, now_ns, seen = FadingMean(half_life_s), 0, []
    for pause_ns, value in samples:
        now_ns += pause_ns
        seen.append(value)
        assert min(seen) - 1e-9 <= mean.add(now_ns, value) <= max(seen) + 1e-9
