"""Everything that reads what somebody else wrote, and what must hold for any input.

A target takes random numbers, makes one input and feeds it. It returns whether the input was
accepted, and raises ``FoundError`` where something invalid passed; any other exception than the
product's own is a crash.
"""

import tempfile
from functools import cache
from itertools import islice
from pathlib import Path

from mutation import mutated, mutated_text
from oracle import is_valid_record

from edge_affect import config as configuration
from edge_affect.capture.media_file import MediaReader, probe
from edge_affect.capture.media_sound import sound_of
from edge_affect.errors import (
    ConfigError,
    DataError,
    ManifestError,
    MediaError,
    RecordError,
)
from edge_affect.perception.manifest import Manifest, load_manifest
from edge_affect.publishing.topics import Topics
from edge_affect.record import Command, decode, decode_command, encode

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")
BASE = "edge-affect/home/box"
MAX_SENTENCE = 1000
MOST_ITEMS = 40


class FoundError(AssertionError):
    """An input that shows a fault."""


@cache
def corpus(name):
    """Return the kept inputs of a target: seeds, and what once found a fault."""
    files = sorted((CORPUS / name).iterdir())
    if not files:
        raise FileNotFoundError(f"the corpus of {name} is empty")
    return tuple(path.read_bytes() for path in files)


def _is_one_sentence(error):
    text = str(error)
    if not text or "\n" in text or len(text) > MAX_SENTENCE:
        raise FoundError(f"not one sentence: {text[:200]!r}")


def check_record(datagram):
    is_valid = is_valid_record(datagram)
    try:
        record = decode(datagram)
    except RecordError as error:
        _is_one_sentence(error)
        if is_valid:
            raise FoundError(f"a valid record is refused: {datagram.hex()}: {error}") from error
        return False
    if not is_valid:
        raise FoundError(f"an invalid record passes: {datagram.hex()}")
    if encode(record) != datagram:
        raise FoundError(f"a record changes on its way: {datagram.hex()}")
    return True


def _random_record(rng):
    """Return bytes near a valid record: right size and version, blank or full at random."""
    abstained = rng.randrange(8)
    levels = [0] * 8
    for _ in range(15 if abstained == 0 else 0):
        levels[rng.randrange(8)] += 1
    is_blank = abstained != 0
    is_sealed = abstained in {1, 2, 5}
    fields = [(4, level) for level in levels]
    fields += [(5, 31 if is_blank else rng.randrange(32)) for _ in range(4)]
    fields += [(4, 15 if is_blank else rng.randrange(16)) for _ in range(6)]
    fields += [(3, 7 if is_sealed else rng.randrange(8)) for _ in range(6)]
    fields += [(8, 0 if is_sealed else rng.randrange(256))]
    fields += [(3, 0 if is_sealed else rng.randrange(1, 8))]
    fields += [(4, 0 if is_blank else rng.randrange(16)), (3, abstained)]
    fields += [(3, 6 if is_sealed else rng.randrange(7)), (3, 7 if is_sealed else rng.randrange(8))]
    fields += [(3, rng.randrange(8)), (3, rng.randrange(8))]
    fields += [(3, rng.randrange(7)) for _ in range(3)]
    body = 0
    for width, value in fields:
        body = body << width | value
    return b"\x01" + body.to_bytes(17, "big")


def fuzz_record(rng):
    kind = rng.randrange(10)
    if kind == 0:
        return check_record(rng.randbytes(rng.randint(0, 40)))
    if kind == 1:
        return check_record(b"\x01" + rng.randbytes(17))
    if kind == 2:
        return check_record(mutated(rng.choice(corpus("record")), rng, corpus("record")))
    datagram = bytearray(_random_record(rng))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        datagram[rng.randrange(18)] ^= 1 << rng.randrange(8)
    return check_record(bytes(datagram))


def check_command_byte(datagram):
    try:
        command = decode_command(datagram)
    except RecordError as error:
        _is_one_sentence(error)
        if datagram in (b"\x01", b"\x02"):
            raise FoundError(f"a command is refused: {datagram!r}") from error
        return False
    if bytes([command]) != datagram:
        raise FoundError(f"{datagram!r} passes as {command!r}")
    return True


def fuzz_command_byte(rng):
    return check_command_byte(rng.randbytes(rng.choice((0, 1, 1, 1, 1, 2, 3, 64))))


