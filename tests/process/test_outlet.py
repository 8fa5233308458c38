"""The slit on real sockets: what passes, what is dropped, what is refused."""

import errno
import io
import json
import os
import socket
import subprocess
import sys

import pytest

from edge_affect.errors import CageError, UnavailableError, UsageError
from edge_affect.launcher import one_way_channel
from edge_affect.record import (
    SIZE_BYTES,
    AbstainReason,
    AffectRecord,
    Command,
    Modality,
    SourceState,
    decode,
    encode,
)
from edge_affect.sensing import cage
from edge_affect.sensing.outlet import CommandInlet, DatagramOutlet, PrintingOutlet

RECORD = AffectRecord(
    expressions=(10, 5, 0, 0, 0, 0, 0, 0),
    valence=4,
    modalities=Modality.FACE | Modality.VOICE,
    confidence=9,
    camera=SourceState.OK,
)
BLANK = AffectRecord(abstained=AbstainReason.NOBODY)


@pytest.fixture
def proof():
    """Stand in for ``cage.prove()``, which no test process can pass."""
    return cage.CageProof(cage._PROOF_TOKEN, ("everything",))


@pytest.fixture
def channel():
    sender, receiver = one_way_channel()
    receiver.settimeout(0)
    yield sender, receiver
    sender.close()
    receiver.close()


def take_over(end):
    return os.dup(end.fileno())


def test_record_crosses_as_one_datagram_of_its_size(proof, channel):
    sender, receiver = channel
    outlet = DatagramOutlet(take_over(sender), proof)
    outlet.send(RECORD)
    outlet.send(BLANK)
    datagrams = [receiver.recv(SIZE_BYTES + 1) for _ in range(2)]
    outlet.close()
    assert datagrams == [encode(RECORD), encode(BLANK)]
    assert decode(datagrams[0]) == RECORD
    assert (outlet.n_sent, outlet.n_dropped) == (2, 0)


def test_slow_publisher_costs_records_not_time(proof, channel):
    sender, receiver = channel
    outlet = DatagramOutlet(take_over(sender), proof)
    for _ in range(2000):
        outlet.send(RECORD)
    assert outlet.n_dropped > 0
    assert outlet.n_sent + outlet.n_dropped == 2000
    n_received = 0
    while True:
        try:
            receiver.recv(SIZE_BYTES + 1)
        except BlockingIOError:
            break
        n_received += 1
    assert n_received == outlet.n_sent
    outlet.send(BLANK)
    assert receiver.recv(SIZE_BYTES + 1) == encode(BLANK)
    outlet.close()


def test_publisher_that_is_gone_is_an_error(proof, channel):
    sender, receiver = channel
    outlet = DatagramOutlet(take_over(sender), proof)
    receiver.close()
    with pytest.raises(UnavailableError, match="no longer takes records"):
        outlet.send(RECORD)
    outlet.close()


def test_outlet_cannot_receive(proof):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        outlet = DatagramOutlet(take_over(ours), proof)
        with pytest.raises(BrokenPipeError):
            theirs.send(b"anything")
        outlet.close()


@pytest.mark.parametrize("wrong", [None, "proof", object()])
def test_outlet_needs_a_proof(channel, wrong):
    with pytest.raises(CageError, match="proven its cage itself"):
        DatagramOutlet(channel[0].fileno(), wrong)


def test_proof_of_another_process_is_none(proof, channel):
    proof.pid = 1
    with pytest.raises(CageError, match="proven its cage itself"):
        DatagramOutlet(channel[0].fileno(), proof)


def stream_pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


def unconnected():
    return (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),)


def internet():
    return (socket.socket(socket.AF_INET, socket.SOCK_DGRAM),)


@pytest.mark.parametrize("make", [stream_pair, unconnected, internet])
def test_only_a_connected_unix_datagram_socket_will_do(proof, make):
    sockets = make()
    for take in (lambda fd: DatagramOutlet(fd, proof), CommandInlet):
        with pytest.raises(UsageError):
            take(take_over(sockets[0]))
    for end in sockets:
        end.close()


