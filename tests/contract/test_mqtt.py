"""The publisher against a real mosquitto: contract, outages, bad brokers, commands."""

import contextlib
import itertools
import json
import logging
import socket
import threading
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mqtt_parts import BASE, WAIT_S, Box, Gate, Listener, wait_for

from edge_affect.alert_presets import RULES
from edge_affect.broker import HOST, LocalBroker
from edge_affect.publishing import daemon, mqtt, standing_pause
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.daemon import Publisher
from edge_affect.publishing.topics import Message
from edge_affect.record import AbstainReason, AffectRecord, Modality, SourceState, encode

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY, camera=SourceState.OK)
HAPPY = AffectRecord(
    expressions=(2, 13, 0, 0, 0, 0, 0, 0), modalities=Modality.FACE, confidence=9, valence=12
)
LAUGHING = AffectRecord(abstained=AbstainReason.NOBODY, events=(6, 0, 0, 0, 0))
PAUSED = AffectRecord(abstained=AbstainReason.PAUSED)


def schema_of(name):
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def sequences(listener):
    return [json.loads(text)["sequence"] for text in listener.payloads("affect")]


def test_every_message_of_every_topic_keeps_its_contract(broker, listener, closing):
    box = closing(Box(broker.port))
    box.feed([NOBODY, HAPPY, PAUSED, HAPPY, LAUGHING] * 2)
    wait_for(lambda: listener.of("affect") and listener.of("health"), "affect and health")
    wait_for(lambda: listener.of("event"), "an event")
    box.close()
    wait_for(lambda: listener.payloads("status") == ["online", "offline"], "offline")
    names = [m.topic.removeprefix(f"{BASE}/") for m in listener.messages]
    alerts = {f"alert/{rule.name}" for rule in RULES}
    assert set(names) == {"status", "about", "affect", "health", "event", *alerts}
    names = [name.partition("/")[0] for name in names]
    for name, message in zip(names, listener.messages, strict=True):
        text = message.payload.decode()
        instance = text if name == "status" else json.loads(text)
        schema_of(name).validate(instance)
        properties = message.properties
        assert properties.UserProperty == [("schema", "1.0")]
        is_text = name == "status"
        assert properties.ContentType == ("text/plain" if is_text else "application/json")
        expiry_s = getattr(properties, "MessageExpiryInterval", None)
        assert expiry_s == {"affect": 60, "health": 30, "event": 60}.get(name)
        assert message.qos == (0 if name == "health" else 1)
    assert len(listener.of("about")) == 1
    numbers = sequences(listener)
    assert len(numbers) >= 5
    assert numbers == list(range(len(numbers)))


def test_status_about_and_alerts_are_retained_and_nothing_else(broker, listener, closing):
    box = closing(Box(broker.port))
    box.feed([HAPPY] * 3)
    wait_for(lambda: listener.of("affect"), "affect")
    late = closing(Listener(broker.port))
    wait_for(lambda: len(late.messages) >= 2 + len(RULES), "retained messages")
    retained = sorted(m.topic.removeprefix(f"{BASE}/") for m in late.messages if m.retain)
    assert retained == sorted([*(f"alert/{rule.name}" for rule in RULES), "about", "status"])
    assert late.payloads("status") == ["online"]


def test_a_tick_without_a_fresh_record_publishes_nothing(broker, listener, closing):
    box = closing(Box(broker.port))
    wait_for(lambda: listener.of("status"), "online")
    for n_fed in (1, 2):
        box.feed([HAPPY])
        wait_for(lambda n=n_fed: len(sequences(listener)) >= n, "the message")
        # Ten ticks; a tick that said something by itself would have been heard.
        time.sleep(0.5)
    assert sequences(listener) == [0, 1]


def test_many_records_in_one_tick_become_one_message(broker, listener, closing):
    box = closing(Box(broker.port, tick_hz=1.0))
    wait_for(lambda: listener.of("status"), "online")
    begin_s, n_records = time.monotonic(), 0
    while len(listener.of("affect")) < 3:
        box.feed([NOBODY, HAPPY], 0.01)
        n_records += 2
        assert time.monotonic() < begin_s + WAIT_S, "waited in vain for three messages"
    # One may be due when the first record comes, and one when the last does.
    assert len(listener.of("affect")) <= time.monotonic() - begin_s + 2
    assert n_records > 10
    assert {json.loads(t)["expression"] for t in listener.payloads("affect")} <= {
        "happiness",
        None,
    }


