"""Counting who is taken for whom, and the real models on films composed of talking heads."""

import numpy as np
import pytest
from undecided import Undecided

from edge_affect.clock import ManualClock
from edge_affect.config import Config, Face, Privacy
from edge_affect.errors import InputMissingError
from edge_affect.evaluation.composed_faces import Head, Scene, load_head
from edge_affect.evaluation.following import FollowingFigures, follow_scene
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.interpreter import load_model
from edge_affect.record import AbstainReason, People, SourceState
from edge_affect.sensing.assembly import build_pipeline
from edge_affect.types import Box, FaceDetection, VideoFrame

BLANK = Head(np.zeros((1, 16, 16, 3), np.uint8), 25.0)


def at(x, y=240.0, width=80.0):
    return FaceDetection(
        Box(x - width / 2, y - width / 2, width, width), np.zeros((6, 2), np.float32), 1.0
    )


class Says:
    """Claims, frame by frame, which track is where."""

    def __init__(self, *frames):
        self._frames = iter(frames)

    def clear(self):
        self.is_cleared = True

    def observe(self, frame):
        self._now = next(self._frames)

    def whereabouts(self):
        return {number: at(x) for number, x in self._now.items()}


def two_people(seconds=0.6):
    paths = (lambda _s: (200.0, 240.0, 80.0)), (lambda _s: (440.0, 240.0, 80.0))
    return Scene((BLANK, BLANK), paths, seconds)


RIGHT = {1: 200, 2: 440}


def test_following_without_fault():
    reader = Says(*[RIGHT] * 6)
    assert follow_scene(two_people(), reader, 0.6) == FollowingFigures(12, 12, 2)
    assert reader.is_cleared


def test_swapped_numbers_are_wrong():
    figures = follow_scene(two_people(), Says(*[RIGHT] * 3, *[{1: 440, 2: 200}] * 3), 0.6)
    assert (figures.n_wrong, figures.n_broken) == (2, 2)


def test_new_numbers_are_breaks_and_stray_tracks_are_ghosts():
    frames = [RIGHT] * 3 + [{1: 200, 3: 440}] * 2 + [{1: 200, 3: 440, 4: 320}]
    figures = follow_scene(two_people(), Says(*frames), 0.6)
    assert (figures.n_wrong, figures.n_broken, figures.n_ghosts, figures.n_tracks) == (0, 1, 1, 3)


def test_a_face_without_a_track_is_not_followed():
    figures = follow_scene(two_people(), Says(*[RIGHT] * 4, *[{1: 200}] * 2), 0.6)
    assert (figures.n_shown, figures.n_followed) == (12, 10)


@pytest.mark.parametrize(("comes_back_as", "n_relinked"), [(2, 1), (3, 0)])
def test_a_number_that_outlives_an_absence_is_relinked(comes_back_as, n_relinked):
    def path(at_s):
        return None if 0.25 < at_s < 1.15 else (440.0, 240.0, 80.0)

    scene = Scene((BLANK, BLANK), (two_people().paths[0], path), 1.5)
    frames = [RIGHT] * 3 + [{1: 200}] * 9 + [{1: 200, comes_back_as: 440}] * 3
    assert follow_scene(scene, Says(*frames), 0.6).n_relinked == n_relinked


def test_who_is_hidden_is_not_shown():
    paths = (lambda _s: (200.0, 240.0, 80.0)), (lambda s: (200.0 + 500 * s, 240.0, 80.0))
    scene = Scene((BLANK, BLANK), paths, 0.6)
    shown = [sorted(composed.places) for composed in scene.frames()]
    assert shown == [[1], [1], [0, 1], [0, 1], [0, 1], [0, 1]]


@pytest.fixture(scope="module")
def reader():
    try:
        names = ("face_detection_near", "face_detection_far", "face_landmark")
        models = FaceModels(*map(load_model, names), Undecided(), load_model("iris_landmark"))
    except InputMissingError as error:
        pytest.skip(str(error))
    # What is tested is who is followed, not how fast this machine is.
    return FaceReader(models, Face(budget_ms=1000.0))


@pytest.fixture(scope="module")
def heads(data_dir, reader):
    clips = ("bbaf2n.mpg", "lwbsza.mpg", "swiz3n.mpg")
    return [load_head(data_dir / "video" / "grid" / clip, reader) for clip in clips]


