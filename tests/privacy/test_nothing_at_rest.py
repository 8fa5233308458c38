"""Both real processes and a real broker, a marked clip, and a search of everything they leave.

The same search runs over a box that leaks through every one of these places, and must find it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import traces
import watermark
from box_part import WORDS, planted_points
from wire import Capture, published, read_pcap, streams_to

from edge_affect.broker import LocalBroker
from tests.patience import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
CLIP_S = 6
SHOWN = watermark.mark(2026)
SPOKEN = "cancel my contract"
SENTENCE = f"I want to {SPOKEN}"
WORDS_ON = """[words]
enabled = true
[phrase.churn]
say = ["cancel my contract"]
"""
PATTERNS = {
    "pixels": watermark.pixel_patterns(SHOWN),
    "samples": watermark.sound_patterns(SHOWN),
    "landmarks": watermark.place_patterns(planted_points()),
    "words": watermark.word_patterns(WORDS),
    "spoken": watermark.word_patterns(SPOKEN),
}
PLACES = ("files", "logs", "shared mappings", "wire")
NEEDS_CAGE = pytest.mark.usefixtures("cage_is_possible")
NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may capture packets and look into a caged process"
)


@dataclass
class Remains:
    """What one run of a box left.

    Attributes:
        code: Exit code of the launcher.
        files: Content of every file written during the run, by path.
        logs: Everything that both processes and their launcher printed.
        mapped: Content of shared file mappings, by process.
        streams: What went to the broker, by connection.
        sense_status: Lines of ``/proc/PID/status`` of the sensing process.
    """

    code: int = 0
    files: dict = field(default_factory=dict)
    logs: bytes = b""
    mapped: dict = field(default_factory=dict)
    streams: list = field(default_factory=list)
    sense_status: str = ""

    def content(self, place):
        return {
            "files": list(self.files.values()),
            "logs": [self.logs],
            "shared mappings": [part for parts in self.mapped.values() for part in parts],
            "wire": self.streams,
        }[place]

    def found(self, what, place):
        """Return the encodings of planted pixels, samples, landmarks or words in one place."""
        return sorted({n for d in self.content(place) for n in watermark.search(d, PATTERNS[what])})

    def messages(self):
        return [message for stream in self.streams for message in published(stream)]

    def invalid(self):
        """Return what is wrong with the messages on the wire, each against its schema."""
        return [error for message in self.messages() if (error := complaint(message))]


def complaint(message):
    kind = message.topic.split("/")[3] if message.topic.startswith("edge-affect/t/box/") else ""
    path = SCHEMAS / f"{kind}.schema.json"
    if not path.is_file():
        return f"nothing is documented for {message.topic}"
    text = message.payload.decode()
    check = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    errors = list(check.iter_errors(text if kind == "status" else json.loads(text)))
    return errors[0].message if errors else None


def parts_of(pid):
    """Return the processes of a launcher, by their role."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found["sense" if b"sense" in words else "publish"] = int(child)
    return found


def run_box(folder, port, *, leaks, spoken=None):
    """Run a box in ``folder``, the only place that belongs to it, and gather what it left.

    With ``spoken``, int16 samples, the clip speaks and the box listens to words. It ends when it
    has published all that a test asks for, however long the machine takes for that.
    """
    clip_s = CLIP_S if spoken is None else 2 * CLIP_S
    places = {name: folder / "box" / name for name in ("home", "tmp", "state", "work")}
    for place in places.values():
        place.mkdir(parents=True)
    clip = folder / "clip.mkv"
    watermark.write_clip(clip, [(SHOWN, clip_s)], WORDS, spoken)
    config = folder / "box.toml"
    config.write_text(
        f'[device]\nsite = "t"\nname = "box"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
        + ("" if spoken is None else WORDS_ON)
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("XDG_")
    } | {
        "HOME": str(places["home"]),
        "TMPDIR": str(places["tmp"]),
        "XDG_STATE_HOME": str(places["state"]),
        "XDG_RUNTIME_DIR": str(places["state"]),
        "XDG_DATA_HOME": os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share")),
        "PYTHONPATH": str(ROOT),
    }
    if leaks:
        environment["EDGE_AFFECT_LEAK_INTO"] = str(places["state"])
    if spoken is not None:
        environment["EDGE_AFFECT_LEAK_SPOKEN"] = "1"
    remains = Remains()
    start_s = time.time() - 0.1
    program = [sys.executable, str(Path(__file__).with_name("box_here.py"))]
    capture = Capture(port)
    try:
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [*program, str(config), str(clip)],
                stdout=log, stderr=log, cwd=places["work"], env=environment,
            )  # fmt: skip
            try:
                has_said = said_with_words if spoken is not None else said_of_face_and_voice
                look_into(process, remains, lambda: is_enough(capture, has_said, leaks=leaks))
            finally:
                process.terminate()
                remains.code = process.wait(timeout=WAIT_S)
    finally:
        capture.close()
    capture.write(folder / "broker.pcap")
    remains.streams = streams_to(read_pcap(folder / "broker.pcap"), port)
    remains.logs = (folder / "log.txt").read_bytes()
    own = {config, folder / "clip.mkv", folder / "log.txt", folder / "broker.pcap"}
    folders = (folder, ROOT, *traces.EVERYWHERE)
    for path in traces.files_changed_since(start_s, folders, not_ours(folder)):
        if path not in own:
            remains.files[path] = read_if_there(path)
    return remains


