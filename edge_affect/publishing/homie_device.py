"""The box as a device of the Homie convention 5: its nodes, properties, description and values.

Pure functions of the box's own payloads. Homie knows no null: an unknown value is the word
``unknown`` where the values are words, and a value taken back (an empty retained message)
elsewhere.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from edge_affect.publishing.health import SPOOL_STATES
from edge_affect.publishing.payload import to_json
from edge_affect.record import (
    EVENTS,
    EXPRESSIONS,
    PEOPLE_TEXT,
    STATES,
    AbstainReason,
    SourceState,
)

CONVENTION = "5.0"
UNKNOWN = "unknown"
NOT_ABSTAINED = "no"
PHASES: tuple[str, ...] = ("start", "end")
Values = dict[str, str]
"""From ``node/property`` to the text of its value; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property.

    Attributes:
        datatype: As Homie calls it.
        format: Allowed values, as Homie writes them; empty for none.
        unit: As Homie writes it; empty for none.
        is_settable: Whether a controller may set it.
        is_retained: Whether it is a state rather than a moment.
    """

    datatype: str
    format: str = ""
    unit: str = ""
    is_settable: bool = False
    is_retained: bool = True

    def as_json(self, name: str) -> dict[str, Any]:
        """Return the property object of ``$description``; defaults are left out."""
        told: dict[str, Any] = {"name": name, "datatype": self.datatype}
        if self.format:
            told["format"] = self.format
        if self.unit:
            told["unit"] = self.unit
        if self.is_settable:
            told["settable"] = True
        if not self.is_retained:
            told["retained"] = False
        return told


Nodes = dict[str, dict[str, Property]]

_SHARE = Property("float", "0:1")
_SIGNED = Property("float", "-1:1")
_TEXT = Property("string")
_COUNT = Property("integer", "0:", "#")
_FLAG = Property("boolean")


def _words(*words: str) -> Property:
    return Property("enum", ",".join((UNKNOWN, *words)))


def nodes(about: dict[str, Any]) -> Nodes:
    """Return the nodes of a box and their properties.

    Args:
        about: The JSON object of its ``about`` topic; says what is sensed and which alerts exist.
    """
    unsensed, sensed = set(about["not_sensed"]), set(about["sensed"])
    affect = {
        "expression": _words(*EXPRESSIONS),
        **dict.fromkeys(EXPRESSIONS, _SHARE),
        "valence": _SIGNED,
        "arousal": _SIGNED,
        "valence-relative": _SIGNED,
        "arousal-relative": _SIGNED,
        "confidence": _SHARE,
        "abstained": _words(NOT_ABSTAINED, *(_text(r) for r in AbstainReason if r)),
        "people": _words(*PEOPLE_TEXT.values()),
        "speech-share": _SHARE,
    }
    absent = {_id(name) for name in unsensed}
    absent |= set() if "face" in sensed else {"people"}
    absent |= set() if "voice" in sensed else {"speech-share"}
    states = [name for name in STATES if f"states.{name}" not in unsensed]
    sounds = [name for name in EVENTS if f"events.{name}" not in unsensed]
    made: Nodes = {
        "affect": {name: kind for name, kind in affect.items() if name not in absent},
        "states": dict.fromkeys(states, _SHARE),
        "sounds": {
            **dict.fromkeys(sounds, _SHARE),
            "event": Property(
                "enum", ",".join(f"{name}-{phase}" for name in sounds for phase in PHASES),
                is_retained=False,
            ),
        } if sounds else {},
        "alerts": dict.fromkeys(about["alerts"], _FLAG),
        "health": _health(sensed),
        "control": {
            "sensing": Property("boolean", "paused,sensing", is_settable=True),
            "marker": Property("string", is_settable=True, is_retained=False),
        },
    }  # fmt: skip
    return {node: properties for node, properties in made.items() if properties}


def _health(sensed: set[str]) -> dict[str, Property]:
    sources = _words(*(_text(state) for state in SourceState))
    return {
        **({"microphone": sources} if "voice" in sensed else {}),
        **({"camera": sources, "frame-rate": _TEXT} if "face" in sensed else {}),
        "latency": _TEXT,
        "dropped-input": _TEXT,
        "record-age": _TEXT,
        "refused-datagrams": _TEXT,
        "queued-messages": _COUNT,
        "lost-messages": _COUNT,
        "spool": _words(*SPOOL_STATES),
        "reconnects": _COUNT,
        "publisher-memory": Property("integer", "0:", "MB"),
        "temperature": Property("integer", "", "\u00b0C"),
        "clock-synced": _FLAG,
    }


def description(name: str, told: Nodes) -> dict[str, Any]:
    """Return the JSON object of ``$description``.

    Args:
        name: Of the device, for people.
        told: Its nodes.
    """
    body: dict[str, Any] = {
        "homie": CONVENTION,
        "name": name,
        "type": "edge-affect",
        "nodes": {
            node: {
                "name": _title(node),
                "properties": {key: value.as_json(_title(key)) for key, value in held.items()},
            }
            for node, held in told.items()
        },
    }
    # The convention wants another number for another description.
    return {**body, "version": zlib.crc32(to_json(body).encode())}


def topics(base: str, told: Nodes) -> list[str]:
    """Return every retained topic of a device, ``$state`` first, as a removal wants it."""
    held = [
        f"{base}/{node}/{key}"
        for node, properties in told.items()
        for key, value in properties.items()
        if value.is_retained
    ]
    alerts = [f"{base}/$alert/{name}" for name in told.get("alerts", {})]
    return [f"{base}/$state", f"{base}/$description", *held, *alerts]


def nothing_known(told: Nodes) -> Values:
    """Return the value of every retained property of a box that has said nothing yet."""
    return {
        f"{node}/{key}": UNKNOWN if value.format.startswith(UNKNOWN) else ""
        for node, properties in told.items()
        for key, value in properties.items()
        if value.is_retained
    }


def affect_values(payload: dict[str, Any]) -> Values:
    """Return what one ``affect`` message says; names that the box does not have are among them."""
    flat = {
        **payload["expressions"],
        **{name: payload[name] for name in (
            "valence", "arousal", "valence_relative", "arousal_relative", "confidence",
            "speech_share",
        )},
    }  # fmt: skip
    return {
        **{f"affect/{_id(name)}": _value(value) for name, value in flat.items()},
        "affect/expression": payload["expression"] or UNKNOWN,
        "affect/abstained": payload["abstained"] or NOT_ABSTAINED,
        "affect/people": payload["people"] or UNKNOWN,
        **{f"states/{name}": _value(value) for name, value in payload["states"].items()},
        **{f"sounds/{name}": _value(value) for name, value in payload["events"].items()},
        "control/sensing": _value(payload["abstained"] != _text(AbstainReason.PAUSED)),
    }


def health_values(payload: dict[str, Any]) -> Values:
    """Return what one ``health`` message says."""
    sensing = payload["sensing"] or {}
    queue = payload["queue"]
    return {
        "health/microphone": sensing.get("microphone", UNKNOWN),
        "health/camera": sensing.get("camera", UNKNOWN),
        "health/frame-rate": sensing.get("frame_rate_hz", ""),
        "health/latency": sensing.get("latency_ms", ""),
        "health/dropped-input": sensing.get("dropped", ""),
        "health/record-age": _value(payload["record_age_s"]),
        "health/refused-datagrams": payload["refused_datagrams"],
        "health/queued-messages": _value(queue["messages"]),
        "health/lost-messages": _value(queue["lost"]),
        "health/spool": queue["spool"],
        "health/reconnects": _value(payload["reconnects"]),
        "health/publisher-memory": _value(payload["memory_mb"]),
        "health/temperature": _value(payload["temperature_c"]),
        "health/clock-synced": _value(payload["clock_synced"]),
    }


def _value(value: float | str | bool | None) -> str:  # noqa: FBT001 (any scalar of a payload)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def _id(name: str) -> str:
    return name.replace("_", "-")


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _text(item: AbstainReason | SourceState) -> str:
    return str(item.name).lower().replace("_", "-")