def test_nine_heads_that_stay_are_told_as_a_group(heads):
    clock = ManualClock()
    config = Config(privacy=Privacy(min_people=5, group_rest_s=2.0), face=Face(budget_ms=1000.0))
    try:
        pipeline = build_pipeline(config, clock, has_sound=False, has_pictures=True)
    except InputMissingError as error:
        pytest.skip(str(error))
    places = [still(80 + 160 * (k % 4), 80 + 160 * (k // 4), 84) for k in range(9)]
    told = []
    for composed in Scene(tuple(heads * 3), tuple(places), 5.0, rate_hz=4.0).frames():
        clock.advance_to(composed.frame.captured_ns)
        pipeline.on_frame(composed.frame)
        told.append(pipeline.record(SourceState.MISSING, SourceState.OK))
    reasons = [record.abstained for record in told]
    assert AbstainReason.NONE not in reasons[:8]
    assert reasons[12:] == [AbstainReason.NONE] * 8
    assert told[-1].people is People.GROUP


def still(x, y=240.0, width=100.0):
    return lambda _s: (x, y, width)


def walk(start, end, seconds, y=240.0):
    return lambda s: (start + (end - start) * min(1.0, s / seconds), y, 100.0)


@pytest.mark.data
def test_talking_heads_keep_their_numbers(reader, heads):
    scene = Scene(tuple(heads), (still(120), walk(280, 340, 1.5), still(520)), 1.5)
    figures = follow_scene(scene, reader, 0.7)
    assert figures == FollowingFigures(n_shown=45, n_followed=45, n_tracks=3)


@pytest.mark.data
def test_heads_that_pass_are_never_swapped(reader, heads):
    scene = Scene(tuple(heads[:2]), (walk(120, 520, 2), walk(520, 120, 2, 250)), 2.5)
    figures = follow_scene(scene, reader, 0.7)
    assert figures.n_followed >= 0.85 * figures.n_shown
    assert (figures.n_wrong, figures.n_relinked) == (0, 0)
    assert figures.n_tracks == 4


@pytest.mark.data
def test_a_hidden_head_is_waited_for_and_one_that_left_is_not(reader, heads):
    def hidden(from_s, to_s):
        return lambda s: None if from_s < s < to_s else (200.0, 240.0, 100.0)

    briefly = follow_scene(Scene((heads[0],), (hidden(0.55, 0.95),), 1.5), reader, 0.7)
    assert (briefly.n_tracks, briefly.n_followed) == (1, briefly.n_shown)
    away = follow_scene(Scene((heads[0],), (hidden(0.55, 1.55),), 2.2), reader, 0.7)
    assert (away.n_tracks, away.n_relinked) == (2, 0)
    assert away.n_followed >= away.n_shown - 3


@pytest.mark.data
def test_a_followed_face_reads_as_it_does_by_itself(reader, heads):
    composed = list(Scene((heads[0],), (walk(200, 300, 1),), 1.0).frames())
    reader.clear()
    for one in composed:
        seen = reader.observe(one.frame)
        (followed,) = reader.whereabouts().values()
        (alone,) = reader.read(one.frame.pixels)
        box, other = followed.box, alone.detection.box
        assert abs(box.left_px - other.left_px) < 0.12 * other.width_px
        assert box.width_px == pytest.approx(other.width_px, rel=0.15)
    signals = seen.faces[0].signals
    assert signals is not None
    assert max(abs(signals.yaw_deg), abs(signals.roll_deg)) < 25


@pytest.mark.data
def test_a_crowd_is_followed(reader, heads):
    places = [(64 + 128 * (n % 5), 60 + 120 * (n // 5)) for n in range(20)]
    paths = tuple(still(x, y, 64.0) for x, y in places)
    scene = Scene(tuple(heads[n % 3] for n in range(20)), paths, 0.4)
    reader.clear()
    seen = [reader.observe(composed.frame) for composed in scene.frames()]
    # The detector does not find all faces of a dense crowd; those that it finds stay.
    assert 14 <= seen[0].n_faces <= 20
    followed = [{face.track for face in one.faces} for one in seen]
    assert len(followed) == 4
    assert all(followed[0] <= later for later in followed[1:])
    assert len(seen[-1].estimates) >= 14


def test_a_clip_without_a_face_has_no_head(tmp_path):
    import av

    path = tmp_path / "grey.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
        for packet in [*stream.encode(grey), *stream.encode(None)]:
            film.mux(packet)

    class Blind:
        def read(self, pixels):
            return ()

    with pytest.raises(InputMissingError, match=r"No face was found .*grey\.mkv"):
        load_head(path, Blind())
    assert VideoFrame(Head(np.zeros((3, 8, 8, 3), np.uint8), 1.0).at(4.0), 0).pixels.shape == (
        8,
        8,
        3,
    )