def not_ours(folder):
    """Return folders of other tests and tools, which may plant marks of their own."""
    mine = folder.parents[1]
    others = [path for path in mine.parent.glob("*") if path != mine]
    return [*others, ROOT / ".git", ROOT / ".venv", *(mine / n for n in ("memory",))]


def read_if_there(path):
    try:
        return path.read_bytes()
    except OSError:  # somebody else's, removed or locked meanwhile
        return b""


def said_of_face_and_voice(messages):
    """Whether the box tells of the planted face and of sound, and has gone on for a while."""
    vectors = [json.loads(m.payload) for m in messages if m.topic.endswith("/affect")]
    is_seen = any(v["people"] == "1" for v in vectors)
    return is_seen and any(v["speech_share"] is not None for v in vectors) and len(vectors) >= 3


def said_with_words(messages):
    """Whether the box has recognised the phrase, and raised its alert."""
    vectors = [json.loads(m.payload) for m in messages if m.topic.endswith("/affect")]
    alerts = [json.loads(m.payload) for m in messages if m.topic.endswith("/alert/churn")]
    return any(v["words"]["phrases"] == [1] for v in vectors) and any(
        a["state"] == "raised" for a in alerts
    )


def is_enough(capture, has_said, *, leaks):
    """Return whether the broker has heard what a test asks for, and of a leaky box its leak."""
    streams = streams_to(list(capture.packets), capture.port)
    try:
        messages = [message for stream in streams for message in published(stream)]
    except IndexError:  # cut in the middle of a length
        return False
    topics = {m.topic.split("/", 3)[3] for m in messages}
    is_leaking = any(b'"note"' in m.payload for m in messages)
    return "health" in topics and has_said(messages) and (is_leaking or not leaks)


def look_into(process, remains, is_enough):
    """Look at the shared mappings again and again until the box has done enough."""
    ends_s = time.monotonic() + 3 * WAIT_S
    n_looks = 0
    while n_looks < 2:
        assert process.poll() is None, "the box has ended by itself"
        assert time.monotonic() < ends_s, "the box did not say what was waited for"
        time.sleep(0.3)
        # What is at the broker was in the mapping before.
        n_looks += n_looks > 0 or is_enough()
        try:
            for role, pid in parts_of(process.pid).items():
                parts = list(traces.mappings(pid, traces.is_shared_file))
                if parts or role not in remains.mapped:
                    remains.mapped[role] = parts
                if role == "sense":
                    remains.sense_status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue


@pytest.fixture(scope="session")
def speaking_boxes(tmp_path_factory):
    """An honest box that listens to words, and one that keeps them."""
    pytest.importorskip("pocketsphinx", reason="needs the extra [words]")
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng speaks the phrase; apt-get install espeak-ng")
    found = {}
    for name in ("honest", "leaky"):
        folder = tmp_path_factory.mktemp("speaking") / name
        folder.mkdir()
        with LocalBroker() as broker:
            found[name] = run_box(
                folder, broker.port, leaks=name == "leaky", spoken=spoken_samples(folder)
            )
        shutil.rmtree(folder)
    return found


def spoken_samples(folder):
    """Return the sentence as espeak-ng says it, between two seconds of silence, int16, 16 kHz."""
    path = folder / "spoken.wav"
    command = ["espeak-ng", "-v", "en-us+f2", "-s", "150", "-w", str(path), SENTENCE]
    subprocess.run(command, check=True)
    samples = watermark.read_sound(path)
    path.unlink()
    silence = np.zeros(watermark.RATE_HZ, np.int16)
    return np.concatenate((silence, samples, silence))


@pytest.fixture(scope="session")
def boxes(tmp_path_factory):
    """An honest box and one that leaks, run one after the other on brokers of their own."""
    found = {}
    for name in ("honest", "leaky"):
        folder = tmp_path_factory.mktemp("boxes") / name
        folder.mkdir()
        with LocalBroker() as broker:
            found[name] = run_box(folder, broker.port, leaks=name == "leaky")
        shutil.rmtree(folder)
    return found


