"""What may come through the slit, tried on the real inlet and on ones that forgot a check."""

import array
import os
import socket
from pathlib import Path

import pytest

from edge_affect.errors import RecordError
from edge_affect.launcher import one_way_channel
from edge_affect.publishing import inlet as inlet_module
from edge_affect.publishing.inlet import Inlet
from edge_affect.record import SIZE_BYTES, AbstainReason, AffectRecord, decode, encode

GOOD = encode(AffectRecord(abstained=AbstainReason.NOBODY))
PAUSED = encode(AffectRecord(abstained=AbstainReason.PAUSED))


def changed(position, value):
    return GOOD[:position] + bytes([value]) + GOOD[position + 1 :]


ATTACKS = {
    "one byte more": GOOD + b"\0",
    "a picture behind a record": GOOD + b"\xa5" * 4096,
    "one byte less": GOOD[:-1],
    "nothing at all": b"",
    "another version": changed(0, 2),
    "a reserved bit": changed(1, GOOD[1] | 0x80),
    "an unused code": changed(17, GOOD[17] | 0x07),
    "affect while paused": PAUSED[:1] + bytes([PAUSED[1] | 0x10]) + PAUSED[2:],
}


class CuttingSocket:
    """Asks for as many bytes as a record has, so that longer datagrams are cut to fit."""

    def __init__(self, sock):
        self._sock = sock

    def recv(self, _size):
        return self._sock.recv(SIZE_BYTES)

    def settimeout(self, seconds):
        self._sock.settimeout(seconds)

    def close(self):
        self._sock.close()


class GreedySocket(CuttingSocket):
    """Takes descriptors along, as ``recvmsg`` does."""

    def recv(self, size):
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        return self._sock.recvmsg(size, room)[0]


def lenient(datagram):
    """Decode what can be decoded, and make a blank record of everything else."""
    try:
        return decode(datagram)
    except RecordError:
        return decode(GOOD)


def attack(datagram, wrap=lambda sock: sock):
    """Send a datagram to an inlet and return what it took and how much it refused."""
    sender, receiver = one_way_channel()
    inlet = Inlet(wrap(receiver))
    sender.send(datagram)
    inlet.receive()
    taken, n_refused = inlet.take(), inlet.n_refused
    inlet.close()
    sender.close()
    return taken, n_refused


def test_a_good_record_is_taken():
    assert attack(GOOD) == (decode(GOOD), 0)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_inlet_refuses(name):
    assert attack(ATTACKS[name]) == (None, 1)


@pytest.mark.parametrize("name", ["one byte more", "a picture behind a record"])
def test_an_inlet_that_cuts_would_be_caught(name):
    assert attack(ATTACKS[name], CuttingSocket)[0] is not None


@pytest.mark.parametrize("name", ATTACKS)
def test_an_inlet_that_does_not_validate_would_be_caught(name, monkeypatch):
    monkeypatch.setattr(inlet_module, "decode", lenient)
    assert attack(ATTACKS[name])[0] is not None


def descriptors():
    """Return where the open descriptors lead, but for the one that lists them."""
    entries = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return {entry.name: str(entry.readlink()) for entry in entries}


def pass_descriptor(wrap):
    """Send a record with a descriptor of a secret file; return whether it arrived."""
    sender, receiver = one_way_channel()
    inlet = Inlet(wrap(receiver))
    secret = os.memfd_create("secret")
    sender.sendmsg([GOOD], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [secret]))])
    os.close(secret)
    inlet.receive()
    arrived = [number for number, target in descriptors().items() if "memfd:secret" in target]
    for number in arrived:
        os.close(int(number))
    inlet.close()
    sender.close()
    return bool(arrived)


def test_no_descriptor_comes_through():
    assert not pass_descriptor(lambda sock: sock)


def test_an_inlet_that_takes_descriptors_would_be_caught():
    assert pass_descriptor(GreedySocket)
