"""Home Assistant's discovery and the Homie device, by a real publisher through a real mosquitto."""

import contextlib
import gc
import json
import time
from pathlib import Path

import pytest
from home_assistant_parts import ABSTAINING, ALERTING, SPEAKING, discovery
from jsonschema import Draft202012Validator
from mqtt_parts import BASE, Box, Gate, Listener, wait_for
from tls_parts import Closed, Person

from edge_affect.broker import LocalBroker
from edge_affect.publishing import bulletin, home_assistant
from edge_affect.publishing.daemon import Publisher

NODE = "edge-affect-hall-one"
CONFIG = f"homeassistant/device/{NODE}/config"
HOMIE = f"homie/5/{NODE}"
SCHEMA = Path(__file__).resolve().parents[1] / "homie5_description.schema.json"
BOTH = f"{ALERTING}[homie]\nenabled = true\n"
OFF = ALERTING.replace("enabled = true", "enabled = false")
TICK_HZ = 20.0


@pytest.fixture
def closing():
    with contextlib.ExitStack() as stack:
        yield lambda part: stack.enter_context(contextlib.closing(part))
    gc.collect()


def at(listener, topic):
    """Payloads of one topic, oldest first."""
    return [m.payload.decode() for m in list(listener.messages) if m.topic == topic]


def outside(listener):
    return {m.topic for m in list(listener.messages) if not m.topic.startswith("edge-affect/")}


def retained(broker):
    """What a late reader finds, by topic."""
    reader = Listener(broker.port)
    with contextlib.closing(reader):
        # What is retained comes first; then this, which is not.
        reader.publish("edge-affect/late/reader")
        wait_for(lambda: not all(m.retain for m in list(reader.messages)), "the end")
        return {m.topic: m.payload.decode() for m in list(reader.messages) if m.retain}


def homie(broker_values):
    """The values of the device by ``node/property``."""
    return {
        topic.removeprefix(f"{HOMIE}/"): value
        for topic, value in broker_values.items()
        if topic.startswith(f"{HOMIE}/")
    }


# ---- Home Assistant ----


def test_an_ordinary_box_says_nothing_outside_its_own_topics(broker, listener, closing):
    box = closing(Box(broker.port))
    wait_for(lambda: listener.of("status"), "online")
    listener.publish("homeassistant/status", b"online")
    listener.publish(f"{HOMIE}/control/sensing/set", b"false")
    box.feed([SPEAKING] * 3)
    box.close()
    heard = {"homeassistant/status", f"{HOMIE}/control/sensing/set"}
    assert outside(listener) == heard
    assert json.loads(listener.payloads("about")[0])["other_topics"] == []


@pytest.mark.parametrize("manner", ["pass", "no-5"])
def test_discovery_is_retained_and_said_again_when_home_assistant_starts(
    broker, listener, closing, monkeypatch, manner
):
    monkeypatch.setattr(home_assistant, "BIRTH_WAIT_S", (0.4, 0.5))
    gate = closing(Gate(broker.port, manner))
    box = closing(Box(gate.port, text=ALERTING))
    wait_for(lambda: at(listener, CONFIG), "discovery")
    wait_for(lambda: listener.of("status"), "online")
    wanted = json.dumps(discovery())
    models = json.loads(at(listener, CONFIG)[0])
    assert models == json.loads(wanted)
    (about,) = listener.payloads("about")
    assert json.loads(about)["other_topics"] == [CONFIG]
    # Other words, and a flood of births, make no storm.
    listener.publish("homeassistant/status", b"offline")
    listener.publish("homeassistant/status", b"\xff" * 1000)
    time.sleep(0.7)
    assert len(at(listener, CONFIG)) == 1
    started_s = time.monotonic()
    for _ in range(50):
        listener.publish("homeassistant/status", b"online")
    wait_for(lambda: len(at(listener, CONFIG)) > 1, "discovery again")
    time.sleep(1.2)
    # One in 0.4 s at most, however many asked.
    assert 2 <= len(at(listener, CONFIG)) <= 2 + (time.monotonic() - started_s) / 0.4
    assert set(at(listener, CONFIG)) == {json.dumps(models, separators=(",", ":"))}
    assert retained(broker)[CONFIG] == at(listener, CONFIG)[0]
    # None of it was taken for a command.
    assert listener.of("answer") == []
    box.close()
    assert box.error is None


