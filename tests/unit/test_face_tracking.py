"""Following faces by place and motion, on scripted boxes: no picture, no model."""

import math

import numpy as np
import pytest

from edge_affect.config import Face
from edge_affect.perception.face_following import FaceFollower
from edge_affect.perception.face_landmarks import FaceLandmarks
from edge_affect.perception.face_look_plan import LookPlan, LookSettings
from edge_affect.perception.face_reading import FaceReading
from edge_affect.perception.face_search import ALL_LOOKS, Look
from edge_affect.perception.face_showing import Eyes
from edge_affect.perception.face_track import (
    Track,
    TrackSettings,
    apart,
    face_of_mesh,
    middle_px,
)
from edge_affect.perception.face_tracking import FaceTracks, clear_links
from edge_affect.perception.reading_pace import ReadingPace
from edge_affect.types import Box, FaceDetection, FaceSignals, VideoFrame

MS = 1_000_000
S = 1_000_000_000
SIZE = (640, 480)
HAPPY = np.array([0.1, 0.8, 0.1, 0, 0, 0, 0, 0])


def face(x, y=240.0, width=80.0, probability=0.9):
    box = Box(x - width / 2, y - width / 2, width, width)
    keypoints = np.array([[x + dx, y] for dx in (-20, 20, 0, 0, -40, 40)], dtype=np.float32)
    return FaceDetection(box, keypoints, probability)


def run(tracks, script, from_s=0.0, rate_hz=10.0):
    """Feed lists of faces; return the track of each face, frame by frame."""
    numbers = []
    for n, faces in enumerate(script):
        now_ns = round((from_s + n / rate_hz) * S)
        tracks.expire(now_ns, SIZE)
        known, begun = tracks.link(faces, now_ns)
        seen = {**known, **{track: track.face for track in begun}}
        for track, there in seen.items():
            tracks.see(track, there, now_ns)
        for track in tracks.tracks:
            track.is_missing = track.seen_ns != now_ns
        tracks.part(now_ns)
        found = {id(seen[track]): track.number for track in tracks.tracks if track in seen}
        numbers.append([found.get(id(one)) for one in faces])
    return numbers


def test_faces_keep_their_numbers():
    tracks = FaceTracks(20)
    script = [[face(100 + 3 * n), face(300), face(500 - 3 * n)] for n in range(20)]
    assert run(tracks, script) == [[1, 2, 3]] * 20


def test_a_face_that_walks_keeps_its_number():
    tracks = FaceTracks(20)
    assert run(tracks, [[face(50 + 20 * n)] for n in range(25)]) == [[1]] * 25


