"""Home Assistant's device-based MQTT discovery: one retained message that describes the box.

The message tells Home Assistant which of the box's own topics to read; no value passes through it.
Abstaining shows as ``unknown`` and an absent box as ``unavailable``, never as calm. Messages that
waited on disk (``late``) are passed over.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from edge_affect.clock import NS_PER_S
from edge_affect.publishing.entities import components
from edge_affect.publishing.mirror import Mirror
from edge_affect.publishing.payload import to_json
from edge_affect.publishing.topics import OFFLINE, ONLINE, Message
from edge_affect.smart_home import birth_topic, discovery_topic

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.publishing.bulletin import Bulletin
    from edge_affect.publishing.commands import Request
    from edge_affect.record import AffectRecord

BIRTH = b"online"
BIRTH_WAIT_S = (1.0, 5.0)
"""After Home Assistant's start the box speaks within this, at random: boxes do not come in step."""


def discovery_payload(
    config: Config, about: dict[str, Any], earlier: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the JSON object of the discovery message.

    Args:
        config: Of this box.
        about: What it says about itself.
        earlier: What it said about itself before; entities that it had then and has not now are
            listed by their platform alone, which is how Home Assistant is told to remove them.
    """
    site, name = config.device.site, config.device.name
    node = config.node_id
    base = config.base_topic
    grave = frozenset(
        rule.name for rule in config.alert_rules if {s.severity for s in rule.steps} & _GRAVE
    )
    present = components(base, node, about, grave)
    gone = {} if earlier is None else components(base, node, earlier)
    stubs = {
        key: {"platform": value["platform"]} for key, value in gone.items() if key not in present
    }
    return {
        "device": {
            "identifiers": [node],
            "name": f"edge-affect {site} {name}",
            "manufacturer": "edge-affect",
            "model": "affect sensor",
            "sw_version": about["software"]["version"],
        },
        "origin": {"name": "edge-affect", "sw_version": about["software"]["version"]},
        "availability": [
            {
                "topic": f"{base}/status",
                "payload_available": ONLINE.decode(),
                "payload_not_available": OFFLINE.decode(),
            }
        ],
        "components": {**present, **stubs},
    }


_GRAVE = {"warn", "urgent"}


class HomeAssistantDiscovery(Mirror):
    """Says the discovery message at the start, and again when Home Assistant has started.

    Args:
        config: Of this box.
        about: What it says about itself.
        bulletin: Where the message goes.
    """

    def __init__(self, config: Config, about: dict[str, Any], bulletin: Bulletin) -> None:
        self._config = config
        self._about = about
        self._bulletin = bulletin
        prefix = config.home_assistant.prefix
        self._topic = discovery_topic(prefix, config.node_id)
        self._birth = birth_topic(prefix)
        self._has_started = False
        self._message = self._of(None)
        self._due_ns: int | None = None

    def _of(self, earlier: dict[str, Any] | None) -> Message:
        payload = discovery_payload(self._config, self._about, earlier)
        return Message(self._topic, to_json(payload).encode(), retain=True)

    @property
    def filters(self) -> dict[str, int]:
        """Where Home Assistant says that it has started."""
        return {self._birth: 0}

    def start(self) -> None:
        """Say it, and again at every connection."""
        self._bulletin.put_state(self._message)

    def note_about(self, earlier: dict[str, Any]) -> None:
        """Have what is not there any more removed."""
        message = self._of(earlier)
        if message != self._message:
            self._message = message
            self.start()

    def take(self, request: Request) -> bool:
        """Note that Home Assistant has started; many such messages count as one."""
        if request.topic != self._birth:
            return False
        if request.payload == BIRTH:
            self._has_started = True
        return True

    def tick(self, now_ns: int, record: AffectRecord | None) -> None:
        """Say it again when it is time to."""
        del record
        if self._has_started and self._due_ns is None:
            self._has_started = False
            self._due_ns = now_ns + round(random.uniform(*BIRTH_WAIT_S) * NS_PER_S)  # noqa: S311 (a spread, no secret)
        elif self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns = None
            self.start()
