"""``edge-affect alerts`` as a user types it."""

import io
import json
from pathlib import Path

import pytest
from alert_parts import angry, with_event
from jsonschema import Draft202012Validator
from recordings import silence, write

from edge_affect.alert_presets import PRESETS
from edge_affect.cli import main
from edge_affect.publishing.payload import Stamp, affect_payload, to_json

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[deployment]
setting = "contact-centre"
[alerts]
quiet_hours = "22:00-06:00"
"""


def vectors(records, tick_s=1.0):
    stamp = Stamp(1_790_000_000_123, clock_synced=True, sequence=0)
    return "".join(
        to_json(affect_payload(record, stamp, media_time_s=number * tick_s)) + "\n"
        for number, record in enumerate(records)
    )


@pytest.fixture
def call(tmp_path):
    """A call that gets angry, as vectors, with a burst of laughter before."""
    records = [with_event("laughter", 0.0)] * 3 + [with_event("laughter", 0.83)] * 3
    records += [angry(0.07)] * 20 + [angry(0.8)] * 25 + [angry(0.07)] * 20
    path = tmp_path / "call.jsonl"
    path.write_text(vectors(records))
    return str(path)


def said(capsys, *arguments):
    code = main(["alerts", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_timeline_for_people(call, capsys):
    code, out, _ = said(capsys, "test", call)
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[1:3] for line in lines[:-1]] == [
        ["starts", "laughter"], ["raised", "laughter"], ["ends", "laughter"],
        ["cleared", "laughter"], ["raised", "rising-anger"], ["escalated", "rising-anger"],
        ["cleared", "rising-anger"],
    ]  # fmt: skip
    assert lines[-1] == "71 ticks, 2 alerts raised, 1 sound events."


def test_the_timeline_for_scripts_is_what_would_be_published(call, capsys):
    code, out, _ = said(capsys, "test", call, "--json")
    assert code == 0
    objects = [json.loads(line) for line in out.splitlines()]
    kinds = {"alert": [], "event": []}
    for item in objects:
        kind = "event" if "event" in item else "alert"
        assert item.pop("media_time_s") >= 0.0
        change = item.pop("change", None)
        assert (change is None) == (kind == "event")
        schema = json.loads((ROOT / "docs" / "schemas" / f"{kind}.schema.json").read_text())
        Draft202012Validator(schema).validate(item)
        kinds[kind].append(item)
    assert len(kinds["event"]) == 2
    assert len(kinds["alert"]) == 5


def test_quiet_hours_count_from_the_time_that_is_told(call, capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(CONFIG)
    config = ("--config", str(path))
    assert "2 alerts raised" in said(capsys, "test", call)[1]
    assert "1 alerts raised" in said(capsys, "test", call, *config)[1]
    assert "1 alerts raised" in said(capsys, "test", call, *config, "--at", "12:00")[1]
    assert "0 alerts raised" in said(capsys, "test", call, *config, "--at", "23:00")[1]


def test_vectors_may_come_from_standard_input(call, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(call).read_text()))
    assert "71 ticks" in said(capsys, "test", "-")[1]


def test_the_list_shows_what_is_in_effect(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text(CONFIG)
    code, out, _ = said(capsys, "list", "--config", str(path))
    assert code == 0
    names = [rule.name for rule in PRESETS["contact-centre"]]
    assert [line.split(":")[0] for line in out.splitlines() if ";" in line and line[0] != " "] == (
        names
    )
    assert "Quiet hours: 22:00-06:00" in out
    code, out, _ = said(capsys, "list", "--config", str(path), "--json")
    assert [json.loads(line)["name"] for line in out.splitlines()] == names
    path.write_text("[alerts]\nenabled = false\n")
    assert said(capsys, "list", "--config", str(path))[1] == "No alert rule is in effect.\n"


def test_the_list_says_which_rules_are_silent_because_only_a_group_is_told(capsys, tmp_path):
    path = tmp_path / "box.toml"
    path.write_text('[deployment]\nsetting = "classroom"\njurisdiction = "US"\n')
    _, out, _ = said(capsys, "list", "--config", str(path))
    assert out.count("silent here") == 2
    path.write_text(f"{path.read_text()}exception = 'medical'\n")
    assert "silent here: attention" not in said(capsys, "list", "--config", str(path))[1]
    path.write_text("[events]\nenabled = false\n")
    objects = said(capsys, "list", "--config", str(path), "--json")[1].splitlines()
    silent = {json.loads(line)["name"] for line in objects if json.loads(line)["is_silent"]}
    assert silent == {"laughter", "applause", "cheering"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["test", "/nonexistent.jsonl"], 66, "no file /nonexistent.jsonl"),
        (["test", "/nonexistent.wav"], 66, "/nonexistent.wav"),
        (["test", str(ROOT / "README.md")], 65, "README.md"),
        (["test", "x.jsonl", "--at", "25:00"], 64, "25:00"),
        (["test"], 64, "CLIP"),
        (["list", "--config", "/nonexistent.toml"], 66, "config init"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(capsys, arguments, code, words):
    returned, out, err = said(capsys, *arguments)
    assert (returned, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_file_of_something_else_is_refused(capsys, monkeypatch, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n')
    assert said(capsys, "test", str(path))[0] == 65
    path.write_bytes(b"\xff\xfe")
    assert said(capsys, "test", str(path))[0] == 65
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    code, _, err = said(capsys, "test", "-")
    assert (code, err.count("\n")) == (65, 1)


def test_words_are_refused_in_a_recording_as_they_are_live(capsys, tmp_path):
    clip = write(tmp_path / "lesson.wav", silence(0.5))
    config = tmp_path / "box.toml"
    config.write_text(
        '[deployment]\nsetting = "classroom"\njurisdiction = "US"\npurpose = "p"\ncontact = "c"\n'
        '[words]\nenabled = true\nlisten_for = "dictation"\n'
    )
    code, out, err = said(capsys, "test", str(clip), "--config", str(config))
    assert (code, out) == (80, "")
    assert "what pupils and employees say" in err
