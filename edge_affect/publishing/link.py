"""Keeps one box connected to its broker for ever, in a thread of its own.

The thread owns the connection; the tick only fills the outbox and wakes it. An entry leaves the
outbox for good when the broker has acknowledged it: at least once, in order, with sequence numbers
against the repetitions.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_affect.errors import BrokerError
from edge_affect.publishing.backoff import Backoff, BackoffRange
from edge_affect.publishing.mqtt import (
    MQTT_3,
    MQTT_5,
    PROTOCOL_TEXT,
    ClientIdentity,
    Connection,
    NoAnswerError,
    OnRequest,
    VersionRefusedError,
)
from edge_affect.publishing.outbox import Entry

if TYPE_CHECKING:
    from paho.mqtt.enums import MQTTProtocolVersion

    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.bulletin import Bulletin, Notice
    from edge_affect.publishing.outbox import Outbox
    from edge_affect.publishing.topics import Message

LOG = logging.getLogger("edge_affect.publishing")
FAREWELL_S = 3.0
"""At the end, this long for what is queued."""
GOODBYE_S = 1.0
"""And this long for the broker to take the last ``offline``."""
_STABLE_S = 10.0
"""A connection that lived this long was a good one: the next wait is short again."""
_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the link says and to whom.

    Attributes:
        access: The broker.
        client_id: Stable name of this box at the broker: a new connection then ends a half-dead
            old one, and the old one's will comes before our ``online``.
        greeting: Sent at every connect, in this order; the last one is ``online``.
        farewell: Sent at a clean end.
        filters: Topic filters to subscribe to, with the QoS of each.
        render: Turns an outbox entry into its message.
        on_request: Called in the link's thread with what arrives.
        backoff: Waits between attempts.
        will: What the broker says at any other end; None for the farewell.
        label: What the log calls the broker.
    """

    access: BrokerAccess
    client_id: str
    greeting: Sequence[Message]
    farewell: Message
    filters: Mapping[str, int]
    render: Callable[[Entry], Message]
    on_request: OnRequest
    backoff: BackoffRange = field(default_factory=BackoffRange)
    will: Message | None = None
    label: str = "broker"


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the link is doing.

    Attributes:
        is_connected: Whether the broker is there now.
        protocol: "5", "3.1.1", or None before the first connection.
        n_reconnects: Connections after the first one.
        error: Why the last attempt or connection ended, or None.
    """

    is_connected: bool = False
    protocol: str | None = None
    n_reconnects: int = 0
    error: str | None = None


class BrokerLink:
    """See the module; ``start`` it once, ``stop`` it once.

    Args:
        settings: What to say and to whom.
        outbox: Entries to deliver.
        bulletin: Notices to deliver; they go first.
    """

    def __init__(self, settings: LinkSettings, outbox: Outbox, bulletin: Bulletin) -> None:
        self._settings = settings
        self._outbox = outbox
        self._bulletin = bulletin
        self._backoff = Backoff(settings.backoff)
        self._has_refused_5 = False
        self._n_silent = 0
        self._n_connections = 0
        self._state = LinkState()
        self._is_stopping = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0.0)
        self._waker.settimeout(0.0)
        self._thread = threading.Thread(target=self._run, name="broker-link", daemon=True)

    @property
    def state(self) -> LinkState:
        """How the link is doing now."""
        return self._state

    def start(self) -> None:
        """Start connecting."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; it ends by itself only through a bug."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Say that there is something new to send."""
        try:
            self._waker.send(b"\0")
        except BlockingIOError:
            # The byte that is already there wakes it just as well.
            return

    def pass_on(self, message: Message) -> None:
        """Send ``message`` once, if the broker is there; it is not queued."""
        self._bulletin.put_moment(message)
        self.wake()

    def begin_stop(self) -> None:
        """Begin to end; ``stop`` waits for it."""
        self._is_stopping.set()
        self.wake()

    def stop(self) -> bool:
        """Deliver what can be delivered in a moment, say ``offline``, and end.

        Returns:
            Whether the thread has ended; one that is still connecting is left behind, it has
            nothing to say goodbye to.
        """
        self.begin_stop()
        self._thread.join(FAREWELL_S + GOODBYE_S + 1.0)
        if self._thread.is_alive():
            return False
        self._woken.close()
        self._waker.close()
        return True

    # ---- the thread ----

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            connection = self._connect()
            if connection is None:
                self._is_stopping.wait(self._backoff.next_s())
                continue
            started_s = time.monotonic()
            entries, notices = self._serve(connection)
            self._outbox.put_back(entries)
            self._bulletin.after_loss(notices)
            self._set_state(is_connected=False, error=connection.end)
            if self._is_stopping.is_set():
                return
            label, n_queued = self._settings.label, len(self._outbox)
            LOG.warning("%s lost: %s; queued=%d", label, connection.end, n_queued)
            if time.monotonic() - started_s >= _STABLE_S:
                self._backoff.reset()
            self._is_stopping.wait(self._backoff.next_s())

    def _connect(self) -> Connection | None:
        """Return an open connection, or None after noting why there is none."""
        settings = self._settings
        identity = ClientIdentity(settings.client_id, settings.will or settings.farewell)
        protocol = self._next_protocol()
        connection = Connection(settings.access, identity, protocol, on_request=settings.on_request)
        try:
            connection.open()
        except BrokerError as error:
            if isinstance(error, VersionRefusedError) and protocol == MQTT_5:
                LOG.warning("%s Falling back to MQTT 3.1.1.", error)
                self._has_refused_5 = True
                return self._connect()
            self._n_silent = self._n_silent + 1 if isinstance(error, NoAnswerError) else 0
            if str(error) != self._state.error:
                LOG.warning("%s Trying again.", error)
            self._set_state(is_connected=False, error=str(error))
            return None
        self._n_silent = 0
        self._n_connections += 1
        self._bulletin.open()
        self._set_state(is_connected=True, error=None, protocol=protocol)
        LOG.info("%s connected: mqtt=%s", settings.label, PROTOCOL_TEXT[protocol])
        return connection

    def _next_protocol(self) -> MQTTProtocolVersion:
        """Return MQTT 5 unless the broker has refused it, or may have: every third time then."""
        is_suspect = self._n_silent % 3 == 2
        return MQTT_3 if self._has_refused_5 or is_suspect else MQTT_5

    def _set_state(
        self, *, is_connected: bool, error: str | None, protocol: MQTTProtocolVersion | None = None
    ) -> None:
        known = self._state.protocol if protocol is None else PROTOCOL_TEXT[protocol]
        self._state = LinkState(is_connected, known, max(0, self._n_connections - 1), error)

    def _serve(self, connection: Connection) -> tuple[list[Entry], list[Notice]]:
        """Deliver until the connection or the link ends; return what is not acknowledged."""
        # First what is retained from an earlier run, then what replaces it.
        for topic_filter, qos in self._settings.filters.items():
            connection.subscribe(topic_filter, qos)
        for message in self._settings.greeting:
            connection.send(message)
        lent: dict[int, Entry | Notice] = {}
        told: set[str] = set()
        while connection.is_open and not self._is_stopping.is_set():
            self._deliver(connection, lent)
            connection.step(min(_STEP_S, self._outbox.wait_s()), self._woken)
            self._drain_wakes()
            self._tell_refusals(connection, told)
        deadline_s = time.monotonic() + FAREWELL_S
        while connection.is_open and time.monotonic() < deadline_s:
            self._deliver(connection, lent)
            if not lent and not self._outbox and not self._bulletin:
                break
            connection.step(min(deadline_s - time.monotonic(), self._outbox.wait_s()))
        if connection.is_open:
            self._say_goodbye(connection)
        self._settle(connection, lent)
        unsent = list(lent.values())
        entries = [item for item in unsent if isinstance(item, Entry)]
        return entries, [item for item in unsent if not isinstance(item, Entry)]

    def _tell_refusals(self, connection: Connection, told: set[str]) -> None:
        """Log what the broker does not allow us, each once for a connection."""
        said = [
            f"refuses the subscription to {topic_filter}: {reason}; nothing sent there arrives"
            for topic_filter, reason in connection.refused_filters.items()
        ]
        if connection.refusal is not None:
            said.append(f"throws messages away: {connection.refusal}")
        for what in said:
            if what not in told:
                told.add(what)
                LOG.warning("the %s %s; see its access list", self._settings.label, what)

    def _say_goodbye(self, connection: Connection) -> None:
        """Replace the retained ``online`` and close, which takes the will back."""
        farewell = connection.send(self._settings.farewell)
        deadline_s = time.monotonic() + GOODBYE_S
        while connection.is_open and connection.is_waiting(farewell):
            if time.monotonic() >= deadline_s:
                # Without this answer the broker shall publish the will instead.
                connection.drop()
                return
            connection.step(0.1)
        connection.close()

    def _deliver(self, connection: Connection, lent: dict[int, Entry | Notice]) -> None:
        """Hand over as much as the window allows; forget what has been acknowledged.

        Notices go first: an alert does not wait behind an hour of vectors.
        """
        self._settle(connection, lent)
        while connection.is_open and connection.n_in_flight < connection.max_in_flight:
            item = self._bulletin.take() or self._outbox.take()
            if item is None:
                return
            message = self._settings.render(item) if isinstance(item, Entry) else item.message
            mid = connection.send(message)
            if message.qos > 0:
                lent[mid] = item

    def _settle(self, connection: Connection, lent: dict[int, Entry | Notice]) -> None:
        """Forget what the broker has acknowledged."""
        for mid in [mid for mid in lent if not connection.is_waiting(mid)]:
            item = lent.pop(mid)
            if isinstance(item, Entry):
                self._outbox.settle(item)

    def _drain_wakes(self) -> None:
        try:
            self._woken.recv(4096)
        except BlockingIOError:
            return
