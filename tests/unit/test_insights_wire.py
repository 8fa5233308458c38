"""What the caged process may say, and that nothing else passes."""

import json
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.errors import DataError, ExitCode
from edge_affect.insights.wire import (
    Facts,
    Failure,
    FrameReader,
    FrameWriter,
    Hand,
    Job,
    Kind,
    one_line,
)
from edge_affect.record import AbstainReason, AffectRecord, encode

NOBODY = encode(AffectRecord(abstained=AbstainReason.NOBODY))


@pytest.fixture
def written():
    reading, writing = os.pipe()
    writer = FrameWriter(writing)

    def take():
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            return file.read()

    return writer, take


def test_frames_arrive_as_they_were_sent_in_pieces_of_any_size(written):
    writer, take = written
    facts = Facts(has_sound=True, has_pictures=False, duration_s=1.5, note="a note")
    failure = Failure(ExitCode.BAD_DATA, "It is damaged.")
    writer.job(0)
    writer.facts(facts)
    writer.record(NOBODY)
    writer.done(1_500_000_000)
    writer.job(1)
    writer.failed(failure)
    data = take()
    expected = [
        (Kind.JOB, 0), (Kind.FACTS, facts), (Kind.RECORD, NOBODY), (Kind.DONE, 1_500_000_000),
        (Kind.JOB, 1), (Kind.FAILED, failure),
    ]  # fmt: skip
    for size in (1, 7, len(data)):
        reader = FrameReader()
        frames = []
        for start in range(0, len(data), size):
            frames += reader.take(data[start : start + size])
        assert frames == expected


def frame(kind, payload):
    return struct.pack(">cH", kind, len(payload)) + payload


@pytest.mark.parametrize(
    "data",
    [
        frame(b"Z", b""),
        frame(b"R", NOBODY[:-1]),
        frame(b"R", NOBODY + b"\0"),
        frame(b"R", bytes([9]) + NOBODY[1:]),
        frame(b"R", NOBODY[:1] + b"\xff" * 17),
        frame(b"J", b"\0"),
        frame(b"X", b""),
        frame(b"X", b"\0done"),
        frame(b"X", b"\x01what"),
        frame(b"F", b"{"),
        frame(b"F", b"[]"),
        frame(b"F", json.dumps({"has_sound": 1, "has_pictures": True, "duration_s": 1}).encode()),
        frame(
            b"F",
            json.dumps(
                {"has_sound": True, "has_pictures": True, "duration_s": 1, "samples": [1]}
            ).encode(),
        ),
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(DataError, match="said what it must not"):
        FrameReader().take(data)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_be_refused(data):
    reader = FrameReader()
    try:
        for kind, _value in reader.take(data):
            assert kind in Kind
    except DataError:
        pass


def test_sentences_come_as_one_line_that_no_terminal_obeys(written):
    writer, take = written
    writer.failed(Failure(ExitCode.BAD_DATA, "x\x1b[2J\r\ny\udcff" + "z" * 10_000))
    [(_, failure)] = FrameReader().take(take())
    assert failure.sentence.isprintable()
    assert failure.sentence.startswith(r"x\x1b[2J\r\ny\udcff")
    assert len(failure.sentence) < 1000
    assert one_line("Käse \N{GRINNING FACE}") == "Käse \N{GRINNING FACE}"


def test_a_hand_keeps_names_that_are_no_text():
    hand = Hand((Job("/x/\udcff\n.wav", 2),), '[audio]\nchannel = 2\n"ü"', "box.toml", True)
    assert Hand.from_bytes(hand.to_bytes()) == hand
