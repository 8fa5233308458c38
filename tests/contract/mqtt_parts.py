"""Parts for tests against a real broker: a listener, a box, and a gate between box and broker."""

import contextlib
import math
import select
import socket
import threading
import time
from dataclasses import dataclass, field, replace

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_affect.broker import HOST, free_port
from edge_affect.config import Device, Mqtt, Publish, parse
from edge_affect.publishing.daemon import Limits, Publisher
from edge_affect.record import encode

BASE = "edge-affect/hall/one"
WAIT_S = 60.0
"""For what happens within moments, on a machine that may be slow or stand still for a while."""
TICK_HZ = 20.0
"""Faster than can be configured, so that tests are quick."""


def wait_for(condition, what, pause_s=0.02):
    """Wait until ``condition()`` is true; a test that waits in vain says for what."""
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(pause_s)


class Listener:
    """An MQTT 5 subscriber of everything, independent of our own subscriber."""

    def __init__(self, port, topic="#"):
        self.messages = []
        self._subscribed = threading.Event()
        self._topic = topic
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, message: self.messages.append(message)
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert self._subscribed.wait(WAIT_S)

    def _on_connect(self, client, *_):
        client.subscribe(self._topic, qos=1)

    def of(self, name):
        """Messages of one topic of the box, oldest first."""
        return [m for m in list(self.messages) if m.topic == f"{BASE}/{name}"]

    def payloads(self, name):
        return [m.payload.decode() for m in self.of(name)]

    def publish(self, topic, payload=b"", retain=False):
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_S)

    def close(self):
        self._client.disconnect()
        # paho forgets its thread as that ends, perhaps between two looks at it.
        with contextlib.suppress(AttributeError):
            self._client.loop_stop()
        # Out of the circle of references it closes its sockets itself, and no collector finds them.
        client = self._client
        client.on_connect = client.on_subscribe = client.on_message = None


class Box:
    """A publisher in a thread, and the far ends of its two channels."""

    def __init__(
        self, port, queue_size=1000, tick_hz=TICK_HZ, limits=None, text="", spool_dir="", **mqtt
    ):
        self.records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        outlet, self.commands = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._outlet = outlet
        self.commands.settimeout(WAIT_S)
        config = replace(
            parse(text),
            device=Device("hall", "one"),
            publish=Publish(tick_hz, queue_size, str(spool_dir)),
            mqtt=replace(Mqtt(host=HOST, port=port), **mqtt),
        )
        self.publisher = Publisher(config, inlet, outlet, limits or Limits())
        self.error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.publisher.run()
        except Exception as error:  # noqa: BLE001 (handed to the test)
            self.error = error

    @property
    def n_taken(self):
        """How many records the publisher has taken: the sequence number of the next one."""
        return self.publisher._stamper._sequence

    def feed(self, records, interval_s=None):
        """Send records at the pace of the tick: the next one when a tick has taken the last.

        With ``interval_s`` they come as often as that, whether they are taken or not.
        """
        for record in records:
            n_before = self.n_taken
            self.records.send(encode(record))
            if interval_s is None:
                wait_for(lambda n=n_before: self.n_taken > n, "a tick to take it", pause_s=0.005)
            else:
                time.sleep(interval_s)

    def give_up(self):
        """Wait until there is an error to tell, give up with it, and wait for the end."""
        wait_for(lambda: self.publisher._link.state.error, "an error")
        self.publisher._limits = Limits(give_up_s=0.0)
        self.wait()

    def wait(self):
        """Wait for an end that comes by itself."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def close(self):
        self.publisher.stop()
        self.wait()
        for sock in (self.records, self.commands, self._outlet):
            sock.close()


@dataclass
class Gate:
    """Stands between box and broker: passes everything on, or does what bad brokers do.

    Attributes:
        broker_port: Where to pass on to.
        manner: "pass"; "no-5" answers MQTT 5 as a broker of 3.1.1 does; "hang-up-5" closes the
            connection instead; "refuse" lets nobody in; "mute" never answers.
        delay_s: Every answer of the broker is held back for this long, or for ever.
    """

    broker_port: int
    manner: str = "pass"
    delay_s: float = 0.0
    port: int = 0
    connects_s: list = field(default_factory=list)
    levels: list = field(default_factory=list)
    unacknowledged: int = 0
    max_unacknowledged: int = 0

    def __post_init__(self):
        self.port = self.port or free_port()
        self._live = set()
        self._threads = []
        self._server = None
        self.open()

    @property
    def n_connects(self):
        return len(self.connects_s)

    def open(self):
        """Listen again."""
        self._server = socket.create_server((HOST, self.port))
        thread = threading.Thread(target=self._accept, args=(self._server,))
        thread.start()
        self._threads.append(thread)

    def shut(self):
        """Cut all connections and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        for sock in list(self._live):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.shut()
        for thread in self._threads:
            thread.join(WAIT_S)

    def _accept(self, server):
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, sock):
        with sock:
            self._live.add(sock)
            first = sock.recv(4096)
            if not first:
                return
            self.connects_s.append(time.monotonic())
            level = first[first.index(b"MQTT") + 4]
            self.levels.append(level)
            if self.manner == "no-5" and level == 5:
                sock.sendall(b"\x20\x02\x00\x01")
            elif self.manner == "refuse":
                sock.sendall(b"\x20\x03\x00\x87\x00" if level == 5 else b"\x20\x02\x00\x05")
            elif self.manner == "mute":
                sock.recv(1)
            elif not (self.manner == "hang-up-5" and level == 5):
                self._pass_on(sock, first)
            self._live.discard(sock)

    def _pass_on(self, sock, first):
        self.unacknowledged = 0
        with socket.create_connection((HOST, self.broker_port)) as broker:
            broker.sendall(first)
            watchers = {sock: Packets(), broker: Packets()}
            while True:
                for ready in select.select([sock, broker], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    self._count(watchers[ready].feed(data))
                    if ready is broker and math.isinf(self.delay_s):
                        continue
                    if ready is broker and self.delay_s:
                        time.sleep(self.delay_s)
                    with contextlib.suppress(OSError):
                        (broker if ready is sock else sock).sendall(data)

    def _count(self, heads):
        for head in heads:
            if head >> 4 == 3 and head & 6:
                self.unacknowledged += 1
            elif head >> 4 == 4:
                self.unacknowledged -= 1
            self.max_unacknowledged = max(self.max_unacknowledged, self.unacknowledged)


class Packets:
    """Cuts a byte stream into MQTT packets."""

    def __init__(self):
        self._data = b""

    def feed(self, data):
        """Return the first byte of each packet that is now complete."""
        self._data += data
        heads = []
        while (size := self._size()) is not None and len(self._data) >= size:
            heads.append(self._data[0])
            self._data = self._data[size:]
        return heads

    def _size(self):
        size = 0
        for i, byte in enumerate(self._data[1:5]):
            size |= (byte & 127) << 7 * i
            if byte < 128:
                return size + i + 2
        return None
