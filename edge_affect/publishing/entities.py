"""The entities that Home Assistant makes of one box, each reading one of its topics."""

from __future__ import annotations

import re
from typing import Any

from edge_affect.publishing.commands import MARKER_TEXT_MAX
from edge_affect.publishing.health import HEALTH_INTERVAL_S, SPOOL_STATES
from edge_affect.publishing.mirror import stale_after_s
from edge_affect.record import (
    EVENT_GOING_ON,
    EVENT_MAX,
    EVENTS,
    EXPRESSIONS,
    PEOPLE_TEXT,
    STATES,
    AbstainReason,
    SourceState,
)

STALE_HEALTH_S = 6 * int(HEALTH_INTERVAL_S)
NOT_ABSTAINED = "no"
Component = dict[str, Any]


def components(
    base: str, node: str, about: dict[str, Any], grave: frozenset[str] = frozenset()
) -> dict[str, Component]:
    """Return all entities of a box by name, each with its platform.

    Args:
        base: The box's topics.
        node: Its name outside them.
        about: The JSON object of its ``about`` topic; says what is sensed and which alerts exist.
        grave: Names of alerts that mean a problem.
    """
    made = {
        **_affect(about),
        **_events(about),
        **_alerts(about, grave),
        **_commands(),
        **_diagnostics(about),
    }
    stale_s = stale_after_s(about)
    return {key: _finished(key, made[key], base, node, stale_s) for key in made}


def _finished(key: str, made: Component, base: str, node: str, stale_s: int) -> Component:
    """Return a component with everything that follows from its name and topic."""
    topics = {name: f"{base}/{made[name]}" for name in made if name.endswith("_topic")}
    expire: Component = {}
    if made["platform"] in ("sensor", "binary_sensor"):
        ages = {"affect": stale_s, "health": STALE_HEALTH_S}
        if made["state_topic"] in ages:
            expire = {"expire_after": ages[made["state_topic"]]}
    # The name alone gives the same id; older versions know no other way to it.
    slug = re.sub(r"[^a-z0-9]+", "_", node.lower())
    return {
        "platform": made["platform"],
        "unique_id": f"{node}-{key}",
        "default_entity_id": f"{made['platform']}.{slug}_{key}",
        "name": key.replace("_", " ").capitalize(),
        **{name: made[name] for name in made if name != "platform"},
        **topics,
        **expire,
    }


# ---- templates: empty is passed over, None is unknown ----


def _live(value: str) -> str:
    """Return a template of a value of the live vector, for what passes over an empty text."""
    return f"{{{{ '' if value_json.late is defined else ({value}) }}}}"


def _word(value: str) -> str:
    """Return a template of a word of the live vector; an empty word would be taken for one."""
    held = "this.state if this.state not in ('unknown', 'unavailable') else none"
    return f"{{{{ ({held}) if value_json.late is defined else ({value}) }}}}"


def _percent(value: str) -> str:
    return _live(f"none if {value} is none else ({value} * 100) | round(1)")


def _number(value: str, icon: str, **more: Any) -> Component:
    return {
        "platform": "sensor", "state_topic": "affect", "value_template": value, "icon": icon,
        "state_class": "measurement", **more,
    }  # fmt: skip


def _share(value: str, icon: str) -> Component:
    template = _percent(f"value_json.{value}")
    return _number(template, icon, unit_of_measurement="%", suggested_display_precision=0)


def _signed(value: str, icon: str) -> Component:
    return _number(_live(f"value_json.{value}"), icon, suggested_display_precision=2)


def _enum(topic: str, value: str, icon: str, options: tuple[str, ...]) -> Component:
    return {
        "platform": "sensor", "state_topic": topic, "value_template": value, "icon": icon,
        "device_class": "enum", "options": list(options),
    }  # fmt: skip


# ---- what the vector says ----

_EXPRESSION_ICONS: dict[str, str] = {
    "neutral": "mdi:emoticon-neutral-outline",
    "happiness": "mdi:emoticon-happy-outline",
    "surprise": "mdi:emoticon-excited-outline",
    "sadness": "mdi:emoticon-sad-outline",
    "anger": "mdi:emoticon-angry-outline",
    "disgust": "mdi:emoticon-sick-outline",
    "fear": "mdi:emoticon-frown-outline",
    "contempt": "mdi:emoticon-confused-outline",
}
_STATE_ICONS: dict[str, str] = {
    "attention": "mdi:eye-outline",
    "engagement": "mdi:account-voice",
    "confusion": "mdi:help-circle-outline",
    "anxiety": "mdi:heart-pulse",
    "excitement": "mdi:party-popper",
    "incongruence": "mdi:drama-masks",
}
_EVENT_ICONS: dict[str, str] = {
    "laughter": "mdi:emoticon-lol-outline",
    "cheering": "mdi:bullhorn-outline",
    "applause": "mdi:hand-clap",
    "crying": "mdi:emoticon-cry-outline",
    "screaming": "mdi:alert-octagram-outline",
}


