"""Parts for tests of alerts: records that say one thing, rules, and a run over ticks."""

from dataclasses import replace

from edge_affect.alert_settings import AlertRule, AlertStep, NamedRule
from edge_affect.alerting.watch import AlertWatch
from edge_affect.clock import NS_PER_S
from edge_affect.record import (
    EVENT_MAX,
    EVENTS,
    EXPRESSION_SUM,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Expression,
    Modality,
    People,
)

NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)
STEPS = (AlertStep(0.0, "warn", "It rises."), AlertStep(10.0, "urgent", "It lasts."))
RULE = AlertRule(
    signals=("anger",), threshold=0.6, clear=0.4, dwell_s=3.0, clear_after_s=2.0,
    refractory_s=20.0, unknown_hold_s=5.0,
)  # fmt: skip


def angry(share, people=None):
    """A record with so much anger, rounded to fifteenths, the rest neutral."""
    n = round(share * EXPRESSION_SUM)
    levels = [0] * 8
    levels[Expression.ANGER], levels[Expression.NEUTRAL] = n, EXPRESSION_SUM - n
    return AffectRecord(expressions=tuple(levels), modalities=Modality.VOICE, people=people)


def with_state(name, value, people=People.ONE):
    states = [None] * len(STATES)
    states[STATES.index(name)] = round(value * STATE_MAX)
    return replace(angry(0.0, people), states=tuple(states))


def with_event(name, value):
    events = [0] * len(EVENTS)
    events[EVENTS.index(name)] = None if value is None else round(value * EVENT_MAX)
    return AffectRecord(abstained=AbstainReason.NOBODY, events=tuple(events))


def named(rule=RULE, steps=STEPS, **changes):
    return NamedRule("test", replace(rule, **changes), steps)


def ns(seconds):
    return round(seconds * NS_PER_S)


def play(rule, records, tick_s=1.0, quiet=()):
    """Return the watch after one record a tick, and what changed as (second, kind, reason)."""
    watch = AlertWatch(rule, 0)
    told = []
    for index, record in enumerate(records):
        at_s = index * tick_s
        change = watch.step(ns(at_s), record, is_quiet=at_s in quiet)
        if change is not None:
            reason = change.state.reason
            told.append((at_s, change.kind.value, None if reason is None else reason.value))
    return watch, told
