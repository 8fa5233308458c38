"""One connection to an MQTT broker, from CONNECT to its end.

paho does the protocol; queueing, retrying and falling back are ours. Every connection is a new
paho client, so that nothing of an old one (its queue, its retransmissions, its protocol) lives on.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_affect.errors import BrokerError
from edge_affect.publishing.commands import Request
from edge_affect.publishing.payload import SCHEMA_VERSION
from edge_affect.publishing.tls import alert_after_handshake, handshake_failure

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.reasoncodes import ReasonCode

    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.topics import Message

MQTT_5 = MQTTProtocolVersion.MQTTv5
MQTT_3 = MQTTProtocolVersion.MQTTv311
PROTOCOL_TEXT: dict[MQTTProtocolVersion, str] = {MQTT_5: "5", MQTT_3: "3.1.1"}
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
"""The broker has this long for its yes or no."""
MAX_IN_FLIGHT = 10
MAX_PACKET_BYTES = 262_144
"""Nothing that a box or a reader takes comes near this; an MQTT 5 broker keeps more to itself."""
_MISC_INTERVAL_S = 1.0
_REFUSED_VERSION = 0x84
"""CONNACK reason "Unsupported protocol version"; paho maps 3.1.1's code 1 to it."""


OnMessage = Callable[[str, bytes, bool], None]
"""Takes topic, payload and whether it was retained."""
OnRequest = Callable[[Request], None]
"""Takes the same together with what an answer needs."""


class VersionRefusedError(BrokerError):
    """The broker does not speak MQTT 5; 3.1.1 may do."""


class NoAnswerError(BrokerError):
    """The broker closed the connection without a word; some do so to versions they do not know."""


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """Who connects.

    Attributes:
        client_id: Unique at the broker; a second client with the same one ends the first.
        will: What the broker publishes when the connection breaks, or None.
    """

    client_id: str
    will: Message | None = None