def test_records_that_waited_while_it_was_held_up_are_not_told_as_the_present(
    broker, listener, closing, caplog, monkeypatch
):
    hold, held, released = threading.Event(), threading.Event(), threading.Event()
    publish = Publisher._publish_newest

    def publish_late(self, now_ns):
        if hold.is_set() and not held.is_set():
            held.set()
            released.wait(WAIT_S)
            time.sleep(0.6)
        publish(self, now_ns)

    monkeypatch.setattr(Publisher, "_publish_newest", publish_late)
    monkeypatch.setattr(daemon, "HELD_UP_S", 0.4)
    monkeypatch.setattr(daemon, "STALE_S", 0.4)
    box = closing(Box(broker.port))
    wait_for(lambda: listener.of("status"), "online")
    hold.set()
    assert held.wait(WAIT_S)
    box.records.settimeout(0.0)
    n_waiting = 0
    with contextlib.suppress(BlockingIOError):
        for _ in range(60):
            box.records.send(encode(NOBODY))
            n_waiting += 1
    box.records.settimeout(None)
    released.set()
    wait_for(lambda: "records passed over" in caplog.text, "the tick after it")
    # Nothing else is passed over, however busy the machine is.
    monkeypatch.setattr(daemon, "STALE_S", 60.0)
    while len(listener.of("affect")) < 5:
        box.feed([HAPPY])
    # The tick that was held up reads as ever; those after it may not tell the rest.
    told = [json.loads(text)["expression"] for text in listener.payloads("affect")]
    assert told.count(None) <= 1
    assert told[-1] == "happiness"


def test_an_outage_within_the_queue_loses_nothing(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port))
    wait_for(lambda: listener.payloads("status"), "online")
    box.feed([HAPPY] * 3)
    gate.shut()
    wait_for(lambda: "offline" in listener.payloads("status"), "the will")
    box.feed([HAPPY] * 5)
    gate.open()
    wait_for(lambda: listener.payloads("status")[-1] == "online", "online again")
    box.feed([HAPPY] * 3)
    wait_for(lambda: len(set(sequences(listener))) >= 10, "all messages")
    numbers = sequences(listener)
    unique = list(dict.fromkeys(numbers))
    assert unique == list(range(len(unique)))
    assert listener.payloads("status") == ["online", "offline", "online"]
    assert len(listener.of("about")) == 2
    assert [t for t in listener.payloads("affect") if '"gap"' in t] == []


def test_records_that_stay_away_and_come_again_are_told_at_once(
    broker, listener, closing, monkeypatch
):
    # The interval never brings a message here: what comes is news.
    monkeypatch.setattr(daemon, "HEALTH_INTERVAL_S", 10_000.0)
    box = closing(Box(broker.port))

    def is_late():
        """What each message says: whether records stay away."""
        ages = [json.loads(text)["record_age_s"] for text in listener.payloads("health")]
        return [age != "<2" for age in ages if age is not None]

    wait_for(lambda: box.feed([HAPPY]) or is_late(), "the first health")
    wait_for(lambda: is_late()[-1], "that none comes")
    n_said = len(is_late())
    wait_for(lambda: box.feed([HAPPY]) or not is_late()[-1], "that they come again")
    assert len(is_late()) > n_said
    # Said once each time, not at every tick.
    assert all(one is not other for one, other in itertools.pairwise(is_late()))