def check_command(topic, payload, retain):
    wanted = {f"{BASE}/set/pause": Command.PAUSE, f"{BASE}/set/resume": Command.RESUME}
    expected = wanted.get(topic) if not payload and not retain else None
    try:
        command = Topics(BASE).command(topic, payload, retain=retain)
    except DataError as error:
        _is_one_sentence(error)
        if expected is not None:
            raise FoundError(f"a command is refused: {topic!r}") from error
        if len(payload) > 8 and payload.decode("latin-1") in str(error):
            raise FoundError("a refusal repeats what was received") from error
        return False
    if command != expected:
        raise FoundError(f"{topic!r} with {payload!r}, retained {retain}, passes as {command!r}")
    return True


def fuzz_command(rng):
    topic = rng.choice(corpus("command"))
    if rng.random() < 0.8:
        topic = mutated(topic, rng, corpus("command"))
    payload = b"" if rng.random() < 0.6 else rng.randbytes(rng.randint(1, 300))
    return check_command(topic.decode("utf-8", "replace"), payload, rng.random() < 0.2)


def check_config(text, folder):
    path = Path(folder) / "box.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    try:
        config = configuration.load(path)
    except ConfigError as error:
        _is_one_sentence(error)
        return False
    numbers = {
        "tick_hz": 0 < config.publish.tick_hz <= 5,
        "queue_size": config.publish.queue_size > 0,
        "port": 0 < config.mqtt.port < 65536,
        "min_people": config.privacy.min_people >= 0,
        "site": not set(config.device.site) & set("/+#\0") and config.device.site != "",
        "name": not set(config.device.name) & set("/+#\0") and config.device.name != "",
        "frame_rate_hz": 0 < config.video.frame_rate_hz <= 120,
    }
    wrong = [name for name, is_right in numbers.items() if not is_right]
    if wrong:
        raise FoundError(f"a configuration passes with a wrong {', '.join(wrong)}")
    return True


def fuzz_config(rng):
    text = rng.choice(corpus("config")).decode()
    with tempfile.TemporaryDirectory() as folder:
        return check_config(mutated_text(text, rng), folder)


def check_manifest(text, folder):
    path = Path(folder) / "model.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    try:
        manifest = load_manifest(path)
    except ManifestError as error:
        _is_one_sentence(error)
        return False
    if not isinstance(manifest, Manifest) or len(manifest.sha256) != 64:
        raise FoundError("a manifest passes without a checksum")
    if not 0 < manifest.temperature < float("inf"):
        raise FoundError(f"a manifest passes with temperature {manifest.temperature}")
    sizes = [size for spec in (*manifest.inputs, *manifest.outputs) for size in spec.shape]
    if not sizes or min(sizes) < 1:
        raise FoundError(f"a manifest passes with tensors of shape {sizes}")
    if "/" in manifest.file or manifest.file in {"", ".", ".."}:
        raise FoundError(f"a manifest passes that points to {manifest.file!r}")
    return True


def fuzz_manifest(rng):
    text = rng.choice(corpus("manifest")).decode()
    with tempfile.TemporaryDirectory() as folder:
        return check_manifest(mutated_text(text, rng), folder)


def check_media(content, folder):
    path = Path(folder) / "media.bin"
    path.write_bytes(content)
    is_read = False
    try:
        info = probe(path)
    except MediaError as error:
        _is_one_sentence(error)
        return False
    for has_it, read in ((info.has_audio, read_sound), (info.has_video, read_pictures)):
        try:
            if has_it:
                is_read = read(path) or is_read
        except MediaError as error:
            _is_one_sentence(error)
    return is_read


def read_sound(path):
    for samples in islice(sound_of(path), MOST_ITEMS):
        if samples.ndim != 1 or samples.dtype != "float32":
            raise FoundError(f"sound of shape {samples.shape}")
        if samples.size and not abs(samples).max() <= 1:
            raise FoundError("sound beyond [-1, 1]")
    return True


def read_pictures(path):
    reader = MediaReader(path, "video")
    try:
        for picture in islice(reader.pictures(), MOST_ITEMS):
            pixels = picture.pixels()
            if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != "uint8":
                raise FoundError(f"a picture of shape {pixels.shape}")
    finally:
        reader.close()
    return True


def fuzz_media(rng):
    content = mutated(rng.choice(corpus("media")), rng, corpus("media"))
    with tempfile.TemporaryDirectory() as folder:
        return check_media(content, folder)


TARGETS = {
    "record": fuzz_record,
    "command-byte": fuzz_command_byte,
    "command": fuzz_command,
    "config": fuzz_config,
    "manifest": fuzz_manifest,
    "media": fuzz_media,
}
