"""What the policy makes of a deployment, in words and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.anonymity import AGGREGATE_WINDOW_S
from edge_affect.errors import ConfigError, PolicyError
from edge_affect.privacy import policy

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.privacy.notes import Note
    from edge_affect.privacy.rules import Rule

DISCLAIMER = (
    "This says what the software does and which rules its makers know of. It is not legal advice, "
    "and it is not complete; ask somebody who may give such advice before you start."
)
WIDTH = 88


@dataclass(frozen=True, slots=True)
class Explanation:
    """What applies to one deployment.

    Attributes:
        setting: Where.
        jurisdiction: Under whose law.
        exception: Declared, or empty.
        is_refused: Whether live capture is refused.
        problem: Why this configuration would not start, or empty.
        min_people: Nothing is said about fewer people.
        group: How a group is told, a sentence each; empty where single people may be.
        rules: That apply; where the box is refused, the one that refuses.
        lifted: That would, but for the exception.
        notes: Hints for the operator.
    """

    setting: str
    jurisdiction: str
    exception: str
    is_refused: bool
    problem: str
    min_people: int
    group: tuple[str, ...]
    rules: tuple[Rule, ...]
    lifted: tuple[Rule, ...]
    notes: tuple[Note, ...]

    @property
    def outcome(self) -> str:
        """One line: refused, or what is allowed."""
        if self.is_refused:
            return "refused"
        effects = [rule.effect.value for rule in self.rules]
        return "allowed" + (f", {', '.join(effects)}" if effects else "")

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "setting": self.setting,
            "jurisdiction": self.jurisdiction,
            "exception": self.exception or None,
            "refused": self.is_refused,
            "outcome": self.outcome,
            "problem": self.problem or None,
            "min_people": self.min_people,
            "group": list(self.group),
            "rules": [_rule(rule) for rule in self.rules],
            "lifted_by_exception": [_rule(rule) for rule in self.lifted],
            "notes": [
                {"text": note.text, "source": note.source, "since": note.since or None}
                for note in self.notes
            ],
            "legal_advice": False,
            "disclaimer": DISCLAIMER,
        }

    def as_text(self) -> str:
        """Return all of it as lines for people."""
        where = f"{self.setting} in {self.jurisdiction}"
        declared = f", exception declared: {self.exception}" if self.exception else ""
        lines = [f"{where}{declared}: {self.outcome}.", "", "What the box does here"]
        for rule in self.rules:
            lines += _item(f"{rule.effect.value}: {rule.source}.")
        for rule in self.lifted:
            lines += _item(f"lifted by the exception: {rule.effect.value} ({rule.source}).")
        if self.min_people > 1 and not self.is_refused:
            lines += [line for said in self.group for line in _item(said)]
        if not (self.rules or self.lifted or self.min_people > 1):
            lines += _item("no rule limits it here.")
        if self.problem and not self.is_refused:
            lines += _item(f"this configuration does not start: {self.problem}")
        lines += ["", "What you should know"]
        for note in self.notes:
            since = f", since {note.since}" if note.since else ""
            lines += _item(f"{note.text} [{note.source}{since}]")
        return "\n".join([*lines, "", *textwrap.wrap(DISCLAIMER, WIDTH)])


def explain(config: Config) -> Explanation:
    """Return what applies to a configuration whose setting and jurisdiction are declared.

    Raises:
        ConfigError: If one of the two is not.
    """
    deployment = config.deployment
    if not (deployment.setting and deployment.jurisdiction):
        raise ConfigError(
            "Nothing applies yet: [deployment] setting and jurisdiction are not both set."
        )
    problem = ""
    try:
        policy.check_live(config)
    except (ConfigError, PolicyError) as error:
        problem = str(error)
    refusal = policy.refusal(deployment)
    return Explanation(
        setting=deployment.setting,
        jurisdiction=deployment.jurisdiction,
        exception=deployment.exception,
        is_refused=refusal is not None,
        problem=problem,
        min_people=config.min_people,
        group=() if refusal else _group(config),
        rules=policy.applying(deployment) if refusal is None else (refusal,),
        lifted=policy.lifted(deployment),
        notes=policy.notes(deployment, has_words=config.words.enabled),
    )


def _group(config: Config) -> tuple[str, ...]:
    if config.min_people <= 1:
        return ()
    privacy = config.privacy
    opening = (
        f"a group is told once {config.group_opens_at} readable faces have stayed in sight for "
        f"{privacy.group_rest_s:g} s, and no longer when fewer than {config.min_people} count."
    )
    noise = (
        f"it is told as noisy means over {AGGREGATE_WINDOW_S // 60} minutes, the first of them "
        "24 hours after a start."
    )
    return (opening, noise) if privacy.is_aggregated else (opening,)


def _rule(rule: Rule) -> dict[str, Any]:
    return {"effect": rule.effect.value, "source": rule.source, "since": rule.since or None}


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