def test_switched_off_it_is_taken_back_at_the_next_start(broker, closing):
    first = closing(Box(broker.port, text=BOTH))
    wait_for(lambda: f"{HOMIE}/$state" in retained(broker), "the device")
    first.feed([SPEAKING] * 5)
    wait_for(lambda: "affect/anger" in homie(retained(broker)), "values")
    first.close()
    left = retained(broker)
    assert CONFIG in left
    assert len(homie(left)) > 15
    # Somebody else's retained messages are nobody's business here.
    stranger = closing(Listener(broker.port))
    others = (
        "homeassistant/device/edge-affect-hall-two/config",
        "homie/5/edge-affect-hall-two/$state",
    )
    for topic in others:
        stranger.publish(topic, b"x", retain=True)
    second = closing(Box(broker.port, text=OFF))
    wait_for(lambda: not outside_own(retained(broker)) - set(others), "nothing left")
    second.close()
    assert outside_own(retained(broker)) == set(others)


def test_what_was_switched_off_is_taken_back_though_the_broker_goes_meanwhile(
    broker, closing, monkeypatch
):
    monkeypatch.setattr(bulletin, "_WORTH_TELLING_S", 0)
    gate = closing(Gate(broker.port))
    closing(Box(broker.port, text=ALERTING)).close()
    assert CONFIG in retained(broker)
    note = Publisher._note_about
    heard = []

    def cut_off(self, payload):
        # The old about has come, the new one is at the broker, and nothing else is yet.
        note(self, payload)
        if not heard:
            gate.shut()
        heard.append(payload)

    monkeypatch.setattr(Publisher, "_note_about", cut_off)
    box = closing(Box(gate.port, text=OFF))
    wait_for(lambda: heard, "the old about")
    time.sleep(0.2)
    assert CONFIG in retained(broker)
    gate.open()
    wait_for(lambda: CONFIG not in retained(broker), "the old message to go")
    box.close()


def outside_own(topics):
    return {topic for topic in topics if not topic.startswith("edge-affect/")}


def test_another_prefix_takes_the_old_message_back(broker, closing):
    closing(Box(broker.port, text=ALERTING)).close()
    assert CONFIG in retained(broker)
    other = ALERTING.replace("[home_assistant]", '[home_assistant]\nprefix = "ha"')
    box = closing(Box(broker.port, text=other))
    wait_for(lambda: CONFIG not in retained(broker), "the old one to go")
    assert f"ha/device/{NODE}/config" in retained(broker)
    box.close()


def test_a_rule_that_is_gone_is_listed_for_removal(broker, listener, closing):
    closing(Box(broker.port, text=ALERTING)).close()
    box = closing(Box(broker.port, text=ALERTING.partition("[alert.joy]")[0]))

    def gone():
        told = [json.loads(text)["components"] for text in at(listener, CONFIG) if text]
        return told[-1].get("alert_joy") if told else None

    wait_for(lambda: gone() == {"platform": "binary_sensor"}, "the stub")
    box.close()
    # The run after that has forgotten it.
    again = closing(Box(broker.port, text=ALERTING.partition("[alert.joy]")[0]))
    wait_for(lambda: gone() is None, "a message without it")
    again.close()


def test_a_planted_about_takes_nothing_of_others_back(broker, closing):
    planted = closing(Listener(broker.port))
    about = {
        "leak_ceiling": {"records_per_s": 1.0}, "sensed": ["face"], "not_sensed": [],
        "alerts": ["x"],
        "other_topics": [
            "homeassistant/device/edge-affect-hall-two/config", "edge-affect/hall/two/status",
            f"a/b/device/{NODE}/config", "homie/5/edge-affect-hall-two/#", "#",
        ],
    }  # fmt: skip
    for payload in (about, {**about, "alerts": ["../../x y"]}, [], {"alerts": 7}):
        for topic in (
            "homeassistant/device/edge-affect-hall-two/config",
            "edge-affect/hall/two/status",
        ):
            planted.publish(topic, b"theirs", retain=True)
        planted.publish(f"{BASE}/about", json.dumps(payload).encode(), retain=True)
        box = closing(Box(broker.port))
        wait_for(
            lambda: planted.of("status")[-1:] and planted.of("status")[-1].payload == b"online",
            "it",
        )
        time.sleep(0.2)
        box.close()
        assert box.error is None
        left = retained(broker)
        assert left["edge-affect/hall/two/status"] == "theirs"
        assert left["homeassistant/device/edge-affect-hall-two/config"] == "theirs"


