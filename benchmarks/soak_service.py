"""What systemd is to the two processes of a box, as far as a soak needs it.

It holds both channels open, so that a process that is started again finds them as it left them;
it starts again what ends (`Restart=always`), and kills what gives no life sign (`WatchdogSec=`,
SIGABRT, then SIGKILL as after `TimeoutAbortSec=`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.launcher import die_with, sense_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
RESTART_S = 5.0
"""As `RestartSec=` of the units; on a wound-up clock less, but no less than half a second."""
LEAST_RESTART_S = 0.5
ABORT_S = 2.0
READY_S = 60.0
"""A start that is not over by then has failed."""
BOX = Path(__file__).with_name("soak_box.py")


@dataclass(frozen=True, slots=True)
class Restart:
    """One end of a process that was followed by a start.

    Attributes:
        at_s: Monotonic time of the end.
        code: As `subprocess` says it: below 0 a signal ended it.
        by_watchdog: Whether it was killed because it gave no life sign.
        silent_s: For how long it had given none.
    """

    at_s: float
    code: int
    by_watchdog: bool
    silent_s: float


@dataclass
class Service:
    """One process that is kept running.

    Attributes:
        name: ``sense`` or ``publish``.
        arguments: Of its command.
        channels: Inherited by every start.
        folder: For its log and notify socket.
        speed: Of its clock.
        watchdog_s: A life sign is due this often, in real seconds.
        environment: More variables.
        restarts: What happened, oldest first.
        n_pings: Life signs so far.
        life: Number of the present start, from 1.
    """

    name: str
    arguments: Sequence[str]
    channels: tuple[socket.socket, ...]
    folder: Path
    speed: float
    watchdog_s: float
    environment: dict[str, str] = field(default_factory=dict)
    restarts: list[Restart] = field(default_factory=list)
    n_pings: int = 0
    life: int = 0
    last_ping_s: float = 0.0
    is_ready: bool = False
    killed_silent_s: float | None = None

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._due_s = 0.0
        self._aborted_s: float | None = None
        self._log = (self.folder / f"{self.name}.log").open("ab")
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = str(self.folder / f"{self.name}.notify")
        self._ear.bind(self._address)
        self._ear.setblocking(False)  # noqa: FBT003 (the standard library's)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process."""
        environment = dict(os.environ)
        if self.name == "sense":
            environment = sense_environment(environment)
        # The process counts the watchdog's period on its own clock.
        environment |= {
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": str(round(self.watchdog_s * self.speed * 1e6)),
            "OPENBLAS_NUM_THREADS": "1",
            **self.environment,
        }
        self.life += 1
        self.is_ready = False
        self.last_ping_s = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, str(BOX), f"{self.speed:g}", self.name, *self.arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[channel.fileno() for channel in self.channels],
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 (a single prctl, no locks)
        )

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def tend(self) -> None:
        """Hear life signs; start again what has ended, and kill what is silent."""
        now_s = time.monotonic()
        self._listen(now_s)
        if self._process is None:
            if now_s >= self._due_s:
                self.start()
            return
        code = self._process.poll()
        if code is not None:
            silent_s = now_s - self.last_ping_s
            self.restarts.append(Restart(now_s, code, self._aborted_s is not None, silent_s))
            self._process, self._aborted_s = None, None
            self._due_s = now_s + max(LEAST_RESTART_S, RESTART_S / self.speed)
            return
        patience_s = self.watchdog_s if self.is_ready else READY_S
        if self._aborted_s is None and now_s - self.last_ping_s > patience_s:
            self._aborted_s = now_s
            self.killed_silent_s = now_s - self.last_ping_s
            self._process.send_signal(signal.SIGABRT)
        elif self._aborted_s is not None and now_s - self._aborted_s > ABORT_S:
            self._process.kill()

    def _listen(self, now_s: float) -> None:
        with suppress(BlockingIOError):
            while message := self._ear.recv(256):
                if message == b"READY=1":
                    self.is_ready, self.last_ping_s = True, now_s
                elif message == b"WATCHDOG=1":
                    self.n_pings += 1
                    self.last_ping_s = now_s

    def stop(self) -> int | None:
        """End the process for good and return its code."""
        code = None
        if self._process is not None:
            self._process.terminate()
            try:
                code = self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                code = self._process.wait()
            self._process = None
        self._ear.close()
        self._log.close()
        return code
