"""Process 2: takes the newest record at each tick, stamps it, and sees that it gets out."""

from __future__ import annotations

import logging
import select
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.errors import BrokerError
from edge_affect.publishing.about import about_payload, models_in_use
from edge_affect.publishing.access import broker_access
from edge_affect.publishing.announcer import Announcer
from edge_affect.publishing.bulletin import Bulletin
from edge_affect.publishing.commands import CommandDesk
from edge_affect.publishing.health import HEALTH_INTERVAL_S, LATE_S, SensingView, health_payload
from edge_affect.publishing.inlet import Inlet
from edge_affect.publishing.leftovers import earlier_about, leftovers
from edge_affect.publishing.link import BrokerLink, LinkSettings
from edge_affect.publishing.notices import Now
from edge_affect.publishing.outbox import unpack
from edge_affect.publishing.outboxes import outbox_for
from edge_affect.publishing.payload import affect_payload, to_json
from edge_affect.publishing.stamping import Stamper
from edge_affect.publishing.standing_pause import StandingPause
from edge_affect.publishing.ticks import FirstRecord, TickSchedule
from edge_affect.publishing.topics import OFFLINE, ONLINE, Message, Topics
from edge_affect.sdnotify import Notifier

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.config import Config
    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.commands import Request
    from edge_affect.publishing.mirror import Mirror
    from edge_affect.publishing.outbox import Entry
    from edge_affect.record import AffectRecord, Command, SourceState

LOG = logging.getLogger("edge_affect.publishing")
HELD_UP_S = 1.0
"""A tick that comes this late may find more records than it reads; the newest is the present."""
STALE_S = 10.0
"""This late, not even the newest is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When the publisher ends by itself.

    Attributes:
        duration_s: After this long; None runs until told to stop.
        give_up_s: With a ``BrokerError`` when the broker was away for this long; None never.
    """

    duration_s: float | None = None
    give_up_s: float | None = None


