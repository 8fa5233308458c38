"""How fast and how calm the filter over time is, against the exponential smoothing before it.

python benchmarks/fusion_time.py [--data DATA_FOLDER]

Scripted: abrupt changes between two expressions at several rates and strengths, slips of one and
two frames, and a minute on the edge between two expressions, all with noise of a fixed seed. With
``--data`` also the real faces of the films in ``video``: how often the answer changes while one
film runs, and how long it takes when one film is cut to another.

The lag counts from the first reading of the new expression to the first answer that names it. What
comes before that reading, the hop and window of a voice above all, is the evidence's own delay and
the same for every filter.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.config import Face, Fusion
from edge_affect.fusion.evidence import scene_of_faces
from edge_affect.fusion.filtering import EvidenceFilter, FilterSettings
from edge_affect.record import EXPRESSIONS
from edge_affect.types import ExpressionEstimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

N_TRIALS = 20
RATES_HZ = (10.0, 5.0, 1.0)
STRENGTHS = (0.9, 0.6, 0.45)
NOISE = 0.6
EDGES = ((0.5, 0.3), (0.42, 0.38), (0.35, 0.33))
"""Shares of the two strongest expressions of a minute on the edge."""
HAPPY, SAD, FEAR = 1, 3, 6
FRAME_RATE_HZ = 10.0
SIZE_PX = (640, 480)
STEADY_SHARE = 0.6
"""A film takes part in cuts if one expression tops this share of its readings."""


class Filter(Protocol):
    """What is compared."""

    @property
    def estimate(self) -> ExpressionEstimate | None:
        """The answer."""

    def add(self, new: ExpressionEstimate) -> None:
        """Take a reading."""


class Exponential:
    """The smoothing that was there before, with its half-life of 0.5 s."""

    def __init__(self, half_life_s: float = 0.5) -> None:
        self._half_life_s = half_life_s
        self.estimate: ExpressionEstimate | None = None

    def add(self, new: ExpressionEstimate) -> None:
        """Take a reading."""
        before = self.estimate
        if before is None:
            self.estimate = new
            return
        kept = 0.5 ** ((new.observed_ns - before.observed_ns) / NS_PER_S / self._half_life_s)
        mixed = kept * before.probabilities + (1.0 - kept) * new.probabilities
        self.estimate = ExpressionEstimate(mixed, new.reliability, new.observed_ns)


def not_held() -> EvidenceFilter:
    """Return the same without holding the strongest expression."""
    s = Fusion()
    return EvidenceFilter(FilterSettings(s.smoothing_half_life_s, s.expression_half_life_s, 0.0))


def ours() -> EvidenceFilter:
    """Return the filter at default settings."""
    s = Fusion()
    return EvidenceFilter(FilterSettings(s.smoothing_half_life_s, s.expression_half_life_s))


FILTERS: dict[str, Callable[[], Filter]] = {
    "newest alone": lambda: Exponential(1e-9),
    "exponential 0.5 s": Exponential,
    "exponential 2 s": lambda: Exponential(2.0),
    "runs, nothing held": not_held,
    "runs (default)": ours,
}
Readings = "list[NDArray[np.float64]]"


def answers(build: Callable[[], Filter], readings: Readings, rate_hz: float) -> list[int]:
    """Return the top expression after each reading."""
    one, tops = build(), []
    for number, p in enumerate(readings):
        at_ns = round(number / rate_hz * NS_PER_S)
        one.add(ExpressionEstimate(p, float(p.max()), at_ns))
        tops.append(int(one.estimate.probabilities.argmax()) if one.estimate else -1)
    return tops


def shown(
    top: int, share: float, second: int | None = None, rest: float = 0.0
) -> NDArray[np.float64]:
    """Return a distribution with one or two strong expressions."""
    others = len(EXPRESSIONS) - (1 if second is None else 2)
    p = np.full(len(EXPRESSIONS), (1.0 - share - rest) / others)
    p[top] = share
    if second is not None:
        p[second] = rest
    return p


def noisy(p: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return a reading of it."""
    powers = p * np.exp(generator.normal(0.0, NOISE, p.size))
    return np.asarray(powers / powers.sum())


def lag_s(tops: list[int], start: int, wanted: int, rate_hz: float) -> float:
    """Return how long after ``start`` the answer is ``wanted``; 9.99 s for never."""
    after = [number for number in range(start, len(tops)) if tops[number] == wanted]
    return (after[0] - start) / rate_hz if after else 9.99


def changes(tops: list[int]) -> int:
    """Return how often the answer changes."""
    return sum(one != other for one, other in itertools.pairwise(tops))


