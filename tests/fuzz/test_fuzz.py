"""A small slice of the fuzzing at every run, the kept corpus, and proof that faults are found.

``make fuzz`` makes a million cases of the record and many more of the rest.
"""

import struct

import pytest
import run
import targets
from mutation import case
from oracle import is_valid_record

from edge_affect import record as record_module
from edge_affect.record import AbstainReason, AffectRecord, encode

SEED = 20261126
IN_PROCESS = {"record": 8_000, "command-byte": 1_000, "command": 2_000}
IN_A_CHILD = {"config": 60, "manifest": 60, "media": 40}
"""Decoders of media may crash the process; the others are given the same memory limit."""


@pytest.mark.parametrize(("target", "n_cases"), IN_PROCESS.items())
def test_no_case_crashes_and_none_passes_invalid(target, n_cases):
    fuzz = targets.TARGETS[target]
    accepted = sum(fuzz(case(SEED, number)) for number in range(n_cases))
    assert 0 < accepted < n_cases, "a fuzzer must make both valid and invalid inputs"


@pytest.mark.parametrize(("target", "n_cases"), IN_A_CHILD.items())
def test_no_file_crashes_and_none_passes_invalid(target, n_cases):
    accepted, _ = run.run_target(target, SEED, n_cases)
    assert 0 < accepted < n_cases


def test_every_byte_is_a_command_or_refused():
    accepted = [byte for byte in range(256) if targets.check_command_byte(bytes([byte]))]
    assert accepted == [1, 2]


def test_kept_records_and_commands_are_read_as_ever():
    assert [targets.check_record(content) for content in targets.corpus("record")] == [True] * 3
    topics = [content.decode() for content in targets.corpus("command")]
    accepted = [topic for topic in topics if targets.check_command(topic, b"", retain=False)]
    assert accepted == ["edge-affect/home/box/set/pause", "edge-affect/home/box/set/resume"]


def test_kept_files_are_read_as_ever(tmp_path):
    checks = {"config": targets.check_config, "manifest": targets.check_manifest}
    for name, check in checks.items():
        found = [check(content.decode(), tmp_path) for content in targets.corpus(name)]
        assert found.count(True) >= 2
    found = [targets.check_media(content, tmp_path) for content in targets.corpus("media")]
    assert found == [True] * len(targets.corpus("media"))
    assert len(found) >= 6


def test_tags_in_any_encoding_do_not_stop_the_reader(tmp_path):
    tag = b"INAM" + struct.pack("<I", 4) + b"\xb2\xff\xfe\0"
    info = b"LIST" + struct.pack("<I", 4 + len(tag)) + b"INFO" + tag
    sound = b"data" + struct.pack("<I", 640) + b"\1\2" * 320
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    body = b"WAVE" + form + info + sound
    assert targets.check_media(b"RIFF" + struct.pack("<I", len(body)) + body, tmp_path)


def first_finding(target, n_cases=20_000):
    fuzz = targets.TARGETS[target]
    for number in range(n_cases):
        try:
            fuzz(case(SEED, number))
        except targets.FoundError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (a crash is a finding too)
            return f"crash: {error!r}"
    return None


def without_size(datagram):
    return record_module.decode(datagram[: record_module.SIZE_BYTES])


def without_reserved_bits(datagram):
    if len(datagram) == record_module.SIZE_BYTES:
        datagram = datagram[:1] + bytes([datagram[1] & 0x1F]) + datagram[2:]
    return record_module.decode(datagram)


def without_version(datagram):
    return record_module.decode(b"\x01" + datagram[1:])


@pytest.mark.parametrize("leaky", [without_size, without_reserved_bits, without_version])
def test_a_decoder_that_forgets_a_check_is_caught(leaky, monkeypatch):
    monkeypatch.setattr(targets, "decode", leaky)
    assert first_finding("record").startswith("an invalid record passes")


def test_a_record_that_contradicts_itself_is_caught(monkeypatch):
    monkeypatch.setattr(AffectRecord, "_check_consistency", lambda _self: None)
    assert first_finding("record").startswith("an invalid record passes")


def test_a_decoder_that_crashes_is_caught(monkeypatch):
    monkeypatch.setattr(targets, "decode", lambda datagram: datagram[17] and None)
    assert first_finding("record") is not None


def test_a_wider_command_byte_is_caught(monkeypatch):
    monkeypatch.setattr(targets, "decode_command", lambda datagram: datagram[0])
    assert first_finding("command-byte") is not None


def test_a_command_without_its_prefix_is_caught(monkeypatch):
    class Careless(targets.Topics):
        def command(self, topic, payload, *, retain):
            return super().command(
                f"{self.base}/set/{topic.split('/')[-1]}", payload, retain=retain
            )

    monkeypatch.setattr(targets, "Topics", Careless)
    assert "passes as" in first_finding("command")


def test_the_second_description_of_a_record_agrees_with_the_first():
    for reason in AbstainReason:
        if reason is not AbstainReason.NONE:
            assert is_valid_record(encode(AffectRecord(abstained=reason)))
    assert not is_valid_record(bytes(18))
