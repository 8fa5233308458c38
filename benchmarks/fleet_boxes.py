"""Many boxes in one process: what `edge-affect publish` is made of, without threads and sockets.

Each box has the product's own outbox, stamps, alerts, sound events, trend, payloads, topics and
MQTT connection, its own client id, will and subscriptions; only the link's thread is replaced by
one loop for all, and the records come from a scripted room instead of a cage. Ticks are jittered,
clocks run a little fast or slow, and some boxes lose their connection without a word and come back
later.

`fleet.py` starts this; by itself it is of no use.
"""

from __future__ import annotations

import heapq
import json
import random
import signal
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_room import Room

from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.config import Config, Deployment, Device
from edge_affect.errors import BrokerError
from edge_affect.publishing.about import about_payload, shipped_models
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.announcer import Announcer
from edge_affect.publishing.backoff import Backoff
from edge_affect.publishing.bulletin import Bulletin
from edge_affect.publishing.health import HEALTH_INTERVAL_S, SensingView, health_payload
from edge_affect.publishing.link import LinkState
from edge_affect.publishing.mqtt import ClientIdentity, Connection
from edge_affect.publishing.notices import Now
from edge_affect.publishing.outbox import Entry, Outbox, unpack
from edge_affect.publishing.payload import affect_payload, to_json
from edge_affect.publishing.stamping import Stamper
from edge_affect.publishing.topics import OFFLINE, ONLINE, Topics

if TYPE_CHECKING:
    from edge_affect.publishing.bulletin import Notice

