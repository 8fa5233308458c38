"""How well faces are followed: who was lost, broken, or taken for somebody else."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge_affect.evaluation.composed_faces import Place, Scene
    from edge_affect.perception.face import FaceReader
    from edge_affect.types import FaceDetection

MAX_OFF = 0.5
"""A track is on a person if it is at most this far from the face, in widths."""
MIN_FRAMES = 2
"""A track was on a person if it was so for this many frames."""


@dataclass(frozen=True, slots=True)
class FollowingFigures:
    """Counts over one scene or many.

    Attributes:
        n_shown: Faces in all frames, hidden ones apart.
        n_followed: Of these, those with a track on them.
        n_tracks: Tracks that were on somebody.
        n_wrong: Tracks that were on two different people: the lie that must not happen.
        n_relinked: Tracks that went on after their person had been away for ``max_away_s``.
        n_broken: Times that a person's number changed while the face was there all along.
        n_ghosts: Tracks on nobody, in all frames in which no person is hidden.
    """

    n_shown: int = 0
    n_followed: int = 0
    n_tracks: int = 0
    n_wrong: int = 0
    n_relinked: int = 0
    n_broken: int = 0
    n_ghosts: int = 0

    def __add__(self, other: FollowingFigures) -> FollowingFigures:
        return FollowingFigures(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )


def follow_scene(scene: Scene, reader: FaceReader, max_away_s: float) -> FollowingFigures:
    """Let a reader watch a scene from its beginning, and count.

    Args:
        scene: The scene.
        reader: Is cleared first.
        max_away_s: Whoever was away for longer must get a new number.
    """
    reader.clear()
    history: list[dict[int, int]] = []
    n_shown = n_ghosts = 0
    for composed in scene.frames():
        reader.observe(composed.frame)
        tracks = reader.whereabouts()
        history.append(on_whom(composed.places, tracks))
        n_shown += len(composed.places)
        if len(composed.places) == len(scene.heads):
            n_ghosts += len(tracks) - len(history[-1])
    people = range(len(scene.heads))
    numbers = {person: [frame.get(person) for frame in history] for person in people}
    n_away = round(max_away_s * scene.rate_hz)
    return FollowingFigures(
        n_shown=n_shown,
        n_followed=sum(len(frame) for frame in history),
        n_tracks=len({number for frame in history for number in frame.values()}),
        n_wrong=_n_wrong(numbers),
        n_relinked=sum(_n_relinked(row, n_away) for row in numbers.values()),
        n_broken=sum(_n_broken(row) for row in numbers.values()),
        n_ghosts=n_ghosts,
    )


def on_whom(places: dict[int, Place], tracks: dict[int, FaceDetection]) -> dict[int, int]:
    """Return the track on each person, the nearest pair first.

    Args:
        places: Of the faces that can be seen, by person.
        tracks: Where faces were seen, by track.
    """
    pairs = []
    for person, (x, y, width) in places.items():
        for number, face in tracks.items():
            box = face.box
            middle = box.left_px + box.width_px / 2, box.top_px + box.height_px / 2
            pairs.append((float(np.hypot(middle[0] - x, middle[1] - y)) / width, person, number))
    found: dict[int, int] = {}
    for off, person, number in sorted(pairs):
        if off <= MAX_OFF and person not in found and number not in found.values():
            found[person] = number
    return found


def _n_wrong(numbers: dict[int, list[int | None]]) -> int:
    """Return how many tracks were on more than one person."""
    owners: dict[int, int] = {}
    for row in numbers.values():
        for number in {n for n in row if n is not None and row.count(n) >= MIN_FRAMES}:
            owners[number] = owners.get(number, 0) + 1
    return sum(count > 1 for count in owners.values())


def _n_relinked(row: list[int | None], n_away: int) -> int:
    """Return how often one person's number was the same before and after a long absence."""
    count, last_at, last = 0, 0, None
    for at, number in enumerate(row):
        if number is None:
            continue
        count += number == last and at - last_at - 1 > n_away
        last_at, last = at, number
    return count


def _n_broken(row: list[int | None]) -> int:
    """Return how often one person's number changed from one frame to the next."""
    return sum(
        one is not None and other is not None and one != other for one, other in pairwise(row)
    )
