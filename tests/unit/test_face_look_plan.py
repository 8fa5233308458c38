"""When a face is read and when the detector looks: the budget of time, and the plan of looks."""

import pytest
from track_parts import MS, S, Stopwatch, face, looks_for

from edge_affect.perception.face_look_plan import LookPlan, LookSettings
from edge_affect.perception.face_search import ALL_LOOKS, Look
from edge_affect.perception.face_track import (
    Track,
)
from edge_affect.perception.reading_pace import ReadingPace


def test_the_pace_keeps_its_budget_and_learns_what_a_reading_takes():
    stopwatch = Stopwatch()
    pace = ReadingPace(30.0, stopwatch)
    for cost_ms, wanted in ((10, 4), (10, 3), (40, 1), (40, 1)):
        pace.begin_frame()
        n_read = 0
        while pace.allows("reading") and n_read < 99:
            with pace.timed("reading"):
                stopwatch.now_ns += cost_ms * MS
            pace.note_reading()
            n_read += 1
        assert abs(n_read - wanted) <= 1, (cost_ms, n_read)


def test_the_pace_keeps_time_for_what_is_still_to_come():
    stopwatch = Stopwatch()
    pace = ReadingPace(30.0, stopwatch)
    for step, cost_ms in (("reading", 5), ("look", 18)):
        with pace.timed(step):
            stopwatch.now_ns += cost_ms * MS
    pace.begin_frame()
    pace.note_reading()
    stopwatch.now_ns += 8 * MS
    assert pace.allows("reading")
    assert not pace.allows("reading", "look")


def eyes_read(pace, stopwatch, n_frames, cost_ms):
    """Return on which of some frames, each of one reading, there was time for the eyes."""
    frames = []
    for number in range(n_frames):
        pace.begin_frame()
        with pace.timed("reading"):
            stopwatch.now_ns += 10 * MS
        pace.note_reading()
        if pace.allows("eyes"):
            with pace.timed("eyes"):
                stopwatch.now_ns += round((100 if number == 0 else cost_ms) * MS)
            frames.append(number)
    return frames


def test_one_slow_run_does_not_switch_a_step_off_for_ever():
    stopwatch = Stopwatch()
    frames = eyes_read(ReadingPace(30.0, stopwatch), stopwatch, 300, cost_ms=5)
    assert frames[:2] == [0, 102]
    assert frames[1:] == list(range(102, 300))


def test_a_step_that_never_fits_is_tried_seldom():
    stopwatch = Stopwatch()
    frames = eyes_read(ReadingPace(30.0, stopwatch), stopwatch, 1000, cost_ms=25)
    assert 8 <= len(frames) <= 10


def planned(plan, tracks, n_frames, rate_hz=10.0):
    looks = []
    for n in range(n_frames):
        now_ns = round(n / rate_hz * S)
        for track in tracks:
            track.seen_ns = now_ns
        looks.append(plan.due(tracks, now_ns, 640))
        plan.note(looks[-1], now_ns)
    return looks


def test_an_empty_room_is_looked_at_in_turns():
    first, *others = planned(LookPlan(looks_for), [], 61)
    assert first == ALL_LOOKS
    assert max(len(looks) for looks in others) == 1
    counts = [sum(look in looks for looks in others) for look in Look]
    assert min(counts) >= 15
    # A slow camera leaves no look waiting for seconds.
    assert planned(LookPlan(looks_for), [], 5, rate_hz=1.0) == [ALL_LOOKS] * 5


def test_a_followed_face_leaves_most_frames_without_a_look():
    track = Track(1, face(320, width=200), 0, 0, n_seen=5, is_meshed=True)
    looks = planned(LookPlan(looks_for), [track], 61)
    assert sum(not look for look in looks) >= 42
    assert max(len(look) for look in looks[1:]) == 1
    assert sum(Look.FAR in look for look in looks) >= 5


def test_faces_in_need_get_their_look_at_once():
    settings = LookSettings()
    far = Track(1, face(320, width=50), 0, 0, n_seen=5)
    held = planned(LookPlan(looks_for), [far], 31)
    n_far = sum(Look.FAR in look for look in held)
    assert n_far == pytest.approx(3 / (settings.holding_s + 0.05), abs=2)
    plan = LookPlan(looks_for)
    plan.note(ALL_LOOKS, 0)
    near = Track(2, face(320, width=200), 0, 0, n_seen=5, is_meshed=True, is_missing=True)
    assert plan.due([near], 100 * MS, 640) == {Look.NEAR}
    near.is_missing, near.seen_ns = False, 90 * MS
    assert plan.due([near], 100 * MS, 640) == frozenset()
