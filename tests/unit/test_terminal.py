"""Boxes on a screen of characters: what is true now, what is not, and nothing is hidden."""

import json
import re
import time
from dataclasses import replace

import pytest

from edge_affect.publishing.payload import Gap, Stamp, affect_payload, to_json
from edge_affect.publishing.screen import Look
from edge_affect.record import AbstainReason, AffectRecord, Modality, People, SourceState
from edge_affect.subscriber.box import Moment
from edge_affect.subscriber.fleet import Fleet
from edge_affect.terminal.box_view import text_of
from edge_affect.terminal.lines import LineFleet
from edge_affect.terminal.rows import clean, cut, painted, row, row_width, width_of
from edge_affect.terminal.viewer import Viewer

OWN_CODES = re.compile(r"\x1b\[[0-9;]*m")
NOW_MS = 1_790_000_000_000
HAPPY = AffectRecord(
    expressions=(2, 13, 0, 0, 0, 0, 0, 0), modalities=Modality.FACE, confidence=9, valence=12,
    arousal=6, people=People.FEW, speech_share=3, states=(14, 7, None, 0, None, 3),
    events=(5, None, 0, 0, None), microphone=SourceState.OK, camera=SourceState.MISSING,
)  # fmt: skip
ANGRY = replace(HAPPY, expressions=(1, 0, 0, 0, 14, 0, 0, 0), valence=-12)
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY, people=People.NONE)
ALERT = {
    "schema": "1.0", "time": "2026-09-21T14:13:20.123Z", "clock_synced": True, "sequence": 42,
    "alert": "rising-anger", "state": "raised", "severity": "urgent", "escalation": 1,
    "level": 0.533, "since": "2026-09-21T14:13:05.123Z", "lasted_s": 15.0, "reason": None,
    "message": "Somebody should step in.",
}  # fmt: skip
ABOUT = {
    "leak_ceiling": {"records_per_s": 1.0}, "unvalidated": ["valence", "states.attention"],
    "not_sensed": ["events.cheering", "events.screaming"],
}  # fmt: skip
PLAIN, COLOUR = Look(), Look(has_colour=True)


class Stage:
    """A fleet, a clock, and boxes that say things; a second passes with each vector."""

    def __init__(self, fleet=None):
        self.fleet = Fleet() if fleet is None else fleet
        self.now_s, self.sequence = 100.0, 0
        self.fleet.connected(self.now_s)

    @property
    def now_ms(self):
        return NOW_MS + round(1000 * (self.now_s - 100.0))

    def say(self, kind, payload, box="hall/one"):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.fleet.take(f"edge-affect/{box}/{kind}", data, Moment(self.now_s, self.now_ms))

    def vector(self, record=HAPPY, box="hall/one", back_ms=0, **more):
        self.now_s += 1.0
        self.sequence += 1
        stamp = Stamp(self.now_ms - back_ms, True, self.sequence)
        self.say("affect", to_json(affect_payload(record, stamp, **more)).encode(), box)

    def start(self, box="hall/one", n=5, record=HAPPY):
        self.say("about", ABOUT, box)
        self.say("status", b"online", box)
        for _ in range(n):
            self.vector(record, box)
        return self

    def rows(self, width=80, height=24, only="hall/one"):
        viewer = Viewer(self.fleet, "broker.lan:1883", only, PLAIN)
        rows = viewer.rows(width, height, self.now_s)
        assert len(rows) == height
        return rows

    def text(self, *args, **kwargs):
        return text_of(self.rows(*args, **kwargs))


def test_what_a_live_box_says_is_there():
    text = Stage().start().text()
    for said in (
        "hall/one", "live", "HAPPINESS", "87%", "60%", "valence +0.8", "arousal +0.4",
        "2-4 people", "speech 50%", "from face", "attention?", "engagement ", "LAUGHTER 0.8",
        "not sensed: cheering, screaming", "none raised", "microphone ok", "camera missing",
        "? not validated",
    ):  # fmt: skip
        assert said in text, said
    assert "confusion      --" in text


