"""Boxes as a subscriber sees them: what is true now, what was, and what nobody can say."""

import json

import pytest

from edge_affect.errors import DataError
from edge_affect.publishing.payload import Gap, Stamp, affect_payload, time_text, to_json
from edge_affect.record import AbstainReason, AffectRecord, Modality
from edge_affect.subscriber.box import Box, Moment, Presence
from edge_affect.subscriber.fleet import Fleet
from edge_affect.subscriber.freshness import BEHIND_MS, SETTLED_MS, Freshness
from edge_affect.subscriber.history import COLUMNS, SPAN_S, History
from edge_affect.subscriber.reading import reading

START_MS = 1_790_000_000_000
HAPPY = (4, 9, 2, 0, 0, 0, 0, 0)
STARTING = AffectRecord(abstained=AbstainReason.STARTING)


def record(expressions=HAPPY):
    return AffectRecord(
        expressions=expressions, valence=8, arousal=4, confidence=11, modalities=Modality.FACE
    )


def affect(second=0.0, sequence=0, item=None, is_late=False, synced=True, gap=None):
    stamp = Stamp(START_MS + round(second * 1000), synced, sequence)
    return to_json(affect_payload(item or record(), stamp, None, gap, is_late=is_late)).encode()


def moment(second=0.0):
    return Moment(1000.0 + second, START_MS + round(second * 1000))


def box_that_said(*kinds):
    box = Box("hall", "one")
    for kind, payload, second in kinds:
        box.take(kind, payload, moment(second))
    return box


def test_a_reading_is_what_the_publisher_said():
    got = reading(affect(3.0, 7))
    assert (got.unix_ms, got.sequence, got.is_late) == (START_MS + 3000, 7, False)
    assert got.expression == "happiness"
    assert got.expressions == tuple(round(n / 15, 3) for n in HAPPY)
    assert (got.valence, got.arousal, got.confidence) == (0.533, 0.267, 0.733)
    assert got.modalities == ("face",)
    assert got.abstained is None


def test_a_reading_of_who_abstains_has_no_affect():
    got = reading(affect(item=STARTING))
    assert (got.abstained, got.expression, got.expressions) == ("starting", None, None)
    assert got.confidence == 0.0


