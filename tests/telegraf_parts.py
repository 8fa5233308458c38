"""What Telegraf's mqtt_consumer makes of a message, by the rules of its JSON and value parsers."""

import json
import sys
from datetime import datetime
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

INTEGRATIONS = Path(__file__).resolve().parents[1] / "integrations"
CONFIG = tomllib.loads((INTEGRATIONS / "telegraf" / "edge-affect.conf").read_text())
INPUTS = CONFIG["inputs"]["mqtt_consumer"]


def flat(value, prefix=""):
    """Numbers, words and truth values of a JSON object by their joined names; null is nothing."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = ((str(index), item) for index, item in enumerate(value))
    else:
        return {} if value is None else {prefix: value}
    found = {}
    for name, item in pairs:
        found.update(flat(item, f"{prefix}_{name}" if prefix else name))
    return found


def matches(topic_filter, topic):
    """Whether an MQTT filter of plain levels and + takes a topic in."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


def point(topic, payload):
    """Return measurement, tags, fields and time in ns of one message, or None if it makes none."""
    takers = [one for one in INPUTS if any(matches(f, topic) for f in one["topics"])]
    if not takers or not payload.strip():
        return None
    (taker,) = takers
    tags = {}
    for parsing in taker["topic_parsing"]:
        names, levels = parsing["tags"].split("/"), topic.split("/")
        if matches(parsing["topic"], topic):
            tags.update({n: v for n, v in zip(names, levels, strict=False) if n != "_"})
    if taker["data_format"] == "value":
        assert taker["data_type"] == "string"
        return taker["name_override"], tags, {"value": payload.decode()}, None
    assert taker["data_format"] == "json"
    fields = flat(json.loads(payload))
    moment = datetime.fromisoformat(fields[taker["json_time_key"]].replace("Z", "+00:00"))
    for name in taker.get("tag_keys", []):
        tags[name] = str(fields.pop(name))
    # Words and truth values are dropped unless they are named.
    named = set(taker["json_string_fields"])
    kept = {
        name: item
        for name, item in fields.items()
        if name in named or (isinstance(item, int | float) and not isinstance(item, bool))
    }
    return taker["name_override"], tags, kept, round(moment.timestamp() * 1000) * 1_000_000


def line(measurement, tags, fields, time_ns):
    """Return a point in InfluxDB's line protocol."""

    def bare(text):
        return str(text).replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")

    def shown(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return f"{float(value)!r}"
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'

    head = ",".join([measurement, *(f"{bare(k)}={bare(v)}" for k, v in sorted(tags.items()))])
    body = ",".join(f"{bare(k)}={shown(v)}" for k, v in fields.items())
    return f"{head} {body}" + ("" if time_ns is None else f" {time_ns}")
