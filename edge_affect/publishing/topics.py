"""Topics, messages and commands: what stands on the wire beside the payloads."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.errors import DataError
from edge_affect.record import Command

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
ONLINE = b"online"
OFFLINE = b"offline"
AFFECT_EXPIRY_S = 60
"""A broker keeps an affect message for an absent subscriber no longer than this."""
HEALTH_EXPIRY_S = 30
EVENT_EXPIRY_S = 60
TREND_EXPIRY_S = 10
"""A forecast of the next 10 s is worth nothing after them."""

_COMMANDS: dict[str, Command] = {"pause": Command.PAUSE, "resume": Command.RESUME}


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message.

    Attributes:
        topic: Full topic.
        payload: As sent.
        qos: 0 or 1.
        retain: Whether the broker keeps it for later subscribers.
        content_type: Media type, told to MQTT 5 brokers.
        expiry_s: Seconds after which an MQTT 5 broker drops it undelivered; None keeps it.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    content_type: str = JSON_TYPE
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one box.

    Attributes:
        base: ``edge-affect/<site>/<device>``.
    """

    base: str

    def status(self, payload: bytes) -> Message:
        """Return the retained ``online`` or ``offline``."""
        return Message(f"{self.base}/status", payload, retain=True, content_type=TEXT_TYPE)

    def about(self, payload: bytes) -> Message:
        """Return the retained transparency card."""
        return Message(f"{self.base}/about", payload, retain=True)

    def affect(self, payload: bytes) -> Message:
        """Return one affect vector."""
        return Message(f"{self.base}/affect", payload, expiry_s=AFFECT_EXPIRY_S)

    def health(self, payload: bytes) -> Message:
        """Return one health message, sent once and never again."""
        return Message(f"{self.base}/health", payload, qos=0, expiry_s=HEALTH_EXPIRY_S)

    def alert(self, name: str, payload: bytes) -> Message:
        """Return how one alert stands, retained."""
        return Message(f"{self.base}/alert/{name}", payload, retain=True)

    def event(self, payload: bytes) -> Message:
        """Return the start or end of a sound event."""
        return Message(f"{self.base}/event", payload, expiry_s=EVENT_EXPIRY_S)

    def trend(self, payload: bytes) -> Message:
        """Return one trend message, sent once and never again."""
        return Message(f"{self.base}/trend", payload, qos=0, expiry_s=TREND_EXPIRY_S)

    @property
    def alerts(self) -> str:
        """The filter that takes in all alerts."""
        return f"{self.base}/alert/+"

    def alert_name(self, topic: str) -> str | None:
        """Return the name of the alert that a topic is for, or None if it is for none."""
        prefix = f"{self.base}/alert/"
        return topic[len(prefix) :] if topic.startswith(prefix) else None

    def forgotten(self, topic: str) -> Message:
        """Return the empty message that makes a broker forget a retained one."""
        return Message(topic, b"", retain=True)

    @property
    def commands(self) -> str:
        """The filter that takes in all commands."""
        return f"{self.base}/set/+"

    def command(self, topic: str, payload: bytes, *, retain: bool) -> Command:
        """Return the command in a received message.

        A command is its topic; the payload is empty. A retained one is refused: it would come
        again at every reconnect.

        Raises:
            DataError: If it is none; the message says why without repeating what was received.
        """
        prefix = f"{self.base}/set/"
        command = _COMMANDS.get(topic.removeprefix(prefix))
        if command is None or not topic.startswith(prefix):
            raise DataError("unknown command")
        if retain:
            raise DataError("retained command")
        if payload:
            raise DataError("command with a payload")
        return command
