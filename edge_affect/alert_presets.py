"""Ready-made alert rules, and which of them a deployment setting gets.

Thresholds were set by hand for what a record can show, in steps of 1/15, 1/14 and 1/6, and tried
on the development half of the scenarios and voices; ``docs/alerts.md`` has the figures of the
other half.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge_affect.alert_settings import MAX_RULES, AlertRule, Alerts, AlertStep, NamedRule
from edge_affect.errors import ConfigError
from edge_affect.keys import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.alert_settings import RuleChange


def _effect(event: str, message: str) -> NamedRule:
    """Return a rule for light and sound: at once, following the level, soon ready again.

    From one half on an event is going on, says sensing, which has smoothed and waited already.
    """
    rule = AlertRule(
        signals=(event,), threshold=0.5, clear=0.4, dwell_s=0.0, clear_after_s=0.4,
        refractory_s=0.0, unknown_hold_s=1.0, follow=True,
    )  # fmt: skip
    return NamedRule(event, rule, (AlertStep(0.0, "info", message),))


_RISING_ANGER = NamedRule(
    "rising-anger",
    AlertRule(
        signals=("anger",), threshold=0.4, clear=0.25, change=0.2, change_over_s=30.0,
        smooth_half_life_s=1.5, dwell_s=3.0, clear_after_s=5.0, refractory_s=30.0,
    ),
    (
        AlertStep(0.0, "warn", "Expressed anger is rising."),
        AlertStep(15.0, "urgent", "Expressed anger has lasted; somebody should step in."),
    ),
)  # fmt: skip
_RISING_ANXIETY = NamedRule(
    "rising-anxiety",
    AlertRule(
        signals=("anxiety",), threshold=0.55, clear=0.4, change=0.2, change_over_s=30.0,
        smooth_half_life_s=2.0, dwell_s=4.0, clear_after_s=5.0, refractory_s=60.0,
    ),
    (
        AlertStep(0.0, "warn", "Expressed anxiety is rising."),
        AlertStep(20.0, "urgent", "Expressed anxiety has lasted; somebody should look after it."),
    ),
)  # fmt: skip
_CONFUSED = NamedRule(
    "confused",
    AlertRule(
        signals=("confusion",), threshold=0.55, clear=0.4, smooth_half_life_s=2.0, dwell_s=5.0,
        clear_after_s=5.0, refractory_s=60.0,
    ),
    (AlertStep(0.0, "prompt", "Somebody seems confused; offer help."),),
)  # fmt: skip
_MAJORITY_CONFUSED = NamedRule(
    "majority-confused",
    replace(_CONFUSED.rule, threshold=0.5, clear=0.35, min_people=2, dwell_s=6.0),
    (AlertStep(0.0, "prompt", "Most people seem confused; explain again or ask."),),
)
_ATTENTION_COLLAPSE = NamedRule(
    "attention-collapse",
    AlertRule(
        signals=("attention",), direction="below", threshold=0.35, clear=0.5, change=0.25,
        change_over_s=60.0, smooth_half_life_s=2.0, dwell_s=8.0, clear_after_s=5.0,
        refractory_s=120.0,
    ),
    (AlertStep(0.0, "prompt", "Attention has collapsed; change something or take a break."),),
)  # fmt: skip
_DISTRESS = NamedRule(
    "distress",
    AlertRule(
        signals=("distress",), threshold=0.53, clear=0.4, smooth_half_life_s=8.0, dwell_s=15.0,
        clear_after_s=10.0, refractory_s=60.0, ignore_quiet_hours=True,
    ),
    (
        AlertStep(0.0, "warn", "Signs of distress have lasted; please check."),
        AlertStep(45.0, "urgent", "Signs of distress go on; somebody should go there now."),
    ),
)  # fmt: skip
_LAUGHTER = _effect("laughter", "People laugh.")
_APPLAUSE = _effect("applause", "People applaud.")
_CHEERING = _effect("cheering", "People cheer.")

RULES: tuple[NamedRule, ...] = (
    _RISING_ANGER, _RISING_ANXIETY, _CONFUSED, _MAJORITY_CONFUSED, _ATTENTION_COLLAPSE, _DISTRESS,
    _LAUGHTER, _APPLAUSE, _CHEERING,
)  # fmt: skip
PRESETS: dict[str, tuple[NamedRule, ...]] = {
    "home": (_RISING_ANGER, _RISING_ANXIETY, _DISTRESS, _LAUGHTER),
    "kiosk": (_CONFUSED, _RISING_ANGER),
    "retail": (_CONFUSED, _RISING_ANGER),
    "venue": (_LAUGHTER, _APPLAUSE, _CHEERING, _ATTENTION_COLLAPSE),
    "contact-centre": (_RISING_ANGER, _RISING_ANXIETY, _DISTRESS),
    "care": (_DISTRESS, _RISING_ANXIETY, _RISING_ANGER),
    "research": RULES,
    "classroom": (_MAJORITY_CONFUSED, _ATTENTION_COLLAPSE),
    # No alert on attention or anger at work: it would be a tool to watch over employees.
    "workplace": (_MAJORITY_CONFUSED,),
    "none": (),
    # Nothing is declared in a replay or a demonstration.
    "": RULES,
}


def rules_in_effect(
    settings: Alerts,
    setting: str,
    changes: Sequence[RuleChange],
    said: Sequence[NamedRule] = (),
) -> tuple[NamedRule, ...]:
    """Return the rules that a configuration asks for, in their order; none if alerts are off.

    Args:
        settings: Table ``[alerts]``.
        setting: Of the deployment, or empty.
        said: Rules of the configured phrases.
        changes: What ``[alert.NAME]`` says: of ready-made rules what differs, of others all.

    Raises:
        ConfigError: If a rule contradicts itself, is incomplete, or there are too many.
    """
    preset = setting if settings.preset == "setting" else settings.preset
    ready_made = {rule.name: rule for rule in RULES}
    for rule in said:
        if rule.name in ready_made:
            raise ConfigError(
                f"[phrase.{rule.name}] has the name of a ready-made alert; give it another."
            )
    rules = {rule.name: rule for rule in (*PRESETS[preset], *said)}
    ready_made |= {rule.name: rule for rule in said}
    for change in changes:
        if change.name not in ready_made and not change.is_whole:
            raise ConfigError(
                f"[alert.{change.name}] lacks signals, threshold, clear or steps, which a new rule "
                f"needs, and it is no ready-made one{nearest(change.name, ready_made)}"
            )
        rules[change.name] = change.applied_to(rules.get(change.name, ready_made.get(change.name)))
    kept = tuple(rule for rule in rules.values() if rule.rule.enabled)
    if len(kept) > MAX_RULES:
        raise ConfigError(f"There are {len(kept)} alert rules; at most {MAX_RULES} are allowed.")
    return kept if settings.enabled else ()
