"""``docs/asyncapi.yaml`` in itself, against the schemas, the code and the page for people."""

import copy
import re

import asyncapi_document as asyncapi
import pytest
from asyncapi_document import DOCS, Seen, differences, references, resolve
from jsonschema import Draft202012Validator

from edge_affect.config import Config, Mqtt
from edge_affect.launcher import one_way_channel
from edge_affect.publishing import daemon, topics
from edge_affect.publishing.commands import BURST, COMMANDS, PER_S
from edge_affect.publishing.payload import SCHEMA_VERSION

DOCUMENT = asyncapi.load()
CHANNELS = DOCUMENT["channels"]
OPERATIONS = DOCUMENT["operations"]
MESSAGES = DOCUMENT["components"]["messages"]


def test_every_reference_leads_somewhere():
    found = list(references(DOCUMENT))
    assert len(found) > 80
    for target in found:
        assert resolve(DOCUMENT, {"$ref": target}), target
    with pytest.raises(KeyError):
        resolve(DOCUMENT, {"$ref": "#/channels/nothing"})


def test_every_schema_is_used_and_is_one():
    used = {r.removeprefix("./schemas/") for r in references(DOCUMENT) if r[0] == "."}
    assert used == {path.name for path in (DOCS / "schemas").glob("*.json")}
    for name in used:
        Draft202012Validator.check_schema(resolve(DOCUMENT, {"$ref": f"./schemas/{name}"}))


def test_channels_operations_and_messages_belong_together():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) == {
        "asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations",
        "components",
    }  # fmt: skip
    heard = [o["channel"]["$ref"] for name, o in OPERATIONS.items() if name[:4] != "read"]
    assert sorted(heard) == sorted(f"#/channels/{name}" for name in CHANNELS)
    for channel in CHANNELS.values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    for name, operation in OPERATIONS.items():
        own = f"{operation['channel']['$ref']}/messages/"
        channel = resolve(DOCUMENT, operation["channel"])
        assert [m["$ref"] for m in operation["messages"]] == [
            own + message for message in channel["messages"]
        ]
        assert operation["action"] in ("send", "receive")
        assert ("reply" in operation) == name.startswith("take")
    used = {name for channel in CHANNELS.values() for name in channel["messages"]}
    assert used == set(MESSAGES)
    for message in MESSAGES.values():
        assert message["bindings"]["mqtt"]["contentType"] == message["contentType"]


def test_it_says_what_the_code_says():
    assert DOCUMENT["info"]["version"] == SCHEMA_VERSION
    box = topics.Topics("edge-affect/hall/one")
    made = [
        box.status(b""), box.about(b""), box.affect(b""), box.event(b""), box.alert("x", b""),
        box.trend(b""), box.health(b""), box.marker(b""), box.answer(b""),
        box.answer(b"", f"{box.base}/answer/me"),
    ]  # fmt: skip
    names = [asyncapi.channel_of(DOCUMENT, message.topic) for message in made]
    sent = [name for name in CHANNELS if not name.startswith(("set", "doctor"))]
    assert sorted(names) == sorted(sent)
    for name, message in zip(names, made, strict=True):
        told = asyncapi.operation_of(DOCUMENT, name)["bindings"]["mqtt"]
        assert (told["qos"], told["retain"], told.get("messageExpiryInterval")) == (
            message.qos, message.retain, message.expiry_s,
        )  # fmt: skip
    taken = [CHANNELS[name]["address"].split("/")[-1] for name in CHANNELS if name[:3] == "set"]
    assert taken == list(COMMANDS)
    for server in DOCUMENT["servers"].values():
        told = server["bindings"]["mqtt"]
        assert told["keepAlive"] == Mqtt().keepalive_s
        will = box.status(topics.OFFLINE)
        assert told["lastWill"] == {
            "topic": will.topic, "qos": will.qos, "retain": True, "message": "offline",
        }  # fmt: skip


def test_what_the_box_subscribes_to_is_told(monkeypatch):
    asked = []
    monkeypatch.setattr(daemon, "BrokerLink", lambda settings, *_: asked.append(settings.filters))
    ours, theirs = one_way_channel()
    with ours, theirs:
        publisher = daemon.Publisher(Config(), theirs)
        for end in (publisher._stopped, publisher._stopper):  # which only its run closes
            end.close()
    told = {
        CHANNELS[o["channel"]["$ref"].split("/")[-1]]["address"]: o["bindings"]["mqtt"]["qos"]
        for o in OPERATIONS.values()
        if o["action"] == "receive"
    }
    base = Config().base_topic
    levels = {"{site}/{device}": base.split("/", 1)[1], "{alert}": "+", "{name}": "+"}
    filters = {}
    for address, qos in told.items():
        for name, value in levels.items():
            address = address.replace(name, value)  # noqa: PLW2901 (one after the other)
        filters[address.replace("/set/" + address.split("/")[-1], "/set/+")] = qos
    assert asked == [filters]


def test_the_page_for_people_has_the_same_topics():
    page = (DOCS / "mqtt.md").read_text(encoding="utf-8")
    table = page[page.index("| topic |") : page.index("With MQTT 5 every message")]
    rows = re.findall(r"^\| (`[^|]*) \| (\S+) \| (\S+) \|", table, flags=re.MULTILINE)
    shown = {
        name: (retained, qos)
        for cell, retained, qos in rows
        for name in re.findall("`(.+?)`", cell)
    }
    expected = {}
    for name, channel in CHANNELS.items():
        told = asyncapi.operation_of(DOCUMENT, name)["bindings"]["mqtt"]
        address = channel["address"].split("/", 3)[3]
        address = address.replace("{alert}", "<name>").replace("{name}", "<name>")
        is_command = address.startswith("set/")
        flags = ("-", "-") if is_command else ("yes" if told["retain"] else "no", str(told["qos"]))
        expected[address] = flags
    assert shown == expected
    assert f"{BURST} at once and then {PER_S:g} a second" in page


GOOD = Seen(
    "edge-affect/hall/one/status", b"online", 1, True, "text/plain", None, {"schema": "1.0"}
)


def test_a_message_as_described_shows_no_difference():
    assert differences(DOCUMENT, GOOD) == []


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "edge-affect/hall/one/mood"},
        {"topic": "edge-affect/hall/one/set/pause", "payload": b"", "retain": False},
        {"payload": b"onlin"},
        {"qos": 0},
        {"retain": False},
        {"content_type": "application/json"},
        {"content_type": None},
        {"expiry_s": 60},
        {"user": {}},
        {"user": {"schema": "2.0"}},
        {"user": {"schema": "1.0", "more": "x"}},
    ],
    ids="-".join,
)
def test_any_other_message_shows_one(change):
    assert differences(DOCUMENT, Seen(**{**vars(GOOD), **change}))


@pytest.mark.parametrize("gone", ["channels", "operations"])
def test_a_document_that_leaves_something_out_shows(gone):
    document = copy.deepcopy(DOCUMENT)
    del document[gone]["status" if gone == "channels" else "sayStatus"]
    try:
        assert differences(document, GOOD)
    except ValueError:
        assert gone == "operations"