def scripted() -> None:
    """Print the scripted part."""
    print("lag in s after an abrupt change, mean (worst) of", N_TRIALS)
    for name, build in FILTERS.items():
        print(f"  {name}")
        for rate_hz in RATES_HZ:
            cells = []
            for share in STRENGTHS:
                generator = np.random.default_rng(0)
                lags = []
                for _ in range(N_TRIALS):
                    n = round(8 * rate_hz)
                    before = [noisy(shown(HAPPY, share), generator) for _ in range(n)]
                    after = [noisy(shown(SAD, share), generator) for _ in range(n)]
                    tops = answers(build, before + after, rate_hz)
                    lags.append(lag_s(tops, n, SAD, rate_hz))
                cells.append(f"{share:g}: {np.mean(lags):.2f} ({max(lags):.1f})")
            print(f"    {rate_hz:4g} Hz   " + "   ".join(cells))
    print("changes of the answer in a minute on the edge, mean of", N_TRIALS)
    for name, build in FILTERS.items():
        cells = []
        for first, second in EDGES:
            generator = np.random.default_rng(0)
            counts = [
                changes(
                    answers(
                        build,
                        [noisy(shown(0, first, SAD, second), generator) for _ in range(600)],
                        10.0,
                    )
                )
                for _ in range(N_TRIALS)
            ]
            cells.append(f"{first:g}/{second:g}: {np.mean(counts):.1f}")
        print(f"    {name:20s} " + "   ".join(cells))
    print("answers that follow a slip of one, two, three frames at 10 Hz (0.8 against 0.8)")
    for name, build in FILTERS.items():
        cells = []
        for length in (1, 2, 3):
            readings = [shown(HAPPY, 0.8)] * 30 + [shown(FEAR, 0.8)] * length
            tops = answers(build, readings + [shown(HAPPY, 0.8)] * 30, 10.0)
            cells.append(str(sum(top != HAPPY for top in tops)))
        print(f"    {name:20s} " + ", ".join(cells))


def film_readings(path: Path) -> Readings:
    """Return what the shipped face model says of each frame with a face."""
    import av

    from edge_affect.perception.face import FaceModels, FaceReader
    from edge_affect.types import VideoFrame

    reader = FaceReader(FaceModels.load(), Face())
    found: Readings = []
    next_s = 0.0
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            if frame.time is None or frame.time < next_s:
                continue
            next_s += 1.0 / FRAME_RATE_HZ
            scale = min(SIZE_PX[0] / frame.width, SIZE_PX[1] / frame.height, 1.0)
            size = round(frame.width * scale), round(frame.height * scale)
            pixels = frame.reformat(*size, format="rgb24").to_ndarray()
            at_ns = round(frame.time * NS_PER_S)
            observation = reader.observe(VideoFrame(np.ascontiguousarray(pixels), at_ns))
            if observation.estimates:
                found.append(scene_of_faces(observation).probabilities)
    return found


def films(folder: Path) -> Iterator[tuple[str, Readings]]:
    """Yield the films with a face and their readings."""
    for path in sorted((folder / "video").rglob("*")):
        if path.suffix not in (".mp4", ".mpg", ".mov"):
            continue
        readings = film_readings(path)
        if len(readings) > 2 * FRAME_RATE_HZ:
            yield f"{path.parent.name}/{path.stem}", readings


def real(folder: Path) -> None:
    """Print the part on real faces."""
    seen = dict(films(folder))
    print(f"real films: {len(seen)}, {sum(map(len, seen.values()))} readings")
    steps = np.concatenate([np.diff(np.stack(one), axis=0) for one in seen.values()])
    width = float(np.sqrt(np.square(steps).sum(axis=1).mean() / 2.0 / 2.0))
    print(f"width of one reading about its neighbours: {width:.3f}")
    minutes = sum(map(len, seen.values())) / FRAME_RATE_HZ / 60.0
    print("changes of the answer per minute while a film runs, and beside the newest reading")
    for name, build in FILTERS.items():
        tops = {film: answers(build, one, FRAME_RATE_HZ) for film, one in seen.items()}
        n = sum(map(changes, tops.values()))
        same = [
            top == int(p.argmax())
            for film, one in seen.items()
            for top, p in zip(tops[film], one, strict=True)
        ]
        print(f"    {name:20s} {n / minutes:6.1f}   the same top in {np.mean(same):.3f}")
    steady = {}
    for film, one in seen.items():
        top, count = Counter(int(p.argmax()) for p in one).most_common(1)[0]
        if count >= STEADY_SHARE * len(one):
            steady[film] = (top, one)
    cuts = [
        (first, second)
        for first, second in itertools.permutations(steady, 2)
        if steady[first][0] != steady[second][0]
    ]
    print(f"lag in s at {len(cuts)} cuts between films of another expression: mean, median, worst")
    for name, build in FILTERS.items():
        lags = []
        for first, second in cuts:
            wanted, after = steady[second]
            # From the first reading that names the new expression on: before it nothing is known.
            start = next(n for n, p in enumerate(after) if int(p.argmax()) == wanted)
            before = steady[first][1]
            tops = answers(build, before + after[start:], FRAME_RATE_HZ)
            lags.append(lag_s(tops, len(before), wanted, FRAME_RATE_HZ))
        print(
            f"    {name:20s} {np.mean(lags):.2f}, {np.median(lags):.2f}, {max(lags):.1f}; "
            f"above 0.7 s: {np.mean(np.array(lags) > 0.7):.3f}"
        )


def main() -> None:
    """Print everything that there is data for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with video")
    options = parser.parse_args()
    scripted()
    if options.data is not None:
        real(options.data)


if __name__ == "__main__":
    main()
