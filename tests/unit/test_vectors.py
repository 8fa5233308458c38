"""Payloads back into records."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.errors import DataError
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.publishing.vectors import read_vectors, record_of
from edge_affect.record import (
    EXPRESSION_SUM,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
)

STAMP = Stamp(1_790_000_000_123, clock_synced=True, sequence=0)


def maybe(low, high):
    return st.none() | st.integers(low, high)


@st.composite
def records(draw):
    cuts = sorted(draw(st.lists(st.integers(0, EXPRESSION_SUM), min_size=7, max_size=7)))
    levels = [b - a for a, b in zip([0, *cuts], [*cuts, EXPRESSION_SUM], strict=True)]
    around = {
        "events": tuple(draw(maybe(0, 6)) for _ in range(5)),
        "polarity": draw(maybe(-3, 3)),
        "phrases": tuple(draw(st.integers(0, 1)) for _ in range(8)),
        "people": draw(st.none() | st.sampled_from(People)),
        "speech_share": draw(maybe(0, 6)),
        "microphone": draw(st.sampled_from(SourceState)),
        "camera": draw(st.sampled_from(SourceState)),
    }
    if draw(st.booleans()):
        return AffectRecord(abstained=AbstainReason.LOW_CONFIDENCE, **around)
    return AffectRecord(
        expressions=tuple(levels),
        valence=draw(maybe(-15, 15)),
        arousal=draw(maybe(-15, 15)),
        valence_relative=draw(maybe(-15, 15)),
        arousal_relative=draw(maybe(-15, 15)),
        states=tuple(draw(maybe(0, 14)) for _ in range(6)),
        modalities=Modality(draw(st.integers(1, 7))),
        confidence=draw(st.integers(0, 15)),
        **around,
    )


@settings(max_examples=60, deadline=None)
@given(records())
def test_a_payload_is_the_record_it_was_made_from(record):
    payload = json.loads(to_json(affect_payload(record, STAMP)))
    assert record_of(payload) == record


def test_every_reason_comes_back():
    for reason in AbstainReason:
        if reason != AbstainReason.NONE:
            record = AffectRecord(abstained=reason)
            assert record_of(affect_payload(record, STAMP)) == record


def line(record=None, **more):
    record = record or AffectRecord(abstained=AbstainReason.NOBODY)
    return json.dumps({**affect_payload(record, STAMP), **more})


def test_times_are_positions_where_there_are_any():
    lines = [line(media_time_s=0.5), "", line(media_time_s=1.5)]
    assert [v.at_s for v in read_vectors(lines, "x")] == [0.5, 1.5]
    assert [v.at_s for v in read_vectors([line()], "x")] == [1_790_000_000.123]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "x, line 1 is no affect vector"),
        (["[1]"], "line 1 is no affect vector"),
        (["", '{"time": 3}'], "line 2 is no affect vector"),
        ([line(confidence=0.5)], "line 1 contradicts itself"),
        ([line(abstained="bored")], "line 1 is no affect vector"),
        ([line(people="7")], "line 1 is no affect vector"),
        ([line(valence="high")], "line 1 is no affect vector"),
        ([line(valence=float("inf"))], "line 1 is no affect vector"),
        ([line(media_time_s=float("nan"))], "line 1 is no affect vector"),
        ([line(media_time_s=10**400)], "line 1 is no affect vector"),
        (["[" * 100_000], "line 1 is no affect vector"),
        ([line(media_time_s=2.0), line(media_time_s=1.0)], "line 2 is earlier"),
    ],
)
def test_what_is_no_vector_is_one_sentence(lines, words):
    with pytest.raises(DataError) as caught:
        list(read_vectors(lines, "x"))
    assert words in str(caught.value)


def test_health_ranges_are_left_out():
    record = replace(AffectRecord(abstained=AbstainReason.NOBODY), frame_rate=4, latency=2)
    assert record_of(affect_payload(record, STAMP)).frame_rate == 0
