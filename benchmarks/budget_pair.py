"""A box for measuring: both real processes, a real broker, and an ear at the slit.

Every datagram of the slit is taken here, its time noted, and handed on to the publisher as it is.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt

from edge_affect.broker import LocalBroker
from edge_affect.clock import MonotonicClock
from edge_affect.launcher import die_with, one_way_channel, sense_environment
from edge_affect.record import SIZE_BYTES

PRODUCT = (sys.executable, "-m", "edge_affect", "sense")
PREPARED = (sys.executable, str(Path(__file__).with_name("budget_box.py")))
PUBLISH = (sys.executable, "-m", "edge_affect", "publish")
STOP_S = 15.0
CONFIG = """config_version = 2
[deployment]
setting = "home"
jurisdiction = "other"
purpose = "measuring"
contact = "owner@example.org"
[device]
site = "budgets"
name = "box"
[audio]
source = "{audio}"
[video]
source = "{video}"
[publish]
tick_hz = {tick_hz}
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used and holds.

    Attributes:
        at_s: Monotonic clock.
        cpu_s: Processor time of all its threads, user and system.
        rss_mb: Resident memory, MB of 10^6 bytes, pages shared with others included.
        private_mb: The part that no other process has.
    """

    at_s: float
    cpu_s: float
    rss_mb: float
    private_mb: float


def usage(pid: int) -> Usage:
    """Return what a process has used so far."""
    folder = Path(f"/proc/{pid}")
    # In nanoseconds; the clock of stat ticks in hundredths of a second. No thread ends here.
    tasks = (folder / "task").glob("*/schedstat")
    cpu_ns = sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks)
    kb: dict[str, int] = {}
    for line in (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]:
        name, value = line.split(":")
        kb[name] = int(value.split()[0])
    return Usage(
        time.monotonic(),
        cpu_ns / 1e9,
        kb["Rss"] * 1024 / 1e6,
        (kb["Private_Clean"] + kb["Private_Dirty"]) * 1024 / 1e6,
    )


def share_of_core(begin: Usage, end: Usage) -> float:
    """Return the processor time between two looks, in % of one core."""
    return 100.0 * (end.cpu_s - begin.cpu_s) / (end.at_s - begin.at_s)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is run.

    Attributes:
        sense_args: Options of `sense` besides configuration and channels.
        folder: Prepared frames and sound; None runs the product's own command and sources.
        has_sound: Whether the prepared box has a microphone.
        has_pictures: Whether it has a camera.
        tick_hz: Of the publisher.
    """

    sense_args: tuple[str, ...] = ()
    folder: Path | None = None
    has_sound: bool = True
    has_pictures: bool = True
    tick_hz: float = 1.0


@dataclass
class Box:
    """Both processes at a broker of their own; use it as a context manager.

    Attributes:
        setup: What is run.
        work: Folder for its files.
        started_ns: Just before the first process was started.
        records: When each record came through the slit, and its bytes.
        messages: When each vector came back from the broker, and the vector.
    """

    setup: Setup
    work: Path
    started_ns: int = 0
    records: list[tuple[int, bytes]] = field(default_factory=list)
    messages: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def __enter__(self) -> Box:  # noqa: PYI034 (typing.Self needs Python 3.11)
        self._clock = MonotonicClock()
        self._stack = ExitStack()
        self._over = threading.Event()
        self._log = self.work / "log"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start(self) -> None:
        broker = self._stack.enter_context(LocalBroker())
        self._listen(broker)
        config = self.work / "box.toml"
        kinds = [
            "synthetic" if has else "none"
            for has in (self.setup.has_sound, self.setup.has_pictures)
        ]
        config.write_text(
            CONFIG.format(audio=kinds[0], video=kinds[1], tick_hz=self.setup.tick_hz),
            encoding="utf-8",
        )
        sender, ear = map(self._stack.enter_context, one_way_channel())
        mouth, receiver = map(self._stack.enter_context, one_way_channel())
        commands, ordered = map(self._stack.enter_context, one_way_channel())
        thread = threading.Thread(target=self._overhear, args=(ear, mouth))
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._over.set)
        folder = self.setup.folder
        program = PRODUCT if folder is None else (*PREPARED, str(folder))
        both = ["--config", str(config)]
        log = self._stack.enter_context(self._log.open("wb"))
        self.started_ns = self._clock.now_ns()
        for name, command, channels in (
            ("sense", [*program, "--cage", *both, *self.setup.sense_args], (sender, ordered)),
            (
                "publish",
                [*PUBLISH, *both, "--host", broker.host, "--port", str(broker.port)],
                (receiver, commands),
            ),
        ):
            records, orders = (str(channel.fileno()) for channel in channels)
            self._children[name] = subprocess.Popen(
                [*command, "--records-fd", records, "--commands-fd", orders],
                env=sense_environment(os.environ) if name == "sense" else dict(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[channel.fileno() for channel in channels],
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 (a single prctl, no locks)
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._stack.close()

    def _listen(self, broker: LocalBroker) -> None:
        def take(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
            self.messages.append((self._clock.now_ns(), json.loads(message.payload)))

        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.on_message = take
        client.on_connect = lambda *_: client.subscribe("edge-affect/budgets/box/affect")
        client.connect(broker.host, broker.port)
        client.loop_start()
        self._stack.callback(client.disconnect)
        self._stack.callback(client.loop_stop)

    def _overhear(self, ear: socket.socket, mouth: socket.socket) -> None:
        mouth.setblocking(False)  # noqa: FBT003 (the standard library's)
        while not self._over.is_set():
            if not select.select([ear], [], [], 0.2)[0]:
                continue
            datagram = ear.recv(SIZE_BYTES + 1)
            self.records.append((self._clock.now_ns(), datagram))
            try:
                mouth.send(datagram)
            except (BlockingIOError, ConnectionRefusedError):
                # As in the product: no room, or nobody there any more, and it is gone.
                continue

    def usage(self, name: str) -> Usage:
        """Return what ``sense`` or ``publish`` has used so far."""
        self.check()
        return usage(self._children[name].pid)

    def check(self) -> None:
        """Fail where a process has ended by itself.

        Raises:
            SystemExit: With what it said.
        """
        for name, child in self._children.items():
            if child.poll() is not None:
                raise SystemExit(f"{name} ended with {child.returncode}:\n{self.log()}")

    def wait(self, seconds: float) -> None:
        """Let it run, and fail where a process ends."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.check()
            time.sleep(min(0.5, left_s))

    def stop(self) -> None:
        """End both, sensing first."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def log(self) -> str:
        """Return what both said."""
        return self._log.read_text(encoding="utf-8", errors="replace")