class Connection:
    """One connection; all methods belong to one thread.

    Args:
        access: The broker.
        identity: Client id and last will.
        protocol: ``MQTT_5`` or ``MQTT_3``.
        on_message: Called with topic, payload and whether it was retained.
        on_request: Called instead by who answers.
    """

    def __init__(
        self,
        access: BrokerAccess,
        identity: ClientIdentity,
        protocol: MQTTProtocolVersion = MQTT_5,
        on_message: OnMessage | None = None,
        on_request: OnRequest | None = None,
    ) -> None:
        self._access = access
        self.protocol = protocol
        self._on_message = on_message
        self._on_request = on_request
        self._connack: ReasonCode | None = None
        self._end: str | None = None
        self._refusal: str | None = None
        self._asked: dict[int, str] = {}
        self._refused_filters: dict[str, str] = {}
        self._waiting: set[int] = set()
        self.max_in_flight = MAX_IN_FLIGHT
        self._client = self._make_client(identity)

    def _make_client(self, identity: ClientIdentity) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=identity.client_id,
            clean_session=None if self.protocol == MQTT_5 else True,
            protocol=self.protocol,
            reconnect_on_failure=False,
        )
        access, will = self._access, identity.will
        client.connect_timeout = CONNECT_TIMEOUT_S
        if access.username or access.password:
            client.username_pw_set(access.username, access.password or None)
        if access.tls is not None:
            client.tls_set_context(access.tls)
        if will is not None:
            properties = self._properties(will, PacketTypes.WILLMESSAGE)
            client.will_set(will.topic, will.payload, will.qos, will.retain, properties)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        return client

    # ---- callbacks: they only note what happened; paho swallows or delays what they raise ----

    def _connected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._connack = reason
        maximum = getattr(properties, "ReceiveMaximum", MAX_IN_FLIGHT)
        self.max_in_flight = min(MAX_IN_FLIGHT, maximum)

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._end = self._end or str(reason).lower()

    def _published(
        self,
        _client: Client,
        _userdata: Any,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._waiting.discard(mid)
        if reason.is_failure:
            self._refusal = str(reason).lower()

    def _subscribed(
        self,
        _client: Client,
        _userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        topic_filter = self._asked.pop(mid, None)
        for reason in reasons:
            if topic_filter is not None and reason.is_failure:
                self._refused_filters[topic_filter] = str(reason).lower()

    def _received(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            # MQTT forbids it; a broker that lets it through sends us no topic of ours.
            return
        payload = bytes(message.payload)
        if self._on_request is not None:
            told = message.properties
            response_topic = getattr(told, "ResponseTopic", None)
            correlation = getattr(told, "CorrelationData", None)
            self._on_request(Request(topic, payload, message.retain, response_topic, correlation))
        elif self._on_message is not None:
            self._on_message(topic, payload, message.retain)

    # ---- what the owner calls ----

    def open(self) -> None:
        """Connect and wait for the broker's yes.

        Raises:
            VersionRefusedError: If the broker refuses this protocol version.
            NoAnswerError: If the broker closes the connection instead of answering.
            BrokerError: If it cannot be reached or refuses.
        """
        access = self._access
        try:
            limits = self._limits()
            self._client.connect(access.host, access.port, access.keepalive_s, properties=limits)
        except (OSError, ValueError) as error:
            self.close()
            failure = None
            if access.tls is not None and isinstance(error, OSError):
                failure = handshake_failure(error, access.host)
            failure = failure or f"cannot be reached: {_reason(error)}"
            raise BrokerError(self._sentence(failure)) from None
        self._send_at_once()
        deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
        while self._connack is None and self._end is None and time.monotonic() < deadline_s:
            self.step(deadline_s - time.monotonic())
        if self._connack is not None and not self._connack.is_failure:
            return
        self.close()
        if self._connack is None:
            if self._end is None:
                raise BrokerError(self._sentence(f"did not answer within {ANSWER_TIMEOUT_S:.0f} s"))
            raise self._unanswered()
        if self._connack.value == _REFUSED_VERSION:
            version = PROTOCOL_TEXT[self.protocol]
            raise VersionRefusedError(
                f"The broker at {access.address} does not speak MQTT {version}."
            )
        raise BrokerError(self._sentence(f"refuses: {str(self._connack).lower()}"))

    def _send_at_once(self) -> None:
        """Let no message wait in the kernel for the broker to confirm the one before.

        A vector follows its trend, which no broker answers: measured, it waited 40 ms.
        """
        sock: Any = self._client.socket()
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _unanswered(self) -> BrokerError:
        """Return why a broker that closed the connection may have done so."""
        access, closed = self._access, "closed the connection without an answer"
        if access.tls is None:
            return NoAnswerError(self._sentence(f"{closed}, as one does that wants TLS"))
        alert = alert_after_handshake(access.tls, access.host, access.port)
        if alert is None:
            return NoAnswerError(self._sentence(closed))
        return BrokerError(self._sentence(f"refuses: {alert}"))

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._connack is not None and self._end is None and self._client.socket() is not None

    @property
    def end(self) -> str:
        """Why the connection ended, as the end of a sentence."""
        return self._end or "connection lost"

    @property
    def refusal(self) -> str | None:
        """Why the broker last refused a message, as MQTT 5 brokers say; None if it took all."""
        return self._refusal

    @property
    def refused_filters(self) -> Mapping[str, str]:
        """Topic filters that the broker does not let us read, and why, as far as it has answered.

        A broker may also agree and then send nothing: mosquitto does with an ``acl_file``.
        """
        return self._refused_filters

    @property
    def n_unanswered(self) -> int:
        """How many subscriptions wait for the broker's yes or no."""
        return len(self._asked)

    @property
    def n_in_flight(self) -> int:
        """How many messages wait for the broker's acknowledgement."""
        return len(self._waiting)

    def is_waiting(self, mid: int) -> bool:
        """Return whether message ``mid`` still waits for its acknowledgement."""
        return mid in self._waiting

    def send(self, message: Message) -> int:
        """Hand one message to the network and return its number.

        With QoS 1 the caller keeps below ``max_in_flight`` and owns the message until
        ``is_waiting`` says no.
        """
        properties = self._properties(message, PacketTypes.PUBLISH)
        info = self._client.publish(
            message.topic, message.payload, message.qos, message.retain, properties
        )
        if message.qos > 0:
            self._waiting.add(info.mid)
        return info.mid

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Ask for messages.

        By MQTT 5 not for one's own, and each with the retain flag that its sender gave it.
        """
        if self.protocol == MQTT_5:
            options = SubscribeOptions(qos=qos, noLocal=True, retainAsPublished=True)
            _, mid = self._client.subscribe(topic_filter, options=options)
        else:
            _, mid = self._client.subscribe(topic_filter, qos=qos)
        if mid is not None:
            self._asked[mid] = topic_filter

    def listen(self, topic_filter: str) -> None:
        """Ask for messages and wait for the broker's yes; messages may come before it.

        Raises:
            BrokerError: If it refuses, does not answer, or the connection ends; it is closed then.
        """
        self.subscribe(topic_filter)
        deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
        while self._asked and self.is_open and time.monotonic() < deadline_s:
            self.step(deadline_s - time.monotonic())
        reason = self._refused_filters.get(topic_filter)
        if not self._asked and reason is None:
            return
        end = self._end
        self.close()
        asked = f"the subscription to {topic_filter}"
        if reason is not None:
            raise BrokerError(self._sentence(f"refuses {asked}: {reason}", "see its access list"))
        if end is not None:
            raise BrokerError(self._sentence(f"ended the connection at {asked}: {end}"))
        raise BrokerError(self._sentence(f"did not answer {asked} within {ANSWER_TIMEOUT_S:.0f} s"))

    def step(self, timeout_s: float, wake: socket.socket | None = None) -> None:
        """Wait for network traffic, or a byte on ``wake``, or ``timeout_s``; then handle it."""
        sock = self._client.socket()
        if sock is None:
            self._end = self._end or "connection lost"
            return
        pending = getattr(sock, "pending", lambda: 0)()
        readable: list[Any] = [sock] if wake is None else [sock, wake]
        writable = [sock] if self._client.want_write() else []
        wait_s = 0.0 if pending else max(0.0, min(timeout_s, _MISC_INTERVAL_S))
        ready, room, _ = select.select(readable, writable, [], wait_s)
        if sock in ready or pending:
            self._note(self._client.loop_read())
        if room:
            self._note(self._client.loop_write())
        self._note(self._client.loop_misc())

    def _note(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end = self._end or "connection lost"

    def close(self) -> None:
        """Say goodbye, so that the will is not published, and let go of the socket."""
        self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            # paho has tried to send DISCONNECT at once; what does not fit now is not waited for.
            self._client.loop_misc()
            sock.close()
        self._end = self._end or "closed"

    def drop(self) -> None:
        """Cut the connection without a word: the broker publishes the will."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        self._end = self._end or "dropped"

    def _properties(self, message: Message, packet: int) -> Properties | None:
        if self.protocol != MQTT_5:
            return None
        properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it open
        properties.ContentType = message.content_type
        properties.UserProperty = ("schema", SCHEMA_VERSION)
        if message.expiry_s is not None:
            properties.MessageExpiryInterval = message.expiry_s
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        return properties

    def _limits(self) -> Properties | None:
        """Return what the broker is told of this client's limits."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # as above
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        return properties if self.protocol == MQTT_5 else None

    def _sentence(self, what: str, remedy: str = "check [mqtt] in the configuration") -> str:
        return f"The broker at {self._access.address} {what}; {remedy}."


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
