"""``docs/mqtt.md`` shows what the code really publishes."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_affect.alert_presets import RULES
from edge_affect.alerting.event_edges import EventEdge
from edge_affect.alerting.trend import TrendPoint
from edge_affect.alerting.watch import AlertState
from edge_affect.clock import NS_PER_S
from edge_affect.config import Config, Deployment, Device
from edge_affect.publishing.about import ModelCard, about_payload
from edge_affect.publishing.commands import answer_payload, marker_payload, read_marker
from edge_affect.publishing.health import HEALTH_INTERVAL_S
from edge_affect.publishing.notices import (
    Now,
    WallMoments,
    alert_payload,
    event_payload,
    trend_payload,
)
from edge_affect.publishing.outbox import pack, unpack
from edge_affect.publishing.payload import Gap, Stamp, affect_payload, to_json
from edge_affect.publishing.topics import (
    AFFECT_EXPIRY_S,
    ANSWER_EXPIRY_S,
    EVENT_EXPIRY_S,
    HEALTH_EXPIRY_S,
    TREND_EXPIRY_S,
    CommandRefusedError,
    Refusal,
)
from edge_affect.record import AffectRecord, Modality, People, SourceState

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "mqtt.md").read_text(encoding="utf-8")
STAMP = Stamp(1_790_000_000_123, clock_synced=True, sequence=42)
RECORD = AffectRecord(
    expressions=(4, 9, 2, 0, 0, 0, 0, 0),
    valence=8,
    arousal=4,
    modalities=Modality.VOICE | Modality.FACE,
    confidence=11,
    people=People.ONE,
    speech_share=3,
    microphone=SourceState.OK,
    camera=SourceState.OK,
    frame_rate=4,
    latency=2,
    drops=0,
)


def blocks():
    return re.findall(r"```json\n(.*?)\n```", PAGE, flags=re.DOTALL)


def test_the_affect_example_is_what_the_code_publishes():
    record, stamp = unpack(pack(RECORD, STAMP))
    expected = json.dumps(affect_payload(record, stamp), indent=2)
    assert blocks()[0] == expected, f"docs/mqtt.md should show:\n{expected}"


def test_the_alert_event_and_trend_examples_are_what_the_code_publishes():
    now = Now(100 * NS_PER_S, STAMP, 42)
    anger = next(rule for rule in RULES if rule.name == "rising-anger")
    state = AlertState(
        anger.name, True, 1, anger.steps[1], 0.533, None, 85 * NS_PER_S, 100 * NS_PER_S
    )
    edge = EventEdge("applause", False, 0.833, 92 * NS_PER_S, 100 * NS_PER_S)
    points = {"valence": TrendPoint(-0.0121, -0.18, -0.36, 0.03), "arousal": None}
    expected = (
        alert_payload(state, now, WallMoments()),
        event_payload(edge, now, WallMoments()),
        trend_payload(points, now),
    )
    for shown, payload in zip(blocks()[1:4], expected, strict=True):
        assert shown == json.dumps(payload, indent=2)


def test_the_gap_example_is_what_the_code_publishes():
    gap = affect_payload(RECORD, STAMP, gap=Gap(120, 1_789_999_870_123, 1_789_999_989_123))["gap"]
    assert blocks()[4] == json.dumps({"gap": gap}, indent=2)


def test_the_other_examples_are_valid():
    shown = blocks()
    assert len(shown) == 9
    names = ("affect", "alert", "event", "trend", None, "health", "about", "marker", "answer")
    for name, text in zip(names, shown, strict=True):
        if name is None:
            continue
        schema = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text())
        Draft202012Validator(schema).validate(json.loads(text))


def test_the_about_example_is_what_the_code_publishes():
    config = Config(
        deployment=Deployment("venue", "EU", "stage lights follow the room", "box@example.org"),
        device=Device("hall", "one"),
    )
    models = [ModelCard("face_expression", "1", "0" * 64)]
    assert json.loads(blocks()[6]) == about_payload(config, models)


def test_the_marker_and_answer_examples_are_what_the_code_publishes():
    marker = read_marker(b'{"text": "Questions", "number": 12}')
    assert json.loads(blocks()[7]) == marker_payload(marker, STAMP)
    with pytest.raises(CommandRefusedError) as caught:
        read_marker(b'{"number": -1}')
    assert json.loads(blocks()[8]) == answer_payload("marker", caught.value, STAMP)


def test_every_reason_of_a_refusal_is_explained():
    table = PAGE[PAGE.index("| `error` |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", table, flags=re.MULTILINE)
    assert rows == ["error"] + [reason.value for reason in Refusal]


def test_sizes_and_times_in_the_text():
    n_bytes = len(to_json(affect_payload(RECORD, STAMP)))
    (told,) = re.findall(r"about (\d+) bytes", PAGE)
    assert int(told) == pytest.approx(n_bytes, rel=0.05)
    assert f"every {HEALTH_INTERVAL_S:.0f} s" in PAGE
    assert AFFECT_EXPIRY_S == EVENT_EXPIRY_S == ANSWER_EXPIRY_S
    assert f"`affect` and `event` expire after {AFFECT_EXPIRY_S} s" in PAGE
    assert f"expires after {HEALTH_EXPIRY_S} s" in PAGE
    assert f"`trend` expires after {TREND_EXPIRY_S} s" in PAGE


def test_every_top_level_key_is_explained():
    keys = list(affect_payload(RECORD, STAMP, media_time_s=0.0, gap=Gap(1, 0, 0), is_late=True))
    table = PAGE[PAGE.index("| key |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
    explained = [key for row in rows for key in re.findall(r"`([^`]+)`", row)]
    assert explained == keys
