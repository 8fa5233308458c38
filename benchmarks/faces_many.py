"""Several faces: what following them costs, and whether anybody is taken for somebody else.

python benchmarks/faces_many.py --data DATA_FOLDER

The films are composed of clips that show one talking head each (see
``edge_affect.evaluation.composed_faces``): no film of several people with their places marked was
at hand. Times are processor time of one thread; a busy machine hardly changes them.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from edge_affect.config import Face
from edge_affect.evaluation.composed_faces import Head, Scene, load_head
from edge_affect.evaluation.following import FollowingFigures, follow_scene
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_track import TrackSettings
from edge_affect.types import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_affect.evaluation.composed_faces import PathOfFace, Place
    from edge_affect.types import FaceObservation

    Kind = Callable[[list[Head], np.random.Generator], Scene]

UNLIMITED_MS = 1e9
SECONDS = 6.0
N_COST_FRAMES = 40
RATE_HZ = 10.0
COUNTS = (1, 2, 3, 5, 8, 12, 16, 20)
MAX_AWAY_S = TrackSettings().max_gap_s + 0.1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=6, help="scenes of each kind")
    parser.add_argument("--only", choices=("clips", "cost", "following"))
    args = parser.parse_args()
    models = FaceModels.load()
    reader = FaceReader(models, Face())
    clips = sorted((args.data / "video" / "grid").glob("*.mpg"))
    heads = [load_head(clip, reader) for clip in clips]
    if args.only in (None, "clips"):
        print_clips(reader, sorted((args.data / "video" / "clips").iterdir()))
    if args.only in (None, "cost"):
        print_costs(models, heads)
    if args.only in (None, "following"):
        print_following(reader, heads, args.n)


def print_clips(reader: FaceReader, clips: list[Path]) -> None:
    """Print what following makes of real clips with at most one face."""
    for clip in clips:
        reader.clear()
        alone, followed, numbers = [], [], set()
        for frame in clip_frames(clip):
            seen = reader.observe(frame)
            alone.append(len(reader.read(frame.pixels)))
            followed.append(seen.n_faces)
            numbers |= {face.track for face in seen.faces}
        print(
            f"{clip.name:28s} {len(alone)} frames: faces in {np.count_nonzero(alone)} by "
            f"themselves, in {np.count_nonzero(followed)} followed, under {len(numbers)} numbers"
        )


def clip_frames(clip: Path) -> Iterator[VideoFrame]:
    """Decode a clip at no more than ``RATE_HZ``."""
    next_s = 0.0
    with av.open(str(clip)) as film:
        for picture in film.decode(video=0):
            if picture.time >= next_s:
                yield VideoFrame(picture.to_ndarray(format="rgb24"), round(picture.time * 1e9))
                next_s += 1 / RATE_HZ


def print_costs(models: FaceModels, heads: list[Head]) -> None:
    """Print what a frame costs with 1 to 20 faces: by itself, and followed."""
    print("processor time of a frame in ms: by itself (median); followed, every face read in every")
    print(
        "frame (median, 95 %, mean); followed within 30 ms (the same), and how often a face is read"
    )
    for n in COUNTS:
        frames = [composed.frame for composed in crowd(heads, n).frames()][:N_COST_FRAMES]
        alone = FaceReader(models, Face())
        alone_ms = times_ms(lambda frame, r=alone: r.read(frame.pixels), frames[::5])
        unlimited = FaceReader(models, Face(budget_ms=UNLIMITED_MS))
        all_ms = times_ms(unlimited.observe, frames)[1:]
        paced = FaceReader(models, Face())
        seen: list[FaceObservation] = []
        paced_ms = times_ms(lambda frame, r=paced, s=seen: s.append(r.observe(frame)), frames)[1:]
        n_read = np.mean([len(observation.estimates) for observation in seen[10:]])
        n_seen = np.mean([observation.n_faces for observation in seen[10:]])
        print(
            f"{n:2d} faces | {np.median(alone_ms):6.1f} | {summary(all_ms)} | {summary(paced_ms)}"
            f" | {n_seen:4.1f} followed, each read every {n_seen / n_read / RATE_HZ:.2f} s"
        )


def summary(times: list[float]) -> str:
    """Return median, 95th percentile and mean."""
    return f"{np.median(times):6.1f} {np.percentile(times, 95):6.1f} {np.mean(times):6.1f}"


def times_ms(step: Callable[[VideoFrame], object], frames: list[VideoFrame]) -> list[float]:
    """Return the processor time of a step for each frame."""
    times = []
    for frame in frames:
        started_ns = time.thread_time_ns()
        step(frame)
        times.append((time.thread_time_ns() - started_ns) / 1e6)
    return times


def crowd(heads: list[Head], n: int) -> Scene:
    """Return people who stand side by side and sway a little."""
    columns = math.ceil(math.sqrt(n * 4 / 3))
    rows = math.ceil(n / columns)
    width = min(640 / columns, 480 / rows) / 1.9
    paths = tuple(
        sway(
            ((k % columns + 0.5) * 640 / columns, (k // columns + 0.5) * 480 / rows, width),
            0.1 * width,
            1.5 + 0.2 * (k % 5),
        )
        for k in range(n)
    )
    return Scene(tuple(heads[k % len(heads)] for k in range(n)), paths, SECONDS, RATE_HZ)


def sway(place: Place, reach_px: float, period_s: float) -> PathOfFace:
    """Return a path to and fro around a place."""
    x, y, width = place
    return lambda at_s: (
        x + reach_px * math.sin(2 * math.pi * at_s / period_s),
        y + reach_px / 2 * math.cos(4 * math.pi * at_s / period_s),
        width,
    )


def line(start: Place, end: Place, from_s: float, to_s: float) -> PathOfFace:
    """Return a path that goes straight from one place to another and stays there."""

    def at(at_s: float) -> Place:
        share = min(1.0, max(0.0, (at_s - from_s) / (to_s - from_s)))
        x, y, width = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        return x, y, width

    return at


def away(path: PathOfFace, from_s: float, to_s: float) -> PathOfFace:
    """Return a path with somebody gone for a while."""
    return lambda at_s: None if from_s <= at_s < to_s else path(at_s)


def print_following(reader: FaceReader, heads: list[Head], n: int) -> None:
    """Print who was lost, broken and mistaken, by kind of scene."""
    for name, kind in KINDS.items():
        total = FollowingFigures()
        for seed in range(n):
            generator = np.random.default_rng(seed)
            chosen = [heads[k] for k in generator.permutation(len(heads))]
            total += follow_scene(kind(chosen, generator), reader, MAX_AWAY_S)
        print(f"{name:34s} {asdict(total)}")


def standing(heads: list[Head], generator: np.random.Generator) -> Scene:
    """Three people side by side who talk."""
    width = generator.uniform(60, 110)
    paths = tuple(sway((120 + 200 * k, 240, width), 6, 2 + k) for k in range(3))
    return Scene(tuple(heads[:3]), paths, SECONDS, RATE_HZ)


def strolling(heads: list[Head], generator: np.random.Generator) -> Scene:
    """Two people who walk to and fro at up to two widths a second without meeting."""
    width = generator.uniform(50, 90)
    paths = tuple(
        sway((170 + 300 * k, 200 + 80 * k, width), 1.2 * width, generator.uniform(3.5, 6))
        for k in range(2)
    )
    return Scene(tuple(heads[:2]), paths, SECONDS, RATE_HZ)


def crossing(heads: list[Head], generator: np.random.Generator) -> Scene:
    """Two people of like size pass, one in front of the other."""
    width, drop = generator.uniform(60, 110), generator.uniform(0, 30)
    left, right = (110, 230, width), (530, 230 + drop, width * generator.uniform(0.9, 1.1))
    took_s = generator.uniform(2.0, 4.5)
    paths = (
        line(left, (530, 230, width), 1, 1 + took_s),
        line(right, (110, *right[1:]), 1, 1 + took_s),
    )
    return Scene(tuple(heads[:2]), paths, SECONDS, RATE_HZ)


def turning_back(heads: list[Head], generator: np.random.Generator) -> Scene:
    """Two people of like size meet, one hides the other, and each goes back."""
    width, took_s = generator.uniform(60, 110), generator.uniform(1.2, 2.2)
    middle = generator.uniform(0.0, 0.4) * width

    def path(side: float) -> PathOfFace:
        return lambda at_s: (
            320 + side * max(middle / 2, 210 * abs(1 - max(0.0, at_s - 1) / took_s)),
            230.0,
            width,
        )

    return Scene(tuple(heads[:2]), (path(-1), path(1)), 1 + 2 * took_s, RATE_HZ)


def leaving(heads: list[Head], generator: np.random.Generator) -> Scene:
    """One walks out of the picture and comes back 1 to 2 s later; another stays."""
    width = generator.uniform(60, 110)
    out_s = 2.0
    back_s = out_s + 1.0 + generator.uniform(1.0, 2.0)
    there, outside = (460, 230, width), (640 + width, 230, width)
    go, come = line(there, outside, out_s, out_s + 1.0), line(outside, there, back_s, back_s + 1.0)
    paths = sway((160, 240, width), 6, 2), lambda at_s: go(at_s) if at_s < back_s else come(at_s)
    return Scene(tuple(heads[:2]), paths, SECONDS + 1, RATE_HZ)


def vanishing(heads: list[Head], generator: np.random.Generator) -> Scene:
    """One is gone from one frame to the next for 1 to 2 s, and is back in the same place."""
    gone_s = generator.uniform(1.0, 2.0)
    paths = away(sway((220, 240, 90), 6, 2), 2.0, 2.0 + gone_s), sway((460, 240, 90), 6, 3)
    return Scene(tuple(heads[:2]), paths, SECONDS, RATE_HZ)


def replaced(heads: list[Head], generator: np.random.Generator) -> Scene:
    """One is gone from one frame to the next, and 0.8 s later another stands there."""
    place = sway((220, 240, 90), 6, 2)
    at_s = generator.uniform(1.5, 2.5)
    paths = away(place, at_s, 1e9), away(place, 0, at_s + 0.8), sway((460, 240, 90), 6, 3)
    return Scene(tuple(heads[:3]), paths, SECONDS, RATE_HZ)


def blanked(n_frames: int) -> Kind:
    """Return a scene in which everybody is hidden for some frames, thrice."""

    def kind(heads: list[Head], generator: np.random.Generator) -> Scene:
        width = generator.uniform(60, 110)
        paths = [sway((200 + 240 * k, 240, width), 0.3 * width, 3 + k) for k in range(2)]
        for start_s in (1.5, 3.0, 4.5):
            paths = [away(p, start_s - 0.05, start_s - 0.05 + n_frames / RATE_HZ) for p in paths]
        return Scene(tuple(heads[:2]), tuple(paths), SECONDS, RATE_HZ)

    return kind


def small_behind_large(heads: list[Head], generator: np.random.Generator) -> Scene:
    """A person in the back walks behind a close face and comes out on the other side."""
    small, took_s = generator.uniform(42, 55), generator.uniform(2.5, 4.5)
    paths = line((60, 200, small), (580, 200, small), 1, 1 + took_s), sway((320, 240, 150), 5, 3)
    return Scene(tuple(heads[:2]), paths, SECONDS, RATE_HZ)


KINDS: dict[str, Kind] = {
    "three standing": standing,
    "two strolling": strolling,
    "two crossing": crossing,
    "two meeting and turning back": turning_back,
    "one leaving and coming back": leaving,
    "one gone for 1 to 2 s": vanishing,
    "one gone, another comes 0.8 s later": replaced,
    **{f"hidden thrice for {n} frames": blanked(n) for n in (1, 2, 4)},
    "small behind large": small_behind_large,
}


if __name__ == "__main__":
    main()
