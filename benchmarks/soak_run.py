"""One soak: a broker, both processes under their supervisor, an ear, and what happens to them."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from soak_faults import Fault, Outcome, faults, suffer
from soak_figures import Sample, sample
from soak_service import Service

from edge_affect.broker import HOST, LocalBroker
from edge_affect.launcher import one_way_channel

if TYPE_CHECKING:
    from collections.abc import Callable

SITE, NAME = "soak", "box"
BASE = f"edge-affect/{SITE}/{NAME}/"
TURN_S = 0.05
STUCK_S = 30.0
"""A calm box that publishes nothing for this long is stuck."""
BOTH = {"voice", "face"}
WELL_TICKS = 5
FRAMES_A_TICK = 1.5
"""More than one, so that each tick has a face of its own."""
SPOOL_BYTES = "256k"
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
CONFIG = """\
[device]
site = "{site}"
name = "{name}"
[video]
frame_rate_hz = {frame_rate_hz}
[publish]
tick_hz = {tick_hz}
spool_dir = "{spool}"
[mqtt]
host = "{host}"
port = {port}
"""


class Ear:
    """Hears all that the box says and keeps counts and the latest messages only."""

    def __init__(self, port: int) -> None:
        self.n_ticks = self.n_full = self.n_late = self.n_lost = self.n_uncounted_gaps = 0
        self.n_offline = self.n_health = 0
        self.health: dict[str, Any] = {}
        self.trouble: dict[str, Any] = {}
        self.status = ""
        self.heard_s = time.monotonic()
        self.clock_off_s = 0.0
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(BASE + "#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect(HOST, port)
        self._client.loop_start()
        self._subscribed.wait(10)

    def _take(self, _client: object, _data: object, message: Any) -> None:
        topic = message.topic.removeprefix(BASE)
        if topic == "affect":
            self._take_vector(json.loads(message.payload))
        elif topic == "health":
            self.health = json.loads(message.payload)
            self.n_health += 1
            sensing = self.health.get("sensing") or {}
            states = {sensing.get("microphone"), sensing.get("camera")}
            if self.health.get("record_age_s") != "<2" or states != {"ok"}:
                self.trouble = self.health
        elif topic == "status":
            self.status = message.payload.decode()
            self.n_offline += self.status == "offline"

    def _take_vector(self, vector: dict[str, Any]) -> None:
        gap = vector.get("gap")
        if gap is not None:
            self.n_lost += gap["messages"] or 0
            self.n_uncounted_gaps += gap["messages"] is None
        if vector.get("late"):
            self.n_late += 1
            return
        self.n_ticks += 1
        self.n_full += set(vector["modalities"]) >= BOTH
        self.heard_s = time.monotonic()
        told = datetime.fromisoformat(vector["time"].replace("Z", "+00:00"))
        self.clock_off_s = told.timestamp() - time.time()

    def close(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a soak does.

    Attributes:
        ticks: Vectors with both modalities to publish, > 0.
        speed: How much faster than real time.
        tick_hz: Ticks a second of the wound-up clock, at most 5.
        seed: Of the order of the faults.
        calm_ticks: Between two faults.
        fatal_share: Share of the run in which processes are killed; later ones have one long life.
        only: Part of a fault's name; an empty one takes all.
        end_s: Stop after this many real seconds, or None.
        watchdog_s: As the units set it, in real seconds.
    """

    ticks: int
    speed: float
    tick_hz: float
    seed: int
    calm_ticks: int
    fatal_share: float
    only: str
    end_s: float | None
    watchdog_s: float


