"""The transparency card: what this box is for, what it senses, and what can leave it at most."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import __version__
from edge_affect.alerting.trend import Trend
from edge_affect.anonymity import AGGREGATE_WINDOW_S
from edge_affect.errors import ManifestError
from edge_affect.leak_ceiling import leak_ceiling
from edge_affect.own_models import in_use
from edge_affect.publishing.payload import SCHEMA_VERSION
from edge_affect.record import EVENTS, STATES
from edge_affect.states import load_states

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.config import Config

_MODELS_PACKAGE = "edge_affect.models_tflite"
_CHECKOUT = Path(__file__).parents[2] / "models_tflite"

UNVALIDATED: tuple[str, ...] = (
    "valence", "arousal", "blend", "valence_relative", "arousal_relative",
)  # fmt: skip
"""Published but not yet measured against people's judgement: derived from the expressions."""
RELATIVE: tuple[str, ...] = ("valence_relative", "arousal_relative")
WORDS: tuple[str, ...] = ("words",)
"""Null and empty unless they are switched on; nothing vouches for them in Chinese."""
EXPERIMENTAL_EVENTS: tuple[str, ...] = ("cheering", "screaming")
"""Found by a rule that nothing vouches for, and sensed only where it is switched on."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What people may know about one model; plain values from its manifest.

    Attributes:
        name: Short name.
        version: Of the weights.
        sha256: Of the model file, 64 hexadecimal digits.
    """

    name: str
    version: str
    sha256: str


def shipped_models(folder: Path | None = None) -> tuple[ModelCard, ...]:
    """Return the models whose manifests travel with the package, by name.

    Args:
        folder: Folder of manifests; the package's own where it is None.

    Raises:
        ManifestError: If a manifest cannot be read or lacks a value.
    """
    if folder is None:
        try:
            folder = Path(str(resources.files(_MODELS_PACKAGE)))
        except ModuleNotFoundError:
            # Run from a source checkout that was never installed.
            folder = _CHECKOUT
    return tuple(_card(path) for path in sorted(folder.glob("*.toml")))


def models_in_use(config: Config) -> tuple[ModelCard, ...]:
    """Return the shipped models, with those of one's own in the place of what they replace.

    Raises:
        ManifestError: If a manifest cannot be read or lacks a value.
        InputMissingError: If an own model that the configuration names is not installed.
    """
    own = in_use(config.models)
    return tuple(_card(own[card.name]) if card.name in own else card for card in shipped_models())


def _card(path: Path) -> ModelCard:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return ModelCard(str(table["name"]), str(table["version"]), str(table["sha256"]))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ManifestError(f"The model manifest {path} cannot be read: {error}.") from None


def about_payload(config: Config, models: Sequence[ModelCard]) -> dict[str, Any]:
    """Return the JSON object of the retained ``about`` topic.

    Args:
        config: Of this box; no secret of it is shown.
        models: What perception rests on.
    """
    deployment, tick_hz = config.deployment, config.publish.tick_hz
    return {
        "schema": SCHEMA_VERSION,
        "software": {"name": "edge-affect", "version": __version__},
        "purpose": deployment.purpose or None,
        "setting": deployment.setting or None,
        "jurisdiction": deployment.jurisdiction or None,
        "legal_basis": deployment.legal_basis or None,
        "exception": deployment.exception or None,
        "contact": deployment.contact or None,
        "sensed": _sensed(config),
        "retention": {
            "raw_data_s": 0,
            "unsent_records_max": config.publish.max_unsent,
            "unsent_records_s": round(config.publish.max_unsent / tick_hz),
            "unsent_records_on_disk": bool(config.publish.spool_dir),
        },
        "leak_ceiling": leak_ceiling(tick_hz).as_json(),
        "min_people": config.min_people,
        "group": _group(config),
        "phrases": [p.name for p in config.phrase] if _has_words(config) else [],
        "alerts": [rule.name for rule in config.alert_rules],
        "trend": list(Trend().quantities) if config.alerts.trend else [],
        "models": [{"name": m.name, "version": m.version, "sha256": m.sha256} for m in models],
        "unvalidated": _unvalidated(config),
        "not_sensed": _not_sensed(config),
        "other_topics": list(config.other_topics),
    }


def _unvalidated(config: Config) -> list[str]:
    if config.min_people > 1:
        return [name for name in UNVALIDATED if name not in RELATIVE]
    words = WORDS if _has_words(config) and config.words.language != "en" else ()
    return [*UNVALIDATED, *_states(is_sensed=True), *words, *_unvalidated_events(config)]


def _not_sensed(config: Config) -> list[str]:
    """Return what is always null; of a group, all that is somebody's."""
    if config.min_people > 1:
        states = [f"states.{name}" for name in STATES]
        return [*RELATIVE, *states, *WORDS, *(f"events.{name}" for name in EVENTS)]
    return [*_states(is_sensed=False), *_unsensed_words(config), *_unsensed_events(config)]


def _states(*, is_sensed: bool) -> list[str]:
    """Return the derived states that no labelled data vouches for, computed or not."""
    return [
        f"states.{state.name}"
        for state in load_states().states
        if not state.validated and state.is_sensed == is_sensed
    ]


def _unvalidated_events(config: Config) -> list[str]:
    unsensed = _unsensed_events(config)
    names = [f"events.{name}" for name in EXPERIMENTAL_EVENTS]
    return [name for name in names if name not in unsensed]


def _unsensed_events(config: Config) -> list[str]:
    if config.audio.source == "none" or not config.events.enabled:
        return [f"events.{name}" for name in EVENTS]
    is_off = not config.events.experimental
    return [f"events.{name}" for name in EVENTS if is_off and name in EXPERIMENTAL_EVENTS]


def _group(config: Config) -> dict[str, Any] | None:
    """Return how a group is told, or None where single people may be."""
    if config.min_people <= 1:
        return None
    privacy = config.privacy
    return {
        "opens_at": config.group_opens_at,
        "in_and_out_together": privacy.group_margin,
        "noise": {
            "window_s": AGGREGATE_WINDOW_S,
            "epsilon": privacy.aggregate_epsilon,
            "daily_epsilon": privacy.aggregate_daily_epsilon,
        }
        if privacy.is_aggregated
        else None,
    }


def _has_words(config: Config) -> bool:
    return config.words.enabled and config.audio.source != "none" and config.min_people <= 1


def _unsensed_words(config: Config) -> tuple[str, ...]:
    return () if _has_words(config) else WORDS


def _sensed(config: Config) -> list[str]:
    sensed = []
    if config.audio.source != "none":
        sensed.append("voice")
    if config.video.source != "none":
        sensed.append("face")
    if _has_words(config):
        sensed.append("words")
    return sensed
