"""Alerts and sound events against a real mosquitto: contract, restarts, outages, delay."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mqtt_parts import BASE, Box, Gate, Listener, wait_for

from edge_affect.alerting import trend
from edge_affect.record import AbstainReason, AffectRecord, Modality

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
CALM = AffectRecord(expressions=(14, 0, 0, 0, 1, 0, 0, 0), modalities=Modality.VOICE)
ANGRY = AffectRecord(expressions=(3, 0, 0, 0, 12, 0, 0, 0), modalities=Modality.VOICE)
QUIET = AffectRecord(abstained=AbstainReason.NOBODY, events=(0, 0, 0, 0, 0))
LAUGHING = AffectRecord(abstained=AbstainReason.NOBODY, events=(5, 0, 0, 0, 0))
TEXT = """
[alerts]
preset = "none"
[alert.anger]
signals = ["anger"]
threshold = 0.6
clear = 0.4
dwell_s = 0.2
clear_after_s = 0.2
refractory_s = 0
unknown_hold_s = 60.0
steps = [
    { severity = "warn", message = "Anger." },
    { after_s = 0.4, severity = "urgent", message = "Lasting anger." },
]
"""


def said(listener, name):
    """Valid payloads of ``alert/...`` or ``event``, oldest first."""
    kind = name.partition("/")[0]
    schema = Draft202012Validator(json.loads((SCHEMAS / f"{kind}.schema.json").read_text()))
    payloads = [json.loads(text) for text in listener.payloads(name) if text]
    for payload in payloads:
        schema.validate(payload)
    return payloads


def stories(listener):
    return [(p["state"], p["escalation"], p["reason"]) for p in said(listener, "alert/anger")]


def latest(listener):
    """State, escalation and reason of the newest message, or nothing at all."""
    return stories(listener)[-1] if listener.of("alert/anger") else (None, None, None)


def places_of_vectors(listener):
    """Where each vector is among all messages, by sequence number."""
    vectors = listener.of("affect")
    return {json.loads(m.payload)["sequence"]: listener.messages.index(m) for m in vectors}


def feed_until(box, record, condition, what):
    """Send the same record at the pace of the tick, on a busy machine for longer."""
    wait_for(lambda: condition() or box.feed([record]), what, pause_s=0.0)


def test_an_alert_is_raised_escalated_and_cleared(broker, listener, closing):
    box = closing(Box(broker.port, text=TEXT))
    box.feed([CALM] * 4)
    feed_until(box, ANGRY, lambda: len(stories(listener)) == 3, "the escalation")
    feed_until(box, CALM, lambda: len(stories(listener)) == 4, "the whole story")
    assert stories(listener) == [
        ("cleared", 0, "started"), ("raised", 0, None), ("raised", 1, None), ("cleared", 1, "over"),
    ]  # fmt: skip
    first, raised, escalated, cleared = said(listener, "alert/anger")
    assert (first["lasted_s"], first["sequence"]) == (None, None)
    assert (raised["severity"], escalated["severity"], cleared["severity"]) == (
        "warn", "urgent", None,
    )  # fmt: skip
    assert raised["message"] == "Anger."
    assert raised["since"] == raised["time"] == escalated["since"] < escalated["time"]
    assert raised["lasted_s"] == 0.0
    assert 0.4 <= escalated["lasted_s"] < cleared["lasted_s"]
    assert raised["level"] == 0.8
    assert {m.qos for m in listener.of("alert/anger")} == {1}
    # The alert comes with the vector it rests on, before the next one: no delay but the tick.
    places = places_of_vectors(listener)
    place = listener.messages.index(listener.of("alert/anger")[1])
    assert places[raised["sequence"] - 1] < place < places[raised["sequence"] + 1]


def test_a_late_reader_finds_what_is_so(broker, closing):
    box = closing(Box(broker.port, text=TEXT))
    early = closing(Listener(broker.port))
    feed_until(box, ANGRY, lambda: len(stories(early)) == 3, "the escalation")
    late = closing(Listener(broker.port))
    wait_for(lambda: late.of("alert/anger"), "the retained alert")
    assert late.of("alert/anger")[0].retain
    assert stories(late)[0] == ("raised", 1, None)


def test_no_alert_survives_a_clean_end(broker, listener, closing):
    box = closing(Box(broker.port, text=TEXT.replace("after_s = 0.4", "after_s = 600")))
    feed_until(box, ANGRY, lambda: len(stories(listener)) == 2, "the alert")
    box.close()
    wait_for(lambda: listener.payloads("status")[-1] == "offline", "the end")
    assert latest(listener) == ("cleared", 0, "stopped")
    topics = [m.topic for m in listener.messages]
    # It is taken back before the box says that it is gone.
    assert topics.count(f"{BASE}/alert/anger") == 3
    assert topics[-1] == f"{BASE}/status"


def test_no_alert_survives_a_restart_after_a_crash_even_of_a_rule_that_is_gone(
    broker, listener, closing
):
    stale = json.dumps({"state": "raised"})
    listener.publish(f"{BASE}/alert/anger", stale, retain=True)
    listener.publish(f"{BASE}/alert/old-rule", stale, retain=True)
    listener.publish("edge-affect/hall/two/alert/old-rule", stale, retain=True)
    closing(Box(broker.port, text=TEXT))
    wait_for(lambda: len(listener.of("alert/old-rule")) == 2, "the stale alert to be taken back")
    wait_for(lambda: len(listener.of("alert/anger")) == 2, "the start")
    late = closing(Listener(broker.port))
    # Retained messages come in any order; the status is one of them.
    other = "edge-affect/hall/two/alert/old-rule"
    wait_for(
        lambda: (
            late.of("alert/anger")
            and late.of("status")
            and other in {m.topic for m in late.messages}
        ),
        "what is retained",
    )
    kept = {m.topic: m.payload for m in late.messages if m.retain and "/alert/" in m.topic}
    assert set(kept) == {f"{BASE}/alert/anger", other}
    assert json.loads(kept[f"{BASE}/alert/anger"])["reason"] == "started"


def test_after_an_outage_only_what_is_so_now_is_said(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, text=TEXT))
    box.feed([CALM] * 4)
    wait_for(lambda: len(stories(listener)) == 1, "the start")
    gate.shut()
    wait_for(lambda: "offline" in listener.payloads("status"), "the will")
    # Raised and cleared and raised again while nobody hears.
    box.feed(([ANGRY] * 8 + [CALM] * 8) * 2 + [ANGRY] * 8)
    gate.open()
    feed_until(box, ANGRY, lambda: latest(listener) == ("raised", 1, None), "the escalation")
    assert [state for state, _, _ in stories(listener)[1:]].count("cleared") == 0


def test_an_alert_does_not_wait_behind_a_backlog(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, text=TEXT))
    box.feed([CALM] * 2)
    wait_for(lambda: stories(listener), "the start")
    gate.shut()
    wait_for(lambda: "offline" in listener.payloads("status"), "the will")
    box.feed([CALM] * 30)
    (watch,) = box.publisher._announcer._board._watches
    feed_until(box, ANGRY, lambda: watch.state.is_raised, "the alert, unheard")
    gate.open()
    feed_until(box, ANGRY, lambda: latest(listener)[0] == "raised", "the alert")
    wait_for(lambda: len(set(listener.payloads("affect"))) >= 30, "the backlog")
    alert = next(
        m for m in listener.of("alert/anger") if json.loads(m.payload)["state"] == "raised"
    )
    backlog = [m for m in listener.of("affect") if m.timestamp < alert.timestamp]
    assert len(backlog) < 10


def test_silence_of_sensing_clears_for_want_of_data(broker, listener, closing):
    box = closing(Box(broker.port, text=TEXT.replace("hold_s = 60", "hold_s = 2")))
    feed_until(box, ANGRY, lambda: latest(listener)[0] == "raised", "the alert")
    wait_for(lambda: latest(listener)[::2] == ("cleared", "no-data"), "the clearing")
    assert said(listener, "alert/anger")[-1]["level"] is None


@pytest.mark.parametrize("text", [TEXT, "[alerts]\nenabled = false\n"], ids=["alerts", "no-alerts"])
def test_sound_events_start_and_end_with_and_without_alerts(broker, listener, closing, text):
    box = closing(Box(broker.port, text=text))
    began_s = time.monotonic()
    feed_until(box, LAUGHING, lambda: len(listener.of("event")) == 1, "the start")
    feed_until(box, QUIET, lambda: len(listener.of("event")) == 2, "the end")
    start, end = said(listener, "event")
    assert [(e["event"], e["phase"], e["level"]) for e in (start, end)] == [
        ("laughter", "start", 0.833), ("laughter", "end", 0.833),
    ]  # fmt: skip
    assert start["since"] == start["time"] == end["since"] < end["time"]
    # Rounded to tenths of a second.
    assert 0.0 < end["lasted_s"] <= time.monotonic() - began_s + 0.1
    assert not any(m.retain for m in listener.of("event"))
    assert bool(listener.of("alert/anger")) == (text == TEXT)


def test_the_trend_is_said_now_or_never(broker, listener, closing, monkeypatch):
    monkeypatch.setattr(trend, "WARM_UP_S", 0.3)
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, text=TEXT))
    known = replace(CALM, valence=3, arousal=3)
    feed_until(box, known, lambda: listener.of("trend"), "the trend")
    message, payload = listener.of("trend")[0], said(listener, "trend")[0]
    assert {name for name, m in trend.shipped_models().items() if m.is_published} == (
        set(payload) & set(trend.QUANTITIES)
    )
    assert (message.qos, message.retain, message.properties.MessageExpiryInterval) == (0, False, 10)
    vector = f'"sequence":{payload["sequence"]},'
    wait_for(lambda: vector in "".join(listener.payloads("affect")), "the vector it rests on")
    gate.shut()
    wait_for(lambda: "offline" in listener.payloads("status"), "the will")
    n_before = len(listener.of("trend"))
    n_last = said(listener, "trend")[-1]["sequence"]
    box.feed([known] * 10)
    gate.open()
    feed_until(box, known, lambda: len(listener.of("trend")) > n_before, "a trend of now")
    first = said(listener, "trend")[n_before]["sequence"]
    # What was fed in between was not said.
    assert first > n_last + 10


def test_the_trend_can_be_switched_off(broker, listener, closing, monkeypatch):
    monkeypatch.setattr(trend, "WARM_UP_S", 0.1)
    box = closing(Box(broker.port, text="[alerts]\ntrend = false\n"))
    box.feed([replace(CALM, valence=3, arousal=3)] * 15)
    wait_for(lambda: listener.of("affect"), "affect")
    assert listener.of("trend") == []


def test_the_effect_rule_of_the_5_hz_preset_adds_no_delay(broker, listener, closing):
    """The tick of 0.2 s that takes the record raises the alert, and it goes before the vector."""
    box = closing(Box(broker.port, tick_hz=5.0, text="[alerts]\npreset = 'venue'\n"))
    for _ in range(3):
        box.feed([QUIET] * 4)
        n_before, sequence = len(listener.of("alert/laughter")), box.n_taken
        box.feed([LAUGHING])
        wait_for(lambda n=n_before: len(listener.of("alert/laughter")) > n, "the alert")
        alert = json.loads(listener.payloads("alert/laughter")[n_before])
        assert (alert["state"], alert["sequence"]) == ("raised", sequence)
        wait_for(lambda n=sequence: n in places_of_vectors(listener), "the vector")
        place = listener.messages.index(listener.of("alert/laughter")[n_before])
        assert place < places_of_vectors(listener)[sequence]
        feed_until(
            box,
            QUIET,
            lambda: json.loads(listener.payloads("alert/laughter")[-1])["state"] == "cleared",
            "the clearing",
        )
