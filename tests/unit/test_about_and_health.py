"""What the box says about itself: transparency card, health, commands it accepts."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_affect.config import Audio, Config, Deployment, Mqtt, Privacy, Publish, Video
from edge_affect.errors import DataError, ManifestError
from edge_affect.publishing.about import ModelCard, about_payload, shipped_models
from edge_affect.publishing.health import (
    SensingView,
    health_payload,
    refused_text,
    resident_mb,
    temperature_c,
)
from edge_affect.publishing.link import LinkState
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.payload import Stamp, to_json
from edge_affect.publishing.topics import Topics
from edge_affect.record import AbstainReason, AffectRecord, Command, bits_per_record

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
STAMP = Stamp(1_790_000_000_123, False, 7)
TOPICS = Topics("edge-affect/hall/one")


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def objects_of(schema):
    """Every object schema inside a schema."""
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from objects_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects_of(value)


def test_there_is_a_schema_for_each_topic():
    assert sorted(p.name for p in SCHEMAS.glob("*.json")) == [
        f"{name}.schema.json"
        for name in [
            "about",
            "affect",
            "alert",
            "answer",
            "event",
            "health",
            "marker",
            "set-marker",
            "status",
            "trend",
        ]
    ]


@pytest.mark.parametrize("name", ["about", "affect", "health"])
def test_schemas_allow_no_other_key_anywhere(name):
    objects = list(objects_of(validator(name).schema))
    assert objects
    assert [o["additionalProperties"] for o in objects] == [False] * len(objects)


def test_about_says_what_a_passer_by_may_want_to_know():
    config = Config(
        deployment=Deployment("home", "EU", "demo", "me@example.org", "consent", "medical"),
        video=Video(source="none"),
        publish=Publish(tick_hz=2.0, queue_size=100),
        privacy=Privacy(min_people=5),
        mqtt=Mqtt(username="user-name", password_file="/secret/path"),  # noqa: S106 (a path)
    )
    payload = about_payload(config, [ModelCard("face", "1", "0" * 64)])
    validator("about").validate(payload)
    assert payload["sensed"] == ["voice"]
    assert payload["exception"] == "medical"
    assert payload["retention"] == {
        "raw_data_s": 0, "unsent_records_max": 100, "unsent_records_s": 50,
        "unsent_records_on_disk": False,
    }  # fmt: skip
    ceiling = payload["leak_ceiling"]
    assert ceiling["bits_per_s"] == pytest.approx(2 * bits_per_record(), abs=0.01)
    assert ceiling["bits_per_day"] == pytest.approx(2 * bits_per_record() * 86_400, abs=1)
    assert payload["models"] == [{"name": "face", "version": "1", "sha256": "0" * 64}]
    text = to_json(payload)
    assert "user-name" not in text
    assert "secret" not in text


def test_about_says_how_a_group_is_told():
    payload = about_payload(Config(privacy=Privacy(min_people=5)), [])
    validator("about").validate(payload)
    assert payload["group"] == {"opens_at": 8, "in_and_out_together": 3, "noise": None}
    assert {"valence", "arousal"} <= set(payload["unvalidated"])
    assert not [name for name in payload["unvalidated"] if "." in name or "relative" in name]
    assert {"states.attention", "events.crying", "valence_relative"} <= set(payload["not_sensed"])
    noisy = about_payload(Config(privacy=Privacy(aggregate_epsilon=1.0)), [])
    validator("about").validate(noisy)
    assert noisy["min_people"] == 5
    assert noisy["group"]["noise"] == {"window_s": 600, "epsilon": 1.0, "daily_epsilon": 8.0}
    assert about_payload(Config(), [])["group"] is None


def test_about_without_a_declared_deployment_says_null():
    payload = about_payload(Config(audio=Audio(source="none")), [])
    validator("about").validate(payload)
    assert payload["purpose"] is None
    assert payload["sensed"] == ["face"]


def test_models_are_read_from_their_manifests(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nversion = "2"\nsha256 = "{"1" * 64}"\nother = 1\n'
        )
    assert shipped_models(tmp_path) == (
        ModelCard("a", "2", "1" * 64),
        ModelCard("b", "2", "1" * 64),
    )


@pytest.mark.parametrize("text", ["name = ", 'name = "a"\n'])
def test_a_broken_manifest_is_one_sentence(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ManifestError, match=r"a\.toml cannot be read"):
        shipped_models(tmp_path)


def test_the_shipped_models_are_valid_in_about():
    validator("about").validate(about_payload(Config(), shipped_models()))


def test_health_before_anything_happened():
    payload = health_payload(STAMP, LinkState(), Outbox(3), SensingView())
    validator("health").validate(payload)
    assert payload["sensing"] is None
    assert payload["record_age_s"] is None
    assert payload["mqtt"] is None
    assert payload["refused_datagrams"] == "0"


def test_health_tells_loss_and_what_sensing_could_play_with_only_coarsely():
    outbox = Outbox(1)
    record = AffectRecord(abstained=AbstainReason.NOBODY)
    for i in range(4):
        outbox.put(record, Stamp(0, True, i))
    view = SensingView(record, 7.1234, 42)
    payload = health_payload(STAMP, LinkState(True, "5", 2), outbox, view)
    validator("health").validate(payload)
    assert payload["queue"] == {
        "messages": 1, "capacity": 1, "lost": 3, "spool": "off",
    }  # fmt: skip
    assert payload["reconnects"] == 2
    assert payload["next_sequence"] == 7
    assert payload["record_age_s"] == "5-10"
    assert payload["refused_datagrams"] == "10-99"
    assert payload["sensing"]["camera"] == "off"


def test_refused_datagrams_can_spell_no_more_than_two_bits():
    assert len({refused_text(n) for n in range(5000)}) == 4


def test_memory_of_this_process_is_plausible():
    assert 5 < resident_mb() < 5000


def test_temperature_is_the_hottest_zone_in_steps_of_five(tmp_path):
    assert temperature_c(tmp_path) is None
    for i, text in enumerate(["48100\n", "62400\n", "not a number"]):
        zone = tmp_path / f"thermal_zone{i}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    assert temperature_c(tmp_path) == 60


@pytest.mark.parametrize(
    ("name", "command"), [("pause", Command.PAUSE), ("resume", Command.RESUME)]
)
def test_commands_are_topics(name, command):
    assert TOPICS.command(f"edge-affect/hall/one/set/{name}", b"", retain=False) == command


@pytest.mark.parametrize(
    ("topic", "payload", "retain"),
    [
        ("edge-affect/hall/one/set/reboot", b"", False),
        ("edge-affect/hall/two/set/pause", b"", False),
        ("edge-affect/hall/one/set/", b"", False),
        ("edge-affect/hall/one/set/pause", b"\x00\xffrm -rf", False),
        ("edge-affect/hall/one/set/pause", b"", True),
    ],
)
def test_anything_else_is_no_command_and_is_not_repeated(topic, payload, retain):
    with pytest.raises(DataError) as caught:
        TOPICS.command(topic, payload, retain=retain)
    assert "reboot" not in str(caught.value)
    assert "rm" not in str(caught.value)
