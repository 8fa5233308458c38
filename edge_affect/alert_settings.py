"""What alert rules may say: the tables ``[alerts]`` and ``[alert.NAME]`` of the configuration.

Standard library only and beside ``config``, so that the rules can be checked where the file is
read, and be carried out in ``alerting`` without importing the configuration.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, fields, replace
from typing import Any

from edge_affect.errors import ConfigError, shown
from edge_affect.keys import checked_value, example_lines, key, nearest, section
from edge_affect.record import EVENTS, EXPRESSIONS, N_PHRASES, STATES

SIGNALS: tuple[str, ...] = (
    *EXPRESSIONS,
    "valence", "arousal", "valence_relative", "arousal_relative",
    *STATES,
    *EVENTS,
    "polarity", "speech_share", "distress",
    *(f"phrase_{slot}" for slot in range(1, N_PHRASES + 1)),
)  # fmt: skip
"""What a rule can watch; see ``alerting.signals`` for the range of each."""
SEVERITIES: tuple[str, ...] = ("info", "prompt", "warn", "urgent")
MAX_RULES = 32
MAX_STEPS = 5
_NAME = r"[a-z0-9][a-z0-9-]{0,31}"
_QUIET = r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts, sound-event messages and trend; rules stand in [alert.NAME], see docs/alerts.md."""

    enabled: bool = key(
        True,  # noqa: FBT003 (the default comes first for every key)
        "raise alerts; sound-event messages come even without",
    )
    preset: str = key(
        "setting",
        "which ready-made rules: those of [deployment] setting, of another setting, or none",
        choices=(
            "setting", "none", "home", "kiosk", "retail", "venue", "contact-centre", "care",
            "research", "classroom", "workplace",
        ),
    )  # fmt: skip
    quiet_hours: str = key(
        "", "local time without alerts, such as 22:00-06:30; no effect while the clock is unset"
    )
    event_start: float = key(
        0.5, "a sound event starts at this level", low=0.05, high=1.0
    )  # fmt: skip
    event_end: float = key(0.4, "and ends at or below this level", low=0.0, high=1.0)
    event_hold_s: float = key(
        1.0, "or when it was not sensed for this long", unit="s", low=0.0, high=60.0
    )
    trend: bool = key(
        True,  # noqa: FBT003 (the default comes first for every key)
        "publish trend and forecast",
    )


@dataclass(frozen=True, slots=True)
class AlertStep:
    """What an alert says once it has lasted for so long."""

    after_s: float = key(
        0.0, "time the condition must have lasted since raising", unit="s", low=0.0, high=86_400.0
    )
    severity: str = key("warn", "how grave it is", choices=SEVERITIES)
    message: str = key("", "one line for people; required")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule."""

    enabled: bool = key(
        True,  # noqa: FBT003 (the default comes first for every key)
        "false switches a ready-made rule off",
    )
    signals: tuple[str, ...] = key(
        ("anger",), "what is watched; of several, the one nearest to alarm counts", choices=SIGNALS
    )
    direction: str = key("above", "on which side alarm lies", choices=("above", "below"))
    threshold: float = key(0.5, "the condition holds from here on", low=-1.0, high=1.0)
    clear: float = key(0.3, "it is over from here on, on the calm side", low=-1.0, high=1.0)
    change: float = key(
        0.0, "it must be this far from what was usual to raise; 0 asks for none", low=0, high=2
    )
    change_over_s: float = key(
        30.0, "twice the half-life of what is usual", unit="s", low=1.0, high=600.0
    )  # fmt: skip
    smooth_half_life_s: float = key(
        0.0, "half-life of the smoothing before comparing", unit="s", low=0.0, high=60.0
    )
    dwell_s: float = key(
        3.0, "the condition must hold this long without a break", unit="s", low=0.0, high=3600.0
    )
    clear_after_s: float = key(
        3.0, "and be over this long", unit="s", low=0.0, high=3600.0
    )  # fmt: skip
    refractory_s: float = key(
        30.0, "after clearing it is not raised again for this long", unit="s", low=0, high=86_400
    )
    unknown_hold_s: float = key(
        10.0, "nothing known for this long clears it", unit="s", low=0.0, high=3600.0
    )
    min_people: int = key(
        0, "counts only while at least this many faces are present", low=0, high=20
    )
    follow: bool = key(
        False,  # noqa: FBT003 (the default comes first for every key)
        "while raised, say every change of the level, for light and sound effects",
    )
    ignore_quiet_hours: bool = key(
        False,  # noqa: FBT003 (the default comes first for every key)
        "raise it in quiet hours, too",
    )


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule as it is carried out.

    Attributes:
        name: Last level of its topic.
        rule: When it is raised and cleared.
        steps: What it says: one or more, ``after_s`` ascending from 0.
    """

    name: str
    rule: AlertRule
    steps: tuple[AlertStep, ...]

    def __post_init__(self) -> None:
        where = f"[alert.{self.name}]"
        rule = self.rule
        is_calmer = (
            rule.clear <= rule.threshold
            if rule.direction == "above"
            else rule.clear >= rule.threshold
        )
        if not is_calmer:
            side = "below" if rule.direction == "above" else "above"
            raise ConfigError(
                f"{where} clear is {rule.clear:g}, which is not {side} threshold "
                f"{rule.threshold:g}; an alert that is over must not be on the side of alarm."
            )
        if len(set(rule.signals)) < len(rule.signals):
            raise ConfigError(f"{where} signals names one twice.")
        if not 1 <= len(self.steps) <= MAX_STEPS:
            raise ConfigError(
                f"{where} has {len(self.steps)} steps; it must have 1 to {MAX_STEPS}."
            )
        times = [step.after_s for step in self.steps]
        if times[0] != 0.0 or any(b <= a for a, b in itertools.pairwise(times)):
            raise ConfigError(f"{where} steps must have after_s 0 first and ascend from there.")
        if not all(step.message for step in self.steps):
            raise ConfigError(f"{where} has a step without a message.")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of the day, in local time; it may go past midnight.

    Attributes:
        from_minute: First quiet minute of the day, 0 to 1439.
        to_minute: First minute that is not quiet any more, 0 to 1439.
    """

    from_minute: int
    to_minute: int

    def covers(self, minute: int) -> bool:
        """Return whether a minute of the day is quiet.

        >>> QuietHours(22 * 60, 6 * 60).covers(23 * 60), QuietHours(60, 120).covers(120)
        (True, False)
        """
        if self.from_minute <= self.to_minute:
            return self.from_minute <= minute < self.to_minute
        return minute >= self.from_minute or minute < self.to_minute


def quiet_hours(text: str) -> QuietHours | None:
    """Return the quiet hours that ``22:00-06:30`` stands for; None where there are none.

    Raises:
        ConfigError: If ``text`` is neither empty nor such a time.
    """
    if not text:
        return None
    found = re.fullmatch(_QUIET, text)
    if found is None or found[0][:5] == found[0][6:]:
        raise ConfigError(
            f"[alerts] quiet_hours is {shown(text)}; write local times such as 22:00-06:30."
        )
    hours = [int(part) for part in found.groups()]
    return QuietHours(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a file says of one rule.

    Attributes:
        name: Of the rule.
        values: Checked keys, by name.
        steps: Its steps, or None where the file names none.
    """

    name: str
    values: tuple[tuple[str, Any], ...]
    steps: tuple[AlertStep, ...] | None

    @property
    def is_whole(self) -> bool:
        """Whether this is enough for a rule of its own."""
        named = {name for name, _ in self.values}
        return {"signals", "threshold", "clear"} <= named and self.steps is not None

    def applied_to(self, base: NamedRule | None) -> NamedRule:
        """Return what a ready-made rule becomes, or a new one where ``base`` is None.

        Raises:
            ConfigError: If keys contradict each other.
        """
        if base is None:
            return NamedRule(self.name, AlertRule(**dict(self.values)), self.steps or ())
        rule = replace(base.rule, **dict(self.values))
        return NamedRule(self.name, rule, base.steps if self.steps is None else self.steps)


