"""Commands to the box: what is taken, what is refused, how many, and where the answer goes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from edge_affect.clock import MonotonicClock
from edge_affect.publishing.bulletin import MAX_ANSWERS, Bulletin
from edge_affect.publishing.commands import BURST, CommandDesk, Marker, Request, read_marker
from edge_affect.publishing.payload import Stamp
from edge_affect.publishing.topics import CommandRefusedError, Topics
from edge_affect.record import Command

BASE = "edge-affect/hall/one"
SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def schema(name):
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


class Desk:
    """A desk with a clock that stands still, and what came of each request."""

    def __init__(self, *, fails=False, has_channel=True):
        self.now_s = 100.0
        self.fails = fails
        self.crossed = []
        self.bulletin = Bulletin(MonotonicClock())
        self._desk = CommandDesk(
            Topics(BASE),
            self.bulletin,
            lambda: Stamp(1_790_000_000_123, True, 42),
            self._forward if has_channel else None,
            lambda: self.now_s,
        )

    def _forward(self, command):
        if self.fails:
            raise BlockingIOError(11, "full")
        self.crossed.append(command)

    def put(self, name, payload=b"", retain=False, **more):
        self._desk.take(Request(f"{BASE}/set/{name}", payload, retain, **more))

    def said(self):
        """Everything said since the last call."""
        messages = []
        while (notice := self.bulletin.take()) is not None:
            messages.append(notice.message)
        return messages

    def answer(self, *args, **more):
        """The one answer to one request, valid, and whatever else was said."""
        self.put(*args, **more)
        *others, answer = self.said()
        payload = json.loads(answer.payload)
        schema("answer").validate(payload)
        assert (answer.qos, answer.retain, answer.expiry_s) == (1, False, 60)
        return payload, others


@pytest.mark.parametrize(("name", "byte"), [("pause", Command.PAUSE), ("resume", Command.RESUME)])
def test_pause_and_resume_cross_and_are_answered(name, byte):
    desk = Desk()
    payload, others = desk.answer(name)
    assert desk.crossed == [byte]
    assert others == []
    assert (payload["command"], payload["ok"], payload["error"]) == (name, True, None)
    assert payload["message"] == f"The {name} was passed on to sensing."


def test_a_marker_is_said_again_and_never_crosses():
    desk = Desk()
    payload, (marker,) = desk.answer("marker", '{"text": "第三页", "number": 3}'.encode())
    assert desk.crossed == []
    assert payload["ok"]
    assert (marker.topic, marker.qos, marker.retain) == (f"{BASE}/marker", 1, False)
    said = json.loads(marker.payload)
    schema("marker").validate(said)
    assert (said["text"], said["number"], said["next_sequence"]) == ("第三页", 3, 42)


@pytest.mark.parametrize(
    ("name", "payload", "retain", "command", "error"),
    [
        ("reboot", b"", False, None, "unknown-command"),
        ("", b"", False, None, "unknown-command"),
        ("pause/now", b"", False, None, "unknown-command"),
        ("pause", b"rm -rf", False, "pause", "invalid"),
        ("pause", b"", True, "pause", "retained"),
        ("resume", b"", True, "resume", "retained"),
        ("marker", b'{"number":1}', True, "marker", "retained"),
        ("marker", b"", False, "marker", "invalid"),
    ],
)
def test_what_is_refused_says_why_and_does_nothing(name, payload, retain, command, error):
    desk = Desk()
    answer, others = desk.answer(name, payload, retain)
    assert (answer["command"], answer["ok"], answer["error"]) == (command, False, error)
    assert others == []
    assert desk.crossed == []
    assert "reboot" not in json.dumps(answer)
    assert "rm" not in answer["message"].split()


@pytest.mark.parametrize("state", [{"fails": True}, {"has_channel": False}])
def test_a_sensing_that_cannot_be_reached_is_told(state):
    answer, _ = Desk(**state).answer("pause")
    assert (answer["ok"], answer["error"]) == (False, "unavailable")


@pytest.mark.parametrize(
    "payload",
    [
        b"x", b"[]", b"null", b"{}", b'{"text":""}', b'{"text":"  "}', b'{"text":"a\\nb"}',
        b'{"text":"\\u202eabc"}', b'{"text":"\\ud800"}', b'{"text":5}', b'{"number":true}',
        b'{"number":1.0}', b'{"number":-1}', b'{"number":1000000}', b'{"number":"1"}',
        b'{"text":null}', b'{"number":1,"more":1}', b"\xff\xfe", b"[" * 1024,
        b'{"text":"' + b"a" * 81 + b'"}', b'{"number":' + b"9" * 900 + b"}",
        b'{"number":1}' + b" " * 1024,
    ],
)  # fmt: skip
def test_what_is_no_marker_is_refused_in_one_sentence(payload):
    with pytest.raises(CommandRefusedError) as caught:
        read_marker(payload)
    assert str(caught.value).count(".") == 1


def test_the_limits_of_a_marker_are_taken():
    assert read_marker(b'{"text":"%s"}' % (b"a" * 80)) == Marker("a" * 80, None)
    assert read_marker(b'{"number":0}') == Marker(None, 0)
    assert read_marker(b'{"number":999999}') == Marker(None, 999_999)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=90))


@given(st.dictionaries(st.sampled_from(["text", "number", "other"]), VALUES))
def test_whatever_is_taken_is_as_the_schema_says(table):
    payload = json.dumps(table).encode()
    try:
        read_marker(payload)
    except CommandRefusedError:
        return
    schema("set-marker").validate(json.loads(payload))


def test_the_schema_refuses_what_is_no_marker():
    for table in ({}, {"text": ""}, {"number": -1}, {"text": "a", "more": 1}, {"text": "a\n"}):
        assert not schema("set-marker").is_valid(table), table


def test_a_flood_is_refused_then_dropped_and_keeps_no_pause_out():
    desk = Desk()
    for _ in range(1000):
        desk.put("marker", b'{"number":1}')
    said = desk.said()
    answers = [json.loads(m.payload) for m in said if m.topic == f"{BASE}/answer"]
    assert len([m for m in said if m.topic == f"{BASE}/marker"]) == BURST
    assert [a["ok"] for a in answers] == [True] * BURST + [False] * BURST
    assert {a["error"] for a in answers[BURST:]} == {"too-many"}
    assert desk.answer("pause")[0]["ok"]
    assert desk.crossed == [Command.PAUSE]
    desk.now_s += 1.0
    assert desk.answer("marker", b'{"number":2}')[0]["ok"]
    assert desk.answer("marker", b'{"number":3}')[0]["error"] == "too-many"
    desk.put("marker", b'{"number":3}')
    assert desk.said() == []
    desk.now_s += 3600.0
    for _ in range(100):
        desk.put("marker", b'{"number":1}')
    assert len(desk.said()) == 3 * BURST


def test_inventing_names_brings_no_more_answers():
    desk = Desk()
    for number in range(1000):
        desk.put(f"name-{number}")
    assert len(desk.said()) == 2 * BURST


def test_answers_are_bounded_and_go_with_the_connection():
    desk = Desk()
    for number in range(2 * MAX_ANSWERS):
        desk.bulletin.put_answer(Topics(BASE).answer(str(number).encode()))
    assert len(desk.bulletin) == MAX_ANSWERS
    assert desk.bulletin.take().message.payload == str(MAX_ANSWERS).encode()
    desk.bulletin.after_loss([])
    assert desk.said() == []


@pytest.mark.parametrize("name", ["me", "a" * 64, "前台"])
def test_an_answer_goes_where_it_is_wanted_below_answer(name):
    desk = Desk()
    desk.put("pause", response_topic=f"{BASE}/answer/{name}", correlation=b"\x00\xff")
    (answer,) = desk.said()
    assert (answer.topic, answer.correlation) == (f"{BASE}/answer/{name}", b"\x00\xff")


@pytest.mark.parametrize(
    "topic",
    [
        "", "x", f"{BASE}/affect", f"{BASE}/answer", f"{BASE}/answer/", f"{BASE}/answer/a/b",
        f"{BASE}/answer/+", f"{BASE}/answer/#", f"{BASE}/answer/a\n", f"{BASE}/answer/{'a' * 65}",
        "edge-affect/hall/two/answer/me", "homeassistant/device/x/config", "$SYS/x",
    ],
)  # fmt: skip
def test_an_answer_goes_nowhere_else(topic):
    desk = Desk()
    desk.put("pause", response_topic=topic, correlation=b"7")
    (answer,) = desk.said()
    assert (answer.topic, answer.correlation) == (f"{BASE}/answer", b"7")
    assert desk.crossed == [Command.PAUSE]
