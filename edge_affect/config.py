"""The one TOML file: every key, its unit, range and meaning, frozen and validated.

The dataclasses below are the single source: loading, checking, the annotated example of
``edge-affect config init`` and ``docs/configuration.md`` are all derived from them. The
module needs the standard library only, so that the publisher may import it.
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.alert_presets import rules_in_effect
from edge_affect.alert_settings import (
    Alerts,
    NamedRule,
    QuietHours,
    RuleChange,
    check_alerts,
    quiet_hours,
    rule_changes,
    rule_example,
)
from edge_affect.anonymity import GROUP_MIN_PEOPLE, Privacy
from edge_affect.broker_settings import Mqtt, check_mqtt
from edge_affect.camera_settings import Video, check_video
from edge_affect.config_changes import (
    CONFIG_VERSION,
    VERSION_KEY,
    refuse_old_keys,
    take_version,
)
from edge_affect.consent import Consent, Switches
from edge_affect.errors import ConfigError, InputMissingError
from edge_affect.insights_settings import Insights
from edge_affect.keys import example_lines, key, nearest, section
from edge_affect.own_models import Models
from edge_affect.smart_home import HomeAssistant, Homie, check_homie_name, node_id, other_topics
from edge_affect.sound_events_settings import Events
from edge_affect.words_settings import Phrase, Words, check_words, phrase_example, phrases

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

SETTINGS: tuple[str, ...] = (
    "home", "kiosk", "retail", "venue", "contact-centre", "care", "research", "classroom",
    "workplace",
)  # fmt: skip
JURISDICTIONS: tuple[str, ...] = ("EU", "UK", "US", "CN", "other")
GROUP_SETTINGS: tuple[str, ...] = ("classroom", "workplace")
"""Where only groups are described, unless a declared exception says otherwise."""
EXCEPTIONS: tuple[str, ...] = ("", "medical", "safety")
SPOOL_BYTES_PER_RECORD = 64
TOPIC_LEVEL = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the box stands and why; required for live devices, shown in the retained about."""

    setting: str = key("", "what kind of place this is", choices=("", *SETTINGS), example="home")
    jurisdiction: str = key("", "whose law applies", choices=("", *JURISDICTIONS), example="other")
    purpose: str = key(
        "", "why affect is sensed here, one line for people", example="demonstration"
    )
    contact: str = key("", "whom people can ask", example="owner@example.org")
    legal_basis: str = key("", "legal basis you rely on, one line for people")
    exception: str = key(
        "", "declared exception to a prohibition, shown in about", choices=EXCEPTIONS
    )


@dataclass(frozen=True, slots=True)
class Device:
    """The names in the topic ``edge-affect/<site>/<device>/``."""

    site: str = key("site", "first topic level", pattern=TOPIC_LEVEL)
    name: str = key("box", "second topic level", pattern=TOPIC_LEVEL)


@dataclass(frozen=True, slots=True)
class Audio:
    """The sound source."""

    source: str = key(
        "microphone", "where sound comes from", choices=("microphone", "synthetic", "none")
    )
    device: str = key(
        "",
        "usb:VENDOR:PRODUCT or card:ID as doctor lists them, or part of the microphone's name; "
        "empty takes the default one",
    )
    channel: int = key(0, "which channel to analyse, from 1; 0 mixes all to mono", low=0, high=32)


@dataclass(frozen=True, slots=True)
class Face:
    """Reading faces."""

    max_faces: int = key(20, "faces read in one frame at most", low=1, high=20)
    min_size_px: int = key(
        24, "faces narrower than this are counted but not read", unit="px", low=16, high=400
    )
    budget_ms: float = key(
        30.0,
        "processor time for the faces of one frame; those that do not fit take turns",
        unit="ms",
        low=5.0,
        high=1000.0,
    )


@dataclass(frozen=True, slots=True)
class Voice:
    """Reading voices."""

    min_speech_share: float = key(
        0.4, "a window with less speech than this is not read", low=0.05, high=1.0
    )
    min_level_db: float = key(
        -60.0, "sound below this level counts as silence", unit="dB full scale", low=-96, high=0
    )
    min_speech_probability: float = key(
        0.0,
        "the speech detector must be this sure to call a moment speech; 0 as its manifest says",
        low=0.0,
        high=0.95,
    )


