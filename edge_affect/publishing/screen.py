"""One affect payload as one line of text for people."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

WIDTH = 100
"""No line is longer than this, colour codes not counted."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "._-~=+*#"
_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_COLOURS: dict[str, str] = {
    "neutral": "\x1b[37m",
    "happiness": "\x1b[33m",
    "surprise": "\x1b[36m",
    "sadness": "\x1b[34m",
    "anger": "\x1b[31m",
    "disgust": "\x1b[32m",
    "fear": "\x1b[35m",
    "contempt": "\x1b[90m",
}
REASONS: dict[str, str] = {
    "starting": "starting",
    "paused": "paused",
    "no-source": "no source works",
    "nobody": "nobody there",
    "too-few-people": "too few people",
    "poor-quality": "poor sound or picture",
    "low-confidence": "not sure enough",
}
_QUIET_STATES = ("ok", "off", "paused")


@dataclass(frozen=True, slots=True)
class Look:
    """What the screen can show.

    Attributes:
        has_colour: Whether ANSI colours are understood.
        has_blocks: Whether block characters can be printed; else ASCII stands in.
    """

    has_colour: bool = False
    has_blocks: bool = True


def look_of(stream: TextIO) -> Look:
    """Return what a stream can show; ``NO_COLOR`` in the environment is respected."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    has_colour = stream.isatty() and "NO_COLOR" not in os.environ
    return Look(has_colour, encoding.startswith("utf"))


PLAIN = Look()


def line(payload: dict[str, Any], look: Look = PLAIN) -> str:
    """Return one affect payload as one line, at most ``WIDTH`` columns wide.

    Args:
        payload: As published on the ``affect`` topic, or printed by ``replay``.
        look: What the screen can show.
    """
    parts = [_when(payload)]
    if payload["abstained"] is None:
        parts += _affect_parts(payload, look)
    else:
        reason = str(payload["abstained"])
        text = f"no affect: {REASONS.get(reason, reason)}"
        parts.append(f"{_DIM}{text}{_RESET}" if look.has_colour else text)
    if payload["people"] is not None:
        parts.append(f"{payload['people']} people" if payload["people"] != "1" else "1 person")
    if payload["speech_share"] is not None:
        parts.append(f"speech {payload['speech_share']:.0%}")
    if payload["abstained"] is None:
        parts.append(_modalities(payload["modalities"]))
    else:
        parts += _troubles(payload["sensing"])
    return "  ".join(parts)


def distribution(shares: dict[str, float], look: Look = PLAIN) -> str:
    """Return one character for each expression, higher where its share is larger.

    >>> distribution({"neutral": 0.0, "happiness": 1.0, "surprise": 0.5})
    '▁█▅'
    """
    marks = _BLOCKS if look.has_blocks else _LETTERS
    return "".join(marks[round(share * (len(marks) - 1))] for share in shares.values())


def _when(payload: dict[str, Any]) -> str:
    media_time_s = payload.get("media_time_s")
    return str(payload["time"])[11:19] if media_time_s is None else f"{media_time_s:7.2f}s"


def _affect_parts(payload: dict[str, Any], look: Look) -> list[str]:
    name = str(payload["expression"])
    shown = f"{name:9s} {distribution(payload['expressions'], look)} {payload['confidence']:4.0%}"
    if look.has_colour:
        shown = f"{_COLOURS.get(name, '')}{shown}{_RESET}"
    axes = f"valence {_signed(payload['valence'])} arousal {_signed(payload['arousal'])}"
    return [shown, axes]


def _signed(value: float | None) -> str:
    return " -- " if value is None else f"{value:+.1f}"


def _modalities(names: list[str]) -> str:
    return "all senses" if len(names) > 2 else "+".join(names)


def _troubles(sensing: dict[str, str]) -> list[str]:
    """Return what does not work, where it may be why the box abstains."""
    return [
        f"{short} {sensing[source]}"
        for source, short in (("microphone", "mic"), ("camera", "camera"))
        if sensing[source] not in _QUIET_STATES
    ]
