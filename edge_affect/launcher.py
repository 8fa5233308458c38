"""Starting both processes with nothing between them but two one-way channels of datagrams.

The launcher knows neither side: it starts two command lines, hands each its ends of the channels,
takes both down together and leaves nobody behind.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType

from edge_affect.errors import ExitCode, UnavailableError
from edge_affect.stop_flag import StopFlag

_log = logging.getLogger(__name__)

POLL_S = 0.1
SIGNAL_EXIT_BASE = 128
"""A process that a signal ended counts as this plus the signal's number, as shells have it."""
STOP_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SENSE_VARIABLES: frozenset[str] = frozenset({
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "NOTIFY_SOCKET",
    "WATCHDOG_USEC", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "ALSA_CONFIG_PATH", "ALSA_CONFIG_DIR",
    "ALSA_CARD",
})  # fmt: skip
SENSE_PREFIXES: tuple[str, ...] = ("LC_", "PYTHON", "EDGE_AFFECT_", "LIBCAMERA_", "GPIOZERO_")
"""All that sensing gets to see: no session bus, no proxy, no cloud credentials."""

OVERWRITE_SMALL_BLOCKS = "glibc.malloc.tcache_count=0"
"""Without its cache of small blocks the C library overwrites these too when they are freed."""

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class LaunchSettings:
    """How the two processes are started and stopped.

    Attributes:
        sense_program: Command line of sensing, to which options are added.
        publish_program: Command line of the publisher, to which options are added.
        switches_program: Command line of the process of the switches, where the box has any.
        stop_timeout_s: Time each process has to end before it is killed, s, > 0.
    """

    sense_program: tuple[str, ...] = (sys.executable, "-m", "edge_affect", "sense")
    publish_program: tuple[str, ...] = (sys.executable, "-m", "edge_affect", "publish")
    switches_program: tuple[str, ...] = (sys.executable, "-m", "edge_affect", "switches")
    stop_timeout_s: float = 10.0


@dataclass(slots=True)
class Child:
    """One started process.

    Attributes:
        name: ``sense``, ``publish`` or ``switches``.
        process: The process.
        is_asked: Whether it was told to end.
        is_reported: Whether its end was logged.
    """

    name: str
    process: subprocess.Popen[bytes]
    is_asked: bool = field(default=False)
    is_reported: bool = field(default=False)

    def exit_code(self) -> int | None:
        """Return its exit code, or None while it runs; ended as asked counts as done."""
        code = self.process.poll()
        if code is None:
            return None
        if code < 0:
            is_as_asked = self.is_asked and -code == signal.SIGTERM
            code = ExitCode.DONE if is_as_asked else SIGNAL_EXIT_BASE - code
        if not self.is_reported:
            self.is_reported = True
            if code > SIGNAL_EXIT_BASE:
                # It could not say so itself; the kernel does it where memory runs out.
                _log.warning("%s was killed by signal %d", self.name, code - SIGNAL_EXIT_BASE)
            else:
                _log.info("%s ended with exit code %d", self.name, code)
        return code

    def stop(self, timeout_s: float) -> None:
        """Ask it to end, and kill it if it has not within ``timeout_s``."""
        if self.process.poll() is None:
            self.is_asked = True
            self.process.terminate()
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                _log.warning("%s did not end within %g s and was killed", self.name, timeout_s)
                self.process.kill()
                self.process.wait()