@dataclass(frozen=True, slots=True)
class Fusion:
    """One answer from several modalities and from time."""

    smoothing_half_life_s: float = key(
        1.0,
        "half-life of what was seen and heard since the expression last changed; 0 smooths nothing",
        unit="s",
        low=0.0,
        high=30.0,
    )
    expression_half_life_s: float = key(
        10.0, "half-life of an expression before it changes", unit="s", low=0.5, high=300.0
    )
    face_half_life_s: float = key(
        0.5, "half-life of a face estimate's weight as it ages", unit="s", low=0.05, high=30.0
    )
    voice_half_life_s: float = key(
        1.5, "half-life of a voice estimate's weight as it ages", unit="s", low=0.05, high=30.0
    )
    max_age_s: float = key(
        3.0, "estimates older than this count for nothing", unit="s", low=0.2, high=60.0
    )
    baseline_first_s: float = key(
        3.0,
        "seconds of a face or voice before valence and arousal are told against its own normal",
        unit="s",
        low=0.0,
        high=600.0,
    )
    call_end_s: float = key(
        20.0,
        "silence that ends a call: what was normal for the voice is forgotten",
        unit="s",
        low=2.0,
        high=3600.0,
    )
    min_confidence: float = key(
        0.35, "below this the box abstains instead of guessing", low=0.0, high=1.0
    )


@dataclass(frozen=True, slots=True)
class Sensing:
    """The sensing process."""

    no_source_timeout_s: float = key(
        120.0,
        "leave with exit code 69 after no source has worked for this long",
        unit="s",
        low=5.0,
        high=86_400.0,
    )
    hot_c: float = key(
        75.0,
        "from this temperature on frames and models are slowed down, step by step",
        unit="degrees Celsius",
        low=40.0,
        high=110.0,
    )
    cpu_share: float = key(
        0.85,
        "the same beyond this share of the processors, or of the CPU quota where one is set",
        low=0.05,
        high=1.0,
    )


@dataclass(frozen=True, slots=True)
class Publish:
    """The publishing process."""

    tick_hz: float = key(
        1.0, "affect messages per second; 5 for stage effects", unit="Hz", low=0.2, high=5.0
    )
    queue_size: int = key(
        3600,
        "messages kept in memory while the broker is away; the oldest go first",
        low=1,
        high=100_000,
    )
    spool_dir: str = key(
        "",
        "folder for unsent messages, /var/lib/edge-affect-publish under systemd; empty for none",
    )
    spool_max_mb: int = key(
        8, "its size at most; 8 MB are 125000 messages", unit="MB", low=1, high=256
    )

    @property
    def max_unsent(self) -> int:
        """How many unsent records are kept at most; told in ``about``."""
        if not self.spool_dir:
            return self.queue_size
        # What is not on the disk yet, or cannot be written there, is in memory.
        return self.spool_max_mb * 1_000_000 // SPOOL_BYTES_PER_RECORD + self.queue_size


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration file, one attribute for each table."""

    deployment: Deployment = field(default_factory=Deployment)
    device: Device = field(default_factory=Device)
    audio: Audio = field(default_factory=Audio)
    video: Video = field(default_factory=Video)
    face: Face = field(default_factory=Face)
    voice: Voice = field(default_factory=Voice)
    events: Events = field(default_factory=Events)
    words: Words = field(default_factory=Words)
    fusion: Fusion = field(default_factory=Fusion)
    models: Models = field(default_factory=Models)
    privacy: Privacy = field(default_factory=Privacy)
    consent: Consent = field(default_factory=Consent)
    switches: Switches = field(default_factory=Switches)
    sensing: Sensing = field(default_factory=Sensing)
    publish: Publish = field(default_factory=Publish)
    mqtt: Mqtt = field(default_factory=Mqtt)
    home_assistant: HomeAssistant = field(default_factory=HomeAssistant)
    homie: Homie = field(default_factory=Homie)
    alerts: Alerts = field(default_factory=Alerts)
    insights: Insights = field(default_factory=Insights)
    alert: tuple[RuleChange, ...] = ()
    phrase: tuple[Phrase, ...] = ()

    @property
    def alert_rules(self) -> tuple[NamedRule, ...]:
        """The alert rules in effect: ready-made ones, phrases', and what the file changes."""
        spoken = self.phrase if self.words.enabled else ()
        said = tuple(phrase.rule(slot) for slot, phrase in enumerate(spoken, 1))
        return rules_in_effect(self.alerts, self.deployment.setting, self.alert, said)

    @property
    def quiet_hours(self) -> QuietHours | None:
        """When alerts are silent, or None."""
        return quiet_hours(self.alerts.quiet_hours)

    @property
    def base_topic(self) -> str:
        """The prefix of every topic this box writes, without a trailing slash."""
        return f"edge-affect/{self.device.site}/{self.device.name}"

    @property
    def node_id(self) -> str:
        """The name of this box outside its own topics, and at the broker."""
        return node_id(self.device.site, self.device.name)

    @property
    def other_topics(self) -> tuple[str, ...]:
        """What this box writes outside its own topics; told in ``about``."""
        return other_topics(self.home_assistant, self.homie, self.node_id)

    @property
    def min_people(self) -> int:
        """How many faces must be present before anything is said; told in ``about``."""
        is_group = self.deployment.setting in GROUP_SETTINGS and not self.deployment.exception
        is_group = is_group or self.privacy.is_aggregated
        return max(self.privacy.min_people, GROUP_MIN_PEOPLE if is_group else 1)

    @property
    def group_opens_at(self) -> int:
        """How many faces it takes before a group is told; 1 where single people may be."""
        return self.min_people + (self.privacy.group_margin if self.min_people > 1 else 0)


