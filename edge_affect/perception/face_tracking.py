"""Which sighting belongs to which face, by place and motion alone.

Nothing here knows what a face looks like, so nothing can recognise one: where place and motion
leave a doubt, the tracks concerned end and new ones begin. A track that broke costs a number; two
people linked to one would be a lie about both.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.perception.face_track import Track, TrackSettings, apart, size_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from edge_affect.types import Box, FaceDetection

DEFAULT_SETTINGS = TrackSettings()


class FaceTracks:
    """The faces of a scene from frame to frame; reads no clock and no picture.

    Args:
        max_faces: At most so many are followed.
        settings: When two sightings are one face.
    """

    def __init__(self, max_faces: int, settings: TrackSettings = DEFAULT_SETTINGS) -> None:
        self.settings = settings
        self._max_faces = max_faces
        self._tracks: list[Track] = []
        self._n_begun = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The faces that are followed, the oldest track first."""
        return tuple(self._tracks)

    def clear(self) -> None:
        """Forget all faces, and how many there were."""
        self._tracks.clear()
        self._n_begun = 0

    def end(self, *tracks: Track) -> None:
        """Forget some faces."""
        self._tracks = [track for track in self._tracks if track not in tracks]

    def expire(self, now_ns: int, frame_size_px: tuple[int, int]) -> None:
        """End the tracks of those who left, or have not been seen for too long.

        Args:
            now_ns: Monotonic clock of the frame.
            frame_size_px: Width and height.
        """
        self.end(*[track for track in self._tracks if self._is_over(track, now_ns, frame_size_px)])

    def _is_over(self, track: Track, now_ns: int, frame_size_px: tuple[int, int]) -> bool:
        settings = self.settings
        if now_ns - track.seen_ns > settings.max_gap_ns:
            return True
        if now_ns - track.found_ns > settings.max_unconfirmed_ns:
            return True
        if not track.is_missing:
            return False
        # What was seen in one frame only was a slip of the detector.
        return track.n_seen == 1 or track.is_leaving(now_ns, frame_size_px, settings.leaving_speed)

    def follow(self, track: Track, face: FaceDetection, now_ns: int) -> bool:
        """Move a track to where the mesh put its face, unless that is somewhere else altogether.

        Returns:
            Whether the track was moved; otherwise it is missing now.
        """
        if self._distance(track, face.box, now_ns) == np.inf:
            track.is_missing = True
            return False
        self.see(track, face, now_ns)
        return True

    def see(self, track: Track, face: FaceDetection, now_ns: int) -> None:
        """Move a track to where its face was found."""
        track.see(face, now_ns, self.settings.velocity_memory_s)

    def part(self, now_ns: int) -> bool:
        """End the tracks of faces too close to tell which is which; return whether there were any.

        Two faces on one place are one face seen twice, or one person passing behind another: who
        comes out on which side cannot be known.
        """
        doubtful: list[Track] = []
        for one, other in combinations(self._tracks, 2):
            boxes = one.expected(now_ns).box, other.expected(now_ns).box
            is_alike = size_ratio(*boxes) <= self.settings.max_size_ratio
            if is_alike and apart(*boxes) < self.settings.min_apart:
                doubtful += [one, other]
        self.end(*doubtful)
        return bool(doubtful)

    def link(
        self, faces: Sequence[FaceDetection], now_ns: int
    ) -> tuple[dict[Track, FaceDetection], tuple[Track, ...]]:
        """Say which track each face belongs to that a detector found; begin tracks for the others.

        Tracks that more than one match could continue end.

        Args:
            faces: What was found, the most certain first.
            now_ns: Monotonic clock of the frame.

        Returns:
            The faces of known tracks, which are not moved yet; the new tracks.
        """
        distances = np.array(
            [[self._distance(track, face.box, now_ns) for face in faces] for track in self._tracks]
        ).reshape(len(self._tracks), len(faces))
        links, doubtful = clear_links(distances, self.settings.clear_ratio)
        known = {self._tracks[row]: faces[column] for row, column in links.items()}
        self.end(*[self._tracks[row] for row in doubtful])
        linked = set(links.values())
        strangers = [face for n, face in enumerate(faces) if n not in linked]
        return known, self._begin(strangers, now_ns)

    def _begin(self, faces: Iterable[FaceDetection], now_ns: int) -> tuple[Track, ...]:
        begun: list[Track] = []
        for face in faces:
            if len(self._tracks) >= self._max_faces:
                break
            if any(self._is_within(face.box, track, now_ns) for track in self._tracks):
                continue
            self._n_begun += 1
            track = Track(self._n_begun, face, now_ns, now_ns)
            self._tracks.append(track)
            begun.append(track)
        return tuple(begun)

    def _is_within(self, box: Box, track: Track, now_ns: int) -> bool:
        """Return whether a box lies on a followed face: another answer for the same one."""
        taken = track.expected(now_ns).box
        mean_width_px = (box.width_px + taken.width_px) / 2
        distance = apart(box, taken) * mean_width_px / max(box.width_px, taken.width_px)
        return distance < self.settings.min_apart

    def _distance(self, track: Track, box: Box, now_ns: int) -> float:
        """Return how far a sighting is from where a track expects its face, or infinity.

        In widths; infinite where it is out of reach or of another size.
        """
        settings = self.settings
        expected = track.expected(now_ns).box
        if size_ratio(expected, box) > settings.max_size_ratio:
            return float("inf")
        unseen_s = max(0.0, (now_ns - track.seen_ns) / NS_PER_S)
        distance = apart(expected, box)
        reach = settings.reach + settings.reach_per_s * unseen_s
        return distance if distance <= reach else float("inf")


def clear_links(
    distances: NDArray[np.float64], clear_ratio: float
) -> tuple[dict[int, int], list[int]]:
    """Return the matches that no other match comes close to, and the rows left in doubt.

    A match that is clear takes its row and column away from the others, which may make more of
    them clear. A row without any match is in no doubt: there is nothing for it.

    >>> clear_links(np.array([[0.1, 0.5], [0.6, 0.05]]), 0.5)
    ({0: 0, 1: 1}, [])
    >>> clear_links(np.array([[0.2, 0.3], [0.3, 0.2]]), 0.5)
    ({}, [0, 1])

    Args:
        distances: Shape ``(n_tracks, n_faces)``, infinite where a match is impossible.
        clear_ratio: See ``TrackSettings``.

    Returns:
        Columns by row; rows.
    """
    left = distances.copy()
    links: dict[int, int] = {}
    while True:
        found = [
            (row, column)
            for row, column in np.argwhere(np.isfinite(left)).tolist()
            if left[row, column] < clear_ratio * _nearest_rival(left, row, column)
        ]
        if not found:
            return links, np.flatnonzero(np.isfinite(left).any(axis=1)).tolist()
        for row, column in found:
            links[row] = column
            left[row, :] = np.inf
            left[:, column] = np.inf


def _nearest_rival(distances: NDArray[np.float64], row: int, column: int) -> float:
    others = np.append(np.delete(distances[row], column), np.delete(distances[:, column], row))
    return float(others.min(initial=np.inf))