@dataclass
class Soak:
    """A running box and all that was seen of it."""

    plan: Plan
    folder: Path
    video: Path
    audio: Path
    stack: ExitStack
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    is_calm: bool = True
    offline_before: int = 0
    fault_began_s: float = 0.0
    progress: list[tuple[float, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.plan.seed)  # noqa: S311 (no secret)
        self.broker = LocalBroker()
        self.stack.enter_context(self.broker)
        self.ear = Ear(self.broker.port)
        self.stack.callback(self.ear.close)
        self.spool = self.folder / "spool"
        self.spool.mkdir(mode=0o700)
        self.spool_is_small = self._mount()
        if not self.spool_is_small:
            self.left_out.append("disk full: no right to mount a small file system")
        self.clock_file = self.folder / "clock" if LIBRARIES else None
        if self.clock_file is None:
            self.left_out.append("clock jumps: no libfaketime")
        self.sense, self.publish = self._services()
        self.started_s = time.monotonic()
        self._sampled_s = 0.0
        self.sense.start()
        self.publish.start()

    def _mount(self) -> bool:
        options = ["-t", "tmpfs", "-o", f"size={SPOOL_BYTES},mode=0700", "soak"]
        done = subprocess.run(
            ["mount", *options, str(self.spool)], capture_output=True, check=False
        )
        if done.returncode == 0:
            self.stack.callback(subprocess.run, ["umount", str(self.spool)], check=True)
        return done.returncode == 0

    def _services(self) -> tuple[Service, Service]:
        config = self.folder / "box.toml"
        config.write_text(
            CONFIG.format(
                site=SITE, name=NAME, tick_hz=self.plan.tick_hz,
                frame_rate_hz=FRAMES_A_TICK * self.plan.tick_hz, spool=self.spool, host=HOST,
                port=self.broker.port,
            ),
            encoding="utf-8",
        )  # fmt: skip
        records_out, records_in = one_way_channel()
        commands_out, commands_in = one_way_channel()
        for channel in (records_out, records_in, commands_out, commands_in):
            self.stack.callback(channel.close)
        common = ["--config", str(config)]
        clock = {}
        if self.clock_file is not None:
            self.clock_file.write_text("+0")
            clock = {
                "LD_PRELOAD": str(LIBRARIES[0]),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        sense = Service(
            "sense",
            ["--cage", *channels(records_out, commands_in), *common, "--video", str(self.video),
             "--audio", str(self.audio), "--loop"],
            (records_out, commands_in), self.folder, self.plan.speed, self.plan.watchdog_s,
        )  # fmt: skip
        publish = Service(
            "publish", [*channels(records_in, commands_out), *common],
            (records_in, commands_out), self.folder, self.plan.speed, self.plan.watchdog_s, clock,
        )  # fmt: skip
        for service in (publish, sense):
            self.stack.callback(service.stop)
        return sense, publish

    def service(self, name: str) -> Service:
        """Return one of the two."""
        return self.sense if name == "sense" else self.publish

    def strike(self, service: Service, number: signal.Signals) -> None:
        """Send a signal after which the broker should say that the box is offline."""
        self.offline_before = self.ear.n_offline
        service.signal(number)

    def renew_spool(self) -> None:
        """Let the publisher begin with no spool file, as after a new card."""
        life = self.publish.life
        self.publish.signal(signal.SIGTERM)
        self.until(lambda: self.publish.pid is None, 20)
        for file in self.spool.iterdir():
            file.unlink()
        before = self.ear.n_full
        self.until(lambda: self.publish.life > life and self.is_well(before), 30)

    def turn(self) -> None:
        """Do what is always done: keep services, take samples, look whether the box is stuck."""
        self.sense.tend()
        self.publish.tend()
        now_s = time.monotonic()
        every_s = max(0.5, 2.0 if self.plan.speed > 1 else 5.0)
        if now_s - self._sampled_s >= every_s:
            self._sampled_s = now_s
            self.progress.append((now_s - self.started_s, self.ear.n_ticks, self.ear.n_full))
            for service in (self.sense, self.publish):
                self._sample(service)
            if self.is_calm and now_s - self.ear.heard_s > STUCK_S:
                self.stuck.append(f"nothing published for {STUCK_S:.0f} s at {self.ear.n_ticks}")
                self.ear.heard_s = now_s
        time.sleep(TURN_S)

    def _sample(self, service: Service) -> None:
        if service.pid is None or not service.is_ready:
            return
        one = sample(service.pid, self.ear.n_ticks, service.life, is_calm=self.is_calm)
        if one is not None:
            self.samples.setdefault(service.name, []).append(one)

    def until(self, is_so: Callable[[], bool], patience_s: float) -> float | None:
        """Go on until something is so; return when that was, or None in vain."""
        end_s = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > end_s:
                return None
            self.turn()
        return time.monotonic()

    def spend(self, seconds: float) -> None:
        """Go on for a while."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.turn()

    def is_well(self, before: int) -> bool:
        """Return whether whole vectors come again and `health` has nothing to say."""
        health = self.ear.health
        sensing = health.get("sensing") or {}
        return (
            self.ear.n_full >= before + WELL_TICKS
            and self.ear.status == "online"
            and self.sense.is_ready
            and self.publish.is_ready
            and (sensing.get("microphone"), sensing.get("camera")) == ("ok", "ok")
            and health.get("record_age_s") == "<2"
            and health["queue"]["spool"] == "on"
            and abs(self.ear.clock_off_s) < 60
        )

    def is_over(self) -> bool:
        """Return whether enough was published, or time is up."""
        end_s = self.plan.end_s
        is_late = end_s is not None and time.monotonic() - self.started_s > end_s
        return is_late or self.ear.n_full >= self.plan.ticks

    def run(self) -> None:
        """Run until enough was published."""
        if self.until(lambda: self.is_well(0), 90) is None:
            self.stuck.append("not all was well 90 s after the start")
            return
        known = [fault for fault in faults(self) if self.plan.only in fault.name]
        waiting: list[Fault] = []
        while not self.is_over():
            due = self.ear.n_ticks + self.plan.calm_ticks
            self.until(lambda due=due: self.ear.n_ticks >= due or self.is_over(), 3600)  # type: ignore[misc]
            if self.is_over():
                return
            if not waiting:
                is_early = self.ear.n_full < self.plan.fatal_share * self.plan.ticks
                waiting = [f for f in known if is_early or not f.is_fatal]
                # Each once, in an order of chance, before any comes again.
                self.random.shuffle(waiting)
            if waiting:
                self.fault_began_s = time.monotonic()
                self.ear.trouble = {}
                outcome = suffer(self, waiting.pop())
                self.outcomes.append(outcome)
                print(outcome, flush=True)


def channels(records: Any, commands: Any) -> list[str]:
    """Return the options that hand over both channels."""
    return ["--records-fd", str(records.fileno()), "--commands-fd", str(commands.fileno())]
