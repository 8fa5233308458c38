"""Reads ``docs/asyncapi.yaml`` and holds messages against it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

DOCS = Path(__file__).resolve().parents[1] / "docs"
PATH = DOCS / "asyncapi.yaml"


@dataclass(frozen=True)
class Seen:
    """One message as it came from the broker; the last three are None by MQTT 3.1.1."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str | None = None
    expiry_s: int | None = None
    user: dict | None = None


def load():
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))


def references(value):
    """Every ``$ref`` inside a value."""
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == "$ref":
                yield inside
            else:
                yield from references(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from references(inside)


def resolve(document, value):
    """Return what a value refers to, or itself; a reference to nothing is a KeyError."""
    while isinstance(value, dict) and "$ref" in value:
        target = value["$ref"]
        if not target.startswith("#/"):
            return json.loads((DOCS / target).read_text(encoding="utf-8"))
        value = document
        for step in target[2:].split("/"):
            value = value[step]
    return value


def pattern(address):
    """Return the expression for the topics of an address with parameters."""
    parts = re.split(r"\{\w+\}", address)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


def channel_of(document, topic):
    """Return the name of the one channel that a topic belongs to, or None."""
    names = [
        name
        for name, channel in document["channels"].items()
        if pattern(channel["address"]).fullmatch(topic)
    ]
    assert len(names) <= 1, f"{topic} is described more than once: {names}"
    return names[0] if names else None


def operation_of(document, channel):
    """Return what a channel is for: the one operation on it but the box's reading of its own."""
    (found,) = [
        operation
        for name, operation in document["operations"].items()
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and not name.startswith("read")
    ]
    return found


def payload_errors(document, message, payload):
    """Return what is wrong with a payload, as its message describes it."""
    described = message["payload"]
    schema = resolve(document, described.get("schema", described))
    text = payload.decode("utf-8")
    instance = text
    if message["contentType"] == "application/json" and schema.get("type") != "string":
        try:
            instance = json.loads(text)
        except ValueError as error:
            return [str(error)]
    return [error.message for error in Draft202012Validator(schema).iter_errors(instance)]


def differences(document, seen):
    """Return in which ways a message that the box sent is not what the document says."""
    name = channel_of(document, seen.topic)
    if name is None:
        return [f"{seen.topic} is not described"]
    operation = operation_of(document, name)
    if operation["action"] != "send":
        return [f"{seen.topic} is not the box's to say"]
    found = []
    told = operation["bindings"]["mqtt"]
    for key, value in (("qos", seen.qos), ("retain", seen.retain)):
        if told[key] != value:
            found.append(f"{seen.topic}: {key} is {value}")
    messages = [resolve(document, resolve(document, m)) for m in operation["messages"]]
    wrong = [payload_errors(document, message, seen.payload) for message in messages]
    if all(wrong):
        found.append(f"{seen.topic}: {wrong[0][0]}")
    if seen.user is None:
        return found
    if told.get("messageExpiryInterval") != seen.expiry_s:
        found.append(f"{seen.topic}: expiry is {seen.expiry_s}")
    if seen.content_type not in {m["contentType"] for m in messages} | {
        m["bindings"]["mqtt"]["contentType"] for m in messages
    }:
        found.append(f"{seen.topic}: content type is {seen.content_type}")
    (trait,) = messages[0]["traits"]
    headers = resolve(document, trait)["headers"]
    errors = Draft202012Validator(headers).iter_errors(seen.user)
    found += [f"{seen.topic}: user property: {error.message}" for error in errors]
    if set(seen.user) != set(headers["properties"]):
        found.append(f"{seen.topic}: user properties are {sorted(seen.user)}")
    return found
