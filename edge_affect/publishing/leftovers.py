"""What an earlier run left at the broker and this one does not want: found by its ``about``.

``about`` is retained and says which topics outside its own the box writes. A new run reads the last
one before it says its own, so that something that was switched off in between is taken back.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from edge_affect.publishing.topics import Message
from edge_affect.smart_home import homie_base, is_discovery_of

if TYPE_CHECKING:
    from edge_affect.config import Config

_ABOUT_BYTES_MAX = 65_536
_ITEMS_MAX = 64
_RATES_HZ = (0.01, 100.0)
"""Ticks a second that any version of a box may have had."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""Goes into topics, where a wildcard is forbidden."""
_TOPIC = re.compile(r"[A-Za-z0-9._#/-]{1,200}")


def earlier_about(payload: bytes) -> dict[str, Any] | None:
    """Return what is used of a retained ``about``, or None if it is none that can be believed.

    Only whoever may write the box's own topics could put something else there; what is built from
    it stays below this box's name all the same.
    """
    if len(payload) > _ABOUT_BYTES_MAX:
        return None
    try:
        told = json.loads(payload)
        words = {
            name: [str(word) for word in told.get(name, [])][:_ITEMS_MAX]
            for name in ("sensed", "not_sensed", "alerts", "other_topics")
        }
        tick_hz = told["leak_ceiling"]["records_per_s"]
        # Compared before it is converted: JSON has whole numbers that no float can hold.
        is_rate = _RATES_HZ[0] <= tick_hz <= _RATES_HZ[1]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not is_rate:
        return None
    for name, listed in words.items():
        allowed = _TOPIC if name == "other_topics" else _NAME
        if not all(allowed.fullmatch(word) for word in listed):
            return None
    return {**words, "leak_ceiling": {"records_per_s": float(tick_hz)}}


def leftovers(earlier: dict[str, Any], config: Config) -> list[Message]:
    """Return the empty retained messages that take back what is switched off now.

    Args:
        earlier: From ``earlier_about``.
        config: Of this box.
    """
    node = config.node_id
    gone = [topic for topic in earlier["other_topics"] if topic not in config.other_topics]
    found = [topic for topic in gone if is_discovery_of(topic, node)]
    base = homie_base(node)
    if f"{base}/#" in gone:
        from edge_affect.publishing.homie_device import nodes, topics

        found += topics(base, nodes(earlier))
    return [Message(topic, b"", retain=True) for topic in found]
