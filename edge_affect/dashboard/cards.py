"""The transparency card and the health of a box, reduced to what the page knows how to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_affect.subscriber.fields import number, table, text, texts, whole
from edge_affect.subscriber.reading import sensing_words

if TYPE_CHECKING:
    from edge_affect.subscriber.reading import Reading

_HUGE = 1e15
_ABOUT_TEXTS = ("purpose", "setting", "jurisdiction", "legal_basis", "exception", "contact")
_ABOUT_LISTS = ("sensed", "alerts", "trend", "unvalidated", "not_sensed")
MAX_MODELS = 30


def about_card(said: dict[str, Any]) -> dict[str, Any]:
    """Return the transparency card; what cannot be understood is None or empty."""
    retention, ceiling = table(said.get("retention")), table(said.get("leak_ceiling"))
    group = said.get("group")
    models = said.get("models")
    rows = models[:MAX_MODELS] if isinstance(models, list) else []
    return {
        "version": text(table(said.get("software")).get("version")),
        **{key: text(said.get(key)) for key in _ABOUT_TEXTS},
        **{key: list(texts(said.get(key))) for key in _ABOUT_LISTS},
        "raw_data_s": number(retention.get("raw_data_s"), 0, _HUGE),
        "unsent_records_s": number(retention.get("unsent_records_s"), 0, _HUGE),
        "unsent_records_on_disk": retention.get("unsent_records_on_disk") is True,
        "bits_per_record": number(ceiling.get("bits_per_record"), 0, _HUGE),
        "bits_per_s": number(ceiling.get("bits_per_s"), 0, _HUGE),
        "record_bytes": whole(ceiling.get("record_bytes")),
        "records_per_s": number(ceiling.get("records_per_s"), 0, _HUGE),
        "min_people": whole(said.get("min_people")),
        "group_noise_s": None
        if not isinstance(group, dict)
        else number(table(group.get("noise")).get("window_s"), 0, _HUGE),
        "models": [
            {key: text(table(row).get(key)) for key in ("name", "version", "sha256")}
            for row in rows
        ],
    }


def health_card(said: dict[str, Any]) -> dict[str, Any]:
    """Return how the box is doing; what cannot be understood is None."""
    queue = table(said.get("queue"))
    return {
        "queued": whole(queue.get("messages")),
        "capacity": whole(queue.get("capacity")),
        "lost": whole(queue.get("lost")),
        "spool": text(queue.get("spool")),
        "mqtt": text(said.get("mqtt")),
        "reconnects": whole(said.get("reconnects")),
        "refused_datagrams": text(said.get("refused_datagrams")),
        "record_age_s": text(said.get("record_age_s")),
        "memory_mb": number(said.get("memory_mb"), 0, _HUGE),
        "temperature_c": number(said.get("temperature_c"), -100, 300),
        "sensing": sensing_words(said.get("sensing")),
    }


def vector_card(item: Reading) -> dict[str, Any]:
    """Return one vector as the page takes it."""
    return {
        "time_ms": item.unix_ms,
        "clock_synced": item.is_clock_synced,
        "sequence": item.sequence,
        "abstained": item.abstained,
        "expression": item.expression,
        "expressions": item.expressions,
        "blend": item.blend,
        "valence": item.valence,
        "arousal": item.arousal,
        "valence_relative": item.valence_relative,
        "arousal_relative": item.arousal_relative,
        "states": item.states,
        "events": item.events,
        "polarity": item.polarity,
        "modalities": item.modalities,
        "confidence": item.confidence,
        "people": item.people,
        "speech_share": item.speech_share,
        "sensing": item.sensing,
    }