# ---- Homie ----


def test_the_homie_device_is_complete(broker, listener, closing):
    box = closing(Box(broker.port, text=BOTH))
    wait_for(lambda: "ready" in at(listener, f"{HOMIE}/$state"), "ready")
    box.feed([SPEAKING] * 5)
    wait_for(lambda: at(listener, f"{HOMIE}/affect/expression")[-1:] == ["happiness"], "a value")
    wait_for(
        lambda: at(listener, f"{HOMIE}/health/microphone")[-1:] == ["ok"],
        "health",
    )
    box.feed([SPEAKING] * 20)
    # The alert ends where nothing is heard for 2 s, as on a busy machine, and is raised again.
    wait_for(
        lambda: box.feed([SPEAKING]) or at(listener, f"{HOMIE}/alerts/joy")[-1:] == ["true"],
        "the alert",
    )
    found = homie(retained(broker))
    told = json.loads(found["$description"])
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(told)
    held = {
        f"{node}/{key}": value
        for node, made in told["nodes"].items()
        for key, value in made["properties"].items()
    }
    # Everything that is published is described, and fits its description.
    values = {topic: text for topic, text in found.items() if not topic.startswith("$")}
    assert set(values) <= set(held)
    assert [t for t, text in values.items() if not fits(text, held[t])] == []
    missing = {t for t, p in held.items() if p.get("retained", True)} - set(values)
    assert missing == {
        "affect/arousal-relative", "states/anxiety", "sounds/screaming", "health/temperature",
    } - ({"health/temperature"} if "health/temperature" in values else set())  # fmt: skip
    assert values["affect/people"] == "2-4"
    assert float(values["affect/valence"]) == pytest.approx(0.533)
    assert values["alerts/joy"] == "true"
    assert values["control/sensing"] == "true"
    assert found["$alert/joy"] == 'Somebody "shows" joy.'
    assert at(listener, f"{HOMIE}/$state") == ["init", "ready"]
    # Values come before ready, at the first connection and at every other.
    topics = [m.topic for m in listener.messages if m.topic.startswith(HOMIE)]
    assert topics.index(f"{HOMIE}/$description") < topics.index(f"{HOMIE}/affect/expression")
    events = at(listener, f"{HOMIE}/sounds/event")
    assert {"cheering-start", "laughter-start"} <= set(events)
    assert len([m for m in listener.messages if m.topic.endswith("/event") and m.retain]) == 0
    assert "sounds/event" not in found
    # What is not known any more is taken back.
    box.feed([ABSTAINING] * 5)
    wait_for(lambda: at(listener, f"{HOMIE}/control/sensing")[-1] == "false", "the pause")
    wait_for(lambda: at(listener, f"{HOMIE}/alerts/joy")[-1] == "false", "the alert to end")
    left = homie(retained(broker))
    assert {"affect/anger", "affect/valence", "states/attention", "$alert/joy"} & set(left) == set()
    assert (left["affect/expression"], left["affect/abstained"]) == ("unknown", "paused")
    box.close()
    # The goodbyes are at the broker; this listener hears of them in its own time.
    wait_for(lambda: at(listener, f"{HOMIE}/$state")[-1] == "disconnected", "disconnected")
    wait_for(lambda: listener.payloads("status")[-1] == "offline", "offline")
    assert at(listener, f"{HOMIE}/$state") == ["init", "ready", "disconnected"]
    assert listener.payloads("status") == ["online", "offline"]


def fits(text, described):
    """Whether a value is one of those that its description allows."""
    kind, form = described["datatype"], described.get("format", "")
    if kind == "enum":
        return text in form.split(",")
    if kind == "boolean":
        return text in ("true", "false")
    if kind in ("float", "integer"):
        low, _, high = form.partition(":")
        number = float(text) if kind == "float" else int(text)
        return (not low or number >= float(low)) and (not high or number <= float(high))
    return bool(text)