def check_alerts(settings: Alerts) -> None:
    """Check what no single key of [alerts] can tell.

    Raises:
        ConfigError: If thresholds or quiet hours make no sense.
    """
    quiet_hours(settings.quiet_hours)
    if settings.event_end > settings.event_start:
        raise ConfigError(
            f"[alerts] event_end is {settings.event_end:g}; it must not be above "
            f"event_start, which is {settings.event_start:g}."
        )


def rule_changes(tables: Any, where: str) -> tuple[RuleChange, ...]:
    """Return what a file says under ``[alert.NAME]``, key by key checked.

    Args:
        tables: Value of ``alert`` in the file.
        where: Name of the file, for messages.

    Raises:
        ConfigError: If a name or key is unknown, or a value of the wrong type or out of range.
    """
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise ConfigError(f"{where}: rules are tables of their own, written as [alert.NAME].")
    return tuple(
        _change(name, values, f"{where}, [alert.{name}]") for name, values in tables.items()
    )


def _change(name: str, values: dict[str, Any], where: str) -> RuleChange:
    if not re.fullmatch(_NAME, name):
        raise ConfigError(f"{where} has a name that is not small letters, digits and -.")
    known = {f.name: f for f in fields(AlertRule)}
    checked: list[tuple[str, Any]] = []
    for item, value in values.items():
        if item == "steps":
            continue
        if item not in known:
            raise ConfigError(
                f"{where} has an unknown key {shown(item)}{nearest(item, [*known, 'steps'])}"
            )
        rule = known[item].metadata["rule"]
        checked.append((item, checked_value(known[item].default, rule, value, f"{where} {item}")))
    return RuleChange(name, tuple(checked), _steps(values.get("steps"), where))


def _steps(values: Any, where: str) -> tuple[AlertStep, ...] | None:
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ConfigError(f"{where} steps must be a list of tables.")
    return tuple(section(AlertStep, value, f"{where} steps") for value in values)


def rule_example() -> list[str]:
    """Return the lines of the annotated example that explain [alert.NAME], all commented out."""
    lines = [
        "# Alert rules. Name a ready-made one (edge-affect alerts list) to change what differs,",
        "# or a new one with at least signals, threshold, clear and steps.",
        "# [alert.rising-anger]",
    ]
    lines += example_lines(AlertRule, is_commented=True)
    step = '{ after_s = 0.0, severity = "warn", message = "Expressed anger is rising." }'
    return [
        *lines,
        f"## what it says, step by step ({', '.join(SEVERITIES)})",
        f"# steps = [{step}]",
    ]