def test_an_outage_past_the_queue_drops_the_oldest_and_says_so(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, queue_size=3))
    wait_for(lambda: listener.payloads("status"), "online")
    for n_fed in range(1, 5):
        box.feed([HAPPY])
        # One by one: no more than three may wait.
        wait_for(lambda n=n_fed: len(listener.of("affect")) == n, "the message")
    wait_for(lambda: gate.unacknowledged == 0, "the answer to it")
    gate.shut()
    n_unconfirmed = gate.unacknowledged
    wait_for(lambda: "offline" in listener.payloads("status"), "the will")
    wait_for(lambda: not box.publisher._link.state.is_connected, "the loss")
    box.feed([HAPPY] * 12)
    gate.open()
    wait_for(lambda: listener.payloads("status")[-1] == "online", "online again")
    # Else more would be dropped, and told.
    wait_for(lambda: not len(box.publisher._outbox), "the queue to be sent")
    box.feed([HAPPY] * 3)
    wait_for(lambda: any('"gap"' in t for t in listener.payloads("affect")), "the gap")
    schema = schema_of("affect")
    payloads = [json.loads(text) for text in listener.payloads("affect")]
    for payload in payloads:
        schema.validate(payload)
    (at,) = [i for i, p in enumerate(payloads) if "gap" in p]
    before, after = payloads[at - 1], payloads[at]
    # What came just before the cut without being confirmed counts as lost, too.
    n_missing = after["sequence"] - before["sequence"] - 1
    assert n_missing <= after["gap"]["messages"] <= n_missing + n_unconfirmed
    assert n_missing >= 5
    assert before["time"] < after["gap"]["since"] < after["gap"]["until"] < after["time"]
    health = [json.loads(text) for text in listener.payloads("health")]
    # It may come more often: no record came during the outage.
    told = dict.fromkeys((h["reconnects"], h["queue"]["lost"]) for h in health)
    assert list(told) == [(0, 0), (1, after["gap"]["messages"])]
    tail = [p["sequence"] for p in payloads[at:]]
    assert tail == list(range(tail[0], tail[0] + len(tail)))


def test_a_restarted_broker_gets_status_and_about_again(closing, caplog):
    caplog.set_level(logging.INFO, "edge_affect.publishing")
    with LocalBroker() as broker:
        box = closing(Box(broker.port))
        first = closing(Listener(broker.port))
        wait_for(lambda: first.payloads("status"), "online")
        broker.kill()
        wait_for(lambda: "broker lost" in caplog.text, "the loss to be noticed")
        broker.start()
        second = closing(Listener(broker.port))
        wait_for(lambda: second.payloads("status") == ["online"], "online again")
        wait_for(lambda: len(second.of("about")) == 1, "about again")
        box.feed([HAPPY] * 3)
        wait_for(lambda: second.of("affect"), "affect")
        box.close()


@pytest.mark.parametrize("manner", ["no-5", "hang-up-5"])
def test_brokers_without_mqtt_5_are_served(broker, listener, closing, caplog, manner):
    gate = closing(Gate(broker.port, manner))
    box = closing(Box(gate.port))
    wait_for(lambda: listener.payloads("status") == ["online"], "online")
    assert gate.levels[0] == 5
    assert gate.levels[-1] == 4
    box.feed([HAPPY] * 4)
    wait_for(lambda: listener.of("affect") and listener.of("health"), "affect and health")
    assert json.loads(listener.payloads("health")[0])["mqtt"] == "3.1.1"
    schema_of("affect").validate(json.loads(listener.payloads("affect")[0]))
    listener.publish(f"{BASE}/set/pause")
    assert box.commands.recv(10) == b"\x01"
    if manner == "no-5":
        assert caplog.text.count("Falling back to MQTT 3.1.1") == 1
        gate.shut()
        gate.open()
        wait_for(lambda: listener.payloads("status")[-2:] == ["offline", "online"], "online again")
        assert gate.levels == [5, 4, 4]


def test_commands_cross_as_exactly_one_byte(broker, listener, closing, caplog):
    box = closing(Box(broker.port))
    wait_for(lambda: listener.payloads("status"), "online")
    listener.publish(f"{BASE}/set/reboot")
    listener.publish(f"{BASE}/set/pause", b"now\x00secret")
    listener.publish("edge-affect/hall/two/set/pause")
    listener.publish(f"{BASE}/set/pause")
    listener.publish(f"{BASE}/set/resume")
    assert [box.commands.recv(100), box.commands.recv(100)] == [b"\x01", b"\x02"]
    box.commands.settimeout(0.3)
    with pytest.raises(TimeoutError):
        box.commands.recv(100)
    refused = [r.message for r in caplog.records if "refused" in r.message]
    assert refused == ["command refused: unknown-command", "command refused: invalid"]