SECTIONS: dict[str, type[Any]] = {
    f.name: type(f.default_factory()) for f in fields(Config) if f.default_factory is not MISSING
}
NAMED_TABLES: dict[str, Callable[[Any, str], Any]] = {"alert": rule_changes, "phrase": phrases}
"""Tables of tables, written as ``[alert.NAME]``."""


def load(path: Path) -> Config:
    """Read and validate a configuration file.

    Raises:
        InputMissingError: If there is no such file.
        ConfigError: If it is not TOML, or a key is unknown, of the wrong type or out of range.
    """
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a configuration file; errors as ``load``."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputMissingError(
            f"There is no configuration file {path}; write one with: edge-affect config init {path}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"The configuration file {path} cannot be read: {why}.") from None


def parse(text: str, name: str = "configuration") -> Config:
    """Validate the text of a configuration file; see ``load``."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}.") from None
    take_version(tables, name)
    refuse_old_keys(tables, name)
    sections: dict[str, Any] = {}
    for table, values in tables.items():
        if table in NAMED_TABLES:
            sections[table] = NAMED_TABLES[table](values, name)
            continue
        if table not in SECTIONS:
            known = [*SECTIONS, *NAMED_TABLES]
            raise ConfigError(f"{name} has an unknown table [{table[:80]}]{nearest(table, known)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{name}: {table} must be a table, written as [{table}].")
        sections[table] = section(SECTIONS[table], values, f"{name}, [{table}]")
    config = Config(**sections)
    try:
        check_alerts(config.alerts)
        check_video(config.video)
        check_mqtt(config.mqtt)
        check_words(config.words, config.phrase)
        # Rules of a setting can only be checked once the setting is known.
        _ = config.alert_rules
        check_homie_name(config.homie, config.node_id)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    return config


def example() -> str:
    """Return the annotated example file: every key with its meaning, range and default."""
    lines = [
        "# edge-affect configuration. Every key is optional but those of [deployment],",
        "# which are required before a live microphone or camera is opened.",
        f"{VERSION_KEY} = {CONFIG_VERSION}",
    ]
    for table, kind in SECTIONS.items():
        lines += ["", f"# {(kind.__doc__ or '').strip()}", f"[{table}]", *example_lines(kind)]
    lines += ["", *phrase_example(), "", *rule_example()]
    return "\n".join(lines) + "\n"
