"""The AsyncAPI document against what the real publisher says through a real mosquitto."""

import copy
import json
import subprocess
import threading
import time
from dataclasses import replace

import asyncapi_document as asyncapi
import pytest
from asyncapi_document import Seen, differences
from jsonschema import Draft202012Validator
from mqtt_parts import BASE, WAIT_S, Box, Gate, wait_for
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_affect.alert_presets import RULES
from edge_affect.alerting import trend
from edge_affect.broker import HOST
from edge_affect.config import Config, Device, Mqtt
from edge_affect.diagnosis.broker import there_and_back
from edge_affect.diagnosis.check import Subject
from edge_affect.record import AbstainReason, AffectRecord, Modality

DOCUMENT = asyncapi.load()
KNOWN = AffectRecord(
    expressions=(14, 0, 0, 0, 1, 0, 0, 0), modalities=Modality.VOICE, valence=3, arousal=3
)
LAUGHING = replace(KNOWN, events=(6, 0, 0, 0, 0))
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)


class Recorder:
    """Sees every message below the base with the flags its sender gave it."""

    def __init__(self, port):
        self.seen = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._received
        self._client.connect(HOST, port)
        self._client.loop_start()
        options = SubscribeOptions(qos=1, retainAsPublished=True, noLocal=True)
        self._client.subscribe("#", options=options)
        assert self._subscribed.wait(WAIT_S)

    def _received(self, _client, _userdata, message):
        self.seen.append(message)

    def of(self, name):
        return [m for m in list(self.seen) if m.topic == f"{BASE}/{name}"]

    def said(self, name):
        return [json.loads(m.payload) for m in self.of(name)]

    def command(self, name, payload=b"", retain=False, answer=None, correlation=None):
        properties = None
        if answer is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = answer
            properties.CorrelationData = correlation
        info = self._client.publish(f"{BASE}/set/{name}", payload, 1, retain, properties)
        info.wait_for_publish(WAIT_S)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def seen_of(message, *, has_properties):
    told = message.properties
    facts = (message.topic, message.payload, message.qos, message.retain)
    if not has_properties:
        assert not hasattr(told, "UserProperty")
        assert not hasattr(told, "ContentType")
        return Seen(*facts)
    expiry_s = getattr(told, "MessageExpiryInterval", None)
    return Seen(*facts, told.ContentType, expiry_s, dict(told.UserProperty))


@pytest.fixture
def recorder(broker, closing):
    return closing(Recorder(broker.port))


def everything_is_said(box, recorder):
    """Make the box use all of its topics."""
    wait_for(lambda: recorder.of("status"), "online")

    def until(condition, what, records=(KNOWN,)):
        def step():
            box.feed(records)
            return condition()

        wait_for(step, what)

    until(lambda: recorder.of("trend"), "the trend")
    until(lambda: recorder.of("event"), "an event", [LAUGHING] * 5)
    until(lambda: len(recorder.of("event")) > 1, "its end", [NOBODY] * 5)
    recorder.command("marker", b'{"text":"Questions","number":12}')
    recorder.command("pause")
    recorder.command("resume", answer=f"{BASE}/answer/me", correlation=b"\x00\x01")
    recorder.command("reboot")
    wait_for(lambda: recorder.of("marker") and recorder.of("health"), "marker and health")
    wait_for(lambda: len(recorder.of("answer") + recorder.of("answer/me")) == 4, "the answers")
    assert [box.commands.recv(10), box.commands.recv(10)] == [b"\x01", b"\x02"]
    box.close()
    wait_for(lambda: recorder.of("status")[-1].payload == b"offline", "offline")


def channels_seen(recorder):
    return {asyncapi.channel_of(DOCUMENT, message.topic) for message in recorder.seen}


SAID = {
    "status", "about", "affect", "event", "alert", "trend", "health", "marker", "answer",
}  # fmt: skip


def test_all_traffic_is_as_described(broker, recorder, closing, monkeypatch):
    monkeypatch.setattr(trend, "WARM_UP_S", 0.3)
    everything_is_said(closing(Box(broker.port)), recorder)
    seen = [seen_of(message, has_properties=True) for message in recorder.seen]
    assert [text for one in seen for text in differences(DOCUMENT, one)] == []
    assert channels_seen(recorder) == {*SAID, "answerTo"}
    assert len({m.topic for m in recorder.seen}) == len(SAID) + len(RULES)
    (answer,) = recorder.of("answer/me")
    assert answer.properties.CorrelationData == b"\x00\x01"
    # The same traffic against a document that is wrong in one place.
    for damage in (
        lambda d: d["channels"].pop("event"),
        lambda d: d["operations"]["sayTrend"]["bindings"]["mqtt"].update(qos=1),
        lambda d: d["operations"]["sayAlert"]["bindings"]["mqtt"].update(retain=False),
        lambda d: d["operations"]["sayMarker"]["bindings"]["mqtt"].pop("messageExpiryInterval"),
        lambda d: d["components"]["messages"]["health"]["payload"]["schema"].update(
            {"$ref": "./schemas/trend.schema.json"}
        ),
        lambda d: d["components"]["messageTraits"]["versioned"]["headers"]["properties"][
            "schema"
        ].update(const="1.1"),
    ):
        wrong = copy.deepcopy(DOCUMENT)
        damage(wrong)
        assert any(differences(wrong, one) for one in seen)


