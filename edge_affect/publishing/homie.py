"""A Homie 5 device with a connection of its own.

The convention wants the last will to say ``lost`` on the device's ``$state``. MQTT has one will for
each connection, and the box's is ``offline`` on its own ``status``: so this is a second connection.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge_affect.clock import NS_PER_S
from edge_affect.publishing.bulletin import Bulletin
from edge_affect.publishing.commands import Request
from edge_affect.publishing.homie_device import (
    PHASES,
    affect_values,
    description,
    health_values,
    nodes,
    nothing_known,
    topics,
)
from edge_affect.publishing.link import BrokerLink, LinkSettings
from edge_affect.publishing.mirror import Mirror, stale_after_s
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.publishing.topics import JSON_TYPE, TEXT_TYPE, Message
from edge_affect.smart_home import homie_base, homie_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertState
    from edge_affect.clock import Clock
    from edge_affect.config import Config
    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.outbox import Entry
    from edge_affect.record import AffectRecord

_NO_TIME = Stamp(0, clock_synced=False, sequence=0)
"""Homie's values carry no time."""


class HomieDevice(Mirror):
    """Publishes changed values only; the broker keeps them.

    Args:
        config: Of this box.
        about: What it says about itself.
        access: The broker.
        clock: Of the publisher.
        obey: Carries out a command that is addressed as the box's own topics want it.
    """

    def __init__(
        self,
        config: Config,
        about: dict[str, Any],
        access: BrokerAccess,
        clock: Clock,
        obey: Callable[[Request], None],
    ) -> None:
        self._base = homie_base(config.node_id)
        self._commands = config.base_topic
        self._obey = obey
        self._nodes = nodes(about)
        self._stale_ns = stale_after_s(about) * NS_PER_S
        self._values = nothing_known(self._nodes)
        self._unknown = dict(self._values)
        self._heard_ns: int | None = None
        self._bulletin = Bulletin(clock)
        name = f"edge-affect {config.device.site} {config.device.name}"
        told = to_json(description(name, self._nodes)).encode()
        settings = LinkSettings(
            access=access,
            client_id=f"{config.node_id}-homie",
            greeting=(
                self._state("init"),
                Message(f"{self._base}/$description", told, retain=True, content_type=JSON_TYPE),
            ),
            farewell=self._state("disconnected"),
            will=self._state("lost"),
            filters={homie_commands(config.node_id): 1},
            render=self._render,
            on_request=self._take_in,
            label="broker of the Homie device",
        )
        self._link = BrokerLink(settings, Outbox(1), self._bulletin)

    def start(self) -> None:
        """Connect; at every connection all values are said, then ``ready``."""
        for name, value in self._values.items():
            self._bulletin.put_state(self._value(name, value))
        self._bulletin.put_state(self._state("ready"))
        self._link.start()

    def stop(self) -> None:
        """Take back what nobody will know any more, and begin to say goodbye."""
        self._forget()
        self._link.begin_stop()

    def close(self) -> None:
        """Wait until it has been said."""
        self._link.stop()

    @property
    def is_alive(self) -> bool:
        """Whether the connection's thread runs."""
        return self._link.is_alive

    def note_about(self, earlier: dict[str, Any]) -> None:
        """Take back what the device had before and has not now."""
        held = set(topics(self._base, self._nodes))
        for topic in topics(self._base, nodes(earlier)):
            if topic not in held:
                self._bulletin.put_state(Message(topic, b"", retain=True))

    def tick(self, now_ns: int, record: AffectRecord | None) -> None:
        """Say what has changed; after a while without a record, that nothing is known."""
        if record is not None:
            self._heard_ns = now_ns
            self._say(affect_values(affect_payload(record, _NO_TIME)))
        elif self._heard_ns is not None and now_ns - self._heard_ns >= self._stale_ns:
            self._heard_ns = None
            self._forget()

    def alerts(self, states: Iterable[AlertState]) -> None:
        """Say how alerts stand, and the message of a raised one as a Homie alert."""
        for state in states:
            self._say({f"alerts/{state.name}": "true" if state.is_raised else "false"})
            text = state.step.message if state.step is not None else ""
            alert = Message(
                f"{self._base}/$alert/{state.name}",
                text.encode(),
                retain=True,
                content_type=TEXT_TYPE,
            )
            self._bulletin.put_state(alert)
        self._link.wake()

    def events(self, edges: Iterable[EventEdge]) -> None:
        """Say that sound events started or ended."""
        for edge in edges:
            phase = PHASES[0] if edge.is_start else PHASES[1]
            self._bulletin.put_happening(
                Message(
                    f"{self._base}/sounds/event",
                    f"{edge.event}-{phase}".encode(),
                    qos=0,
                    content_type=TEXT_TYPE,
                )
            )

    def health(self, payload: dict[str, Any]) -> None:
        """Say what has changed."""
        self._say(health_values(payload))

    def _forget(self) -> None:
        """Say that nothing is known of the room."""
        old = ("affect/", "states/", "sounds/", "control/")
        self._say({k: v for k, v in self._unknown.items() if k.startswith(old)})

    def _say(self, values: dict[str, str]) -> None:
        changed = {
            name: value
            for name, value in values.items()
            if name in self._values and self._values[name] != value
        }
        for name, value in changed.items():
            self._values[name] = value
            self._bulletin.put_state(self._value(name, value))
        if changed:
            self._link.wake()

    def _value(self, name: str, value: str) -> Message:
        return Message(f"{self._base}/{name}", value.encode(), retain=True, content_type=TEXT_TYPE)

    def _state(self, word: str) -> Message:
        return Message(f"{self._base}/$state", word.encode(), retain=True, content_type=TEXT_TYPE)

    # ---- called in the link's thread ----

    def _render(self, entry: Entry) -> Message:
        raise RuntimeError(f"a Homie device has no outbox, but {entry.sequence} came out of it")

    def _take_in(self, request: Request) -> None:
        """Turn a Homie command into the box's own one, which checks, limits and answers it."""
        name = request.topic.removeprefix(f"{self._base}/control/").removesuffix("/set")
        payload = request.payload
        if name == "marker":
            text = payload.decode("utf-8", "replace")
            command, payload = "marker", json.dumps({"text": text}).encode()
        elif name == "sensing":
            command = "resume" if payload == b"true" else "pause"
            # Anything else stays in the payload, and is refused for it.
            payload = b"" if payload in (b"true", b"false") else payload or b"?"
        else:
            command = name
        self._obey(Request(f"{self._commands}/set/{command}", payload, request.retain))
