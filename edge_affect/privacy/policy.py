"""Whether the box may start where it stands: the rules applied to a configuration.

Sensing asks before its cage is closed, when numpy and its threads must not be there yet: nothing
here may import them.
"""

from __future__ import annotations

from edge_affect.config import JURISDICTIONS, SETTINGS, Config, Deployment
from edge_affect.errors import ConfigError, PolicyError
from edge_affect.privacy.notes import NOTES, Note
from edge_affect.privacy.rules import RULES, Effect, Rule


def applying(deployment: Deployment) -> tuple[Rule, ...]:
    """Return the rules that apply to a deployment."""
    return tuple(
        rule
        for rule in RULES
        if deployment.setting in rule.settings
        and deployment.jurisdiction in rule.jurisdictions
        and deployment.exception not in rule.lifted_by
    )


def lifted(deployment: Deployment) -> tuple[Rule, ...]:
    """Return the rules that would apply but for the declared exception."""
    return tuple(
        rule
        for rule in RULES
        if deployment.setting in rule.settings
        and deployment.jurisdiction in rule.jurisdictions
        and deployment.exception in rule.lifted_by
    )


def notes(deployment: Deployment, *, has_words: bool = False) -> tuple[Note, ...]:
    """Return the hints for a deployment, those on words where they are recognised."""
    return tuple(
        note
        for note in NOTES
        if deployment.setting in note.settings
        and deployment.jurisdiction in note.jurisdictions
        and (deployment.exception or not note.needs_exception)
        and (has_words or not note.needs_words)
    )


def refusal(deployment: Deployment) -> Rule | None:
    """Return the rule that refuses a deployment, or None."""
    return next((rule for rule in applying(deployment) if rule.effect is Effect.REFUSE), None)


def check_live(config: Config) -> None:
    """Let a live capture pass, or refuse it.

    Raises:
        ConfigError: If the deployment is not declared, or does not fit what a rule asks for.
        PolicyError: If a rule refuses; the message names the article.
    """
    _check_declared(config.deployment, "live capture")
    _check_allowed(config.deployment)
    if config.audio.source == "microphone":
        check_channel(config)
    check_words(config)
    _check_camera(config)
    _check_group(config)


def check_recordings(config: Config) -> None:
    """Let recordings be analysed, or refuse it; where nothing is declared, no rule applies.

    Raises:
        ConfigError: If the deployment is declared in part, or phrases are asked for without a
            legal basis, or noise, which whoever analyses a recording again and again would
            average away.
        PolicyError: If a rule refuses; the message names the article.
    """
    deployment = config.deployment
    if deployment.setting or deployment.jurisdiction:
        _check_declared(deployment, "analysing recordings for a declared place")
        _check_allowed(deployment)
    check_group(config)
    check_words(config)
    if config.insights.phrases and not config.deployment.legal_basis.strip():
        raise ConfigError(
            "[insights] phrases is true, but [deployment] legal_basis is empty: say on what legal "
            "basis what people said is looked through."
        )
    if config.privacy.is_aggregated:
        raise ConfigError(
            "[privacy] aggregate_epsilon is above 0, but the same recording can be analysed again "
            "and again, which averages the noise away; set it to 0, or analyse live."
        )


def has_rule(deployment: Deployment, effect: Effect) -> bool:
    """Return whether a rule of this effect applies, whatever the jurisdiction is said to be."""
    return any(
        rule.effect is effect
        and deployment.setting in rule.settings
        and deployment.exception not in rule.lifted_by
        for rule in RULES
    )


def _check_declared(deployment: Deployment, what: str) -> None:
    for name in ("setting", "jurisdiction", "purpose", "contact"):
        if not getattr(deployment, name):
            raise ConfigError(
                f"[deployment] {name} is not set; {what} needs setting "
                f"({', '.join(SETTINGS)}), jurisdiction ({', '.join(JURISDICTIONS)}), "
                "purpose and contact."
            )


def _check_allowed(deployment: Deployment) -> None:
    rule = refusal(deployment)
    if rule is not None:
        raise PolicyError(
            f"Refused: {rule.source}; this box is declared as a {deployment.setting} in "
            f"{deployment.jurisdiction}. Medical or safety reasons, where they exist, are "
            "declared with [deployment] exception."
        )


def check_words(config: Config) -> None:
    """Let words be recognised, live or recorded, or refuse it.

    Raises:
        PolicyError: If a rule of the setting forbids it.
        ConfigError: If only groups are told, which words are no part of.
    """
    if not config.words.enabled:
        return
    deployment = config.deployment
    if has_rule(deployment, Effect.NO_WORDS):
        source = next(rule.source for rule in RULES if rule.effect is Effect.NO_WORDS)
        raise PolicyError(
            f"Refused: [words] is enabled, but in a {deployment.setting} {source}; "
            "set [words] enabled to false."
        )
    if config.min_people > 1:
        raise ConfigError(
            f"[words] is enabled, but only groups of {config.min_people} people and more are "
            "told here, and words are somebody's; set [words] enabled to false."
        )


def _check_camera(config: Config) -> None:
    for rule in applying(config.deployment):
        if rule.effect is Effect.NO_CAMERA and config.video.source != "none":
            raise ConfigError(
                f"[video] source is {config.video.source!r}, but in a "
                f'{config.deployment.setting} {rule.source}; set it to "none".'
            )


def _check_group(config: Config) -> None:
    check_group(config)
    if config.min_people > 1 and config.video.source == "none":
        raise ConfigError(
            f"Groups from {config.min_people} people on are counted by their faces, but [video] "
            "source is none: nothing would ever be published."
        )


def check_group(config: Config) -> None:
    """Refuse a group that could never be told.

    Raises:
        ConfigError: If it takes more faces than are followed, or one value costs more than a day
            allows.
    """
    if config.min_people <= 1:
        return
    if config.group_opens_at > config.face.max_faces:
        raise ConfigError(
            f"A group is told from {config.group_opens_at} faces on ([privacy] min_people plus "
            f"group_margin), but [face] max_faces is {config.face.max_faces}."
        )
    privacy = config.privacy
    if privacy.is_aggregated and privacy.aggregate_epsilon > privacy.aggregate_daily_epsilon:
        raise ConfigError(
            f"[privacy] aggregate_epsilon {privacy.aggregate_epsilon:g} is more than "
            f"aggregate_daily_epsilon {privacy.aggregate_daily_epsilon:g}: nothing could leave."
        )


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