@pytest.mark.parametrize(
    ("happens", "word"),
    [
        (lambda s: s.say("status", b"offline"), "OFFLINE"),
        (lambda s: setattr(s, "now_s", s.now_s + 30), "SILENT"),
        (lambda s: s.fleet.disconnected("The broker is gone.", s.now_s), "CUT"),
    ],
    ids=["offline", "silent", "cut"],
)  # fmt: skip
@pytest.mark.parametrize("record", [HAPPY, NOBODY], ids=["affect", "abstains"])
def test_what_is_not_true_now_cannot_be_taken_for_calm(happens, word, record):
    stage = Stage().start(record=record)
    stage.say("alert/rising-anger", ALERT)
    happens(stage)
    text = stage.text()
    assert word in text.splitlines()[0]
    for said in ("HAPPINESS", "no affect", "none raised", "rising-anger since", "●", "87%"):
        assert said not in text, said
    assert "not known" in text
    # Neither is it in the list of all boxes.
    stage.start("hall/two")
    if word == "CUT":
        stage.fleet.disconnected("The broker is gone.", stage.now_s)
    if word == "SILENT":
        stage.now_s += 5
        stage.vector(box="hall/two")
    listed = next(line for line in stage.text(only=None).splitlines() if "hall/one" in line)
    assert word in listed
    assert "not known" in listed
    assert "happiness" not in listed


def test_a_late_vector_is_never_now_and_fills_the_past():
    stage = Stage().start(n=3)
    stage.now_s += 10
    before = stage.text()
    stage.vector(ANGRY, is_late=True, back_ms=8_000)
    text = stage.text()
    assert "ANGER " not in text
    assert "valence -0.8" not in text
    assert "SILENT" in text

    def curve(shown):
        return next(line for line in shown.splitlines() if line.startswith(" anger"))

    assert "▄" in curve(text)
    assert "▄" not in curve(before)


def test_a_gap_in_time_is_a_gap_in_the_curves():
    stage = Stage().start(n=4)
    stage.now_s += 30
    stage.start(n=4)
    line = next(row for row in stage.text(140, 45).splitlines() if row.startswith(" neutral"))
    drawn = line[17:].partition("│")[0].strip()
    assert "   " in drawn


def test_abstention_says_why_and_shows_no_shares():
    text = Stage().start(record=NOBODY).text()
    assert "no affect: nobody there" in text
    assert "HAPPINESS" not in text
    assert " happiness   --" in text


def test_alerts_events_markers_and_gaps_are_told():
    stage = Stage().start()
    stage.say("alert/rising-anger", ALERT)
    stage.say(
        "event",
        {"time": "2026-09-21T14:13:20Z", "event": "applause", "phase": "end", "level": 0.8,
         "since": "2026-09-21T14:13:12Z", "lasted_s": 8.0},
    )  # fmt: skip
    stage.say("marker", {"time": "2026-09-21T14:13:21Z", "text": "Questions", "number": 12})
    stage.vector(gap=Gap(120, NOW_MS - 9000, NOW_MS - 8000))
    text = stage.text(100, 40)
    for said in (
        " urgent  rising-anger since", "Somebody should step in.", "applause for 8 s",
        "marker 12 Questions", "120 vectors were lost",
    ):  # fmt: skip
        assert said in text, said


def test_many_alerts_are_counted_where_they_do_not_fit():
    stage = Stage().start()
    for number in range(9):
        stage.say(f"alert/rule-{number}", {**ALERT, "alert": f"rule-{number}"})
    assert "more alerts are raised" in stage.text()


def test_boxes_in_need_come_first():
    stage = Stage()
    for name in ("a/calm", "b/gone", "c/alarm"):
        stage.start(name, n=1)
    stage.say("status", b"offline", "b/gone")
    stage.say("alert/rising-anger", ALERT, "c/alarm")
    lines = stage.text(only=None).splitlines()
    names = [line[1:].split()[0] for line in lines[3:6]]
    assert names == ["c/alarm", "b/gone", "a/calm"]
    assert lines[0].startswith(" 3 boxes, 2 live, 1 OFFLINE    1 alert raised")