class ProcessPair:
    """Sensing and the publisher; use ``launch`` unless something else must run meanwhile."""

    def __init__(self, settings: LaunchSettings | None = None) -> None:
        self._settings = settings or LaunchSettings()
        self._children: list[Child] = []
        self._first_failure: int | None = None

    def start(
        self,
        sense_args: Sequence[str],
        publish_args: Sequence[str],
        switches_args: Sequence[str] | None = None,
    ) -> None:
        """Start both, connected by two one-way channels.

        Args:
            sense_args: Options for sensing.
            publish_args: Options for the publisher.
            switches_args: Options for the process of the switches; None where the box has none.

        Raises:
            UnavailableError: If one cannot be started; the others are stopped again.
        """
        records_out, records_in = one_way_channel()
        commands_out, commands_in = one_way_channel()
        with records_out, records_in, commands_out, commands_in, ExitStack() as stack:
            sense = [*self._settings.sense_program, "--cage"]
            sense += _channel_options(records_out, commands_in)
            publish = [*self._settings.publish_program]
            publish += _channel_options(records_in, commands_out)
            channels: tuple[socket.socket, ...] = (records_out, commands_in)
            try:
                if switches_args is not None:
                    line = stack.enter_context(self._start_switches([*switches_args, "--cage"]))
                    sense += ["--switches-fd", str(line.fileno())]
                    channels += (line,)
                self._start("sense", [*sense, *sense_args], channels, is_printing=False)
                self._start("publish", [*publish, *publish_args], (records_in, commands_out))
            except BaseException:
                self.stop()
                raise

    def start_unsandboxed(
        self, sense_args: Sequence[str], switches_args: Sequence[str] | None = None
    ) -> None:
        """Start sensing without a cage and without any channel; it can only print."""
        command = [*self._settings.sense_program, "--allow-unsandboxed", *sense_args]
        if switches_args is None:
            self._start("sense", command, ())
            return
        with self._start_switches(switches_args) as line:
            self._start("sense", [*command, "--switches-fd", str(line.fileno())], (line,))

    def _start_switches(self, switches_args: Sequence[str]) -> socket.socket:
        """Start the process of the switches and return the line to it."""
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            options = ["--line-fd", str(theirs.fileno()), *switches_args]
            self._start("switches", [*self._settings.switches_program, *options], (theirs,))
        return ours

    def _start(
        self,
        name: str,
        command: list[str],
        channels: tuple[socket.socket, ...],
        *,
        is_printing: bool = True,
    ) -> None:
        environment = dict(os.environ) if name == "publish" else sense_environment(os.environ)
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if is_printing else subprocess.DEVNULL,
                pass_fds=[channel.fileno() for channel in channels],
                # Ctrl-C must reach the launcher alone, which takes sensing down first
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 (a single prctl, no locks)
            )
        except OSError as error:
            raise UnavailableError(f"{name} cannot be started: {error}.") from None
        self._children.append(Child(name, process))
        _log.info("%s started (pid %d)", name, process.pid)

    def poll(self) -> int | None:
        """Return None while all run, else the exit code of the one that ended first."""
        for child in self._children:
            code = child.exit_code()
            if code is not None:
                self._note(code)
                return code
        return None

    def stop(self) -> int:
        """End both, sensing first, and return the exit code of the first that failed, or 0."""
        self.poll()
        # the switches last: they put out the light when sensing has gone
        for child in sorted(self._children, key=lambda child: child.name == "switches"):
            child.stop(self._settings.stop_timeout_s)
            self._note(child.exit_code() or ExitCode.DONE)
        return self._first_failure or ExitCode.DONE

    def _note(self, code: int) -> None:
        if code and self._first_failure is None:
            self._first_failure = code


def launch(
    sense_args: Sequence[str],
    publish_args: Sequence[str],
    settings: LaunchSettings | None = None,
    *,
    is_unsandboxed: bool = False,
    switches_args: Sequence[str] | None = None,
) -> int:
    """Run both processes until one ends or a signal asks for the end.

    Args:
        sense_args: Options for sensing besides the channels and the cage.
        publish_args: Options for the publisher besides the channels.
        settings: Programs and time limits.
        is_unsandboxed: Start sensing alone and without a cage; it prints and reaches nobody.
        switches_args: Options for the process of the switches; None where the box has none.

    Returns:
        The exit code of the process that failed first, or 0 if both ended well.

    Raises:
        UnavailableError: If a process cannot be started.
    """
    pair = ProcessPair(settings)
    stop = StopFlag()
    previous = _catch_signals(stop.set)
    try:
        if is_unsandboxed:
            pair.start_unsandboxed(sense_args, switches_args)
        else:
            pair.start(sense_args, publish_args, switches_args)
        while not stop.is_set and pair.poll() is None:
            time.sleep(POLL_S)
    finally:
        code = pair.stop()
        for number, action in previous.items():
            signal.signal(number, action)
    return code


def _catch_signals(
    action: Callable[[int, FrameType | None], object],
) -> dict[signal.Signals, signal._HANDLER]:
    """Route the stop signals to ``action`` and return what was there before.

    A hang-up that is ignored stays so: ``nohup`` is told to outlive the terminal.
    """
    is_kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    caught = [number for number in STOP_SIGNALS if not (is_kept and number is signal.SIGHUP)]
    return {number: signal.signal(number, action) for number in caught}


def one_way_channel() -> tuple[socket.socket, socket.socket]:
    """Return the sending and the receiving end of a datagram channel, each shut the other way."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.shutdown(socket.SHUT_RD)
    receiver.shutdown(socket.SHUT_WR)
    return sender, receiver


def sense_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the few variables that sensing gets to see."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in SENSE_VARIABLES or name.startswith(SENSE_PREFIXES)
    }
    # the cage has no writable folder, so compiled modules cannot be kept anyway
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "GLIBC_TUNABLES": OVERWRITE_SMALL_BLOCKS}


def _channel_options(records: socket.socket, commands: socket.socket) -> list[str]:
    return [
        "--records-fd", str(records.fileno()), "--commands-fd", str(commands.fileno()),
    ]  # fmt: skip


def die_with(parent_pid: int) -> Callable[[], None]:
    """Return what a child does first: ask the kernel to be killed when its parent dies."""

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent_pid:  # it died in between
            os._exit(ExitCode.UNAVAILABLE)

    return ask
