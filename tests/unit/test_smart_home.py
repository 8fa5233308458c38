"""Home Assistant's discovery message and the Homie device, without a broker."""

import json
import re
from pathlib import Path

import pytest
from home_assistant_parts import GOLDEN, SPEAKING, configuration, discovery, kept
from jsonschema import Draft202012Validator

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.config import Config, Device, Privacy, parse
from edge_affect.errors import ConfigError
from edge_affect.publishing import homie as homie_module
from edge_affect.publishing.about import about_payload
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.entities import components
from edge_affect.publishing.home_assistant import discovery_payload
from edge_affect.publishing.homie_device import affect_values, description, health_values, nodes
from edge_affect.publishing.leftovers import earlier_about, leftovers
from edge_affect.publishing.mirror import stale_after_s
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.record import AbstainReason, AffectRecord, People
from edge_affect.smart_home import node_id

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
BASE, NODE = "edge-affect/hall/one", "edge-affect-hall-one"
STAMP = Stamp(0, clock_synced=True, sequence=0)


def test_the_message_is_the_one_that_a_real_home_assistant_took():
    told = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert told["home_assistant"]
    assert told["discovery"] == kept(), (
        "The discovery message has changed: run make check-home-assistant, which shows it to a "
        "real Home Assistant and keeps it in tests/golden/home_assistant.json."
    )


def used_paths():
    """Every path below ``value_json`` that a template reads, with the topic it reads it from."""
    for key, made in discovery()["components"].items():
        pairs = {"value_template": "state", "json_attributes_template": "json_attributes"}
        for name, topic in pairs.items():
            for path in re.findall(r"value_json\.([a-z_.]+)", made.get(name, "")):
                yield key, made[f"{topic}_topic"].removeprefix(f"{BASE}/"), path


def test_every_template_reads_what_the_schema_of_its_topic_has():
    found = list(used_paths())
    assert len(found) > 100
    for key, topic, path in found:
        schema = json.loads((SCHEMAS / f"{topic.partition('/')[0]}.schema.json").read_text())
        for name in path.split("."):
            if "anyOf" in schema:
                (schema,) = [one for one in schema["anyOf"] if "properties" in one]
            assert name in schema["properties"], (key, topic, path)
            schema = schema["properties"][name]


@pytest.mark.parametrize("topic", ["affect", "health"])
def test_the_words_of_enum_entities_are_those_of_the_schemas(topic):
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_text())
    properties = schema["properties"]
    wanted = {
        "affect": {"expression": properties.get("expression"), "people": properties.get("people"),
                   "abstained": properties.get("abstained")},
        "health": {"spool": properties.get("queue", {}).get("properties", {}).get("spool")},
    }[topic]  # fmt: skip
    for name, rule in wanted.items():
        words = [word for word in rule["enum"] if word is not None]
        options = discovery()["components"][name]["options"]
        assert [word for word in options if word != "no"] == words


def test_entities_are_told_apart_and_named_alike():
    made = discovery()["components"]
    assert len({one["unique_id"] for one in made.values()}) == len(made) == 60
    for key, one in made.items():
        assert one["unique_id"] == f"{NODE}-{key}"
        assert re.sub(r"\W+", "_", one["name"].lower()) == key
        assert one["default_entity_id"] == f"{one['platform']}.edge_affect_hall_one_{key}"
        topics = [value for name, value in one.items() if name.endswith("_topic")]
        assert topics
        assert all(topic.startswith(f"{BASE}/") for topic in topics)
        assert {"icon", "device_class"} & set(one), key
    grave = {key for key, one in made.items() if one.get("device_class") == "problem"}
    assert grave == {"alert_joy"}


def test_what_a_box_does_not_sense_has_no_entity():
    def names(text, **changes):
        config = Config(**{**vars_of(parse(text)), "device": Device("hall", "one"), **changes})
        return set(components(BASE, NODE, about_payload(config, [])))

    whole = names("")
    deaf = names('[audio]\nsource = "none"')
    blind = names('[video]\nsource = "none"')
    group = names("", privacy=Privacy(min_people=5))
    assert whole - deaf == {
        "speech_share", "microphone",
        *(f"{e}{x}" for e in ("laughter", "applause", "crying") for x in ("", "_level", "_event")),
    }  # fmt: skip
    assert whole - blind == {"people", "camera", "frame_rate"}
    assert {"valence_relative", "attention", "laughter"} & group == set()
    assert {"valence", "anger", "people"} <= group


def vars_of(config):
    return {name: getattr(config, name) for name in Config.__dataclass_fields__}


def test_values_age_with_the_tick():
    for tick_hz, wanted_s in ((5.0, 30), (1.0, 30), (0.2, 30), (0.1, 60)):
        assert stale_after_s({"leak_ceiling": {"records_per_s": tick_hz}}) == wanted_s


def test_no_value_and_no_secret_is_in_the_message():
    secret = parse('[mqtt]\nusername = "hall.one"\npassword_file = "/etc/secret"')
    text = to_json(discovery_payload(secret, about_payload(secret, [])))
    assert "secret" not in text
    assert "hall.one" not in text
    assert len(text) < 32_000


# ---- names ----


def test_names_that_homie_does_not_allow_are_refused_only_there():
    for name in ("Hall", "a_b"):
        text = f'[device]\nsite = "{name}"\n'
        assert (
            node_id(name, "box") in parse(text + "[home_assistant]\nenabled = true").other_topics[0]
        )
        with pytest.raises(ConfigError, match=r"\[homie\] allows only lower-case"):
            parse(text + "[homie]\nenabled = true")
    for prefix in ("", "a/#", "+"):
        with pytest.raises(ConfigError, match="prefix"):
            parse(f'[home_assistant]\nprefix = "{prefix}"')


