"""One alert rule at work: when it is raised, escalated and cleared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from edge_affect.alerting.signals import has_people, signal
from edge_affect.alerting.smoothing import FadingMean
from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from edge_affect.alert_settings import AlertStep, NamedRule
    from edge_affect.record import AffectRecord

MAX_STEP_NS = 10 * NS_PER_S
"""Ticks further apart than this leave a hole of which nothing is known; the slowest take 5 s."""
BRIDGE_NS = 3 * NS_PER_S
"""Two known ticks at most this far apart count as one stretch: speech has pauses."""
_FOLLOW_STEP = 1.0 / 6.0
_TINY = 1e-9


class Change(Enum):
    """What can happen to an alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    LEVEL = "level"
    CLEARED = "cleared"


class Reason(Enum):
    """Why an alert is not raised (any more)."""

    OVER = "over"
    NO_DATA = "no-data"
    QUIET_HOURS = "quiet-hours"
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class AlertState:
    """How an alert stands.

    Attributes:
        name: Of the rule.
        is_raised: Whether it is raised.
        escalation: How often it was escalated since it was raised, from 0.
        step: What it says; None while cleared.
        level: The watched value, smoothed, in thousandths; None if nothing is known.
        reason: Why it was cleared; None while raised.
        raised_ns: Monotonic clock when it was last raised; None if it never was.
        changed_ns: Monotonic clock of its latest change.
    """

    name: str
    is_raised: bool
    escalation: int
    step: AlertStep | None
    level: float | None
    reason: Reason | None
    raised_ns: int | None
    changed_ns: int


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One thing that happened.

    Attributes:
        kind: What.
        state: How the alert stands now.
    """

    kind: Change
    state: AlertState


class AlertWatch:
    """Carries out one rule, tick by tick; at most one change comes of a tick.

    Time is what the caller says. A tick that is not later than the last one changes nothing, so
    that a record given twice counts once.

    What is unknown (no record, an abstention, too few people for the rule) stops all clocks of
    the rule; after ``unknown_hold_s`` of it everything pending is dropped, and a raised alert is
    cleared for want of data. It never raises, and it never calls anything over.

    Args:
        named: The rule.
        now_ns: Monotonic clock.
    """

    def __init__(self, named: NamedRule, now_ns: int) -> None:
        self._named = named
        self._rule = named.rule
        half_life_s = named.rule.smooth_half_life_s
        self._smooth = FadingMean(half_life_s) if half_life_s else None
        self._usual = FadingMean(named.rule.change_over_s / 2.0)
        self._is_above = named.rule.direction == "above"
        self._last_ns: int | None = None
        self._known_ns: int | None = None
        self._cleared_ns: int | None = None
        self._forget()
        self.state = AlertState(named.name, False, 0, None, None, Reason.STARTED, None, now_ns)  # noqa: FBT003 (a record of eight values)
        self._told = 0.0

    def _forget(self) -> None:
        """Drop what is pending; what was raised or cleared stays."""
        if self._smooth is not None:
            self._smooth.forget()
        self._usual.forget()
        self._is_met = False
        self._met_ns = 0
        self._is_over = False
        self._over_ns = 0
        self._lasted_ns = 0

    def step(
        self, now_ns: int, record: AffectRecord | None, *, is_quiet: bool = False
    ) -> AlertChange | None:
        """Take the record of one tick, None where there is none, and return what changed.

        Args:
            now_ns: Monotonic clock, later than before.
            record: Newest record.
            is_quiet: Whether these are quiet hours.
        """
        last_ns = self._last_ns
        if last_ns is not None and now_ns <= last_ns:
            return None
        self._last_ns = now_ns
        is_quiet = is_quiet and not self._rule.ignore_quiet_hours
        value = None if record is None else self._value(record)
        if last_ns is not None and now_ns - last_ns > MAX_STEP_NS:
            # Nothing is known of the hole, and what was before it must not count as lasting.
            value = None
        if value is None:
            return self._step_unknown(now_ns, is_quiet=is_quiet)
        passed_ns = self._passed_ns(now_ns, last_ns)
        self._known_ns = now_ns
        level = value if self._smooth is None else self._smooth.add(now_ns, value)
        if self.state.is_raised:
            return self._step_raised(now_ns, passed_ns, level, is_quiet=is_quiet)
        return self._step_cleared(now_ns, passed_ns, level, is_quiet=is_quiet)

    def stop(self, now_ns: int) -> AlertChange | None:
        """Clear it because the box ends; None if it was not raised."""
        if not self.state.is_raised:
            return None
        return self._clear(now_ns, Reason.STOPPED, self.state.level)

    def _passed_ns(self, now_ns: int, last_ns: int | None) -> int:
        """Return the time since the known tick before, as far as it counts."""
        if self._known_ns is None:
            return 0
        is_next = self._known_ns == last_ns
        passed_ns = now_ns - self._known_ns
        return passed_ns if is_next or passed_ns <= BRIDGE_NS else 0

    def _value(self, record: AffectRecord) -> float | None:
        if not has_people(record, self._rule.min_people):
            return None
        known = [v for v in (signal(name, record) for name in self._rule.signals) if v is not None]
        if not known:
            return None
        return max(known) if self._is_above else min(known)

    def _step_unknown(self, now_ns: int, *, is_quiet: bool) -> AlertChange | None:
        hold_ns = self._rule.unknown_hold_s * NS_PER_S
        is_too_long = self._known_ns is None or now_ns - self._known_ns >= hold_ns
        if is_too_long:
            self._forget()
        if not self.state.is_raised:
            return None
        if is_too_long:
            return self._clear(now_ns, Reason.NO_DATA, None)
        return self._clear(now_ns, Reason.QUIET_HOURS, self.state.level) if is_quiet else None

    def _step_cleared(
        self, now_ns: int, passed_ns: int, level: float, *, is_quiet: bool
    ) -> AlertChange | None:
        usual = self._usual.add(now_ns, level)
        moved = level - usual if self._is_above else usual - level
        is_met = self._is_beyond(level, self._rule.threshold) and (
            moved >= self._rule.change - _TINY
        )
        self._met_ns = self._met_ns + passed_ns if is_met and self._is_met else 0
        self._is_met = is_met
        if not is_met or is_quiet or self._met_ns < self._rule.dwell_s * NS_PER_S:
            return None
        is_refractory = (
            self._cleared_ns is not None
            and now_ns - self._cleared_ns < self._rule.refractory_s * NS_PER_S
        )
        return None if is_refractory else self._raise(now_ns, level)

    def _step_raised(
        self, now_ns: int, passed_ns: int, level: float, *, is_quiet: bool
    ) -> AlertChange | None:
        if is_quiet:
            return self._clear(now_ns, Reason.QUIET_HOURS, level)
        was_over, self._is_over = self._is_over, not self._is_strictly_beyond(level)
        if self._is_over:
            self._over_ns = self._over_ns + passed_ns if was_over else 0
            if self._over_ns >= self._rule.clear_after_s * NS_PER_S:
                return self._clear(now_ns, Reason.OVER, level)
        else:
            self._over_ns = 0
            self._lasted_ns += passed_ns if not was_over else 0
            steps, following = self._named.steps, self.state.escalation + 1
            if following < len(steps) and self._lasted_ns >= steps[following].after_s * NS_PER_S:
                return self._tell(Change.ESCALATED, now_ns, level, following)
        if self._rule.follow and abs(level - self._told) >= _FOLLOW_STEP - _TINY:
            return self._tell(Change.LEVEL, now_ns, level, self.state.escalation)
        return None

    def _is_beyond(self, level: float, limit: float) -> bool:
        return level >= limit - _TINY if self._is_above else level <= limit + _TINY

    def _is_strictly_beyond(self, level: float) -> bool:
        """Return whether a raised alert is not over: further towards alarm than ``clear``."""
        clear = self._rule.clear
        return level > clear + _TINY if self._is_above else level < clear - _TINY

    def _raise(self, now_ns: int, level: float) -> AlertChange:
        self._is_over, self._over_ns, self._lasted_ns = False, 0, 0
        self._raised_ns = now_ns
        return self._tell(Change.RAISED, now_ns, level, 0)

    def _tell(self, kind: Change, now_ns: int, level: float, escalation: int) -> AlertChange:
        self._told = level
        self.state = AlertState(
            name=self._named.name,
            is_raised=True,
            escalation=escalation,
            step=self._named.steps[escalation],
            level=round(level, 3),
            reason=None,
            raised_ns=self._raised_ns,
            changed_ns=now_ns,
        )
        return AlertChange(kind, self.state)

    def _clear(self, now_ns: int, reason: Reason, level: float | None) -> AlertChange:
        self._forget()
        self._cleared_ns = now_ns
        self.state = AlertState(
            name=self._named.name,
            is_raised=False,
            escalation=self.state.escalation,
            step=None,
            level=None if level is None else round(level, 3),
            reason=reason,
            raised_ns=self.state.raised_ns,
            changed_ns=now_ns,
        )
        return AlertChange(Change.CLEARED, self.state)
