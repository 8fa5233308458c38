"""Following faces by place and motion, on scripted boxes: no picture, no model."""

import math

import numpy as np
import pytest
from track_parts import MS, SIZE, S, face

from edge_affect.perception.face_landmarks import FaceLandmarks
from edge_affect.perception.face_track import (
    Track,
    TrackSettings,
    face_of_mesh,
    middle_px,
)
from edge_affect.perception.face_tracking import FaceTracks, clear_links


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
