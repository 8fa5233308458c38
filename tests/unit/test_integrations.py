"""The ready files for others: they parse, and name only what the box really says."""

import json
import re
from pathlib import Path

import pytest
import yaml
from home_assistant_parts import discovery
from jsonschema import Draft202012Validator
from telegraf_parts import CONFIG, INPUTS, INTEGRATIONS, flat, matches, point

from edge_affect.config import SECTIONS
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.publishing.topics import Topics
from edge_affect.record import AbstainReason, AffectRecord

ROOT = Path(__file__).resolve().parents[2]
BOX = Topics("edge-affect/hall/one")
TOPICS = {
    "status": BOX.status(b"").topic, "affect": BOX.affect(b"").topic,
    "event": BOX.event(b"").topic, "alert": BOX.alert("joy", b"").topic,
    "health": BOX.health(b"").topic,
}  # fmt: skip
NOBODY = affect_payload(AffectRecord(abstained=AbstainReason.NOBODY), Stamp(0, True, 0))


def schema(name):
    return json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())


def kinds(rule, prefix=""):
    """From the joined name of every value in a schema to the types it can have."""
    found = {}
    for one in [rule, *rule.get("anyOf", []), *rule.get("oneOf", [])]:
        for name, inner in one.get("properties", {}).items():
            found.update(kinds(inner, f"{prefix}_{name}" if prefix else name))
    if not found and prefix:
        told = rule.get("type", [])
        words = {told} if isinstance(told, str) else set(told)
        values = [*rule.get("enum", []), *([rule["const"]] if "const" in rule else [])]
        names = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
        found[prefix] = (words | {names[type(value)] for value in values}) - {"null"}
    return found


KINDS = {name: kinds(schema(name)) for name in ("affect", "alert", "event", "health")}


def test_every_folder_has_a_readme_or_is_explained_in_the_docs():
    assert sorted(path.name for path in INTEGRATIONS.iterdir()) == [
        "grafana", "home-assistant", "mosquitto", "node-red", "telegraf",
    ]  # fmt: skip
    told = (ROOT / "docs" / "integrations.md").read_text() + (ROOT / "docs/broker.md").read_text()
    for folder in INTEGRATIONS.iterdir():
        assert f"integrations/{folder.name}" in told
        assert folder.name == "mosquitto" or (folder / "README.md").is_file()


# ---- Telegraf ----


def test_telegraf_reads_each_topic_once_and_tags_it():
    for name, topic in TOPICS.items():
        takers = [one for one in INPUTS if any(matches(f, topic) for f in one["topics"])]
        assert len(takers) == 1, name
    assert len(INPUTS) == len(TOPICS)
    assert len({one["client_id"] for one in INPUTS}) == len(INPUTS)
    measurement, tags, fields, time_ns = point(TOPICS["affect"], to_json(NOBODY).encode())
    assert (measurement, tags) == ("edge_affect", {"site": "hall", "device": "one"})
    assert (fields["abstained"], fields["confidence"], time_ns) == ("nobody", 0.0, 0)
    assert not any(name.startswith("expressions_") for name in fields)
    assert point(TOPICS["alert"], b"") is None
    assert point(TOPICS["status"], b"online")[2] == {"value": "online"}
    assert CONFIG["outputs"]["influxdb"][0]["database"] == "edge_affect"


def test_telegraf_names_only_words_that_are_there():
    for taker in INPUTS:
        if taker["data_format"] != "json":
            continue
        name = taker["name_override"].removeprefix("edge_affect").lstrip("_") or "affect"
        assert taker["json_time_key"] in KINDS[name]
        for field in [*taker["json_string_fields"], *taker.get("tag_keys", [])]:
            assert KINDS[name][field] & {"string", "boolean"}, (name, field)


def written():
    """Every field by measurement, as the schemas and Telegraf's file allow."""
    found = {"edge_affect_status": {"value"}}
    for taker in INPUTS:
        if taker["data_format"] == "json":
            name = taker["name_override"].removeprefix("edge_affect").lstrip("_") or "affect"
            named = set(taker["json_string_fields"])
            found[taker["name_override"]] = {
                field
                for field, types in KINDS[name].items()
                if field in named or types & {"number", "integer"}
            }
    return found


# ---- Grafana ----