def test_a_pause_outlives_the_sensing_that_was_told(broker, listener, closing, caplog, monkeypatch):
    monkeypatch.setattr(standing_pause, "AGAIN_S", 0.2)
    box = closing(Box(broker.port))
    wait_for(lambda: listener.of("status"), "online")
    listener.publish(f"{BASE}/set/pause")
    assert box.commands.recv(10) == b"\x01"
    box.commands.settimeout(0.1)
    box.feed([AffectRecord(abstained=AbstainReason.PAUSED)] * 10)
    with pytest.raises(TimeoutError):
        box.commands.recv(10)
    # Another sensing, that knows of nothing.
    box.commands.settimeout(WAIT_S)
    box.feed([AffectRecord(abstained=AbstainReason.STARTING), *[HAPPY] * 10])
    assert box.commands.recv(10) == b"\x01"
    listener.publish(f"{BASE}/set/resume")
    while box.commands.recv(10) != b"\x02":
        continue
    box.commands.settimeout(0.1)
    box.feed([HAPPY] * 10)
    with pytest.raises(TimeoutError):
        box.commands.recv(10)
    assert caplog.text.count("sensing does not hold the pause") == 1


def test_a_command_that_sensing_cannot_take_is_told(broker, listener, closing, caplog):
    box = closing(Box(broker.port))
    wait_for(lambda: listener.payloads("status"), "online")
    box.commands.close()
    listener.publish(f"{BASE}/set/pause")
    wait_for(lambda: "command refused: unavailable" in caplog.text, "the log line")
    box.feed([HAPPY] * 3)
    wait_for(lambda: listener.of("affect"), "affect all the same")


def test_a_retained_command_is_not_obeyed_again_and_again(broker, listener, closing):
    listener.publish(f"{BASE}/set/pause", b"", retain=False)
    listener.publish(f"{BASE}/set/pause", b"x", retain=True)
    box = closing(Box(broker.port))
    wait_for(lambda: listener.payloads("status"), "online")
    box.commands.settimeout(0.5)
    with pytest.raises(TimeoutError):
        box.commands.recv(100)


def test_a_slow_broker_never_holds_more_than_the_window(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port))
    wait_for(lambda: listener.payloads("status"), "online")
    gate.shut()
    box.feed([HAPPY] * 30)
    gate.delay_s = 0.05
    gate.open()
    wait_for(lambda: len(set(sequences(listener))) >= 30, "the whole queue")
    assert 2 <= gate.max_unacknowledged <= mqtt.MAX_IN_FLIGHT
    unique = list(dict.fromkeys(sequences(listener)))
    assert unique == list(range(len(unique)))


def test_what_no_box_could_want_stays_at_the_broker(broker):
    came = []
    access = BrokerAccess(HOST, broker.port)
    reader = mqtt.Connection(
        access, mqtt.ClientIdentity("reader"), on_message=lambda _t, data, _r: came.append(data)
    )
    writer = mqtt.Connection(access, mqtt.ClientIdentity("writer"))
    for connection in (reader, writer):
        connection.open()
    reader.subscribe(f"{BASE}/set/+")
    reader.step(1.0)
    for payload in (bytes(mqtt.MAX_PACKET_BYTES), b"small"):
        writer.send(Message(f"{BASE}/set/marker", payload))

    def has_come():
        writer.step(0.05)
        reader.step(0.05)
        return b"small" in came

    wait_for(has_come, "the small one")
    assert [len(payload) for payload in came] == [5]
    for connection in (reader, writer):
        connection.close()


def test_a_box_sends_at_once(broker):
    # Without it the kernel holds a vector back until the trend before it is confirmed: 40 ms.
    connection = mqtt.Connection(BrokerAccess(HOST, broker.port), mqtt.ClientIdentity("prompt"))
    connection.open()
    assert connection._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    connection.close()