SENT = struct.Struct("<IIQB")
"""Box, sequence, monotonic nanoseconds, and 1 if the message had waited for a connection."""
SITE = "fleet"
JITTER_S = 0.02
"""Standard deviation of a tick's delay."""
DRIFT = 100e-6
"""Clocks run wrong by at most this share."""
PENDING_S = 0.002
"""Boxes that wait for an answer are looked after this often."""
DRAIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process of boxes is to do.

    Attributes:
        first: Number of its first box.
        n_boxes: How many.
        host: The broker, on this machine.
        port: Its port.
        tick_hz: Records a second and box.
        start_s: Monotonic clock when the first box connects.
        ramp_s: All boxes connect within this.
        seconds: Each box talks this long.
        outages: Lost connections a box and hour.
        outage_s: The longest; the shortest is a fifth of it.
        seed: Of everything random.
        out: File of what was sent when.
    """

    first: int
    n_boxes: int
    host: str
    port: int
    tick_hz: float
    start_s: float
    ramp_s: float
    seconds: float
    outages: float
    outage_s: float
    seed: int
    out: str


@dataclass(slots=True)
class Tally:
    """What all boxes of this process did.

    Attributes:
        sent: Rows of ``SENT``.
        n_records: Records stamped.
        n_dropped: Records lost by full queues; boxes report them as gaps.
        n_outages: Connections cut.
        n_payload_bytes: Of affect payloads.
        n_affect: Of affect messages, repetitions included.
        n_other: Of all other messages.
        n_other_bytes: Payloads of those.
        n_failed: Attempts to connect that failed.
        n_unsent: Records that were still waiting when it ended.
        n_missed: Ticks left out, because this machine was too busy to play all boxes.
        cpu_ms: Processor time of this process.
    """

    sent: list[bytes] = field(default_factory=list)
    n_records: int = 0
    n_dropped: int = 0
    n_outages: int = 0
    n_payload_bytes: int = 0
    n_affect: int = 0
    n_other: int = 0
    n_other_bytes: int = 0
    n_failed: int = 0
    n_unsent: int = 0
    n_missed: int = 0
    cpu_ms: int = 0


class SimulatedBox:
    """One box.

    Args:
        number: Of all boxes, from 0.
        plan: See there.
        tally: Where to count.
        models: For ``about``.
    """

    def __init__(self, number: int, plan: Plan, tally: Tally, models: Any) -> None:
        self.number = number
        self._plan = plan
        self._tally = tally
        self._chance = chance = random.Random(f"{plan.seed}-{number}")  # noqa: S311 (a script)
        device = Device(SITE, f"box{number}")
        place = Deployment(setting="venue", jurisdiction="EU", purpose="load", contact="nobody")
        config = Config(device=device, deployment=place)
        self._clock = MonotonicClock()
        self._stamper = Stamper()
        self._outbox = Outbox(config.publish.queue_size)
        self._bulletin = Bulletin(self._clock)
        self._topics = topics = Topics(config.base_topic)
        self._announcer = Announcer(config, topics, self._bulletin, self._now())
        self._about = to_json(about_payload(config, models)).encode()
        self._identity = ClientIdentity(f"edge-affect-{SITE}-{device.name}", topics.status(OFFLINE))
        self._access = BrokerAccess(plan.host, plan.port)
        self._connection: Connection | None = None
        self._lent: dict[int, Entry | Notice] = {}
        self._waited: set[int] = set()
        self._backoff = Backoff()
        self._n_connections = 0
        self._health_ns = 0
        self._room = Room(chance)
        self._period_s = (1 + chance.uniform(-DRIFT, DRIFT)) / plan.tick_hz
        self._begin_s = plan.start_s + chance.uniform(0, plan.ramp_s)
        self._due_s = self._begin_s
        self.end_s = self._begin_s + plan.seconds
        self._cut_s = self._next_cut(self._begin_s)
        self._back_s = self._begin_s

    def _now(self) -> Now:
        return Now(self._clock.now_ns(), self._stamper.peek())

    def _next_cut(self, after_s: float) -> float:
        if self._plan.outages <= 0:
            return float("inf")
        return after_s + self._chance.expovariate(self._plan.outages / 3600)

    @property
    def wakes_s(self) -> float:
        """When the next tick is due, monotonic seconds."""
        return self._due_s

    @property
    def has_pending(self) -> bool:
        """Whether it waits for the broker."""
        return self._connection is not None and (bool(self._lent) or bool(self._outbox))

    def tick(self) -> None:
        """Do what a publisher does at its tick."""
        now_s = time.monotonic()
        if self._connection is None and now_s >= self._back_s:
            self._connect(now_s)
        record = self._room.next()
        now_ns = self._clock.now_ns()
        stamp = self._stamper.next()
        self._tally.n_records += 1
        self._outbox.put(record, stamp)
        if self._connection is None:
            self._waited.add(stamp.sequence)
        self._announcer.tick(Now(now_ns, stamp, stamp.sequence), record)
        if self._connection is not None and now_ns >= self._health_ns:
            self._health_ns = now_ns + round(HEALTH_INTERVAL_S * NS_PER_S)
            state = LinkState(is_connected=True, protocol="5", n_reconnects=self._n_connections - 1)
            view = SensingView(record, 0.0, 0)
            payload = health_payload(self._stamper.peek(), state, self._outbox, view)
            self._bulletin.put_moment(self._topics.health(to_json(payload).encode()))
        self.serve()
        if self._connection is not None and now_s >= self._cut_s:
            self._cut(now_s)
        self._begin_s += self._period_s
        # A machine that cannot keep up misses ticks, as a box does, and says how many.
        n_missed = int((time.monotonic() - self._begin_s) / self._period_s)
        if n_missed > 0:
            self._tally.n_missed += n_missed
            self._begin_s += n_missed * self._period_s
        self._due_s = self._begin_s + min(abs(self._chance.gauss(0, JITTER_S)), self._period_s / 2)

    def _connect(self, now_s: float) -> None:
        connection = Connection(self._access, self._identity, on_request=self._taken)
        try:
            connection.open()
        except BrokerError:
            self._tally.n_failed += 1
            self._back_s = now_s + self._backoff.next_s()
            return
        self._backoff.reset()
        self._connection = connection
        self._n_connections += 1
        self._bulletin.open()
        for message in (self._topics.about(self._about), self._topics.status(ONLINE)):
            self._count(len(message.payload))
            connection.send(message)
        connection.subscribe(self._topics.commands, 1)
        connection.subscribe(self._topics.alerts, 0)

    def _taken(self, request: Any) -> None:
        if request.retain and self._topics.alert_name(request.topic) is not None:
            self._announcer.note_retained(request.topic, request.payload)

    def _cut(self, now_s: float) -> None:
        """Lose the connection without a word, as by a pulled plug; the broker tells the will."""
        self._tally.n_outages += 1
        if self._connection is not None:
            self._connection.drop()
        longest_s = self._plan.outage_s
        self._back_s = now_s + self._chance.uniform(longest_s / 5, longest_s)
        self._cut_s = self._next_cut(self._back_s)
        self._lose()

    def _lose(self) -> None:
        unsent = list(self._lent.values())
        self._lent.clear()
        self._connection = None
        entries = [item for item in unsent if isinstance(item, Entry)]
        self._waited.update(entry.sequence for entry in entries)
        self._outbox.put_back(entries)
        self._bulletin.after_loss([item for item in unsent if not isinstance(item, Entry)])

    def serve(self) -> None:
        """Send what there is and take in what came."""
        connection = self._connection
        if connection is None:
            return
        connection.step(0.0)
        self._settle(connection)
        while connection.is_open and connection.n_in_flight < connection.max_in_flight:
            item = self._bulletin.take() or self._outbox.take()
            if item is None:
                break
            mid, qos = self._send(connection, item)
            if qos > 0:
                self._lent[mid] = item
        if not connection.is_open:
            self._back_s = time.monotonic() + self._backoff.next_s()
            self._lose()

    def _send(self, connection: Connection, item: Entry | Notice) -> tuple[int, int]:
        if not isinstance(item, Entry):
            self._count(len(item.message.payload))
            return connection.send(item.message), item.message.qos
        record, stamp = unpack(item.packed)
        payload = affect_payload(record, stamp, gap=item.gap, is_late=item.is_late)
        message = self._topics.affect(to_json(payload).encode())
        has_waited = item.sequence in self._waited
        row = SENT.pack(self.number, item.sequence, time.monotonic_ns(), has_waited)
        self._tally.sent.append(row)
        self._tally.n_affect += 1
        self._tally.n_payload_bytes += len(message.payload)
        return connection.send(message), message.qos

    def _count(self, n_bytes: int) -> None:
        self._tally.n_other += 1
        self._tally.n_other_bytes += n_bytes

    def _settle(self, connection: Connection) -> None:
        for mid in [mid for mid in self._lent if not connection.is_waiting(mid)]:
            item = self._lent.pop(mid)
            if isinstance(item, Entry):
                self._outbox.settle(item)

    def finish(self) -> None:
        """Connect once more if it must, to tell what waits."""
        if self._connection is None:
            self._connect(time.monotonic())
        self._cut_s = float("inf")

    def leave(self) -> None:
        """Say offline and hang up."""
        self._tally.n_dropped += self._outbox.n_dropped
        self._tally.n_unsent += len(self._outbox) + sum(
            isinstance(item, Entry) for item in self._lent.values()
        )
        if self._connection is not None:
            farewell = self._topics.status(OFFLINE)
            self._count(len(farewell.payload))
            self._connection.send(farewell)
            self._connection.close()


def run(plan: Plan) -> Tally:
    """Let all boxes talk, then deliver what still waits."""
    tally = Tally()
    models = shipped_models()
    boxes = [
        SimulatedBox(number, plan, tally, models)
        for number in range(plan.first, plan.first + plan.n_boxes)
    ]
    due = [(box.wakes_s, box.number, box) for box in boxes]
    heapq.heapify(due)
    pending: dict[int, SimulatedBox] = {}
    while due:
        wait_s = due[0][0] - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, PENDING_S))
        for box in list(pending.values()):
            box.serve()
            if not box.has_pending:
                del pending[box.number]
        while due and due[0][0] <= time.monotonic():
            _, number, box = heapq.heappop(due)
            box.tick()
            if box.has_pending:
                pending[number] = box
            if box.wakes_s < box.end_s:
                heapq.heappush(due, (box.wakes_s, number, box))
    _drain(boxes)
    tally.cpu_ms = round(1000 * time.process_time())
    return tally


def _drain(boxes: list[SimulatedBox]) -> None:
    for box in boxes:
        box.finish()
    deadline_s = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline_s:
        waiting = [box for box in boxes if box.has_pending]
        if not waiting:
            break
        for box in waiting:
            box.serve()
        time.sleep(PENDING_S)
    for box in boxes:
        box.leave()


def main() -> None:
    """Follow the plan in the first argument; print the tally as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = Plan(**json.loads(sys.argv[1]))
    tally = run(plan)
    Path(plan.out).write_bytes(b"".join(tally.sent))
    names = [name for name in Tally.__slots__ if name != "sent"]
    print(json.dumps({name: getattr(tally, name) for name in names}))


if __name__ == "__main__":
    main()
