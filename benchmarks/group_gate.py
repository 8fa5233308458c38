"""How much of the time a group can be told, and what an observer makes of somebody who leaves.

python benchmarks/group_gate.py

People stay, but their faces are lost now and then: each track lives for a random time (exponential)
and then begins anew. A loss dissolves a block, so the shorter tracks live, the less is told.
"""

from __future__ import annotations

import random

from edge_affect.anonymity import Privacy
from edge_affect.clock import NS_PER_S
from edge_affect.privacy.cohort import Cohort

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


def main() -> None:
    """Print one row for each size of group."""
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