def _affect(about: dict[str, Any]) -> dict[str, Component]:
    unsensed = set(about["not_sensed"])
    sensed = set(about["sensed"])
    made = {
        "expression": _enum(
            "affect", _word("value_json.expression"), "mdi:drama-masks", EXPRESSIONS
        ),
        **{name: _share(f"expressions.{name}", _EXPRESSION_ICONS[name]) for name in EXPRESSIONS},
        "valence": _signed("valence", "mdi:plus-minus-variant"),
        "arousal": _signed("arousal", "mdi:pulse"),
        "valence_relative": _signed("valence_relative", "mdi:plus-minus-variant"),
        "arousal_relative": _signed("arousal_relative", "mdi:pulse"),
        **{name: _share(f"states.{name}", _STATE_ICONS[name]) for name in STATES},
        "confidence": _share("confidence", "mdi:gauge"),
        "speech_share": _share("speech_share", "mdi:account-voice"),
        "people": _enum(
            "affect", _word("value_json.people"), "mdi:account-group",
            tuple(PEOPLE_TEXT.values()),
        ),
        "abstained": _enum(
            "affect", _word(f"value_json.abstained or '{NOT_ABSTAINED}'"),
            "mdi:comment-off-outline",
            (NOT_ABSTAINED, *(_text(reason) for reason in AbstainReason if reason)),
        ),
        "sensing": {
            "platform": "binary_sensor", "state_topic": "affect", "device_class": "running",
            "value_template": _live("'OFF' if value_json.abstained == 'paused' else 'ON'"),
        },
    }  # fmt: skip
    absent = unsensed | {name.removeprefix("states.") for name in unsensed}
    absent |= set() if "face" in sensed else {"people"}
    absent |= set() if "voice" in sensed else {"speech_share"}
    return {key: value for key, value in made.items() if key not in absent}


def _events(about: dict[str, Any]) -> dict[str, Component]:
    made: dict[str, Component] = {
        "marker": {
            "platform": "event", "state_topic": "marker", "event_types": ["set"],
            "icon": "mdi:flag-outline",
            "value_template": (
                "{{ {'event_type': 'set', 'text': value_json.text, 'number': value_json.number}"
                " | tojson }}"
            ),
        }
    }  # fmt: skip
    for name in EVENTS:
        if f"events.{name}" in about["not_sensed"]:
            continue
        level, icon = f"value_json.events.{name}", _EVENT_ICONS[name]
        # The same sixth that the record's own threshold stands for, as it is told in JSON.
        going_on = round(EVENT_GOING_ON / EVENT_MAX, 3)
        made[f"{name}_level"] = _share(f"events.{name}", icon)
        made[name] = {
            "platform": "binary_sensor", "state_topic": "affect", "icon": icon,
            "device_class": "sound",
            "value_template": _live(
                f"none if {level} is none else 'ON' if {level} >= {going_on:g} else 'OFF'"
            ),
        }  # fmt: skip
        made[f"{name}_event"] = {
            "platform": "event", "state_topic": "event", "event_types": ["start", "end"],
            "icon": icon,
            "value_template": (
                f"{{% if value_json.event == '{name}' %}}"
                "{{ {'event_type': value_json.phase, 'level': value_json.level,"
                " 'since': value_json.since, 'lasted_s': value_json.lasted_s,"
                " 'is_lost': value_json.is_lost} | tojson }}{% endif %}"
            ),
        }  # fmt: skip
    return made