def test_a_long_list_scrolls_to_the_chosen_one():
    stage = Stage()
    for number in range(60):
        stage.start(f"hall/box{number:02d}", n=1)
    viewer = Viewer(stage.fleet, "broker", None, PLAIN)
    assert "hall/box00" in text_of(viewer.rows(80, 24, stage.now_s))
    viewer._chosen = "hall/box59"
    text = text_of(viewer.rows(80, 24, stage.now_s))
    assert ">hall/box59" in text
    assert "40 more" in text


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (41, 11), (200, 60), (100, 30), (20, 5)])
def test_nothing_is_wider_or_higher_than_the_screen(size):
    stage = Stage().start(n=130)
    stage.start("大廳/一" * 9, n=3)
    stage.say("alert/rising-anger", {**ALERT, "message": "太吵了" * 60})
    for only in ("hall/one", None):
        viewer = Viewer(stage.fleet, "broker.lan:1883", only, PLAIN)
        rows = viewer.rows(*size, stage.now_s)
        assert len(rows) <= size[1]
        for one in rows:
            assert width_of(OWN_CODES.sub("", painted(one, size[0], COLOUR))) <= size[0]


def test_a_message_cannot_give_the_terminal_orders():
    bad = "x\x1b[2J\x1b]0;owned\x07\r\nok\u202e\x9b1m"
    stage = Stage().start(n=2)
    stage.say("alert/bad", {**ALERT, "message": bad, "severity": bad})
    stage.say("marker", {"time": "2026-09-21T14:13:21Z", "text": bad})
    stage.say("event", {"time": "2026-09-21T14:13:21Z", "event": bad[:30], "phase": "start"})
    said = json.loads(to_json(affect_payload(HAPPY, Stamp(stage.now_ms + 900, True, 99))))
    said.update(blend=bad[:30], people=bad[:30], modalities=[bad[:30]])
    said["sensing"]["microphone"] = bad[:30]
    stage.say("affect", said)
    shown = "".join(painted(one, 120, PLAIN) for one in stage.rows(120, 40))
    shown += "".join(painted(one, 120, PLAIN) for one in stage.rows(120, 40, only=None))
    assert [c for c in OWN_CODES.sub("", shown) if not c.isprintable()] == []
    assert " bad" in shown


def test_colours_only_where_they_are_understood():
    piece = row(("anger", "bold anger"))
    assert painted(piece, 10, COLOUR) == "\x1b[1;31manger\x1b[0m"
    assert painted(piece, 10, PLAIN) == "\x1b[1manger\x1b[0m"
    assert painted(row("a─b"), 10, Look(has_blocks=False)) == "a?b"
    assert cut(clean("笑\n声"), 4) == "笑?…"
    assert row_width(row("笑", ("ab", "dim"))) == 4


def test_lines_say_each_thing_once_and_nothing_late_as_now():
    said = []
    stage = Stage(LineFleet(said.append, PLAIN))
    stage.start(n=2)
    stage.vector(ANGRY, is_late=True, back_ms=60_000)
    stage.say("alert/rising-anger", ALERT)
    stage.say("alert/rising-anger", ALERT)
    stage.say("status", b"offline")
    stage.fleet.disconnected("The broker is gone.", stage.now_s)
    stage.fleet.disconnected("The broker is gone.", stage.now_s + 1)
    kinds = [
        sum(text in line for line in said)
        for text in (
            "happiness", "anger    ", "of the past", "Somebody", "is live", "OFFLINE", "NO BROKER",
        )
    ]  # fmt: skip
    assert kinds == [2, 0, 1, 1, 1, 1, 1]


def test_lines_tell_silence():
    said = []
    stage = Stage(LineFleet(said.append, PLAIN))
    stage.start(n=1)
    stage.fleet.look_around(stage.now_s + 4)
    assert not [line for line in said if "SILENT" in line]
    stage.fleet.look_around(stage.now_s + 30)
    stage.fleet.look_around(stage.now_s + 31)
    assert len([line for line in said if "SILENT" in line]) == 1


def test_a_frame_of_a_whole_fleet_is_cheap():
    stage = Stage()
    for number in range(200):
        stage.start(f"hall/box{number}", n=1)
    started_s = time.process_time()
    stage.rows(200, 60, only=None)
    assert time.process_time() - started_s < 0.5
