"""A followed face from frame to frame, with detector, mesh and model scripted."""

import numpy as np
from track_parts import HAPPY, MS, S, Stopwatch, face, looks_for

from edge_affect.config import Face
from edge_affect.perception.face_following import FaceFollower
from edge_affect.perception.face_landmarks import FaceLandmarks
from edge_affect.perception.face_reading import FaceReading
from edge_affect.perception.face_showing import Eyes
from edge_affect.perception.face_track import (
    apart,
    middle_px,
)
from edge_affect.perception.reading_pace import ReadingPace
from edge_affect.types import FaceSignals, VideoFrame


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
