"""The affect payload: a pure function of record and stamp, as its JSON Schema says."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from edge_affect.publishing.outbox import PACKED_BYTES, pack, unpack
from edge_affect.publishing.payload import Gap, Stamp, affect_payload, time_text, to_json
from edge_affect.record import (
    AFFECT_FIELDS,
    EVENTS,
    EXPRESSION_SUM,
    EXPRESSIONS,
    FIELDS,
    PEOPLE_TEXT,
    SCENE_FIELDS,
    SEALED_REASONS,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
    decode,
    encode,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
SCHEMA = json.loads((SCHEMAS / "affect.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
STAMP = Stamp(1_790_000_000_123, True, 7)
HAPPY = AffectRecord(
    expressions=(3, 9, 2, 0, 0, 0, 1, 0),
    valence=8,
    arousal=-4,
    valence_relative=3,
    arousal_relative=None,
    states=(14, 7, None, 0, None, None),
    events=(6, 0, 0, 0, None),
    polarity=2,
    phrases=(1, 0, 0, 0, 0, 0, 0, 1),
    modalities=Modality.VOICE | Modality.FACE,
    confidence=11,
    people=People.FEW,
    speech_share=3,
    microphone=SourceState.OK,
    camera=SourceState.POOR,
    frame_rate=3,
    latency=2,
    drops=0,
)
QUIET = AffectRecord(abstained=AbstainReason.TOO_FEW_PEOPLE, microphone=SourceState.OK)


@st.composite
def records(draw):
    """Any valid record, through the field table."""
    values = {}
    for field in FIELDS:
        item = st.integers(field.low, field.high)
        if field.has_unknown:
            item = st.none() | item
        items = draw(st.tuples(*[item] * field.n_items))
        values[field.name] = items if field.n_items > 1 else items[0]
    cuts = sorted(
        draw(st.lists(st.integers(0, EXPRESSION_SUM), min_size=7, max_size=7)),
    )
    edges = [0, *cuts, EXPRESSION_SUM]
    values["expressions"] = tuple(b - a for a, b in itertools.pairwise(edges))
    reason = values["abstained"] = AbstainReason(values["abstained"])
    values["modalities"] = Modality(values["modalities"])
    blank = AffectRecord(abstained=AbstainReason.STARTING)
    if reason:
        names = AFFECT_FIELDS + (SCENE_FIELDS if reason in SEALED_REASONS else ())
        values |= {name: getattr(blank, name) for name in names}
    elif not values["modalities"]:
        values["modalities"] = Modality.VOICE
    # The wire gives back the enumerations that the record's attributes are declared as.
    return decode(encode(AffectRecord(**values)))


@given(records(), st.booleans(), st.integers(0, 2**40))
@settings(max_examples=80, deadline=None)
def test_every_record_gives_a_valid_payload(record, clock_synced, sequence):
    payload = json.loads(to_json(affect_payload(record, Stamp(5, clock_synced, sequence))))
    VALIDATOR.validate(payload)


@given(records(), records())
@settings(max_examples=80, deadline=None)
def test_the_payload_tells_exactly_the_record(one, other):
    """Two records give the same payload only if they are the same: nothing lost, nothing added."""
    a, b = (affect_payload(r, STAMP) for r in (one, other))
    assert (a == b) == (one == other)
    assert a == affect_payload(decode(encode(one)), STAMP)


def test_payload_in_full():
    assert affect_payload(HAPPY, STAMP, media_time_s=1.23456) == {
        "schema": "1.0",
        "time": "2026-09-21T14:13:20.123Z",
        "clock_synced": True,
        "sequence": 7,
        "expression": "happiness",
        "expressions": {
            "neutral": 0.2,
            "happiness": 0.6,
            "surprise": 0.133,
            "sadness": 0.0,
            "anger": 0.0,
            "disgust": 0.0,
            "fear": 0.067,
            "contempt": 0.0,
        },
        "blend": None,
        "entropy": 0.518,
        "valence": 0.533,
        "arousal": -0.267,
        "valence_relative": 0.2,
        "arousal_relative": None,
        "states": {
            "attention": 1.0,
            "engagement": 0.5,
            "confusion": None,
            "anxiety": 0.0,
            "excitement": None,
            "incongruence": None,
        },
        "events": {
            "laughter": 1.0,
            "cheering": 0.0,
            "applause": 0.0,
            "crying": 0.0,
            "screaming": None,
        },
        "words": {"polarity": 0.667, "phrases": [1, 8]},
        "modalities": ["voice", "face"],
        "confidence": 0.733,
        "abstained": None,
        "people": "2-4",
        "speech_share": 0.5,
        "sensing": {
            "microphone": "ok",
            "camera": "poor",
            "frame_rate_hz": "5-8",
            "latency_ms": "100-200",
            "dropped": "<0.1%",
        },
        "media_time_s": 1.235,
    }


def test_an_abstaining_record_names_nothing():
    payload = affect_payload(QUIET, STAMP)
    assert payload["abstained"] == "too-few-people"
    assert payload["expression"] is None
    assert payload["expressions"] == dict.fromkeys(EXPRESSIONS)
    assert [payload[k] for k in ("valence", "arousal", "people", "speech_share")] == [None] * 4
    assert payload["states"] == dict.fromkeys(STATES)
    assert payload["events"] == dict.fromkeys(EVENTS)


def test_schema_and_code_use_the_same_words_in_the_same_order():
    props = SCHEMA["properties"]
    payload = affect_payload(HAPPY, STAMP, 0.0, Gap(1, 0, 0), is_late=True)
    assert list(payload) == list(props)
    assert list(props["expressions"]["properties"]) == list(EXPRESSIONS)
    assert list(props["states"]["properties"]) == list(STATES)
    assert list(props["events"]["properties"]) == list(EVENTS)
    assert props["people"]["enum"] == [None, *PEOPLE_TEXT.values()]
    reasons = [a.name.lower().replace("_", "-") for a in AbstainReason if a]
    assert props["abstained"]["enum"] == [None, *reasons]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("extra",), 1),
        (("expressions", "joy"), 0.5),
        (("sensing", "face_id"), "x"),
        (("words", "transcript"), "hello"),
        (("confidence",), 1.2),
        (("time",), "2026-09-21 14:13:20"),
        (("abstained",), "nobody"),
        (("modalities",), []),
    ],
)
def test_the_schema_refuses(path, value):
    payload = affect_payload(HAPPY, STAMP)
    assert VALIDATOR.is_valid(payload)
    target = payload
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    assert not VALIDATOR.is_valid(payload)


def test_a_gap_is_told_with_count_and_time():
    payload = affect_payload(QUIET, STAMP, gap=Gap(3, 0, 2_000))
    assert payload["gap"] == {
        "messages": 3,
        "since": "1970-01-01T00:00:00.000Z",
        "until": "1970-01-01T00:00:02.000Z",
    }
    VALIDATOR.validate(payload)


def test_json_is_one_ascii_line_with_at_most_three_decimals():
    text = to_json(affect_payload(HAPPY, STAMP))
    assert text.isascii()
    assert "\n" not in text
    assert not re.search(r"\.\d{4}", text)


@pytest.mark.parametrize("unix_ms", [0, 999, 1_790_000_000_123, 253_402_300_799_999])
def test_times_are_rfc_3339(unix_ms):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time_text(unix_ms))


@pytest.mark.parametrize("values", [(-1, True, 0), (253_402_300_800_000, True, 0), (0, True, -1)])
def test_a_stamp_refuses_what_cannot_be(values):
    with pytest.raises(ValueError, match="must"):
        Stamp(*values)


def test_packed_records_come_back_whole():
    packed = pack(HAPPY, STAMP)
    assert len(packed) == PACKED_BYTES
    assert unpack(packed) == (HAPPY, STAMP)
