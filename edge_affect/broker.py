"""A throw-away mosquitto on the loopback interface, for the demo and for tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.errors import UnavailableError

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_START_TIMEOUT_S = 10.0
_SAYS_SO_S = 1.0
_STOP_TIMEOUT_S = 5.0


def find_mosquitto() -> str:
    """Return the path of the broker's program; Debian keeps it where users' PATH does not look.

    Raises:
        UnavailableError: If it is not installed.
    """
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SEARCH_PATH)
    if path is None:
        raise UnavailableError(
            "The MQTT broker mosquitto is not installed; install it with: apt install mosquitto"
        )
    return path


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


class LocalBroker:
    """mosquitto with a configuration of its own: loopback only, anonymous, nothing kept.

    Use it as a context manager, or call ``start`` and ``stop``; it can be started again on the same
    port.

    Args:
        port: TCP port; 0 takes a free one.
        extra_config: Further lines of mosquitto.conf, such as another listener.
    """

    host = HOST

    def __init__(self, port: int = 0, extra_config: str = "") -> None:
        self.port = port
        self._extra_config = extra_config
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> LocalBroker:  # noqa: PYI034 (typing.Self needs Python 3.11)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the broker and wait until it accepts connections.

        Raises:
            UnavailableError: If mosquitto is not installed or does not come up.
        """
        program = find_mosquitto()
        self.port = self.port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="edge-affect-broker-")
        folder = Path(self._folder.name)
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {HOST}\n"
            "allow_anonymous true\n"
            "persistence false\n"
            "log_dest stderr\n"
            f"{self._extra_config}\n"
        )
        with (folder / "log").open("wb") as log:
            # A session of its own: Ctrl-C in the terminal must not end the broker before the last
            # messages are through.
            self._process = subprocess.Popen(
                [program, "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            # Ctrl-C as well: nobody else would end it.
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if process.poll() is not None:
                raise UnavailableError(
                    f"The broker could not start on port {self.port}: {self._last_error()}"
                )
            try:
                socket.create_connection((HOST, self.port), timeout=1.0).close()
            except OSError:
                time.sleep(0.02)
            else:
                # Somebody else may have the port while our own process is still failing on it;
                # a broker with another log than ours is taken at its word after a second.
                said_by_s = time.monotonic() + _SAYS_SO_S
                while not self._has_said_so() and time.monotonic() < said_by_s:
                    if process.poll() is not None:
                        break
                    time.sleep(0.01)
                if process.poll() is None:
                    return
        raise UnavailableError(
            f"The broker on port {self.port} did not answer within {_START_TIMEOUT_S:.0f} s."
        )

    def _has_said_so(self) -> bool:
        """Return whether the broker's log says that it is running."""
        return " running" in self._log()

    def _log(self) -> str:
        if self._folder is None:
            return ""
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    def _last_error(self) -> str:
        """Return the last line of the broker's log as the end of a sentence."""
        lines = self._log().strip().splitlines()
        errors = [line for line in lines if "Error" in line] or lines or ["no reason given"]
        return errors[-1].rpartition("Error: ")[2].rstrip(".") + "."

    def stop(self) -> None:
        """End the broker cleanly; nothing of it is left."""
        self._end(force=False)

    def kill(self) -> None:
        """End the broker without warning, as a power cut would."""
        self._end(force=True)

    def _end(self, *, force: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            if force:
                process.kill()
            else:
                process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
