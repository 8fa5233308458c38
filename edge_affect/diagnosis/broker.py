"""The way to the broker, step by step, from its name to a message there and back."""

from __future__ import annotations

import secrets
import socket
import time
from typing import TYPE_CHECKING

from edge_affect.diagnosis.check import Finding, Subject, ok, warn
from edge_affect.errors import BrokerError
from edge_affect.publishing.access import broker_access, is_loopback
from edge_affect.publishing.mqtt import PROTOCOL_TEXT, ClientIdentity
from edge_affect.publishing.subscriber import connect
from edge_affect.publishing.tls import handshake_failure
from edge_affect.publishing.topics import TEXT_TYPE, Message, Topics
from edge_affect.smart_home import other_filters

if TYPE_CHECKING:
    from edge_affect.publishing.mqtt import Connection, OnMessage

TIMEOUT_S = 5.0
_USE_TLS = "Set [mqtt] ca_file, or tls = true; docs/broker.md shows the broker's side."


def name(subject: Subject) -> Finding:
    """Look the broker's name up."""
    mqtt = subject.config.mqtt
    try:
        found = socket.getaddrinfo(mqtt.host, mqtt.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # What cannot be a name at all (a..b) is told by the codec of names.
        reason = getattr(error, "strerror", None) or error
        raise BrokerError(f"The name {mqtt.host} cannot be looked up: {reason}.") from None
    addresses = sorted({str(entry[4][0]) for entry in found})
    return ok(f"{mqtt.host} is {', '.join(addresses)}.")


def connection(subject: Subject) -> Finding:
    """Connect by TCP and hang up."""
    mqtt = subject.config.mqtt
    try:
        socket.create_connection((mqtt.host, mqtt.port), TIMEOUT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BrokerError(f"{mqtt.host} does not answer on port {mqtt.port}: {reason}.") from None
    return ok(f"{mqtt.host} answers on port {mqtt.port}.")


def tls(subject: Subject) -> Finding:
    """Make a TLS connection and check certificate and name, where TLS is asked for."""
    mqtt = subject.config.mqtt
    access = broker_access(mqtt)
    context = access.tls
    if context is None:
        if access.is_password_in_clear:
            return warn(f"The password travels in clear to {mqtt.host}.", _USE_TLS)
        if not is_loopback(mqtt.host):
            return warn(f"Messages travel in clear to {mqtt.host}.", _USE_TLS)
        return ok("TLS is not asked for, and not needed on this machine.")
    try:
        with (
            socket.create_connection((mqtt.host, mqtt.port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=mqtt.host) as secured,
        ):
            version = secured.version()
    except OSError as error:
        what = handshake_failure(error, mqtt.host)
        reason = error.strerror or str(error)
        what = what or f"cannot be reached: {reason.rstrip('.').lower()}"
        raise BrokerError(f"The broker at {access.address} {what}.") from None
    return ok(f"{version} with a trusted certificate for {mqtt.host}.")


def mqtt_session(subject: Subject) -> Finding:
    """Log in, with a client id of its own, so that no running box is thrown out."""
    opened = _open(subject)
    opened.close()
    return ok(f"The broker lets this box in, by MQTT {PROTOCOL_TEXT[opened.protocol]}.")


def subscriptions(subject: Subject) -> Finding:
    """Subscribe to what the box subscribes to: its commands above all."""
    config = subject.config
    filters = (
        *Topics(config.base_topic).read,
        *other_filters(config.home_assistant, config.homie, config.node_id),
    )
    opened = _open(subject)
    for topic_filter in filters:
        opened.listen(topic_filter)
    opened.close()
    return ok(f"The broker grants all {len(filters)} subscriptions of this box.")


def there_and_back(subject: Subject) -> Finding:
    """Publish below the box's own prefix on one connection until a second one receives it."""
    token = secrets.token_hex(8).encode()
    topic = f"{subject.config.base_topic}/doctor"
    came: list[bytes] = []
    reader = _open(subject, lambda _topic, data, _retain: came.append(data))
    writer = _open(subject)
    started_s = sent_s = time.monotonic()
    try:
        reader.listen(topic)
        while token not in came and reader.is_open and sent_s - started_s < TIMEOUT_S:
            # A cluster may pass the message on before it knows of the subscription: sent again.
            sent_s = time.monotonic()
            writer.send(Message(topic, token, content_type=TEXT_TYPE, expiry_s=5))
            writer.step(0.05)
            reader.step(0.2)
            if writer.refusal is not None:
                raise BrokerError(f"The broker takes no message to {topic}: {writer.refusal}.")
        took_ms = round((time.monotonic() - sent_s) * 1000)
    finally:
        writer.close()
        reader.close()
    if token not in came:
        raise BrokerError(f"A message to {topic} did not come back within {TIMEOUT_S:.0f} s.")
    return ok(f"A message to {topic} came back after {took_ms} ms.", round_trip_ms=took_ms)


def _open(subject: Subject, on_message: OnMessage | None = None) -> Connection:
    access = broker_access(subject.config.mqtt)
    identity = ClientIdentity(f"edge-affect-doctor-{secrets.token_hex(4)}")
    return connect(access, identity, on_message)