def _alerts(about: dict[str, Any], grave: frozenset[str]) -> dict[str, Component]:
    made: dict[str, Component] = {}
    for name in about["alerts"]:
        made[f"alert_{name.replace('-', '_')}"] = {
            "platform": "binary_sensor",
            "state_topic": f"alert/{name}",
            # A rule that is taken back leaves an empty message first.
            "value_template": "{{ value_json.state if value_json is defined else none }}",
            "payload_on": "raised",
            "payload_off": "cleared",
            "json_attributes_topic": f"alert/{name}",
            "json_attributes_template": (
                "{{ ({} if value_json is not defined else"
                " {'severity': value_json.severity, 'escalation': value_json.escalation,"
                " 'level': value_json.level, 'since': value_json.since,"
                " 'message': value_json.message}) | tojson }}"
            ),
            **({"device_class": "problem"} if name in grave else {"icon": "mdi:bell-ring-outline"}),
        }
    return made


def _commands() -> dict[str, Component]:
    return {
        "pause": {
            "platform": "button", "command_topic": "set/pause", "payload_press": "", "qos": 1,
            "icon": "mdi:pause-circle-outline",
        },
        "resume": {
            "platform": "button", "command_topic": "set/resume", "payload_press": "", "qos": 1,
            "icon": "mdi:play-circle-outline",
        },
        "set_marker": {
            "platform": "text", "command_topic": "set/marker", "min": 1, "max": MARKER_TEXT_MAX,
            "command_template": "{{ {'text': value} | tojson }}", "qos": 1,
            "icon": "mdi:flag-plus-outline",
        },
    }  # fmt: skip


# ---- how the box is doing ----


def _health(value: str, icon: str, **more: Any) -> Component:
    return {
        "platform": "sensor", "state_topic": "health", "icon": icon,
        "value_template": f"{{{{ {value} }}}}", "entity_category": "diagnostic", **more,
    }  # fmt: skip


def _source(name: str, icon: str) -> Component:
    options = tuple(_text(state) for state in SourceState)
    value = f"{{{{ {_of_sensing(name)} }}}}"
    return {**_enum("health", value, icon, options), "entity_category": "diagnostic"}


def _of_sensing(name: str) -> str:
    return f"value_json.sensing.{name} if value_json.sensing else none"


def _diagnostics(about: dict[str, Any]) -> dict[str, Component]:
    queue = "value_json.queue"
    made = {
        "microphone": _source("microphone", "mdi:microphone"),
        "camera": _source("camera", "mdi:camera"),
        "frame_rate": _health(_of_sensing("frame_rate_hz"), "mdi:filmstrip"),
        "latency": _health(_of_sensing("latency_ms"), "mdi:timer-outline"),
        "dropped_input": _health(_of_sensing("dropped"), "mdi:debug-step-over"),
        "record_age": _health("value_json.record_age_s", "mdi:clock-outline"),
        "refused_datagrams": _health("value_json.refused_datagrams", "mdi:shield-alert-outline"),
        "queued_messages": _health(
            f"{queue}.messages", "mdi:tray-full", state_class="measurement",
        ),
        "lost_messages": _health(
            f"{queue}.lost", "mdi:tray-remove", state_class="total_increasing"
        ),
        "spool": {
            **_enum("health", f"{{{{ {queue}.spool }}}}", "mdi:harddisk", SPOOL_STATES),
            "entity_category": "diagnostic",
        },
        "mqtt_version": _health("value_json.mqtt", "mdi:lan-connect"),
        "reconnects": _health(
            "value_json.reconnects", "mdi:lan-pending", state_class="total_increasing"
        ),
        "publisher_memory": _health(
            "value_json.memory_mb", "mdi:memory", state_class="measurement",
            device_class="data_size", unit_of_measurement="MB",
        ),
        "temperature": _health(
            "value_json.temperature_c", "mdi:thermometer", state_class="measurement",
            device_class="temperature", unit_of_measurement="\u00b0C",
        ),
        "clock_synced": {
            "platform": "binary_sensor", "state_topic": "health", "icon": "mdi:clock-check-outline",
            "value_template": "{{ 'ON' if value_json.clock_synced else 'OFF' }}",
            "entity_category": "diagnostic",
        },
        "leak_ceiling": {
            **_health(
                "value_json.leak_ceiling.bits_per_s", "mdi:water-off-outline",
                state_class="measurement", device_class="data_rate", unit_of_measurement="bit/s",
            ),
            "state_topic": "about",
        },
    }  # fmt: skip
    sensed = about["sensed"]
    absent = {"microphone"} if "voice" not in sensed else set()
    absent |= {"camera", "frame_rate"} if "face" not in sensed else set()
    return {key: value for key, value in made.items() if key not in absent}


def _text(item: AbstainReason | SourceState) -> str:
    return str(item.name).lower().replace("_", "-")