def test_pipe_is_no_socket(proof):
    reading, writing = os.pipe()
    for take in (lambda fd: DatagramOutlet(fd, proof), CommandInlet):
        with pytest.raises(UsageError, match="not an open socket"):
            take(writing)
    os.close(reading)
    os.close(writing)


def test_commands_arrive_in_order(channel):
    sender, receiver = channel
    inlet = CommandInlet(take_over(receiver))
    assert inlet.poll() is None
    sender.send(bytes([Command.PAUSE]))
    sender.send(bytes([Command.RESUME]))
    assert [inlet.poll(), inlet.poll(), inlet.poll()] == [Command.PAUSE, Command.RESUME, None]
    inlet.close()


@pytest.mark.parametrize("datagram", [b"", b"\0", b"\3", b"\xff", b"\1\1", b"pause" * 100])
def test_malformed_command_is_counted_and_changes_nothing(channel, datagram):
    sender, receiver = channel
    inlet = CommandInlet(take_over(receiver))
    sender.send(datagram)
    sender.send(bytes([Command.PAUSE]))
    assert inlet.poll() == Command.PAUSE
    assert inlet.n_malformed == 1
    inlet.close()


def test_flood_of_malformed_commands_does_not_hold_up_sensing(channel):
    sender, receiver = channel
    inlet = CommandInlet(take_over(receiver))
    sender.settimeout(0)
    n_queued = 0
    try:
        while True:
            sender.send(b"flood")
            n_queued += 1
    except BlockingIOError:
        pass
    for _ in range(n_queued):
        assert inlet.poll() is None
    assert inlet.n_malformed == n_queued
    inlet.close()


def test_printing_outlet_writes_one_json_line_each():
    stream = io.StringIO()
    outlet = PrintingOutlet(stream)
    outlet.send(RECORD)
    outlet.send(BLANK)
    outlet.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 2
    assert lines[0]["expressions"] == [10, 5, 0, 0, 0, 0, 0, 0]
    assert lines[0]["modalities"] == ["voice", "face"]
    assert lines[0]["camera"] == "ok"
    assert lines[0]["people"] is None
    assert lines[1]["abstained"] == "nobody"


def test_records_leave_a_real_cage(channel):
    """Cage, proof, outlet and inlet together, as the sensing process uses them."""
    sender, receiver = channel
    commands_out, commands_in = one_way_channel()
    code = (
        "import sys\nfrom edge_affect.errors import CageError\n"
        "from edge_affect.record import AbstainReason, AffectRecord\n"
        "from edge_affect.sensing import cage\n"
        "from edge_affect.sensing.outlet import CommandInlet, DatagramOutlet\n"
        "records, commands = map(int, sys.argv[1:])\n"
        "try:\n    cage.enter(cage.CagePolicy(keep_fds=(records, commands)))\n"
        "except CageError as error:\n    print('impossible:', error)\n    sys.exit()\n"
        "outlet = DatagramOutlet(records, cage.prove())\n"
        "print(CommandInlet(commands).poll().name)\n"
        "outlet.send(AffectRecord(abstained=AbstainReason.NOBODY))\n"
    )
    commands_out.send(bytes([Command.PAUSE]))
    fds = (sender.fileno(), commands_in.fileno())
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, fds)],
        pass_fds=fds,
        capture_output=True,
        text=True,
        check=False,
    )
    commands_out.close()
    commands_in.close()
    if done.stdout.startswith("impossible"):
        pytest.skip(done.stdout)
    assert (done.stdout, done.stderr) == ("PAUSE\n", "")
    assert receiver.recv(SIZE_BYTES + 1) == encode(BLANK)
    with pytest.raises(BlockingIOError) as nothing_more:
        receiver.recv(SIZE_BYTES + 1)
    assert nothing_more.value.errno == errno.EAGAIN
