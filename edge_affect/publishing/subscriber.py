"""Reading at a broker: a connection whatever MQTT it speaks, and vectors for a script."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from edge_affect.errors import BrokerError
from edge_affect.publishing.backoff import Backoff, BackoffRange
from edge_affect.publishing.mqtt import (
    MQTT_3,
    MQTT_5,
    ClientIdentity,
    Connection,
    NoAnswerError,
    OnMessage,
    VersionRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.publishing.access import BrokerAccess

_STEP_S = 0.2
_WAITS = BackoffRange(0.2, 5.0)


def connect(
    access: BrokerAccess, identity: ClientIdentity, on_message: OnMessage | None = None
) -> Connection:
    """Return an open connection, by MQTT 3.1.1 where the broker refuses 5 or hangs up on it.

    Raises:
        BrokerError: If the broker cannot be reached or refuses.
    """
    connection = Connection(access, identity, MQTT_5, on_message)
    try:
        connection.open()
    except (VersionRefusedError, NoAnswerError):
        connection = Connection(access, identity, MQTT_3, on_message)
        connection.open()
    return connection


def watch(
    access: BrokerAccess,
    topic: str,
    on_payload: Callable[[dict[str, Any]], None],
    is_over: Callable[[], bool],
    patience_s: float = 10.0,
) -> None:
    """Call ``on_payload`` for each JSON object published on ``topic``, in the calling thread.

    What is not a JSON object is passed over. A broker that goes away is looked for again.

    Args:
        access: The broker.
        topic: MQTT topic filter, such as ``edge-affect/+/+/affect``.
        on_payload: Receives each object; what it raises ends the watch.
        is_over: Asked a few times a second; True ends the watch.
        patience_s: How long the broker may be away.

    Raises:
        BrokerError: If the broker was away, or refused us or ``topic``, for longer than
            ``patience_s``.
    """
    received: list[dict[str, Any]] = []

    def on_message(_topic: str, data: bytes, _retain: bool) -> None:  # noqa: FBT001 (the connection's callback)
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(payload, dict):
            received.append(payload)

    identity = ClientIdentity(f"edge-affect-watch-{secrets.token_hex(4)}")
    backoff = Backoff(_WAITS)
    seen_s = time.monotonic()
    while not is_over():
        try:
            connection = connect(access, identity, on_message)
            connection.listen(topic)
        except BrokerError:
            if time.monotonic() - seen_s >= patience_s:
                raise
            time.sleep(backoff.next_s())
            continue
        backoff.reset()
        try:
            while connection.is_open and not is_over():
                connection.step(_STEP_S)
                for payload in received:
                    on_payload(payload)
                received.clear()
        finally:
            connection.close()
        seen_s = time.monotonic()
