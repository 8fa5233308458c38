"""How much of the time a group can be told, and what an observer makes of somebody who leaves.

python benchmarks/group_gate.py [--data DATA_FOLDER]

People stay, but their faces are lost now and then: each track lives for a random time (exponential)
and then begins anew. A loss dissolves a block, so the shorter tracks live, the less is told. With
data, real talking heads are composed into a film of a sitting audience and go through the real face
reader and gate.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

from faces_many import crowd

from edge_affect.anonymity import Privacy
from edge_affect.clock import NS_PER_S
from edge_affect.config import Config, Face
from edge_affect.evaluation.composed_faces import load_head
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.privacy.cohort import Cohort
from edge_affect.privacy.gates import gate_of

SECONDS = 1800
STEP_S = 0.5
PEOPLE = (8, 10, 15, 20)
LIVES_S = (10, 30, 60, 120, 300)


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


def print_film(data: Path, n_people: int, seconds: float) -> None:
    """Print how many tracks a composed audience takes, and how much of the time it is told."""
    reader = FaceReader(FaceModels.load(), Face())
    clips = sorted((data / "video" / "grid").glob("*.mpg"))
    heads = [load_head(clip, reader) for clip in clips]
    gate = gate_of(Config(privacy=Privacy(min_people=5)), valence_arousal)
    scene = replace(crowd(heads, n_people), seconds=seconds)
    tracks: set[int] = set()
    told = []
    for composed in scene.frames():
        seen = reader.observe(composed.frame)
        tracks |= {face.track for face in seen.faces}
        told.append(gate.screen_faces(seen).n_faces)
    after = told[round(Privacy().group_rest_s * scene.rate_hz) + 10 :]
    print(
        f"{n_people} real heads, {seconds:.0f} s: {len(tracks)} tracks; once rested, told in "
        f"{sum(map(bool, after)) / len(after):.0%} of the frames, "
        f"{sum(after) / max(1, sum(map(bool, after))):.1f} people counted"
    )


def main() -> None:
    """Print one row for each size of group."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with video/grid")
    parser.add_argument("--seconds", type=float, default=90.0, help="length of a film")
    args = parser.parse_args()
    if args.data is not None:
        for n_people in (9, 16):
            print_film(args.data, n_people, args.seconds)
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
