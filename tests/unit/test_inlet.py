"""The inlet: whole valid records only, the newest one wins; real sockets."""

import array
import contextlib
import os
import socket
from pathlib import Path

import pytest

from edge_affect.errors import UsageError
from edge_affect.publishing.inlet import Inlet, inherited_socket
from edge_affect.record import SIZE_BYTES, AbstainReason, AffectRecord, SourceState, encode

NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)
PAUSED = AffectRecord(abstained=AbstainReason.PAUSED, camera=SourceState.PAUSED)


def n_open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def ends():
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    inlet = Inlet(receiver)
    yield sender, inlet
    sender.close()
    inlet.close()


def test_nothing_came(ends):
    _, inlet = ends
    inlet.receive()
    assert inlet.take() is None
    assert inlet.n_refused == 0


def test_the_newest_record_wins_and_is_taken_once(ends):
    sender, inlet = ends
    for record in (PAUSED, PAUSED, NOBODY):
        sender.send(encode(record))
    inlet.receive()
    assert inlet.take() == NOBODY
    assert inlet.take() is None


def fill(sender):
    """Send until the kernel lets no more wait, and return how many do."""
    sender.settimeout(0)
    n_sent = 0
    with contextlib.suppress(BlockingIOError):
        while n_sent < 1000:
            sender.send(encode(PAUSED))
            n_sent += 1
    return n_sent


def test_what_waited_is_thrown_away_however_much_it_is(ends):
    sender, inlet = ends
    n_sent = fill(sender)
    assert n_sent >= 10
    inlet.receive()
    assert inlet.catch_up(keeps_newest=False) == max(0, n_sent - 16)
    assert inlet.take() is None
    sender.send(encode(NOBODY))
    inlet.receive()
    assert inlet.take() == NOBODY


def test_the_newest_is_found_however_many_wait(ends):
    sender, inlet = ends
    n_sent = fill(sender)
    # Room for one more, however little there is.
    inlet._sock.recv(100)
    sender.send(encode(NOBODY))
    assert inlet.catch_up(keeps_newest=True) == max(0, n_sent - 16)
    assert inlet.take() == NOBODY
    assert inlet.catch_up(keeps_newest=True) == 0
    assert inlet.take() is None


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x01",
        encode(NOBODY)[:-1],
        encode(NOBODY) + b"\0",
        encode(NOBODY) * 100,
        bytes([2]) + encode(NOBODY)[1:],
        bytes([1]) + b"\xff" * (SIZE_BYTES - 1),
    ],
    ids=["empty", "version-only", "short", "one-byte-more", "long", "version", "codes"],
)
def test_anything_else_is_refused_and_counted_and_the_good_one_stays(ends, datagram):
    sender, inlet = ends
    sender.send(encode(NOBODY))
    sender.send(datagram)
    inlet.receive()
    assert inlet.n_refused == 1
    assert inlet.take() == NOBODY


def test_descriptors_that_come_along_are_not_kept(ends):
    sender, inlet = ends
    n_before = n_open_files()
    with Path("/dev/null").open("rb") as file:
        rights = array.array("i", [file.fileno()])
        sender.sendmsg([encode(NOBODY)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    inlet.receive()
    assert inlet.take() == NOBODY
    assert n_open_files() == n_before


def test_a_sender_that_went_away_is_no_error(ends):
    sender, inlet = ends
    sender.send(encode(NOBODY))
    sender.close()
    inlet.receive()
    assert inlet.take() == NOBODY
    inlet.receive()
    assert inlet.take() is None


def test_a_descriptor_that_is_not_open_is_a_usage_error():
    with pytest.raises(UsageError, match=r"--records-fd 987 is not an open socket"):
        inherited_socket(987, "--records-fd")


def test_a_stream_socket_is_refused_and_left_open():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        with pytest.raises(UsageError, match="not a Unix datagram socket"):
            inherited_socket(stream.fileno(), "--records-fd")
        assert stream.fileno() >= 0
        os.fstat(stream.fileno())
