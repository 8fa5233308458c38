"""Where records arrive: one datagram socket, nothing but whole valid records."""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING

from edge_affect.errors import RecordError, UsageError
from edge_affect.record import SIZE_BYTES, decode

if TYPE_CHECKING:
    from edge_affect.record import AffectRecord

_MAX_DATAGRAMS_PER_READ = 16
"""More than an honest sender sends in a tick; a flooding one must not keep the publisher from its
tick, nor make it late."""
_MAX_WAITING = 4096
"""More than the kernel lets wait in a datagram socket: 10 by itself, 512 under systemd."""


def inherited_socket(fd: int, option: str) -> socket.socket:
    """Return the Unix datagram socket behind an inherited descriptor.

    Args:
        fd: Number of the open descriptor.
        option: Command-line option it came from, for the message.

    Raises:
        UsageError: If there is no such descriptor or it is another kind of file.
    """
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        raise UsageError(
            f"{option} {fd} is not an open socket; `edge-affect run` passes the right one."
        ) from None
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_DGRAM:
        sock.detach()
        raise UsageError(f"{option} {fd} is not a Unix datagram socket.")
    return sock


class Inlet:
    """Holds the newest record between two ticks.

    How the socket came about (an inherited pair, a path of systemd's) is not its business.

    Args:
        sock: Bound or connected Unix datagram socket; made non-blocking here.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(0.0)
        self._newest: AffectRecord | None = None
        self.n_refused = 0

    def receive(self) -> None:
        """Read what is waiting; the newest valid record wins, the rest is refused and counted.

        Plain ``recv`` takes no descriptors: the kernel closes any that a sender attaches. One byte
        more than a record is asked for, so that an oversize datagram cannot pass for a cut one.
        """
        for _ in range(_MAX_DATAGRAMS_PER_READ):
            try:
                datagram = self._sock.recv(SIZE_BYTES + 1)
            except BlockingIOError:
                return
            self._note(datagram)

    def _note(self, datagram: bytes) -> None:
        try:
            self._newest = decode(datagram)
        except RecordError:
            self.n_refused += 1

    def catch_up(self, *, keeps_newest: bool) -> int:
        """Read all that is waiting, and return how much of it was passed over unread.

        Since systemd lets hundreds wait, ``receive`` would come to the newest only after many
        ticks.

        Args:
            keeps_newest: Whether the newest record still counts. Where the kernel has no room left
                it keeps the oldest, so that after a long while even the newest is old.
        """
        newest: deque[bytes] = deque(maxlen=_MAX_DATAGRAMS_PER_READ if keeps_newest else 0)
        n_read = 0
        while n_read < _MAX_WAITING:
            try:
                newest.append(self._sock.recv(SIZE_BYTES + 1))
            except BlockingIOError:
                break
            n_read += 1
        self._newest = None
        for datagram in newest:
            self._note(datagram)
        return n_read - len(newest)

    @property
    def newest(self) -> AffectRecord | None:
        """The record that ``take`` would return."""
        return self._newest

    def take(self) -> AffectRecord | None:
        """Return the newest record that arrived since the last call, if any did."""
        record, self._newest = self._newest, None
        return record

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()