DASHBOARD = json.loads((INTEGRATIONS / "grafana" / "dashboard.json").read_text())
QUERIES = [
    target["query"] for panel in DASHBOARD["panels"] for target in panel["targets"]
] + [one["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]  # fmt: skip
TAGS = {"site", "device", "alert", "event"}


def test_grafana_asks_only_for_what_telegraf_writes():
    assert len(QUERIES) > 30
    fields = written()
    for query in QUERIES:
        (measurement,) = re.findall(r'FROM "(\w+)"', query)
        asked = set(re.findall(r'"(\w+)"', query)) - {measurement}
        assert asked <= fields[measurement] | TAGS, query
    told = {name for query in QUERIES for name in re.findall(r'"(\w+)"', query)}
    wanted = {"valence", "arousal", "confidence", "expressions_anger", "states_attention"}
    assert wanted <= told
    # What is planted wrong is found.
    assert "expressions_joy" not in fields["edge_affect"]


def test_grafana_panels_have_their_own_places_and_leave_gaps():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
            assert all("fill(null)" in target["query"] for target in panel["targets"])
        assert all(one["datasource"]["uid"] == "${datasource}" for one in panel["targets"])


# ---- Node-RED ----

FLOW = json.loads((INTEGRATIONS / "node-red" / "flow.json").read_text())
CORE = {"tab", "mqtt-broker", "mqtt in", "mqtt out", "function", "debug", "inject"}


def test_the_flow_is_whole():
    nodes = {node["id"]: node for node in FLOW}
    assert len(nodes) == len(FLOW)
    assert {node["type"] for node in FLOW} == CORE
    for node in FLOW:
        for wire in (end for out in node.get("wires", []) for end in out):
            assert wire in nodes
        if node["type"] == "function":
            assert len(node["wires"]) == node["outputs"]
        if "broker" in node and node["type"].startswith("mqtt "):
            assert nodes[node["broker"]]["type"] == "mqtt-broker"
    reached = {end for node in FLOW for out in node.get("wires", []) for end in out}
    starts = {"tab", "mqtt-broker", "mqtt in", "inject"}
    assert {node["id"] for node in FLOW if node["type"] not in starts} == reached


def test_the_flow_reads_and_writes_what_there_is():
    heard = {}
    for node in FLOW:
        if node["type"] == "mqtt in":
            (name,) = [n for n, topic in TOPICS.items() if matches(node["topic"], topic)]
            heard[name] = node["wires"][0][0]
    assert set(heard) == {"status", "affect", "event", "alert"}
    code = {node["id"]: node["func"] for node in FLOW if node["type"] == "function"}
    paths = [path.replace(".", "_") for path in re.findall(r"said\.([a-z_.]+)", code["ea-mood"])]
    assert len(paths) > 8
    assert set(paths) <= set(KINDS["affect"])
    for name in ("event", "alert"):
        (names,) = re.findall(r"const \{ ([\w, ]+) \} = msg\.payload", code[f"ea-{name}"])
        assert set(names.split(", ")) <= set(KINDS[name])
    sent = {node["topic"] for node in FLOW if node["type"] == "inject"}
    assert {BOX.command(topic, b"", retain=False).name for topic in sent} == {"PAUSE", "RESUME"}


# ---- Home Assistant ----


def entities(value):
    """Every entity id in a dashboard, those in templates included."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in entities(item)}
    if isinstance(value, list):
        return {name for item in value for name in entities(item)}
    return set(re.findall(r"\b(?:binary_sensor|sensor|button|text|event)\.\w+", str(value)))


def within(value):
    """Every table in a dashboard, at any depth."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [
        *([value] if isinstance(value, dict) else []),
        *(t for one in inner for t in within(one)),
    ]


def test_the_dashboard_shows_entities_that_discovery_makes():
    text = (INTEGRATIONS / "home-assistant" / "dashboard.yaml").read_text()
    board = yaml.safe_load(text.replace("SITE", "hall").replace("DEVICE", "one"))
    made = {
        one["default_entity_id"] for one in discovery()["components"].values()
    }  # fmt: skip
    shown = entities(board["views"])
    assert len(shown) > 35
    assert shown <= made
    assert shown & {"sensor.edge_affect_hall_one_abstained", "button.edge_affect_hall_one_pause"}
    cards = {card["type"] for view in board["views"] for card in view["cards"]}
    assert cards <= {"vertical-stack", "history-graph", "entities"}
    # A gauge complains of an entity without a number: it is shown only where there is one.
    guarded = [one for one in within(board["views"]) if one.get("type") == "conditional"]
    gauges = [one for one in within(board["views"]) if one.get("type") == "gauge"]
    kept = {
        one["card"]["entity"]: {(c["entity"], c["state_not"]) for c in one["conditions"]}
        for one in guarded
        if one["card"]["type"] == "gauge"
    }
    assert len(gauges) == len(kept) == 2
    for entity, conditions in kept.items():
        assert conditions == {(entity, "unknown"), (entity, "unavailable")}
    # "no" is a word here and not the truth value that YAML makes of it.
    assert re.search(r'state_not: "no"', text)


# ---- the tests' own parts ----


def test_a_message_of_the_schema_is_flattened_as_the_schema_says():
    Draft202012Validator(schema("affect")).validate(NOBODY)
    names = set(flat(NOBODY))
    assert names <= set(KINDS["affect"])
    assert {"home_assistant", "homie"} <= set(SECTIONS)
    with pytest.raises(KeyError):
        KINDS["affect"]["expressions_joy"]