@pytest.mark.parametrize(
    "change",
    [
        {"time": "soon"},
        {"time": None},
        {"sequence": -1},
        {"sequence": True},
        {"expressions": {"neutral": 1}},
        {"expressions": "all"},
        {"expressions": dict.fromkeys(json.loads(affect())["expressions"], 0.0)},
    ],
    ids=str,
)
def test_what_is_no_vector_is_refused(change):
    said = {**json.loads(affect()), **change}
    with pytest.raises(DataError):
        reading(json.dumps(said).encode())


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[1]", b"{" * 100_000, b"[" * 60_000], ids=len)
def test_what_is_no_object_is_refused(payload):
    with pytest.raises(DataError):
        reading(payload)


def test_a_whole_number_that_no_float_can_hold_is_no_value():
    said = json.loads(affect())
    item = reading(json.dumps({**said, "valence": 10**400, "sequence": 7}).encode())
    assert (item.valence, item.sequence) == (None, 7)


def test_values_out_of_range_and_unknown_words_do_no_harm():
    said = json.loads(affect())
    said |= {"valence": 9, "arousal": "high", "confidence": float("nan"), "new": {"a": 1}}
    said |= {"states": [1], "people": 7, "modalities": ["face", 3], "expression": "<b>joy</b>"}
    got = reading(json.dumps(said).encode())
    assert (got.valence, got.arousal, got.confidence, got.people) == (None, None, 0.0, None)
    assert got.expression == "happiness"
    assert got.states == (None,) * 6
    assert got.modalities == ("face",)


def test_only_a_box_whose_vectors_come_is_live():
    box = Box("hall", "one")
    assert box.presence(1000.0) is Presence.UNKNOWN
    box.take("status", b"online", moment(0))
    assert box.presence(1001.0) is Presence.WAITING
    assert box.presence(1010.0) is Presence.SILENT
    box.take("affect", affect(10), moment(10))
    assert box.presence(1011.0) is Presence.LIVE
    assert box.presence(1011.0, is_connected=False) is Presence.CUT
    assert box.presence(1014.9) is Presence.LIVE
    assert box.presence(1015.1) is Presence.SILENT
    assert box.age_s(1015.1) == pytest.approx(5.1)
    box.take("affect", affect(16, 1), moment(16))
    box.take("status", b"offline", moment(17))
    assert box.presence(1017.0) is Presence.OFFLINE


def test_a_slow_box_has_more_time():
    box = box_that_said(
        ("about", b'{"leak_ceiling": {"records_per_s": 0.2}}', 0), ("affect", affect(), 0)
    )
    assert box.presence(1019.0) is Presence.LIVE
    assert box.presence(1021.0) is Presence.SILENT


def test_what_was_known_before_an_outage_does_not_count_after_it():
    raised = b'{"state": "raised", "severity": "urgent"}'
    box = box_that_said(
        ("status", b"online", 0), ("affect", affect(), 0), ("alert/anger", raised, 0)
    )
    assert [note.name for note in box.raised] == ["anger"]
    box.reconnected()
    assert box.presence(1000.5) is Presence.UNKNOWN
    assert box.raised == ()
    assert box.latest is not None


def test_alerts_count_only_while_the_box_is_online_and_urgent_ones_come_first():
    def alert(severity):
        return json.dumps({"state": "raised", "severity": severity}).encode()

    box = box_that_said(
        ("status", b"online", 0),
        ("alert/a", alert("info"), 0),
        ("alert/b", alert("urgent"), 0),
        ("alert/c", b'{"state": "cleared", "reason": "started"}', 0),
        ("alert/d", alert("prompt"), 0),
        ("alert/e", alert("warn"), 0),
        ("alert/f", alert("of another version"), 0),
    )
    assert [note.name for note in box.raised] == ["b", "e", "d", "a", "f"]
    box.take("alert/b", b"", moment(1))
    assert [note.name for note in box.raised] == ["e", "d", "a", "f"]
    box.take("status", b"offline", moment(2))
    assert box.raised == ()
    assert [(h.kind, h.name) for h in box.happenings] == [
        *(("alert", name) for name in "abdef"),
        ("status", "offline"),
    ]


def test_late_vectors_are_history_and_never_the_present():
    box = box_that_said(("affect", affect(100, 50), 100))
    sad = record((0, 0, 0, 15, 0, 0, 0, 0))
    box.take("affect", affect(20, 10, sad, is_late=True), moment(101))
    assert box.latest.sequence == 50
    assert box.n_late == 1
    assert [second for second, _ in box.history.since(0)] == [
        START_MS // 1000 + 20,
        START_MS // 1000 + 100,
    ]
    # And they do not keep a silent box alive.
    assert box.presence(1105.5) is Presence.SILENT


def test_vectors_that_waited_in_memory_are_history_though_they_do_not_say_so():
    box = box_that_said(("affect", affect(0, 0), 0))
    # The broker was away for 60 s; what waited comes within one.
    for n in range(1, 60):
        box.take("affect", affect(n, n), moment(60 + n / 60))
    is_old = [n for n in range(1, 60) if 60 + n / 60 - n > BEHIND_MS / 1000]
    assert box.n_late == len(is_old) > 40
    assert box.latest.sequence == 59
    assert box.presence(1061.0) is Presence.LIVE


def test_what_waited_is_history_for_a_reader_that_has_only_come_too():
    box = Box("hall", "one")
    box.take("affect", affect(0, 0), moment(300))
    assert box.latest is None
    assert box.presence(1300.1) is Presence.UNKNOWN


def test_the_same_number_twice_is_one_vector():
    box = box_that_said(("affect", affect(0, 5), 0), ("affect", affect(0, 5), 3))
    assert box.history.n_changes == 1
    assert box.age_s(1003.0) == 3.0


def test_clocks_that_differ_are_learned():
    fresh = Freshness()
    # A box that is 1000 s behind and believes itself right is history for 15 s, then present.
    told = [
        fresh.is_present(t, t - 1_000_000, is_synced=True) for t in range(0, SETTLED_MS + 1, 1000)
    ]
    assert told == [False] * 15 + [True]
    assert fresh.is_present(16_000, 16_000 - 1_000_000, is_synced=True)
    # One that does not know the time is believed at once, and a burst of old ones still told.
    unsynced = Freshness()
    assert unsynced.is_present(0, 5_000, is_synced=False)
    assert not unsynced.is_present(60_000, 6_000, is_synced=False)
    assert unsynced.is_present(60_500, 64_000, is_synced=False)


def test_malformed_messages_are_counted_and_change_nothing():
    box = box_that_said(("status", b"online", 0), ("affect", affect(), 0))
    before = box.latest
    for kind, payload in [
        ("affect", b"{}"),
        ("status", b"fine"),
        ("event", b'{"event": 7}'),
        ("alert/x", b'{"state": "maybe"}'),
        ("about", b"no"),
        ("health", b"[]"),
        ("marker", b"{}"),
        ("affect", b"[" * 60_000),
    ]:
        box.take(kind, payload, moment(1))
    assert box.n_malformed == 8
    assert (box.latest, box.status, box.about, box.health) == (before, "online", None, None)


def test_an_event_is_one_thing_with_a_start_and_an_end():
    def event(phase, second):
        said = {"event": "applause", "phase": phase, "time": time_text(START_MS + second * 1000)}
        return json.dumps({**said, "since": time_text(START_MS), "level": 0.8}).encode()

    box = box_that_said(("event", event("start", 1), 1))
    assert [h.end_ms for h in box.happenings] == [None]
    box.take("event", event("end", 9), moment(9))
    box.take("event", event("end", 9), moment(9))
    (happening,) = box.happenings
    assert (happening.name, happening.start_ms) == ("applause", START_MS)
    assert happening.end_ms == START_MS + 9000


def test_gaps_and_markers_are_told():
    box = box_that_said(
        ("affect", affect(9, 9, gap=Gap(3, START_MS, START_MS + 8000)), 9),
        ("marker", b'{"time": "2026-09-21T14:13:20.123Z", "text": "Questions", "number": 12}', 9),
    )
    assert [(h.kind, h.name, h.n) for h in box.happenings] == [
        ("gap", "gap", 3),
        ("marker", "Questions", 12),
    ]


def test_a_history_is_bounded_and_tells_what_is_new():
    history = History()
    for n in range(SPAN_S + 100):
        history.put(reading(affect(n, n)), is_present=True)
    assert len(history) == SPAN_S
    seen = history.n_changes
    assert history.since(seen) == []
    history.put(reading(affect(SPAN_S + 200, 1)), is_present=True)
    ((second, values),) = history.since(seen)
    assert second == START_MS // 1000 + SPAN_S + 200
    assert dict(zip(COLUMNS, values, strict=True))["happiness"] == 60
    assert len(history) == SPAN_S - 100


def test_a_history_holds_no_affect_where_none_was_told():
    history = History()
    history.put(reading(affect(item=STARTING)), is_present=True)
    ((_, values),) = history.since(0)
    assert values == (None,) * len(COLUMNS)


def test_a_clock_set_back_begins_a_new_history_and_old_news_does_not():
    history = History()
    history.put(reading(affect(5000)), is_present=True)
    history.put(reading(affect(10)), is_present=False)
    assert (history.epoch, len(history)) == (0, 1)
    history.put(reading(affect(10)), is_present=True)
    assert (history.epoch, len(history)) == (1, 1)


def test_what_waited_under_a_clock_that_was_ahead_pushes_nothing_out():
    history = History()
    for second in range(5):
        history.put(reading(affect(second, second)), is_present=True)
    ahead_s = 10 * 365 * 86_400
    history.put(reading(affect(ahead_s, 5, is_late=True)), is_present=False)
    history.put(reading(affect(5, 6)), is_present=True)
    assert [point[0] - START_MS // 1000 for point in history.since(0)] == list(range(6))
    assert history.epoch == 0


def test_a_fleet_sorts_messages_to_boxes_and_is_bounded():
    fleet = Fleet(max_boxes=2)
    for name in ("a/1", "a/2", "a/3", "a/3", "b/1"):
        fleet.take(f"edge-affect/{name}/status", b"online", moment())
    for topic in ("edge-affect/a", "other/a/1/status", "edge-affect//x/status"):
        fleet.take(topic, b"online", moment())
    fleet.take("edge-affect/a/9/set/pause", b"", moment())
    assert [box.name for box in fleet] == ["a/1", "a/2"]
    assert fleet.n_left_out == 2
    fleet.take("edge-affect/a/1/status", b"", moment())
    assert [box.name for box in fleet] == ["a/2"]


def test_a_fleet_knows_that_its_broker_is_gone_and_since_when():
    fleet = Fleet()
    fleet.connected(10.0)
    fleet.take("edge-affect/a/1/status", b"online", moment())
    fleet.disconnected("The broker is gone: connection lost.", 20.0)
    fleet.disconnected("The broker cannot be reached.", 25.0)
    assert (fleet.link.is_connected, fleet.link.since_s) == (False, 20.0)
    fleet.connected(30.0)
    assert (fleet.link.n_connections, fleet.link.error) == (2, None)
    assert fleet.get("a/1").status is None


def test_reasons_are_words_of_the_record():
    said = {str(r.name).lower().replace("_", "-") for r in AbstainReason} - {"none"}
    assert reading(affect(item=STARTING)).abstained in said