def test_twenty_faces_keep_their_numbers_and_no_more_are_followed():
    tracks = FaceTracks(20)
    spots = [(50 + 90 * (n % 7), 60 + 120 * (n // 7)) for n in range(25)]
    script = [[face(x + 2 * math.sin(frame + x), y, 50) for x, y in spots] for frame in range(10)]
    assert run(tracks, script) == [[*range(1, 21), *[None] * 5]] * 10


@pytest.mark.parametrize("n_missed", [1, 3, 5])
def test_brief_misses_are_survived(n_missed):
    tracks = FaceTracks(20)
    script = [[face(200)]] * 4 + [[]] * n_missed + [[face(205)]] * 3
    assert [row[0] for row in run(tracks, script) if row] == [1] * 7


def test_who_was_away_for_longer_comes_back_as_somebody_else():
    tracks = FaceTracks(20)
    gap_s = TrackSettings().max_gap_s
    assert run(tracks, [[face(200)]] * 4) == [[1]] * 4
    assert run(tracks, [[face(200)]] * 2, from_s=0.3 + gap_s + 0.01) == [[2]] * 2


def test_who_walks_out_and_back_comes_back_as_somebody_else():
    tracks = FaceTracks(20)
    out = [[face(480 + 25 * n)] for n in range(6)]
    numbers = run(tracks, [*out, [], [face(600)], [face(590)]])
    assert [row[0] for row in numbers if row] == [1] * 6 + [2] * 2


def test_what_is_seen_once_is_not_waited_for():
    tracks = FaceTracks(20)
    assert run(tracks, [[face(200)], [], [face(200)]]) == [[1], [], [2]]


def test_who_passes_at_a_distance_keeps_the_number():
    tracks = FaceTracks(20)
    script = [[face(100 + 20 * n, 120), face(500 - 20 * n, 320)] for n in range(21)]
    assert run(tracks, script) == [[1, 2]] * 21


@pytest.mark.parametrize("is_turning_back", [False, True])
def test_faces_that_pass_in_front_of_each_other_get_new_numbers(is_turning_back):
    def places(n):
        off = 200 - 20 * n
        return (320 - off, 320 + off) if not is_turning_back else (320 - abs(off), 320 + abs(off))

    def visible(one, other):
        return [face(one), face(other)] if abs(one - other) > 40 else [face((one + other) / 2)]

    numbers = run(FaceTracks(20), [visible(*places(n)) for n in range(21)])
    assert numbers[:8] == [[1, 2]] * 8
    before, after = set(numbers[0]), set(numbers[-1])
    assert len(after) == 2
    assert not before & after


def test_a_sighting_between_two_missing_faces_goes_to_neither():
    tracks = FaceTracks(20)
    numbers = run(tracks, [[face(200), face(270)]] * 3 + [[]] * 2 + [[face(235)]] * 2)
    assert numbers[:3] == [[1, 2]] * 3
    assert numbers[-2:] == [[3]] * 2
    assert [track.number for track in tracks.tracks] == [3]


def test_a_face_of_another_size_is_another_face():
    tracks = FaceTracks(20)
    numbers = run(tracks, [[face(200, width=100)]] * 3 + [[]] + [[face(270, width=50)]] * 2)
    assert numbers[-1] == [2]


def test_a_second_answer_for_one_face_begins_no_track():
    tracks = FaceTracks(20)
    run(tracks, [[face(200)], [face(200), face(225, width=150)]])
    assert [track.number for track in tracks.tracks] == [1]


def test_a_mesh_that_went_elsewhere_does_not_take_the_track_along():
    tracks = FaceTracks(20)
    run(tracks, [[face(200)]] * 3)
    (track,) = tracks.tracks
    assert not tracks.follow(track, face(290), 300 * MS)
    assert track.is_missing
    assert middle_px(track.face.box)[0] == 200
    assert tracks.follow(track, face(205), 300 * MS)
    assert not track.is_missing


def test_a_mesh_without_a_detector_does_not_hold_for_ever():
    tracks = FaceTracks(20)
    run(tracks, [[face(200)]])
    (track,) = tracks.tracks
    for n in range(1, 40):
        tracks.expire(n * 100 * MS, SIZE)
        if track in tracks.tracks:
            tracks.follow(track, face(200), n * 100 * MS)
    assert tracks.tracks == ()
    assert track.seen_ns == 3_000 * MS


def test_clearing_forgets_everything():
    tracks = FaceTracks(20)
    run(tracks, [[face(200), face(400)]] * 3)
    tracks.clear()
    assert tracks.tracks == ()
    assert run(tracks, [[face(200)]], from_s=0.3) == [[1]]


def test_clear_matches_make_others_clear():
    distances = np.array([[0.05, 0.3, np.inf], [0.4, 0.4, np.inf], [np.inf, np.inf, 0.2]])
    assert clear_links(distances, 0.5) == ({0: 0, 1: 1, 2: 2}, [])
    assert clear_links(np.array([[0.3, 0.2]]), 0.5) == ({}, [0])
    assert clear_links(np.array([[0.3], [0.2]]), 0.5) == ({}, [0, 1])
    assert clear_links(np.zeros((2, 2)), 0.5) == ({}, [0, 1])
    assert clear_links(np.full((2, 2), np.inf), 0.5) == ({}, [])
    assert clear_links(np.zeros((0, 3)), 0.5) == ({}, [])


def test_the_velocity_is_learnt_and_one_jump_is_not():
    track = Track(1, face(100), 0, 0)
    for n in range(1, 15):
        track.see(face(100 + 10 * n), n * 100 * MS, 0.25)
    assert track.velocity_px_s == pytest.approx([100, 0], abs=1)
    assert middle_px(track.expected(1_500 * MS).box) == pytest.approx([250, 240], abs=1)
    track = Track(1, face(100), 0, 0)
    track.see(face(110), 33 * MS, 0.25)
    track.see(face(100), 66 * MS, 0.25)
    assert np.abs(track.velocity_px_s).max() < 10


def test_a_mesh_stands_for_a_detection():
    angles = np.linspace(0, 2 * math.pi, 468)
    for roll in (0.0, 0.5):
        turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
        points = np.stack([45 * np.cos(angles), 50 * np.sin(angles)], axis=1)
        points[[33, 133]], points[[263, 362]] = (-20, -10), (20, -10)
        found = face_of_mesh(FaceLandmarks((points @ turn + 200).astype(np.float32), 1.0))
        assert found.box.width_px == pytest.approx(100 / 1.014, rel=0.01)
        down = np.array([0, 0.047 * found.box.width_px]) @ turn
        assert middle_px(found.box) == pytest.approx(200 + down, abs=1)
        assert found.keypoints_px[:2] == pytest.approx([(-20, -10), (20, -10)] @ turn + 200, abs=1)


# The budget and the looks.


class Stopwatch:
    now_ns = 0

    def __call__(self):
        return self.now_ns


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


def looks_for(share):
    return frozenset({Look.NEAR if share >= 0.15 else Look.FAR})


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


# All of it over a scripted world.


class World:
    """People at given places; stands in for detectors and mesh, and counts what is asked."""

    def __init__(self, stopwatch=None, reading_ms=0.0, eyes_ms=0.0):
        self.people = []
        self.eyes_at = []
        self.n_looks = self.n_readings = 0
        self.is_blind = False
        self._stopwatch, self._reading_ns = stopwatch or Stopwatch(), reading_ms * MS
        self._eyes_ns = eyes_ms * MS

    def looks_for(self, share):
        return looks_for(share)

    def look(self, pixels, looks):
        self.n_looks += 1
        seen = [p for p in self.people if looks_for(p.box.width_px / 640) <= looks]
        return () if self.is_blind else tuple(seen)

    def is_small(self, detection):
        return detection.box.width_px < 40

    def is_sure(self, detection):
        return detection.probability >= 0.7

    def read(self, pixels, detection, *, is_quick=False):
        self.n_readings += 1
        self._stopwatch.now_ns += self._reading_ns
        there = [p for p in self.people if apart(p.box, detection.box) < 0.4]
        if self.is_blind or not there:
            return None
        (person,) = there
        return FaceReading(person, None, HAPPY, mesh_of(person))

    # Geometry: every face smiles, and shows its eyes when there is time.

    def new_eyes(self):
        return Eyes(None)

    def wants_eyes(self, eyes, now_ns):
        return True

    def read_eyes(self, frame, landmarks, pose, eyes):
        self._stopwatch.now_ns += self._eyes_ns
        eyes.read_ns = frame.captured_ns
        self.eyes_at.append(frame.captured_ns)

    def signals(self, frame, landmarks, pose, eyes):
        return SMILE


SMILE = FaceSignals(0.0, 0.0, 0.0, None, None, 1.0, 0.0, 1.0, 0.0, 0.0)


def mesh_of(detection):
    x, y = middle_px(detection.box)
    half = detection.box.width_px * 1.014 / 2
    points = np.full((468, 2), (x, y), dtype=np.float32)
    points[10], points[152] = (x, y - half), (x, y + half)
    points[[33, 133]], points[[263, 362]] = (x - half / 3, y), (x + half / 3, y)
    points[:, 1] -= 0.047 * detection.box.width_px
    # Any head that is not one point has a pose.
    points[20::7] += np.linspace(0, half / 2, len(points[20::7]))[:, np.newaxis]
    return FaceLandmarks(points, 1.0, np.zeros(468, dtype=np.float32))


def follower(world, budget_ms=1e9, max_faces=20):
    pace = ReadingPace(budget_ms, world._stopwatch)
    return FaceFollower(world, world, world, pace, max_faces)


def frame(n, rate_hz=10.0):
    return VideoFrame(np.zeros((480, 640, 3), np.uint8), round(n / rate_hz * S))


def test_a_followed_face_is_read_in_every_frame_with_few_looks():
    world = World()
    watcher = follower(world)
    for n in range(30):
        world.people = [face(200 + 5 * n, width=120)]
        seen = watcher.observe(frame(n))
        assert [f.track for f in seen.faces] == [1]
        assert [e.observed_ns for e in seen.estimates] == [seen.observed_ns]
        assert seen.faces[0].estimate is seen.estimates[0]
    assert world.n_looks <= 10
    assert world.n_readings == 30


def test_a_still_empty_room_is_hardly_looked_at_until_something_moves():
    world = World()
    watcher = follower(world)
    for n in range(60):
        watcher.observe(frame(n))
    assert watcher.is_at_rest
    before = world.n_looks
    for n in range(60, 160):
        watcher.observe(frame(n))
    assert world.n_looks - before <= 16
    world.people = [face(300, width=120)]
    came = frame(160)
    came.pixels[100:300, 250:400] = 90
    seen = watcher.observe(came)
    assert len(seen.faces) == 1
    assert not watcher.is_at_rest
    # Even somebody who was always there and never moved is found before long.
    watcher.clear()
    world.people = []
    for n in range(200, 300):
        watcher.observe(frame(n))
    world.people = [face(300, width=120)]
    found = [len(watcher.observe(frame(n)).faces) for n in range(300, 325)]
    assert 1 in found


def test_a_budget_that_shrinks_counts_from_the_next_frame():
    stopwatch = Stopwatch()
    pace = ReadingPace(30.0, stopwatch)
    with pace.timed("reading"):
        stopwatch.now_ns += 8 * MS
    pace.set_budget(6.0)
    pace.begin_frame()
    assert pace.allows("reading")
    pace.note_reading()
    assert not pace.allows("reading")


def test_a_reading_counts_in_one_observation_and_stays_with_its_face():
    world = World()
    watcher = follower(world)
    world.people = [face(300, width=120)]
    read = [watcher.observe(frame(n)) for n in range(3)][-1]
    world.is_blind = True
    hidden = watcher.observe(frame(3))
    assert (hidden.n_faces, hidden.estimates) == (1, ())
    assert hidden.faces[0].estimate is read.estimates[0]
    assert [watcher.observe(frame(n)).n_faces for n in range(4, 12)][-1] == 0


def test_a_crowd_takes_turns_the_longest_waiting_first():
    stopwatch = Stopwatch()
    world = World(stopwatch, reading_ms=5.0)
    watcher = follower(world, budget_ms=Face().budget_ms)
    world.people = [face(50 + 90 * (n % 7), 60 + 120 * (n // 7), 50) for n in range(20)]
    read_at = {}
    gaps = []
    for n in range(60):
        before = stopwatch.now_ns
        seen = watcher.observe(frame(n))
        assert stopwatch.now_ns - before <= 31 * MS
        assert seen.n_faces == 20
        assert 4 <= len(seen.estimates) <= 6
        for found in seen.faces:
            if found.estimate is not None and found.estimate.observed_ns == seen.observed_ns:
                gaps.append(n - read_at.get(found.track, n))
                read_at[found.track] = n
    assert sorted(read_at) == list(range(1, 21))
    assert max(gaps) <= 5
    # Alone, one is read in every frame again.
    world.people = world.people[:1]
    for n in range(60, 70):
        seen = watcher.observe(frame(n))
    assert len(seen.estimates) == 1


def test_signals_come_with_every_mesh_and_eyes_from_what_is_left():
    world = World(Stopwatch(), reading_ms=5.0, eyes_ms=4.0)
    watcher = follower(world, budget_ms=30.0)
    world.people = [face(150, width=100), face(450, width=100)]
    observations = [watcher.observe(frame(n)) for n in range(10)]
    assert [[f.signals for f in seen.faces] for seen in observations] == [[SMILE] * 2] * 10
    assert len(world.eyes_at) == 20
    world.people = [face(50 + 90 * (n % 7), 60 + 120 * (n // 7), 50) for n in range(20)]
    watcher.clear()
    world.eyes_at.clear()
    for n in range(20):
        watcher.observe(frame(n))
    assert len(world.eyes_at) <= 20


def test_a_slow_board_still_reads_one_face_a_frame():
    world = World(Stopwatch(), reading_ms=80.0)
    watcher = follower(world, budget_ms=30.0)
    world.people = [face(150, width=100), face(450, width=100)]
    observations = [watcher.observe(frame(n)) for n in range(10)]
    assert [len(seen.estimates) for seen in observations] == [1] * 10
    assert [f.estimate is not None for f in observations[-1].faces] == [True, True]


def test_a_small_face_is_followed_and_not_read():
    world = World()
    watcher = follower(world)
    world.people = [face(300, width=30)]
    observations = [watcher.observe(frame(n)) for n in range(20)]
    assert [[f.track for f in seen.faces] for seen in observations] == [[1]] * 20
    assert {f.estimate for seen in observations for f in seen.faces} == {None}
    assert world.n_readings == 0


def test_a_newcomer_beside_a_followed_face_is_found_within_a_second():
    world = World()
    watcher = follower(world)
    world.people = [face(200, width=150)]
    for n in range(12):
        watcher.observe(frame(n))
    world.people = [*world.people, face(450, width=150), face(600, 100, 45)]
    counts = [watcher.observe(frame(n)).n_faces for n in range(12, 25)]
    assert 2 in counts[:7]
    assert counts[11:] == [3, 3]


def test_after_clearing_nothing_is_left():
    world = World()
    watcher = follower(world)
    world.people = [face(300, width=120)]
    for n in range(5):
        watcher.observe(frame(n))
    watcher.clear()
    world.people = []
    seen = watcher.observe(frame(5))
    assert (seen.n_faces, seen.faces, watcher.whereabouts()) == (0, (), {})


def test_a_pause_of_the_camera_ends_all_tracks():
    world = World()
    watcher = follower(world)
    world.people = [face(300, width=120)]
    for n in range(5):
        watcher.observe(frame(n))
    assert [f.track for f in watcher.observe(frame(30)).faces] == [2]
