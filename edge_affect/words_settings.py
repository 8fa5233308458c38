"""What the configuration says about words: the tables ``[words]`` and ``[phrase.NAME]``.

Standard library only and beside ``config``, so that the publisher knows the names of the phrases
without importing anything that could hear them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from edge_affect.alert_settings import SEVERITIES, AlertRule, AlertStep, NamedRule
from edge_affect.errors import ConfigError, shown
from edge_affect.keys import checked_value, example_lines, key, nearest
from edge_affect.record import N_PHRASES

ENGINES: tuple[str, ...] = ("pocketsphinx", "vosk", "sherpa-onnx", "moonshine")
LISTENING: tuple[str, ...] = ("phrases", "commands", "dictation")
MAX_SAYINGS = 8
MAX_SAYING_CHARACTERS = 80
_NAME = r"[a-z0-9][a-z0-9-]{0,24}"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, off by default; phrases stand in [phrase.NAME], see docs/words.md."""

    enabled: bool = key(False, "recognise words; needs the extra [words]")  # noqa: FBT003 (the default comes first for every key)
    engine: str = key(
        "pocketsphinx",
        "what recognises speech; all but pocketsphinx need a model",
        choices=ENGINES,
    )
    language: str = key("en", "what is spoken", choices=("en", "zh"))
    model: str = key("", "folder of the engine's model; empty for the one inside pocketsphinx")
    lexicon: str = key("", "file of emotion words of your own; empty for the one that ships")
    listen_for: str = key(
        "phrases",
        "of pocketsphinx: phrases in running speech, commands and nothing else, or dictation",
        choices=LISTENING,
    )
    max_utterance_s: float = key(
        8.0, "speech without a pause is cut here", unit="s", low=2.0, high=20.0
    )
    pause_s: float = key(0.6, "silence that ends an utterance", unit="s", low=0.2, high=3.0)
    half_life_s: float = key(
        4.0, "half-life of an utterance's weight as it ages", unit="s", low=0.2, high=60.0
    )
    max_age_s: float = key(
        8.0, "utterances older than this count for nothing", unit="s", low=0.5, high=120.0
    )


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase that is listened for.

    Attributes:
        name: Last level of its topic; what is said never leaves.
        say: What people may say, one to eight sayings.
        severity: Of its alert.
        message: Of its alert, one line for people.
    """

    name: str
    say: tuple[str, ...]
    severity: str
    message: str

    def rule(self, slot: int) -> NamedRule:
        """Return the ready-made alert rule of this phrase.

        Args:
            slot: Its place in the record, from 1.
        """
        rule = AlertRule(
            signals=(f"phrase_{slot}",), threshold=0.5, clear=0.4, dwell_s=0.0,
            clear_after_s=1.0, refractory_s=0.0, unknown_hold_s=5.0,
        )  # fmt: skip
        return NamedRule(self.name, rule, (AlertStep(0.0, self.severity, self.message),))


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys of ``[phrase.NAME]``."""

    say: tuple[str, ...] = key(("cancel my contract",), "what people may say, small letters")
    severity: str = key("info", "how grave it is", choices=SEVERITIES)
    message: str = key("", "one line for people; empty names the phrase")


def phrases(tables: Any, where: str) -> tuple[Phrase, ...]:
    """Return what a file says under ``[phrase.NAME]``, in its order, which is that of the slots.

    Raises:
        ConfigError: If a name or key is unknown, or a value of the wrong type or out of range.
    """
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise ConfigError(f"{where}: phrases are tables of their own, written as [phrase.NAME].")
    if len(tables) > N_PHRASES:
        raise ConfigError(f"{where} has {len(tables)} phrases; a record holds {N_PHRASES}.")
    return tuple(
        _phrase(name, values, f"{where}, [phrase.{name}]") for name, values in tables.items()
    )


def _phrase(name: str, values: dict[str, Any], where: str) -> Phrase:
    if not re.fullmatch(_NAME, name):
        raise ConfigError(f"{where} has a name that is not small letters, digits and -.")
    known = {f.name: f for f in fields(_Keys)}
    checked: dict[str, Any] = {}
    for item, value in values.items():
        if item not in known:
            raise ConfigError(f"{where} has an unknown key {shown(item)}{nearest(item, known)}")
        rule = known[item].metadata["rule"]
        checked[item] = checked_value(known[item].default, rule, value, f"{where} {item}")
    if "say" not in checked:
        raise ConfigError(f"{where} lacks say, a list of what people may say.")
    sayings = tuple(" ".join(saying.lower().split()) for saying in checked["say"])
    if len(sayings) > MAX_SAYINGS:
        raise ConfigError(f"{where} say has {len(sayings)} sayings; at most {MAX_SAYINGS}.")
    for saying in sayings:
        if not 3 <= len(saying) <= MAX_SAYING_CHARACTERS and saying.isascii():
            raise ConfigError(
                f"{where} say: a saying has 3 to {MAX_SAYING_CHARACTERS} characters; shorter ones "
                "are heard where nobody said them."
            )
        if not saying or any(not (c.isalpha() or c in " '") for c in saying):
            raise ConfigError(
                f"{where} say has {shown(saying)}; write words with letters, spaces and ' only, "
                "numbers in words."
            )
    message = checked.get("message") or f"A phrase was said: {name}."
    return Phrase(name, sayings, checked.get("severity", "info"), message)


def check_words(words: Words, found: tuple[Phrase, ...]) -> None:
    """Check what no single key can tell.

    Raises:
        ConfigError: If what is asked for cannot be done.
    """
    if not words.enabled:
        return
    if words.engine == "pocketsphinx":
        if words.language != "en" and not words.model:
            raise ConfigError(
                "[words] language is not en, but pocketsphinx brings a model for English alone; "
                "name another engine and its model."
            )
        if words.listen_for != "dictation" and not found:
            raise ConfigError(
                f"[words] listen_for is {words.listen_for}, but there is no [phrase.NAME]."
            )
    elif not words.model:
        raise ConfigError(
            f"[words] engine {words.engine} needs a model; name its folder with model."
        )
    if words.max_age_s < words.half_life_s:
        raise ConfigError("[words] max_age_s is below half_life_s.")


def phrase_example() -> list[str]:
    """Return the lines of the annotated example that explain [phrase.NAME], all commented out."""
    return [
        "# Phrases to listen for, at most eight; each raises the alert of its name. What is said",
        "# never leaves the sensing process, the name does.",
        "# [phrase.cancellation]",
        *example_lines(_Keys, is_commented=True),
    ]
