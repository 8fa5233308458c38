"""Topics, messages and commands: what stands on the wire beside the payloads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

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

ANSWER_EXPIRY_S = 60
ANSWER_NAME_MAX = 64
"""Characters below ``answer/`` in a response topic that is used."""

_COMMANDS: dict[str, Command] = {"pause": Command.PAUSE, "resume": Command.RESUME}


class Refusal(str, Enum):
    """Why a command was not carried out, as it stands in the answer."""

    UNKNOWN = "unknown-command"
    INVALID = "invalid"
    RETAINED = "retained"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"


class CommandRefusedError(DataError):
    """A command that is not carried out; the message is the sentence of its answer.

    Args:
        reason: For programs.
        sentence: For people; never repeats what was received.
    """

    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason

    @classmethod
    def retained(cls) -> CommandRefusedError:
        """Return the refusal of a command that would come again at every reconnect."""
        return cls(
            Refusal.RETAINED, "A retained command is not obeyed; send it without the retain flag."
        )


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
        correlation: In an answer, what the one who asked wants to see again; MQTT 5 only.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    content_type: str = JSON_TYPE
    expiry_s: int | None = None
    correlation: bytes | None = None


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

    def marker(self, payload: bytes) -> Message:
        """Return a marker, as it is told to everybody."""
        return Message(f"{self.base}/marker", payload, expiry_s=EVENT_EXPIRY_S)

    def answer(
        self, payload: bytes, response_topic: str | None = None, correlation: bytes | None = None
    ) -> Message:
        """Return the answer to a command.

        It goes where the sender wants it only one level below the box's own ``answer``: a box
        that wrote wherever it is asked to would lend its rights at the broker to everybody who
        may command it. Any other answer goes to ``answer``.

        Args:
            payload: Of the answer.
            response_topic: As received, or None.
            correlation: As received, or None.
        """
        topic = own = f"{self.base}/answer"
        if response_topic is not None:
            name = response_topic.removeprefix(f"{own}/")
            is_name = 0 < len(name) <= ANSWER_NAME_MAX and name.isprintable()
            if is_name and name != response_topic and not set(name) & set("+#/"):
                topic = response_topic
        return Message(topic, payload, expiry_s=ANSWER_EXPIRY_S, correlation=correlation)

    @property
    def own_about(self) -> str:
        """Where this box's own transparency card stands."""
        return f"{self.base}/about"

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
    def read(self) -> dict[str, int]:
        """The filters that the box itself subscribes to, with the QoS of each."""
        return {self.commands: 1, self.alerts: 0, self.own_about: 0}

    @property
    def commands(self) -> str:
        """The filter that takes in all commands."""
        return f"{self.base}/set/+"

    def command_name(self, topic: str) -> str | None:
        """Return what stands below ``set/``, or None if the topic is none of this box's."""
        prefix = f"{self.base}/set/"
        return topic[len(prefix) :] if topic.startswith(prefix) else None

    def command(self, topic: str, payload: bytes, *, retain: bool) -> Command:
        """Return the command towards sensing in a received message.

        A command is its topic; the payload is empty. A retained one is refused: it would come
        again at every reconnect.

        Raises:
            CommandRefusedError: If it is none; the message says why without repeating what was
                received.
        """
        command = _COMMANDS.get(self.command_name(topic) or "")
        if command is None:
            raise CommandRefusedError(
                Refusal.UNKNOWN, "There is no such command; there are pause, resume and marker."
            )
        if retain:
            raise CommandRefusedError.retained()
        if payload:
            raise CommandRefusedError(
                Refusal.INVALID, "Pause and resume are empty messages; this one has a payload."
            )
        return command
