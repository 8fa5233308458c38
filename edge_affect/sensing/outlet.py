"""The slit of the sensing process: records go out here, commands come in here, nothing else.

Only a process that proved its cage can make a ``DatagramOutlet``; without the proof there is the
``PrintingOutlet``, which reaches a terminal and nobody else.
"""

from __future__ import annotations

import json
import socket
from dataclasses import fields
from enum import IntEnum, IntFlag
from typing import Any, Protocol, TextIO

from edge_affect.errors import CageError, RecordError, UnavailableError, UsageError
from edge_affect.record import AffectRecord, Command, decode_command, encode
from edge_affect.sensing.cage import CageProof

COMMAND_BYTES = 1
MAX_MALFORMED_PER_POLL = 16
"""A flood of wrong commands must not hold up sensing."""


class Outlet(Protocol):
    """Where finished records go."""

    def send(self, record: AffectRecord) -> None:
        """Send one record, now or never; never waits."""

    def close(self) -> None:
        """Send no more."""


class DatagramOutlet:
    """Records as datagrams on an inherited, connected Unix socket.

    A record that the publisher has no room for is dropped and counted: the next one is newer and
    says more about now.

    Attributes:
        n_sent: Records handed to the kernel.
        n_dropped: Records dropped because the publisher was slow.
    """

    def __init__(self, fd: int, proof: CageProof) -> None:
        """Take over the descriptor ``fd``.

        Raises:
            CageError: If there is no proof of the cage, or it is another process's.
            UsageError: If ``fd`` is not a connected Unix datagram socket.
        """
        if not isinstance(proof, CageProof) or not proof.is_valid_here:
            raise CageError("Records leave only a process that has proven its cage itself.")
        self.n_sent = 0
        self.n_dropped = 0
        self._socket = _adopt(fd)
        self._socket.shutdown(socket.SHUT_RD)

    def send(self, record: AffectRecord) -> None:
        """Send one record without waiting.

        Raises:
            UnavailableError: If the publisher has gone.
        """
        try:
            self._socket.send(encode(record))
        except BlockingIOError:
            self.n_dropped += 1
        except OSError as error:
            raise UnavailableError(
                f"The publisher no longer takes records ({error.strerror}); restart both processes."
            ) from None
        else:
            self.n_sent += 1

    def close(self) -> None:
        """Close the socket; datagrams have no end, so the publisher is not told."""
        self._socket.close()


class PrintingOutlet:
    """Records as one line of text each: all an unproven process can do with them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(self, record: AffectRecord) -> None:
        """Write the record's fields as one JSON object on one line."""
        values = {f.name: _readable(getattr(record, f.name)) for f in fields(record)}
        self._stream.write(json.dumps(values) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner."""


class CommandInlet:
    """Commands from an inherited Unix datagram socket: one end of a pair, or a path of systemd's.

    Attributes:
        n_malformed: Datagrams that were no command; they change nothing.
    """

    def __init__(self, fd: int) -> None:
        """Take over the descriptor ``fd``.

        Raises:
            UsageError: If ``fd`` is not a Unix datagram socket that something can arrive on.
        """
        self.n_malformed = 0
        self._socket = _adopt(fd, is_listening=True)
        self._socket.shutdown(socket.SHUT_WR)

    def poll(self) -> Command | None:
        """Return the next command, or None if none is waiting; never waits.

        Raises:
            UnavailableError: If the socket fails.
        """
        for _ in range(MAX_MALFORMED_PER_POLL):
            try:
                datagram = self._socket.recv(COMMAND_BYTES + 1)
            except BlockingIOError:
                return None
            except OSError as error:
                raise UnavailableError(
                    f"The command channel failed ({error.strerror}); restart both processes."
                ) from None
            try:
                return decode_command(datagram)
            except RecordError:
                self.n_malformed += 1
        return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _adopt(fd: int, *, is_listening: bool = False) -> socket.socket:
    """Return the non-blocking socket behind an inherited descriptor.

    Args:
        fd: The descriptor.
        is_listening: Whether having a name, which others can send to, is as good as a peer.
    """
    try:
        adopted = socket.socket(fileno=fd)
    except OSError:
        raise UsageError(f"File descriptor {fd} is not an open socket.") from None
    if (adopted.family, adopted.type) != (socket.AF_UNIX, socket.SOCK_DGRAM):
        adopted.close()
        raise UsageError(f"File descriptor {fd} is not a Unix datagram socket.")
    try:
        if not (is_listening and adopted.getsockname()):
            adopted.getpeername()
    except OSError:
        adopted.close()
        raise UsageError(f"The socket on file descriptor {fd} is not connected.") from None
    adopted.settimeout(0)
    return adopted


def _readable(value: Any) -> Any:
    if isinstance(value, IntFlag):
        return [member.name.lower() for member in type(value) if member in value and member.name]
    return value.name.lower() if isinstance(value, IntEnum) else value