EACH_CELL = [
    pytest.mark.parametrize("what", sorted(set(PATTERNS) - {"spoken"})),
    pytest.mark.parametrize("place", PLACES),
]


def each_cell(test):
    for mark in EACH_CELL:
        test = mark(test)
    return NEEDS_CAGE(NEEDS_ROOT(test))


@NEEDS_CAGE
@NEEDS_ROOT
def test_the_honest_box_really_worked(boxes):
    honest = boxes["honest"]
    assert honest.code == 0, honest.logs.decode()
    assert b"cage proven" in honest.logs
    assert sorted(honest.mapped) == ["publish", "sense"]
    vectors = [json.loads(m.payload) for m in honest.messages() if m.topic.endswith("/affect")]
    assert {v["people"] for v in vectors} >= {"1"}, "the planted face was not seen"
    assert any(v["speech_share"] is not None for v in vectors), "the sound was not heard"


@each_cell
def test_nothing_planted_is_left_anywhere(what, place, boxes):
    assert boxes["honest"].found(what, place) == []


@each_cell
def test_a_leak_would_be_found(what, place, boxes):
    assert boxes["leaky"].found(what, place) != [], "the search cannot find what is there"


@NEEDS_CAGE
@NEEDS_ROOT
def test_a_phrase_that_was_said_reaches_the_broker_by_name_alone(speaking_boxes):
    honest = speaking_boxes["honest"]
    assert honest.code == 0, honest.logs.decode()
    assert b"cage proven" in honest.logs
    vectors = [json.loads(m.payload) for m in honest.messages() if m.topic.endswith("/affect")]
    assert any(v["words"]["phrases"] == [1] for v in vectors), "the phrase was not recognised"
    alerts = [json.loads(m.payload) for m in honest.messages() if m.topic.endswith("/alert/churn")]
    assert {a["state"] for a in alerts} >= {"raised"}
    assert honest.invalid() == []


@NEEDS_CAGE
@NEEDS_ROOT
@pytest.mark.parametrize("place", PLACES)
def test_what_was_said_is_left_nowhere(place, speaking_boxes):
    assert speaking_boxes["honest"].found("spoken", place) == []


@NEEDS_CAGE
@NEEDS_ROOT
@pytest.mark.parametrize("place", PLACES)
def test_a_build_that_keeps_what_was_said_is_caught(place, speaking_boxes):
    assert speaking_boxes["leaky"].found("spoken", place) != []


@NEEDS_CAGE
@NEEDS_ROOT
def test_the_wire_holds_valid_messages_only(boxes):
    honest = boxes["honest"]
    topics = {message.topic.split("/", 3)[3] for message in honest.messages()}
    assert {"status", "about", "affect", "health"} <= topics
    assert honest.invalid() == []
    assert boxes["leaky"].invalid() != [], "the schema lets a smuggled field through"


@NEEDS_CAGE
@NEEDS_ROOT
def test_memory_is_locked_or_the_log_says_why_not(boxes):
    honest = boxes["honest"]
    locked_kb = int(honest.sense_status.split("VmLck:")[1].split()[0])
    if b"not locked against swap: this user may lock" in honest.logs:
        assert locked_kb == 0
    else:
        assert b", locked against swap" in honest.logs
        assert locked_kb > 100_000


@pytest.mark.parametrize("what", sorted(PATTERNS))
def test_every_encoding_is_found_wherever_a_leak_is_cut(what):
    """Whole rows of the mark, cut at odd places, in each encoding that the search names."""
    assert len(PATTERNS[what]) >= 7
    lengths = {name: len(pattern) for name, pattern in PATTERNS[what].items()}
    assert min(lengths.values()) >= 16, "a short pattern could turn up by chance"
    noise = np.random.default_rng(1).bytes(1 << 20)
    assert watermark.search(noise, PATTERNS[what]) == []


def test_text_encodings_are_found_at_any_offset():
    import base64

    sound = np.tile(SHOWN.samples, 40).astype("<i2").tobytes()
    pixels = np.tile(SHOWN.pixels, (40, 1)).tobytes()
    for data, what in ((sound, "samples"), (pixels, "pixels")):
        for cut in range(7):
            for text in (base64.b64encode(data[cut:]), data[cut:].hex().encode()):
                assert watermark.search(text, PATTERNS[what]) != []
    points = planted_points().tobytes()
    for cut in range(7):
        assert watermark.search(base64.b64encode(b"x" * cut + points), PATTERNS["landmarks"]) != []