# ---- what an earlier run left ----


def earlier(**changes):
    about = about_payload(configuration(), [])
    return earlier_about(json.dumps({**about, **changes}).encode())


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b"{}", b"null", b'{"leak_ceiling": {"records_per_s": 0}}',
     b'{"leak_ceiling": {"records_per_s": 1e999}}', b'{"leak_ceiling": 1}', b"[" * 100_000,
     b'{"leak_ceiling": {"records_per_s": 1}, "alerts": 7}',
     b'{"leak_ceiling": {"records_per_s": 1}, "alerts": ["a b"]}', b" " * 70_000,
     b'{"leak_ceiling": {"records_per_s": 1}, "alerts": ["#"]}',
     b'{"leak_ceiling": {"records_per_s": 1e-320}}',
     b'{"leak_ceiling": {"records_per_s": 1' + b"0" * 400 + b"}}"],
)  # fmt: skip
def test_what_is_no_about_is_not_believed(payload):
    assert earlier_about(payload) is None


def test_only_this_boxs_own_leftovers_are_taken_back():
    told = earlier(other_topics=[
        f"homeassistant/device/{NODE}/config", f"ha/device/{NODE}/config",
        "homeassistant/device/edge-affect-hall-two/config", f"homie/5/{NODE}/#",
        "homie/5/other/#", "edge-affect/hall/two/status", f"x/y/device/{NODE}/config",
    ])  # fmt: skip
    config = configuration()
    topics = [message.topic for message in leftovers(told, config)]
    assert topics[:2] == [f"ha/device/{NODE}/config", f"homie/5/{NODE}/$state"]
    assert all(topic.startswith(f"homie/5/{NODE}/") for topic in topics[1:])
    assert all((m.payload, m.retain) == (b"", True) for m in leftovers(told, config))
    # An about of the time before there was such a list has nothing to take back.
    old = earlier()
    assert leftovers({**old, "other_topics": []}, config) == []


# ---- Homie ----


def test_the_description_is_valid_and_has_a_number_of_its_own():
    rules = json.loads((ROOT / "tests" / "homie5_description.schema.json").read_text())
    versions = set()
    for text in (
        "",
        '[audio]\nsource = "none"',
        '[alerts]\npreset = "none"',
        "[publish]\ntick_hz = 5",
    ):
        told = description("x", nodes(about_payload(parse(text), [])))
        Draft202012Validator(rules).validate(told)
        versions.add(told["version"])
    # The tick is no part of it.
    assert len(versions) == 3
    with pytest.raises(Exception, match="does not match"):
        Draft202012Validator(rules).validate({**told, "nodes": {"A_b": {}}})


def test_homie_values_are_those_of_the_payloads():
    payload = affect_payload(SPEAKING, STAMP)
    values = affect_values(payload)
    assert values["affect/happiness"] == "0.6"
    assert values["affect/arousal-relative"] == values["states/anxiety"] == ""
    assert values["control/sensing"] == "true"
    nobody = AffectRecord(abstained=AbstainReason.NOBODY, people=People.NONE)
    values = affect_values(affect_payload(nobody, STAMP))
    assert (values["affect/expression"], values["affect/people"]) == ("unknown", "0")
    unknown = health_values(
        {"sensing": None, "queue": {"messages": 3, "lost": 0, "spool": "full"}, "reconnects": 0,
         "record_age_s": None, "refused_datagrams": "1-9", "memory_mb": 27, "temperature_c": None,
         "clock_synced": False}
    )  # fmt: skip
    assert (unknown["health/camera"], unknown["health/latency"]) == ("unknown", "")
    assert (unknown["health/queued-messages"], unknown["health/clock-synced"]) == ("3", "false")


def test_homie_values_are_taken_back_when_nothing_comes_any_more():
    config = configuration()
    device = homie_module.HomieDevice(
        config, about_payload(config, []), BrokerAccess("127.0.0.1", 1), ManualClock(), print
    )

    def said():
        messages = []
        while notice := device._bulletin.take():
            messages.append((notice.message.topic.partition(f"{NODE}/")[2], notice.message.payload))
        return dict(messages)

    device.tick(0, SPEAKING)
    assert said()["affect/happiness"] == b"0.6"
    device.tick(29 * NS_PER_S, None)
    assert said() == {}
    device.tick(30 * NS_PER_S, None)
    taken_back = said()
    assert taken_back["affect/happiness"] == taken_back["control/sensing"] == b""
    assert taken_back["affect/abstained"] == b"unknown"
    device.tick(31 * NS_PER_S, None)
    assert said() == {}
    device.tick(32 * NS_PER_S, SPEAKING)
    assert said()["affect/happiness"] == b"0.6"
    # It never connected: there is no thread to wait for.
    device._link._woken.close()
    device._link._waker.close()


# ---- nobody pays for what is off ----


def test_the_modules_are_imported_only_where_they_are_on():
    import subprocess
    import sys

    script = (
        "import sys, socket\n"
        "from edge_affect.config import parse\n"
        "from edge_affect.publishing.daemon import Publisher\n"
        "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "Publisher(parse(sys.argv[1]), a)\n"
        "names = ('home_assistant', 'homie', 'homie_device', 'entities')\n"
        "print([n for n in names if f'edge_affect.publishing.{n}' in sys.modules])\n"
    )

    def imported(text):
        done = subprocess.run(
            [sys.executable, "-c", script, text], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert imported("") == "[]"
    assert imported("[home_assistant]\nenabled = true") == "['home_assistant', 'entities']"
    assert "homie_device" in imported("[homie]\nenabled = true")
