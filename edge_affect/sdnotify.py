"""Telling systemd how a service is doing, over the datagram socket it names in the environment.

Standard library only; both processes use it. The socket is opened and connected at construction,
because sensing can open none once its cage is closed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from edge_affect.errors import UnavailableError

MICROSECONDS_PER_S = 1_000_000


class Notifier:
    """A connection to the service manager, or to nobody when there is none.

    Attributes:
        watchdog_s: A life sign is due at least this often, or None if nobody waits for one.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Connect to ``NOTIFY_SOCKET``; without it every message goes nowhere.

        Args:
            environment: Variables to read instead of the process's own.

        Raises:
            UnavailableError: If the socket is named but cannot be reached.
        """
        variables = os.environ if environment is None else environment
        self.watchdog_s = _watchdog_s(variables)
        self._socket: socket.socket | None = None
        address = variables.get("NOTIFY_SOCKET", "")
        if not address:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError as error:
            self._socket.close()
            raise UnavailableError(
                f"The service manager does not answer on {address} ({error.strerror}); "
                "unset NOTIFY_SOCKET to run without it."
            ) from None
        self._socket.settimeout(0)

    @property
    def fds(self) -> tuple[int, ...]:
        """Descriptors that must survive the closing of the cage: one, or none."""
        return () if self._socket is None else (self._socket.fileno(),)

    def ready(self) -> None:
        """Say that start-up is over."""
        self._send("READY=1")

    def watchdog(self) -> None:
        """Give a sign of life."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Show one line of text to the operator: event names and counters, never data."""
        self._send("STATUS=" + " ".join(text.splitlines()))

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        """Send without waiting: a busy service manager must not hold up the service."""
        if self._socket is None:
            return
        try:
            self._socket.send(message.encode())
        except OSError:  # it restarts and listens again; the watchdog judges a real loss
            return


def _watchdog_s(variables: Mapping[str, str]) -> float | None:
    """Return the watchdog period meant for this process."""
    try:
        period_s = int(variables.get("WATCHDOG_USEC", "")) / MICROSECONDS_PER_S
        is_meant = int(variables.get("WATCHDOG_PID", os.getpid())) == os.getpid()
    except ValueError:
        return None
    return period_s if is_meant and period_s > 0 else None
