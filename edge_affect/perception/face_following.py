"""Following the faces of a scene: seldom a detector, the mesh from frame to frame, within a budget.

Where the mesh fitted, the next mesh is looked for there; that costs less than a detector and says
more. A detector looks again now and then, for newcomers, and at once for a face that is missing.
With more faces than fit into the budget of a frame, those that waited longest are read first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.perception.face_look_plan import LookPlan
from edge_affect.perception.face_pose import head_pose
from edge_affect.perception.face_search import ALL_LOOKS, Look
from edge_affect.perception.face_showing import NEVER_NS
from edge_affect.perception.face_track import face_of_mesh
from edge_affect.perception.face_tracking import FaceTracks
from edge_affect.perception.stillness import Stillness
from edge_affect.types import ExpressionEstimate, FaceObservation, ObservedFace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_reading import FaceReading, OneFaceReader
    from edge_affect.perception.face_search import FaceSearch
    from edge_affect.perception.face_showing import Eyes, SignalReader
    from edge_affect.perception.face_track import Track
    from edge_affect.perception.reading_pace import ReadingPace
    from edge_affect.types import FaceDetection, FaceSignals, VideoFrame

MAX_READING_AGE_NS = 2 * NS_PER_S
"""What a face showed longer ago is no longer told."""
READING, EYES = "reading", "eyes"


@dataclass(slots=True)
class _Shown:
    """What a followed face showed last.

    Attributes:
        eyes: What its eyes did lately.
        tried_ns: When somebody last tried to read it.
        estimate: Its expression.
        signals: Its geometry.
        fitted_ns: When the mesh last fitted.
    """

    eyes: Eyes
    tried_ns: int = NEVER_NS
    estimate: ExpressionEstimate | None = None
    signals: FaceSignals | None = None
    fitted_ns: int = NEVER_NS


class FaceFollower:
    """Turns frames into observations; keeps tracks, no picture and no landmark.

    Args:
        search: The detectors.
        reader: Of single faces.
        signals: Of their geometry.
        pace: The budget.
        max_faces: At most so many are followed.
    """

    def __init__(
        self,
        search: FaceSearch,
        reader: OneFaceReader,
        signals: SignalReader,
        pace: ReadingPace,
        max_faces: int,
    ) -> None:
        self._search = search
        self._reader = reader
        self._signals = signals
        self._pace = pace
        self._plan = LookPlan(search.looks_for)
        self._stillness = Stillness()
        self._is_resting = False
        self._tracks = FaceTracks(max_faces)
        self._shown: dict[int, _Shown] = {}
        self._fitted: dict[Track, FaceLandmarks] = {}

    def clear(self) -> None:
        """Forget everybody."""
        self._tracks.clear()
        self._plan.clear()
        self._stillness.clear()
        self._is_resting = False
        self._shown.clear()
        self._fitted.clear()

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody was there and nothing moved in the latest frames."""
        return self._is_resting

    def whereabouts(self) -> dict[int, FaceDetection]:
        """Return where the faces that count were last seen, by track; for measurements."""
        return {track.number: track.face for track in self._counted()}

    def observe(self, frame: VideoFrame) -> FaceObservation:
        """Return the faces of the next frame.

        Its ``estimates`` are those read on this frame, so that no reading counts twice; its
        ``faces`` hold the latest of each.
        """
        now_ns, frame_px = frame.captured_ns, max(frame.pixels.shape[:2])
        size_px = (frame.pixels.shape[1], frame.pixels.shape[0])
        self._pace.begin_frame()
        self._tracks.expire(now_ns, size_px)
        self._is_resting = self._rests(frame)
        looks = self._plan.due(self._tracks.tracks, now_ns, frame_px, is_at_rest=self._is_resting)
        self._follow(frame, looks)
        if self._tracks.part(now_ns):
            looks = ALL_LOOKS
        missing = [track for track in self._tracks.tracks if track.is_missing]
        looks |= self._plan.for_tracks(missing, now_ns, frame_px)
        if looks:
            self._detect(frame, looks)
        self._tracks.expire(now_ns, size_px)
        self._show(frame)
        self._shown = {track.number: self._of(track) for track in self._tracks.tracks}
        return self._observation(now_ns)

    def _rests(self, frame: VideoFrame) -> bool:
        """Return whether nobody is there and nothing moves."""
        if self._tracks.tracks:
            self._stillness.clear()
            return False
        return self._stillness.is_at_rest(frame)

    def _observation(self, now_ns: int) -> FaceObservation:
        faces = tuple(self._observed(track, now_ns) for track in self._counted())
        fresh = tuple(
            face.estimate
            for face in faces
            if face.estimate is not None and face.estimate.observed_ns == now_ns
        )
        return FaceObservation(len(faces), fresh, now_ns, faces)

    def _observed(self, track: Track, now_ns: int) -> ObservedFace:
        shown = self._of(track)
        estimate, signals = shown.estimate, shown.signals
        if estimate is not None and now_ns - estimate.observed_ns > MAX_READING_AGE_NS:
            estimate = None
        if now_ns - shown.fitted_ns > MAX_READING_AGE_NS:
            signals = None
        return ObservedFace(track.number, estimate, signals, shown.eyes.blink_rate_hz)

    def _counted(self) -> list[Track]:
        return [track for track in self._tracks.tracks if track.is_verified]

    def _of(self, track: Track) -> _Shown:
        if track.number not in self._shown:
            self._shown[track.number] = _Shown(self._signals.new_eyes())
        return self._shown[track.number]

    def _in_turn(self, tracks: Iterable[Track]) -> list[Track]:
        """Return tracks, the one that has waited longest for a reading first."""
        return sorted(tracks, key=lambda track: self._of(track).tried_ns)

    def _follow(self, frame: VideoFrame, looks: frozenset[Look]) -> None:
        """Read the faces whose place is known well enough without a detector.

        Args:
            frame: The frame.
            looks: What else this frame needs.
        """
        now_ns = frame.captured_ns
        for track in self._in_turn(self._tracks.tracks):
            if not (track.is_meshed or self._is_untried(track)):
                continue
            if not self._pace.allows(READING, looks):
                return
            reading = self._read(frame, track, track.expected(now_ns), is_quick=True)
            if reading is None:
                track.is_missing = True
            elif reading.landmarks is None:
                track.is_meshed = False
                track.is_verified = True
            elif self._tracks.follow(track, face := face_of_mesh(reading.landmarks), now_ns):
                self._keep(track, reading, now_ns, face)

    def _is_untried(self, track: Track) -> bool:
        """Return whether a face is new, and there was no time to read it yet."""
        is_done = track.is_verified and self._reader.is_small(track.face)
        return self._of(track).tried_ns == NEVER_NS and not is_done

    def _detect(self, frame: VideoFrame, looks: frozenset[Look]) -> None:
        """Run detectors; place, begin and read the tracks that the mesh did not."""
        now_ns, frame_px = frame.captured_ns, max(frame.pixels.shape[:2])
        with self._pace.timed(looks):
            faces = self._search.look(frame.pixels, looks)
        self._plan.note(looks, now_ns)
        known, begun = self._tracks.link(faces, now_ns)
        for track in self._tracks.tracks:
            would_find = self._search.looks_for(track.face.box.width_px / frame_px)
            if track not in known and track.seen_ns != now_ns and would_find <= looks:
                track.is_missing = True
        for track in begun:
            track.is_verified = self._reader.is_sure(track.face)
        for track in known:
            track.found_ns = now_ns
        found = {track: face for track, face in known.items() if track.seen_ns != now_ns}
        found.update({track: track.face for track in begun})
        for track in self._in_turn(found):
            self._take(frame, track, found[track])

    def _take(self, frame: VideoFrame, track: Track, face: FaceDetection) -> None:
        """Place a track where a detector found its face, and read it if there is time."""
        now_ns = frame.captured_ns
        if self._reader.is_sure(face) or not track.is_missing:
            self._tracks.see(track, face, now_ns)
        is_needed = track.is_missing or not track.is_verified
        is_wanted = not self._reader.is_small(face) and self._pace.allows(READING)
        if not (is_needed or is_wanted):
            return
        # A missing or new face of which the detector is not sure is looked at whatever it costs.
        reading = self._read(frame, track, face)
        if reading is not None:
            self._tracks.see(track, face, now_ns)
            self._keep(track, reading, now_ns)
        elif track.is_verified:
            track.is_missing = True
        else:
            self._tracks.end(track)

    def _read(
        self, frame: VideoFrame, track: Track, face: FaceDetection, *, is_quick: bool = False
    ) -> FaceReading | None:
        self._of(track).tried_ns = frame.captured_ns
        with self._pace.timed(READING):
            reading = self._reader.read(frame.pixels, face, is_quick=is_quick)
        self._pace.note_reading()
        return reading

    def _keep(
        self, track: Track, reading: FaceReading, now_ns: int, face: FaceDetection | None = None
    ) -> None:
        """Remember what a reading says about a track.

        Args:
            track: The track.
            reading: Of its face.
            now_ns: Monotonic clock of the frame.
            face: Of the reading's mesh, where it is known already.
        """
        shown = self._of(track)
        track.is_verified = True
        track.is_meshed = reading.landmarks is not None
        if reading.landmarks is not None:
            track.face = face_of_mesh(reading.landmarks) if face is None else face
            self._fitted[track] = reading.landmarks
        if reading.probabilities is not None:
            reliability = float(reading.probabilities.max())
            shown.estimate = ExpressionEstimate(reading.probabilities, reliability, now_ns)

    def _show(self, frame: VideoFrame) -> None:
        """Turn the meshes of this frame into signals, forget them, and read eyes as time allows."""
        now_ns = frame.captured_ns
        for track in sorted(self._fitted, key=lambda track: self._of(track).eyes.read_ns):
            shown, landmarks = self._of(track), self._fitted[track]
            pose = head_pose(landmarks)
            if self._signals.wants_eyes(shown.eyes, now_ns) and self._pace.allows(EYES):
                with self._pace.timed(EYES):
                    self._signals.read_eyes(frame, landmarks, pose, shown.eyes)
            shown.signals = self._signals.signals(frame, landmarks, pose, shown.eyes)
            shown.fitted_ns = now_ns
        self._fitted.clear()
