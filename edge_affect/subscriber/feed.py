"""Keeps a fleet fed: one connection to the broker, looked for again for ever."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING

from edge_affect.errors import BrokerError
from edge_affect.publishing.backoff import Backoff, BackoffRange
from edge_affect.publishing.mqtt import ClientIdentity
from edge_affect.publishing.subscriber import connect
from edge_affect.subscriber.box import Moment
from edge_affect.subscriber.fields import ms_since_1970
from edge_affect.subscriber.fleet import topic_filter
from edge_affect.wall_clock import SystemWallClock

if TYPE_CHECKING:
    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.mqtt import Connection
    from edge_affect.subscriber.fleet import Fleet

WAITS = BackoffRange(0.5, 10.0)
STOP_S = 2.0
"""Nobody who presses Ctrl-C waits for a broker that does not answer."""
_STEP_S = 1.0
_STABLE_S = 10.0


class Feed:
    """A thread that hands everything boxes say to a ``Fleet``; ``start`` and ``stop`` it once.

    Args:
        access: The broker.
        fleet: Is told of messages, and of the broker's comings and goings.
        topic: Topic filter.
    """

    def __init__(self, access: BrokerAccess, fleet: Fleet, topic: str | None = None) -> None:
        self._wall = SystemWallClock()
        self._access = access
        self._fleet = fleet
        self._topic = topic or topic_filter()
        self._identity = ClientIdentity(f"edge-affect-view-{secrets.token_hex(4)}")
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._first: Connection | None = None
        self._early: list[tuple[str, bytes, Moment]] | None = None

    def connect(self) -> None:
        """Connect once, before ``start``, so that a broker that is not there is told at once.

        Raises:
            BrokerError: If it cannot be reached, or refuses us or the topic.
        """
        self._first = self._open()

    def start(self) -> None:
        """Start listening."""
        self._woken, self._waker = socket.socketpair()
        self._thread.start()

    def stop(self) -> None:
        """Close the connection and end; a thread that is still connecting is left behind."""
        self._is_stopping.set()
        self._waker.send(b"\0")
        self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._woken.close()
            self._waker.close()

    def _run(self) -> None:
        backoff = Backoff(WAITS)
        while not self._is_stopping.is_set():
            try:
                connection, self._first = self._first or self._open(), None
            except BrokerError as error:
                self._fleet.disconnected(str(error), time.monotonic())
                self._is_stopping.wait(backoff.next_s())
                continue
            started_s = time.monotonic()
            self._serve(connection)
            now_s = time.monotonic()
            if now_s - started_s >= _STABLE_S:
                backoff.reset()
            self._fleet.disconnected(f"The broker is gone: {connection.end}.", now_s)
            self._is_stopping.wait(backoff.next_s())

    def _open(self) -> Connection:
        """Return a connection whose subscription the broker has granted."""
        self._early = []
        connection = connect(self._access, self._identity, self._take)
        connection.listen(self._topic)
        return connection

    def _serve(self, connection: Connection) -> None:
        """Listen until the connection or this thread ends."""
        self._fleet.connected(time.monotonic())
        early, self._early = self._early or [], None
        for message in early:
            self._fleet.take(*message)
        try:
            while connection.is_open and not self._is_stopping.is_set():
                connection.step(_STEP_S, self._woken)
        finally:
            connection.close()

    def _take(self, topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001 (the connection's callback)
        moment = Moment(time.monotonic(), ms_since_1970(self._wall.now()))
        if self._early is not None:
            # Before the broker's yes the fleet does not know yet that it begins anew.
            self._early.append((topic, payload, moment))
        else:
            self._fleet.take(topic, payload, moment)