def test_only_changes_are_said(broker, listener, closing):
    box = closing(Box(broker.port, text=BOTH))
    wait_for(lambda: "ready" in at(listener, f"{HOMIE}/$state"), "ready")
    box.feed([SPEAKING] * 20)
    wait_for(lambda: len(listener.of("affect")) >= 10, "vectors")
    assert at(listener, f"{HOMIE}/affect/anger") == ["", "0"]
    box.close()
    # Nobody knows the mood of a room any more whose box was switched off.
    left = homie(retained(broker))
    assert left["$state"] == "disconnected"
    assert {"affect/anger", "affect/valence", "control/sensing"} & set(left) == set()
    assert left["affect/expression"] == "unknown"


def test_homie_commands_are_the_boxs_own(broker, listener, closing):
    box = closing(Box(broker.port, text=BOTH))
    wait_for(lambda: "ready" in at(listener, f"{HOMIE}/$state"), "ready")
    sensing, marker = (f"{HOMIE}/control/{name}/set" for name in ("sensing", "marker"))
    listener.publish(sensing, b"false")
    assert box.commands.recv(10) == b"\x01"
    listener.publish(sensing, b"true")
    assert box.commands.recv(10) == b"\x02"
    listener.publish(marker, b'Slide "3"')
    wait_for(lambda: listener.payloads("marker"), "the marker")
    assert json.loads(listener.payloads("marker")[0])["text"] == 'Slide "3"'
    for topic, payload in (
        (sensing, b"maybe"),
        (sensing, b""),
        (marker, b"\xff\n"),
        (marker, b"x" * 81),
    ):
        listener.publish(topic, payload)
    listener.publish(f"{HOMIE}/control/reboot/set", b"true")
    listener.publish(sensing, b"false", retain=True)
    wait_for(lambda: len(listener.of("answer")) == 9, "the answers")
    answers = [json.loads(text) for text in listener.payloads("answer")]
    assert [answer["error"] for answer in answers] == [
        None, None, None, *["invalid"] * 4, "unknown-command", "retained",
    ]  # fmt: skip
    box.commands.settimeout(0.2)
    with pytest.raises(TimeoutError):
        box.commands.recv(10)
    box.close()


def test_a_lost_box_is_lost_on_both_connections(broker, listener, closing):
    gate = closing(Gate(broker.port))
    box = closing(Box(gate.port, text=BOTH))
    wait_for(lambda: "ready" in at(listener, f"{HOMIE}/$state"), "ready")
    box.feed([SPEAKING] * 3)
    gate.shut()
    wait_for(lambda: at(listener, f"{HOMIE}/$state")[-1] == "lost", "the will")
    wait_for(lambda: listener.payloads("status")[-1] == "offline", "the other will")
    gate.open()
    wait_for(lambda: at(listener, f"{HOMIE}/$state")[-2:] == ["init", "ready"], "ready again")
    assert homie(retained(broker))["affect/expression"] == "happiness"
    box.close()


# ---- a closed broker ----


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_shipped_access_list_is_enough(tmp_path, closing):
    closed = Closed(tmp_path)
    with LocalBroker(extra_config=closed.text):
        home = closing(Person(closed, "homeassistant"))
        box = closing(Box(**closed.settings(), text=BOTH))
        wait_for(lambda: any(topic == CONFIG for topic, _ in home.seen), "discovery")
        links = [box.publisher._link, box.publisher._mirrors[1]._link]
        wait_for(lambda: all(link.state.is_connected for link in links), "both connections")
        n_before = len([topic for topic, _ in home.seen if topic == CONFIG])
        assert home.may_publish("homeassistant/status", b"online")
        box.feed([SPEAKING] * 3)
        wait_for(
            lambda: len([topic for topic, _ in home.seen if topic == CONFIG]) > n_before,
            "discovery again",
        )
        box.close()
        # Switched off, the box may take its own message back.
        off = closing(Box(**closed.settings(), text=OFF))
        wait_for(lambda: (CONFIG, b"") in home.seen, "an empty message")
        off.close()
