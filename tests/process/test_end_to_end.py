"""The whole box: real clip, models, cage and broker; every message against its schema."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.mqtt import MQTT_5, ClientIdentity, Connection
from tests.patience import WAIT_S, wait_for

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
SENSE_LIMIT_MB = 150.0
PUBLISH_LIMIT_MB = 45.0


class Reader:
    """Collects everything that is published, on a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[tuple[str, bytes, bool]] = []
        self._is_over = threading.Event()
        identity = ClientIdentity("test-reader")
        access = BrokerAccess("127.0.0.1", port)
        self._connection = Connection(access, identity, MQTT_5, self._take)
        self._connection.open()
        self._connection.subscribe("#")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _take(self, topic: str, data: bytes, is_retained: bool) -> None:
        self.messages.append((topic, data, is_retained))

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._connection.step(0.1)

    def of(self, topic: str) -> list[bytes]:
        return [data for name, data, _ in list(self.messages) if name.endswith(f"/{topic}")]

    def wait_for(self, topic: str, n: int) -> list[bytes]:
        wait_for(
            lambda: len(self.of(topic)) >= n,
            lambda: f"{n} {topic} messages; {len(self.of(topic))} came",
        )
        return self.of(topic)

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._connection.close()


def children_of(pid: int) -> dict[str, int]:
    """The two processes of a launcher, by their command."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found["sense" if b"sense" in words else "publish"] = int(child)
    return found


def resident_mb(pid: int) -> float:
    """Resident memory without pages of files that are shared with others, as ps shows it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture
def reader(broker):
    opened = Reader(broker.port)
    yield opened
    opened.close()


def start(tmp_path: Path, port: int, *options: str, extra: str = "") -> subprocess.Popen:
    path = tmp_path / "box.toml"
    path.write_text(
        f'[device]\nsite = "test"\nname = "box"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n{extra}'
    )
    return subprocess.Popen(
        [sys.executable, "-m", "edge_affect", "run", "--config", str(path), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen, number: int = signal.SIGINT) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT_S)
    return process.returncode, errors


def of_a_face(reader: Reader) -> list[dict]:
    """Vectors that say something about a face."""
    vectors = [json.loads(payload) for payload in reader.of("affect")]
    return [v for v in vectors if v["abstained"] is None and "face" in v["modalities"]]


def validate(topic: str, payloads: list[bytes]) -> list[dict]:
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_text())
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    decoded = [json.loads(payload) for payload in payloads]
    for payload in decoded:
        check.validate(payload)
    return decoded


@pytest.mark.data
def test_a_clip_of_a_face_and_a_voice_reaches_the_broker_from_inside_the_cage(
    data_dir, tmp_path, broker, reader
):
    clip = data_dir / "video" / "ravdess" / "01-01-01-01-01-01-01.mp4"
    process = start(tmp_path, broker.port, "--video", str(clip), "--loop")
    try:
        reader.wait_for("affect", 8)
        wait_for(lambda: len(of_a_face(reader)) >= 3, "vectors of a face")
        pids = children_of(process.pid)
        assert sorted(pids) == ["publish", "sense"]
        status = Path(f"/proc/{pids['sense']}/status").read_text()
        memory_mb = {name: resident_mb(pid) for name, pid in pids.items()}
        networks = [Path(f"/proc/{p}/ns/net") for p in (pids["sense"], os.getpid())]
        # Only root may look into a process that is not dumpable.
        is_apart = os.geteuid() != 0 or networks[0].readlink() != networks[1].readlink()
    finally:
        code, errors = end(process)
    assert code == 0, errors
    assert "cage proven" in errors
    assert is_apart
    assert "CapEff:\t0000000000000000" in status
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert memory_mb["sense"] <= SENSE_LIMIT_MB, memory_mb
    assert memory_mb["publish"] <= PUBLISH_LIMIT_MB, memory_mb

    vectors = validate("affect", reader.of("affect"))
    assert [v["sequence"] for v in vectors] == list(range(len(vectors)))
    seen = of_a_face(reader)
    assert {v["people"] for v in seen} == {"1"}
    assert reader.of("status")[-1] == b"offline"
    about = validate("about", reader.of("about"))[-1]
    assert "114.4" in json.dumps(about)
    topics = {name.split("/")[3] for name, _, _ in reader.messages}
    assert topics <= {"affect", "status", "about", "health", "alert", "event", "trend"}


def microphone(reader: Reader) -> str:
    """What the newest vector says of it."""
    return json.loads(reader.of("affect")[-1])["sensing"]["microphone"]


def test_pause_closes_the_sources_and_resume_opens_them(tmp_path, broker, reader):
    extra = '[audio]\nsource = "synthetic"\n[video]\nsource = "none"\n'
    extra += (
        '[deployment]\nsetting = "home"\njurisdiction = "UK"\npurpose = "test"\ncontact = "me"\n'
    )
    process = start(tmp_path, broker.port, extra=extra)
    try:
        reader.wait_for("affect", 2)
        for command, expected in (("pause", "paused"), ("resume", "ok")):
            publish = ["mosquitto_pub", "-p", str(broker.port), "-n"]
            subprocess.run([*publish, "-t", f"edge-affect/test/box/set/{command}"], check=True)
            wait_for(lambda now=expected: microphone(reader) == now, expected)
            latest = json.loads(reader.of("affect")[-1])
            assert (latest["abstained"] == "paused") == (expected == "paused")
    finally:
        code, errors = end(process, signal.SIGTERM)
    assert code == 0, errors
    assert "devices closed" in errors


def test_without_a_cage_nothing_reaches_the_broker(tmp_path, broker, reader):
    extra = '[audio]\nsource = "synthetic"\n[video]\nsource = "none"\n'
    extra += (
        '[deployment]\nsetting = "home"\njurisdiction = "UK"\npurpose = "test"\ncontact = "me"\n'
    )
    process = start(tmp_path, broker.port, "--allow-unsandboxed", "--seconds", "4", extra=extra)
    out, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, errors
    assert out.splitlines()
    assert "no cage" in errors
    assert reader.messages == []


def test_a_bad_recording_ends_both_processes_with_its_code(tmp_path, broker):
    (tmp_path / "noise.mp4").write_bytes(b"no video" * 500)
    process = start(tmp_path, broker.port, "--video", str(tmp_path / "noise.mp4"))
    _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 65, errors
    assert "Traceback" not in errors
    assert "noise.mp4" in errors
