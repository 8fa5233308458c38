"""Where the box must not run, as a table of rules with their articles. No legal advice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge_affect.config import (
    EXCEPTIONS,
    GROUP_SETTINGS,
    JURISDICTIONS,
    SETTINGS,
    Config,
    Deployment,
)
from edge_affect.errors import ConfigError, PolicyError


class Effect(Enum):
    """What a rule does."""

    REFUSE = "refuse"
    GROUP_ONLY = "group values only"
    ONE_CHANNEL = "one chosen audio channel only"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the policy.

    Attributes:
        settings: Where it applies.
        jurisdictions: Under whose law.
        effect: What it does.
        lifted_by: Declared exceptions under which it does not apply.
        source: Article and date, or the reason of this project.
    """

    settings: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    effect: Effect
    lifted_by: tuple[str, ...]
    source: str


RULES: tuple[Rule, ...] = (
    Rule(
        settings=("classroom", "workplace"),
        jurisdictions=("EU",),
        effect=Effect.REFUSE,
        lifted_by=("medical", "safety"),
        source=(
            "Article 5(1)(f) of the EU AI Act (Regulation 2024/1689), in force since "
            "2 February 2025, prohibits inferring emotions at work and in education"
        ),
    ),
    Rule(
        settings=GROUP_SETTINGS,
        jurisdictions=JURISDICTIONS,
        effect=Effect.GROUP_ONLY,
        lifted_by=tuple(filter(None, EXCEPTIONS)),
        source="pupils and employees cannot freely refuse, so only groups are described",
    ),
    Rule(
        settings=("contact-centre",),
        jurisdictions=JURISDICTIONS,
        effect=Effect.ONE_CHANNEL,
        lifted_by=(),
        source="only the customer's channel may be analysed, never the employee's",
    ),
)


def applying(deployment: Deployment) -> tuple[Rule, ...]:
    """Return the rules that apply to a deployment."""
    return tuple(
        rule
        for rule in RULES
        if deployment.setting in rule.settings
        and deployment.jurisdiction in rule.jurisdictions
        and deployment.exception not in rule.lifted_by
    )


def check_live(config: Config) -> None:
    """Let a live capture pass, or refuse it.

    Raises:
        ConfigError: If the deployment is not declared, or no channel is chosen where one must be.
        PolicyError: If a rule refuses; the message names the article.
    """
    deployment = config.deployment
    for name in ("setting", "jurisdiction", "purpose", "contact"):
        if not getattr(deployment, name):
            raise ConfigError(
                f"[deployment] {name} is not set; live capture needs setting "
                f"({', '.join(SETTINGS)}), jurisdiction ({', '.join(JURISDICTIONS)}), "
                "purpose and contact."
            )
    for rule in applying(deployment):
        if rule.effect is Effect.REFUSE:
            raise PolicyError(
                f"Refused: {rule.source}; this box is declared as a {deployment.setting} in "
                f"{deployment.jurisdiction}. Medical or safety reasons, where they exist, are "
                "declared with [deployment] exception."
            )
    if config.audio.source == "microphone":
        check_channel(config)


def check_channel(config: Config) -> None:
    """Let sound be analysed, live or recorded, or refuse it where one channel must be chosen.

    Raises:
        ConfigError: If the setting allows one channel alone and none is chosen.
    """
    setting = config.deployment.setting
    if config.audio.channel > 0:
        return
    for rule in RULES:
        if rule.effect is Effect.ONE_CHANNEL and setting in rule.settings:
            raise ConfigError(
                f"[audio] channel is 0, but in a {setting} {rule.source}; "
                "set it to that channel's number, from 1."
            )
