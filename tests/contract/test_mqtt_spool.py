"""The spool of the real publisher against a real mosquitto: outages, kills, full and busy disks.

``make test-spool`` kills it a hundred times (EDGE_AFFECT_KILLS) and prints the table of faults.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mqtt_parts import WAIT_S, Box, Gate, Listener, wait_for

from edge_affect.broker import LocalBroker
from edge_affect.publishing.outboxes import FILE_NAME
from edge_affect.record import SIGNED_MAX, AffectRecord, Modality, encode

KILLS = int(os.environ.get("EDGE_AFFECT_KILLS", "3"))
SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
TICK_S = 0.2
LOST_AT_MOST_S = 2.0
N_KINDS = 30
CONFIG = """\
[device]
site = "hall"
name = "one"
[publish]
tick_hz = 5.0
spool_dir = "{spool}"
spool_max_mb = 1
[mqtt]
host = "127.0.0.1"
port = {port}
"""


def numbered(i):
    """A record that shows which one it is, among 900."""
    return AffectRecord(
        expressions=(2, 13, 0, 0, 0, 0, 0, 0), modalities=Modality.FACE, confidence=9,
        valence=i // N_KINDS % N_KINDS - SIGNED_MAX, arousal=i % N_KINDS - SIGNED_MAX,
    )  # fmt: skip


def number_of(payload):
    return sum(
        (round(payload[name] * SIGNED_MAX) + SIGNED_MAX) * factor
        for name, factor in (("valence", N_KINDS), ("arousal", 1))
    )


def unix_s(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Process:
    """``edge-affect publish`` with a spool, in a process of its own."""

    def __init__(self, folder, port, spool):
        path = folder / "box.toml"
        path.write_text(CONFIG.format(spool=spool, port=port))
        self.records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with inlet:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "edge_affect", "publish", "--config", path,
                 "--records-fd", str(inlet.fileno())],
                pass_fds=(inlet.fileno(),), stderr=subprocess.PIPE, text=True,
            )  # fmt: skip

    def wait_until_it_runs(self):
        """Wait until it has taken the spool and minds signals."""
        status = Path(f"/proc/{self.popen.pid}/status")
        wait_for(
            lambda: int(status.read_text().split("SigCgt:")[1].split()[0], 16) >> 14 & 1,
            "the signal handler",
        )

    def end(self):
        said = self.popen.communicate(timeout=WAIT_S)[1]
        self.records.close()
        assert "Traceback" not in said, said
        return self.popen.returncode, said


def payloads(listener):
    return [json.loads(text) for text in listener.payloads("affect")]


def sequences(listener):
    return [payload["sequence"] for payload in payloads(listener)]


@pytest.mark.parametrize("manner", ["pass", "refuse"])
def test_an_outage_outlives_the_publisher(broker, closing, tmp_path, manner):
    listener = closing(Listener(broker.port))
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, spool_dir=tmp_path))
    box.feed([numbered(0)] * 3)
    wait_for(lambda: listener.of("affect"), "affect")
    gate.shut()
    gate.manner = manner
    if manner == "refuse":
        gate.open()
    box.feed([numbered(0)] * 40)
    box.close()
    again = closing(Box(gate.port, spool_dir=tmp_path))
    again.feed([numbered(0)] * 3)
    gate.manner = "pass"
    gate.delay_s = 0.02
    if manner == "pass":
        gate.open()
    wait_for(lambda: len(set(sequences(listener))) >= 40, "all messages")
    again.feed([numbered(0)] * 3)
    wait_for(lambda: not len(again.publisher._outbox), "an empty spool")
    again.close()
    seen = sorted(set(sequences(listener)))
    assert seen == list(range(len(seen)))
    got = payloads(listener)
    schema = Draft202012Validator(json.loads((SCHEMAS / "affect.schema.json").read_text()))
    for payload in got:
        schema.validate(payload)
    assert [p for p in got if "gap" in p] == []
    assert sum("late" in p for p in got) >= 30
    assert (tmp_path / FILE_NAME).stat().st_size <= 8192


@pytest.mark.parametrize("keeps", [False, True], ids=["forgetful", "persistent"])
def test_a_killed_broker_that_comes_back_gets_everything(closing, tmp_path, keeps):
    memory = f"user root\npersistence true\nautosave_interval 1\npersistence_location {tmp_path}/\n"
    with LocalBroker(extra_config=memory if keeps else "") as broker:
        gate = closing(Gate(broker.port))
        box = closing(Box(gate.port, spool_dir=tmp_path))
        wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
        if keeps:
            wait_for((tmp_path / "mosquitto.db").exists, "the broker's own file")
        broker.kill()
        wait_for(lambda: not box.publisher._link.state.is_connected, "the loss")
        # Shut until somebody listens: a broker passes on to nobody else.
        gate.shut()
        box.feed([numbered(i) for i in range(40)])
        broker.start()
        listener = closing(Listener(broker.port))
        gate.open()
        wait_for(lambda: listener.payloads("status")[-1:] == ["online"], "online again")
        box.feed([numbered(40)])
        wait_for(lambda: not len(box.publisher._outbox), "an empty queue")
        box.close()
        numbers = sorted(set(sequences(listener)))
    assert len(numbers) >= 35
    assert numbers == list(range(len(numbers)))


def test_a_busy_spool_is_one_sentence_and_73(broker, closing, tmp_path):
    closing(Box(broker.port, spool_dir=tmp_path))
    process = Process(tmp_path, broker.port, tmp_path)
    code, said = process.end()
    assert code == 73
    (sentence,) = [line for line in said.splitlines() if line.startswith("edge-affect: ")]
    assert "Another process uses the spool" in sentence


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_told_and_memory_stands_in(broker, closing, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        listener = closing(Listener(broker.port))
        gate = closing(Gate(broker.port))
        gate.shut()
        box = closing(Box(gate.port, spool_dir=disk))
        box.feed([numbered(0)] * 50)
        wait_for(lambda: box.publisher._outbox.spool == "full", "the full disk")
        gate.open()
        wait_for(lambda: listener.of("health"), "health")
        assert json.loads(listener.payloads("health")[0])["queue"]["spool"] == "full"
        wait_for(lambda: not len(box.publisher._outbox), "the whole queue")
        box.close()
        seen = sorted(set(sequences(listener)))
        assert len(seen) >= 30
        assert seen == list(range(len(seen)))
    finally:
        subprocess.run(["umount", disk], check=True)


class Killer:
    """Runs the publisher again and again, feeds it, cuts it off its broker, and kills it."""

    def __init__(self, folder, gate, seed):
        self.folder, self.gate = folder, gate
        self.rng = random.Random(seed)  # noqa: S311 (repeatable)
        self.runs = []
        self.n_fed = 0

    def run_once(self, *, is_last=False):
        """Start it, feed it, and kill it with the broker there, away, or something of both."""
        manner = "there" if is_last else self.rng.choice(["there", "away", "leaves", "comes"])
        if manner in {"away", "comes"}:
            self.gate.shut()
        process = Process(self.folder, self.gate.port, self.folder)
        process.wait_until_it_runs()
        start_s, first = time.time(), self.n_fed
        length_s = 3.0 if is_last else self.rng.uniform(0.1, 5.0)
        turn_s = start_s + self.rng.uniform(0.0, length_s)
        held_up_s = 0.0
        while (left_s := start_s + length_s - time.time()) > 0:
            process.records.send(encode(numbered(self.n_fed)))
            self.n_fed += 1
            if manner == "leaves" and time.time() > turn_s:
                self.gate.shut()
            if manner == "comes" and time.time() > turn_s:
                self.gate.reopen()
            began_s = time.monotonic()
            time.sleep(min(TICK_S, left_s))
            # What the machine takes from this process it takes from the other one, too.
            held_up_s += max(0.0, time.monotonic() - began_s - TICK_S)
        if not is_last:
            process.popen.kill()
        self.runs.append((start_s, time.time(), first, self.n_fed, manner, held_up_s))
        if not is_last:
            process.end()
        self.gate.reopen()
        return process


class OpenGate(Gate):
    """A gate that can be told to be open, whatever it is."""

    def reopen(self):
        if self._server is None:
            self.open()


def test_kill_9_loses_the_last_two_seconds_at_most(broker, closing, tmp_path):
    listener = closing(Listener(broker.port))
    killer = Killer(tmp_path, closing(OpenGate(broker.port)), seed=KILLS)
    for _ in range(KILLS):
        killer.run_once()
    process = killer.run_once(is_last=True)
    # What waited goes first, in its order, and this last.
    newest = (killer.n_fed - 1) % N_KINDS**2
    wait_for(lambda: newest in map(number_of, payloads(listener)[-1:]), "the newest record")
    process.popen.terminate()
    process.records.close()
    assert process.end()[0] == 0
    by_sequence = {}
    for payload in payloads(listener):
        known = by_sequence.setdefault(payload["sequence"], payload)
        assert {**known, "late": None} == {**payload, "late": None}
    table = {"there": [], "away": [], "leaves": [], "comes": []}
    n_gaps, previous_s = 0, 0.0
    for start_s, end_s, first, last, manner, held_up_s in killer.runs:
        messages = [p for _, p in sorted(by_sequence.items())]
        mine = [p for p in messages if previous_s < unix_s(p["time"]) <= end_s]
        previous_s = end_s
        # Nothing invented: what comes was fed in this run, in this order.
        positions = [(number_of(p) - first) % N_KINDS**2 for p in mine]
        assert positions == sorted(set(positions))
        assert all(position < last - first for position in positions)
        # No hole but at the end.
        numbers = [p["sequence"] for p in mine]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        lost_s = end_s - (unix_s(mine[-1]["time"]) if mine else start_s)
        table[manner].append(lost_s - held_up_s)
        n_gaps += sum("gap" in p for p in mine)
        # Each run after a kill says so with its first message, and no other message does.
        told = [i for i, p in enumerate(mine) if "gap" in p]
        assert told == ([0] if mine and first > 0 else []), manner
    print(f"\n{KILLS} kills, {len(by_sequence)} messages, {n_gaps} gaps told")
    for manner, losses in table.items():
        if losses:
            print(f"broker {manner}: {len(losses)} runs, last message {max(losses):.2f} s before "
                  "the end at most")  # fmt: skip
    assert max(max(losses, default=0.0) for losses in table.values()) <= LOST_AT_MOST_S + TICK_S
