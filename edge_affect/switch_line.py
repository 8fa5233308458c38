"""What sensing and the process that minds switches and light say to each other.

One byte either way on a sequenced-packet Unix socket: a connection, so that each side learns at
once that the other has died, and packets, so that bytes never run together. Anything but one known
byte is ignored. Standard library only.
"""

from __future__ import annotations

import socket
from enum import IntEnum

from edge_affect.errors import UsageError

MAX_PACKETS_PER_READ = 64
"""A flood must not hold up the reader."""


class Permit(IntEnum):
    """What the switches say, and the light; towards sensing, many times a second."""

    WITHHELD = 0
    """A switch mutes, or switches or light cannot be trusted."""
    DARK = 1
    """The switches permit; the light is off, so nothing may be opened yet."""
    LIT = 2
    """The switches permit and the light is on."""


class Claim(IntEnum):
    """What sensing does with its devices; towards the light."""

    NONE = 0
    """Every device is closed, and none is about to be opened."""
    DEVICE = 1
    """At least one device is open, or about to be."""


class SwitchLine:
    """One end of the line.

    Attributes:
        is_gone: Whether the other side has closed or died.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._socket.settimeout(0.0)
        self.is_gone = False

    @classmethod
    def adopt(cls, fd: int) -> SwitchLine:
        """Return the line behind an inherited descriptor.

        Raises:
            UsageError: If it is not a connected Unix socket of packets.
        """
        try:
            sock = socket.socket(fileno=fd)
        except OSError:
            raise UsageError(f"File descriptor {fd} is not an open socket.") from None
        try:
            is_right = (sock.family, sock.type) == (socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.getpeername()
        except OSError:
            is_right = False
        if not is_right:
            sock.detach()
            raise UsageError(
                f"File descriptor {fd} is not a connected socket of packets; "
                "edge-affect run passes the right one."
            )
        return cls(sock)

    def send(self, state: Permit | Claim) -> None:
        """Say the present state; one that finds no room is said again soon."""
        try:
            self._socket.send(bytes([state]))
        except BlockingIOError:
            return
        except OSError:
            self.is_gone = True

    def newest_permit(self) -> Permit | None:
        """Return the newest permit since the last call, or None."""
        byte = self._newest(len(Permit))
        return None if byte is None else Permit(byte)

    def newest_claim(self) -> Claim | None:
        """Return the newest claim since the last call, or None."""
        byte = self._newest(len(Claim))
        return None if byte is None else Claim(byte)

    def _newest(self, n_states: int) -> int | None:
        newest = None
        for _ in range(MAX_PACKETS_PER_READ):
            try:
                packet = self._socket.recv(2)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self.is_gone = True
                break
            if len(packet) == 1 and packet[0] < n_states:
                newest = packet[0]
        return newest

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def line_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a line."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
