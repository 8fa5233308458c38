"""How much of the time a group can be told, and what takes it away.

python benchmarks/group_gate.py [--data DATA_FOLDER]

Without data, people are simulated who stay but whose faces are lost now and then: each track lives
for a random time (exponential) and then begins anew. A loss dissolves a block, so the shorter
tracks live, the less is told.

With data, real heads are composed into films of a sitting audience and go through the product's
whole pipeline with default settings; counted are the records, one a second. Three audiences:

- calm: talking heads that stay in sight;
- mixed: every second head is that of an actor who is sad, surprised, laughs or cries;
- restless: as mixed, but now and then (in the mean once in ``--away-every`` seconds each) a head
  is out of sight for a second and comes back as somebody new.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from faces_many import away, crowd

from edge_affect.anonymity import Privacy
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.config import Config, Face
from edge_affect.evaluation.composed_faces import Head, Scene, load_head
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.privacy.cohort import Cohort
from edge_affect.record import AbstainReason, SourceState
from edge_affect.sensing.assembly import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.evaluation.composed_faces import PathOfFace
    from edge_affect.record import AffectRecord

SECONDS = 1800
STEP_S = 0.5
PEOPLE = (8, 10, 15, 20)
LIVES_S = (10, 30, 60, 120, 300)
KINDS = ("calm", "mixed", "restless")
ACTOR = "WolfgangLanger_Pexels.mp4"
ACTOR_S = 20.0
FILM_MOST_S = 600.0


def share_told(n_people: int, life_s: float, seed: int) -> tuple[float, float]:
    """Return the share of the time with an open group, and the mean share of people counted."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    privacy = Privacy()
    rest_ns = round(privacy.group_rest_s * NS_PER_S)
    cohort = Cohort(5, privacy.group_margin, rest_ns)
    tracks = list(range(n_people))
    n_tracks, n_told, n_counted = n_people, 0, 0
    n_steps = round(SECONDS / STEP_S)
    for step in range(n_steps):
        for i in range(n_people):
            if rng.random() < STEP_S / life_s:
                tracks[i] = n_tracks
                n_tracks += 1
        shown = cohort.update(dict.fromkeys(tracks, True), round(step * STEP_S * NS_PER_S))
        n_told += bool(shown)
        n_counted += len(shown)
    return n_told / n_steps, n_counted / max(1, n_told) / n_people


def load_heads(data: Path) -> tuple[list[Head], list[Head]]:
    """Return calm talking heads, and heads that show something."""
    reader = FaceReader(FaceModels.load(), Face())
    video = data / "video"
    calm = [load_head(clip, reader) for clip in sorted((video / "grid").glob("*.mpg"))]
    clips = [*sorted((video / "ravdess").glob("*.mp4")), video / "clips" / ACTOR]
    return calm, [load_head(clip, reader, ACTOR_S) for clip in clips]


def audience(kind: str, heads: tuple[list[Head], list[Head]], n: int, away_every_s: float) -> Scene:
    """Return a scene of ``n`` people; see the top of this file for the kinds."""
    calm, expressive = heads
    mixed = [head for pair in zip(cycle(calm), expressive, strict=False) for head in pair]
    scene = crowd(calm if kind == "calm" else mixed, n)
    if kind != "restless":
        return scene
    rng = random.Random(n)  # noqa: S311 (a simulation)
    return replace(scene, paths=tuple(restless(path, away_every_s, rng) for path in scene.paths))


def restless(path: PathOfFace, every_s: float, rng: random.Random) -> PathOfFace:
    """Return a path whose face is out of sight for a second now and then."""
    at_s = rng.expovariate(1 / every_s)
    while at_s < FILM_MOST_S:
        path = away(path, at_s, at_s + 1.0)
        at_s += 1.0 + rng.expovariate(1 / every_s)
    return path


def records_of(scene: Scene, config: Config) -> list[AffectRecord]:
    """Send a film through the product and return one record for each second of it."""
    clock = ManualClock()
    pipeline = build_pipeline(config, clock, has_sound=False, has_pictures=True)
    records = []
    for n, composed in enumerate(scene.frames(), 1):
        clock.advance_to(composed.frame.captured_ns)
        pipeline.on_frame(composed.frame)
        if n % round(scene.rate_hz) == 0:
            records.append(pipeline.record(SourceState.MISSING, SourceState.OK))
    return records


def print_film(name: str, n_people: int, records: Sequence[AffectRecord]) -> None:
    """Print when a film was first told, how much of it since it could be, and why not else."""
    told = [record.abstained is AbstainReason.NONE for record in records]
    rested = told[round(Privacy().group_rest_s) + 1 :]
    why = Counter(record.abstained.name for record in records[-len(rested) :])
    first = f"{told.index(True) + 1} s" if any(told) else "never"
    print(
        f"| {name} | {n_people} | {first} | {sum(rested) / len(rested):.0%} | "
        f"{sum(told) / len(told):.0%} | {dict(why)} |",
        flush=True,
    )


def main() -> None:
    """Print one row for each size of group."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with video/")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a film")
    parser.add_argument("--rate", type=float, default=10.0, help="frames per second of a film")
    parser.add_argument("--away-every", type=float, default=60.0, help="seconds, in the mean")
    parser.add_argument("--only", choices=KINDS, help="one kind of audience")
    parser.add_argument("--people", type=int, action="append", help="sizes; default 9, 12, 16")
    args = parser.parse_args()
    if args.data is not None:
        if not Privacy().group_rest_s + 2 <= args.seconds <= FILM_MOST_S:
            parser.error(f"nothing is told before {Privacy().group_rest_s:g} s; take more seconds")
        heads = load_heads(args.data)
        config = Config(privacy=Privacy(min_people=5))
        print("| audience | people | first told | told once rested | told of all | why, rested |")
        print("|---|---|---|---|---|---|")
        for kind in KINDS if args.only is None else (args.only,):
            for n_people in args.people or (9, 12, 16):
                scene = audience(kind, heads, n_people, args.away_every)
                scene = replace(scene, seconds=args.seconds, rate_hz=args.rate)
                print_film(kind, n_people, records_of(scene, config))
        return
    print("Share of the time that a group is told (and share of its people counted then):")
    print("| people | " + " | ".join(f"tracks live {life} s" for life in LIVES_S) + " |")
    print("|---|" + "---|" * len(LIVES_S))
    for n_people in PEOPLE:
        cells = []
        for life_s in LIVES_S:
            told = [share_told(n_people, life_s, seed) for seed in range(3)]
            share, counted = (sum(values) / len(told) for values in zip(*told, strict=True))
            cells.append(f"{share:.0%} ({counted:.0%})" if share else "0 %")
        print(f"| {n_people} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