class Publisher:
    """The publishing process; ``run`` it in the main thread.

    Args:
        config: Of this box; ``deployment``, ``device``, ``publish`` and ``mqtt`` are used.
        records: Datagram socket that records arrive on.
        commands: Datagram socket towards sensing; None refuses to pause and resume.
        limits: When to end.

    Raises:
        InputMissingError: If the password or CA file is not there.
        ConfigError: If one of them cannot be used.
        CannotWriteError: If the folder of the spool is not there or not this process's own.
        UnavailableError: If systemd's notify socket is named but cannot be reached.
    """

    def __init__(
        self,
        config: Config,
        records: socket.socket,
        commands: socket.socket | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._clock: Clock = MonotonicClock()
        self._outbox = outbox_for(config.publish)
        self._stamper = Stamper(first_sequence=self._outbox.first_sequence)
        self._inlet = Inlet(records)
        self._commands = commands
        self._bulletin = Bulletin(self._clock)
        self._topics = Topics(config.base_topic)
        self._pause = None if commands is None else StandingPause(self._forward, self._clock)
        forward = None if self._pause is None else self._pause.forward
        self._desk = CommandDesk(self._topics, self._bulletin, self._stamper.peek, forward)
        self._tick_hz = config.publish.tick_hz
        self._config = config
        about = about_payload(config, models_in_use(config))
        access = broker_access(config.mqtt)
        self._mirrors = self._make_mirrors(about, access)
        self._announcer = Announcer(
            config, self._topics, self._bulletin, self._now(), self._mirrors
        )
        settings = self._link_settings(to_json(about).encode(), access)
        self._link = BrokerLink(settings, self._outbox, self._bulletin)
        self._stopped, self._stopper = socket.socketpair()
        self._stopper.settimeout(0.0)
        self._notifier = Notifier()
        self._last: AffectRecord | None = None
        self._last_ns = 0
        self._health_ns = 0
        self._told: tuple[int, tuple[SourceState, SourceState] | None, bool] = (0, None, False)

    def _make_mirrors(self, about: dict[str, Any], access: BrokerAccess) -> tuple[Mirror, ...]:
        """Return what says things again for smart homes; nothing else is even imported."""
        made: list[Mirror] = []
        if self._config.home_assistant.enabled:
            from edge_affect.publishing.home_assistant import HomeAssistantDiscovery

            made.append(HomeAssistantDiscovery(self._config, about, self._bulletin))
        if self._config.homie.enabled:
            from edge_affect.publishing.homie import HomieDevice

            made.append(HomieDevice(self._config, about, access, self._clock, self._desk.take))
        return tuple(made)

    def _link_settings(self, about: bytes, access: BrokerAccess) -> LinkSettings:
        topics = self._topics
        filters = topics.read
        for mirror in self._mirrors:
            filters.update(mirror.filters)
        return LinkSettings(
            access=access,
            client_id=self._config.node_id,
            greeting=(topics.about(about), topics.status(ONLINE)),
            farewell=topics.status(OFFLINE),
            filters=filters,
            render=self._render,
            on_request=self._take_in,
        )

    def _now(self) -> Now:
        return Now(self._clock.now_ns(), self._stamper.peek())

    def stop(self) -> None:
        """Make ``run`` end soon; safe in a signal handler and from any thread."""
        try:
            self._stopper.send(b"\0")
        except OSError:
            # It was told already, or has ended.
            return

    def run(self) -> None:
        """Publish until told to stop; ends with ``offline`` at the broker.

        Raises:
            BrokerError: If ``Limits.give_up_s`` says so and the broker was away that long.
        """
        self._outbox.start()
        for mirror in self._mirrors:
            mirror.start()
        self._link.start()
        self._notifier.ready()
        try:
            self._loop()
        finally:
            self._notifier.stopping()
            self._announcer.stop(self._now())
            for mirror in self._mirrors:
                mirror.stop()
            if not self._link.stop():
                LOG.warning("the broker was not told of the end")
            for mirror in self._mirrors:
                mirror.close()
            self._outbox.close()
            self._notifier.close()
            self._inlet.close()
            self._stopped.close()
            self._stopper.close()

    def _loop(self) -> None:
        start_ns = connected_ns = self._clock.now_ns()
        ticks = TickSchedule(self._tick_hz, start_ns)
        first = FirstRecord(start_ns)
        while True:
            now_ns = self._clock.now_ns()
            if self._is_stopped(min(ticks.wait_s(now_ns), first.wait_s(now_ns))):
                return
            now_ns = self._clock.now_ns()
            if ticks.wait_s(now_ns) > 0:
                if first.is_due(now_ns):
                    self._inlet.receive()
                    if first.is_this(self._inlet.newest):
                        self._publish_newest(now_ns)
                continue
            late_s = ticks.late_s(now_ns)
            if late_s >= HELD_UP_S:
                n_skipped = self._inlet.catch_up(keeps_newest=late_s < STALE_S)
                LOG.warning("held up for %.0f s; records passed over: %d", late_s, n_skipped)
            ticks.skip_to(now_ns)
            self._notifier.watchdog()
            self._inlet.receive()
            first.is_this(self._inlet.newest)
            self._publish_newest(now_ns)
            if self._link.state.is_connected:
                connected_ns = now_ns
                self._publish_health(now_ns)
            self._check_broker((now_ns - connected_ns) / NS_PER_S)
            duration_s = self._limits.duration_s
            if duration_s is not None and now_ns - start_ns >= duration_s * NS_PER_S:
                return

    def _is_stopped(self, wait_s: float) -> bool:
        """Wait for the next tick; return True as soon as told to stop.

        Records wait in the socket meanwhile. A publisher that woke up for each would show, by its
        own punctuality, how many came: measured, a flood spelled two bits a second that way.
        """
        ready, _, _ = select.select([self._stopped.fileno()], [], [], wait_s)
        return bool(ready)

    def _publish_newest(self, now_ns: int) -> None:
        record = self._inlet.take()
        if self._pause is not None:
            self._pause.tick(record)
        for mirror in self._mirrors:
            mirror.tick(now_ns, record)
        if record is None:
            # That nothing came is news to the alerts, too.
            if self._announcer.tick(Now(now_ns, self._stamper.peek()), None) or self._bulletin:
                self._link.wake()
            return
        self._last, self._last_ns = record, now_ns
        stamp = self._stamper.next()
        self._outbox.put(record, stamp)
        self._announcer.tick(Now(now_ns, stamp, stamp.sequence), record)
        self._link.wake()

    def _publish_health(self, now_ns: int) -> None:
        """Publish health if it is due: in its interval, and at once after a reconnect.

        At once also when a microphone or camera is doing otherwise than was told last, and when
        records stay away or come again: a sensing process that died is back before the interval.
        """
        state = self._link.state
        devices = None if self._last is None else (self._last.microphone, self._last.camera)
        age_s = None if self._last is None else (now_ns - self._last_ns) / NS_PER_S
        is_late = age_s is not None and age_s >= LATE_S
        is_news = (state.n_reconnects, devices, is_late) != self._told
        if now_ns < self._health_ns and not is_news:
            return
        self._told = (state.n_reconnects, devices, is_late)
        self._health_ns = now_ns + round(HEALTH_INTERVAL_S * NS_PER_S)
        view = SensingView(self._last, age_s, self._inlet.n_refused)
        payload = health_payload(self._stamper.peek(), state, self._outbox, view)
        self._link.pass_on(self._topics.health(to_json(payload).encode()))
        for mirror in self._mirrors:
            mirror.health(payload)

    def _check_broker(self, away_s: float) -> None:
        if not (self._link.is_alive and all(mirror.is_alive for mirror in self._mirrors)):
            raise RuntimeError("the connection thread has ended by itself")
        if not self._outbox.is_alive:
            raise RuntimeError("the thread of the spool has ended by itself")
        give_up_s = self._limits.give_up_s
        if give_up_s is not None and away_s >= give_up_s:
            raise BrokerError(
                self._link.state.error or f"The broker did not answer within {give_up_s:g} s."
            )

    # ---- called in the link's thread ----

    def _render(self, entry: Entry) -> Message:
        record, stamp = unpack(entry.packed)
        payload = affect_payload(record, stamp, gap=entry.gap, is_late=entry.is_late)
        return self._topics.affect(to_json(payload).encode())

    def _take_in(self, request: Request) -> None:
        if self._topics.command_name(request.topic) is not None:
            self._desk.take(request)
        elif request.topic == self._topics.own_about:
            if request.retain:
                self._note_about(request.payload)
        elif self._topics.alert_name(request.topic) is not None:
            if request.retain:
                self._announcer.note_retained(request.topic, request.payload)
        else:
            for mirror in self._mirrors:
                mirror.take(request)

    def _note_about(self, payload: bytes) -> None:
        """Take back what an earlier run left at the broker and this one does not want."""
        earlier = earlier_about(payload)
        if earlier is None:
            return
        for message in leftovers(earlier, self._config):
            # Said at every connection: the about that told of it is overwritten by now.
            self._bulletin.put_state(message)
        for mirror in self._mirrors:
            mirror.note_about(earlier)

    def _forward(self, command: Command) -> None:
        if self._commands is not None:
            self._commands.send(bytes([command]), socket.MSG_DONTWAIT)