def test_a_box_at_a_broker_of_3_1_1_says_the_same(broker, recorder, closing, monkeypatch):
    monkeypatch.setattr(trend, "WARM_UP_S", 0.3)
    gate = closing(Gate(broker.port, "no-5"))
    everything_is_said(closing(Box(gate.port)), recorder)
    seen = [seen_of(message, has_properties=False) for message in recorder.seen]
    assert [text for one in seen for text in differences(DOCUMENT, one)] == []
    # Without response topics there is only one place for answers.
    assert channels_seen(recorder) == SAID
    answers = [(a["command"], a["ok"]) for a in recorder.said("answer")]
    assert answers == [("marker", True), ("pause", True), ("resume", True), (None, False)]


def test_an_alert_of_a_rule_that_is_gone_is_taken_back_as_described(broker, closing):
    first = closing(Recorder(broker.port))
    first._client.publish(f"{BASE}/alert/old", b"{}", 1, True).wait_for_publish(WAIT_S)
    recorder = closing(Recorder(broker.port))
    closing(Box(broker.port))
    wait_for(lambda: [m for m in recorder.of("alert/old") if not m.payload], "the empty message")
    gone = seen_of(recorder.of("alert/old")[-1], has_properties=True)
    assert differences(DOCUMENT, gone) == []


def test_a_stale_retained_command_does_not_act_at_restart(broker, recorder, closing):
    recorder.command("marker", b'{"number":7}', retain=True)
    recorder.command("pause", b"x", retain=True)
    box = closing(Box(broker.port))
    wait_for(lambda: len(recorder.of("answer")) == 2, "two refusals")
    assert {a["error"] for a in recorder.said("answer")} == {"retained"}
    # MQTT 5 shows the flag on a message that has just been sent, too.
    recorder.command("pause", b"", retain=True)
    wait_for(lambda: len(recorder.of("answer")) == 3, "a third one")
    assert recorder.said("answer")[-1]["error"] == "retained"
    box.commands.settimeout(0.3)
    with pytest.raises(TimeoutError):
        box.commands.recv(10)
    assert recorder.of("marker") == []


def test_what_doctor_says_is_as_described(broker, recorder):
    config = Config(device=Device("hall", "one"), mqtt=Mqtt(host=HOST, port=broker.port))
    there_and_back(Subject(config, None))
    wait_for(lambda: recorder.of("doctor"), "its message")
    seen = [seen_of(message, has_properties=True) for message in recorder.seen]
    assert [text for one in seen for text in differences(DOCUMENT, one)] == []
    assert channels_seen(recorder) == {"doctor"}


def test_mosquitto_rr_gets_its_answer(broker, recorder, closing):
    closing(Box(broker.port))
    wait_for(lambda: recorder.of("status"), "online")
    recorder.command("resume")
    wait_for(lambda: recorder.of("answer"), "the subscription of the box")
    asked = subprocess.run(
        [
            "mosquitto_rr", "-p", str(broker.port), "-W", "60", "-t", f"{BASE}/set/pause",
            "-e", f"{BASE}/answer/me", "-n",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(asked.stdout)
    schema = asyncapi.resolve(DOCUMENT, {"$ref": "./schemas/answer.schema.json"})
    Draft202012Validator(schema).validate(answer)
    assert (answer["command"], answer["ok"]) == ("pause", True)


def test_a_flood_of_markers_starves_neither_vectors_nor_a_pause(broker, recorder, closing):
    box = closing(Box(broker.port))
    wait_for(lambda: recorder.of("status"), "online")
    began_s = time.monotonic()
    for _ in range(500):
        recorder._client.publish(f"{BASE}/set/marker", b'{"number":1}', 0)
    recorder.command("pause")
    assert box.commands.recv(10) == b"\x01"
    took_s = time.monotonic() - began_s
    box.feed([KNOWN] * 10)
    wait_for(lambda: len(recorder.of("affect")) >= 5, "vectors")
    # Ten at once and one a second, for as long as the flood lasted.
    assert 10 <= len(recorder.of("marker")) <= 11 + took_s
    # As many refusals are told, and then nothing.
    assert len(recorder.of("answer")) <= 2 * (11 + took_s) + 1
    assert "too-many" in {a["error"] for a in recorder.said("answer")}
