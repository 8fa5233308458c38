"""How well pose, gaze, blinks and action-unit-like signals do: the figures of the model cards.

python benchmarks/face_signals.py --data DATA_FOLDER [PART ...]

Parts: `expressions` (areas under the ROC curve on labelled pictures), `pose` (mirrored, rotated and
turned portraits), `gaze` (mirrored portraits, one eye against the other), `clips` (blinks against
those counted by eye, mouths that speak), `groups` (faces at rest by race, gender and age), `time`
(processor time of one thread). All of them without a name.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image
from scipy.stats import rankdata
from turned_portraits import turned

from edge_affect.evaluation.ferplus import load_faces, majority_labels
from edge_affect.perception.blinking import BlinkCounter, BlinkSettings
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import head_pose
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.face_signals import SignalScales, signals
from edge_affect.perception.interpreter import load_model
from edge_affect.record import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.types import FaceSignals

NAMES = ("eye_openness", "mouth_openness", "smile", "brow_raise", "brow_furrow")
BLINKS = {
    "bbaf2n": 2, "brbk7n": 1, "lbax4n": 1, "lbbc2a": 0, "lwbsza": 0, "sbwe5n": 1, "swiz3n": 0,
}  # fmt: skip
"""Blinks of each talking head, counted by eye on contact sheets of every frame."""
TURNS = (
    *((yaw, 0, 0) for yaw in (-40, -30, -20, -10, 0, 10, 20, 30, 40)),
    *((0, pitch, 0) for pitch in (-20, -10, 10, 20)),
    *((yaw, pitch, roll) for yaw, pitch, roll in ((25, 10, 15), (-25, -10, -15))),
)
MIN_PRESENCE = 0.9
NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Reader:
    """The models and what reads their answers."""

    search: FaceSearch
    landmarker: FaceLandmarker
    eyes: GazeReader
    scales: SignalScales
    blinks: BlinkSettings

    @classmethod
    def load(cls) -> Reader:
        """Load the models."""
        mesh, iris = load_model("face_landmark"), load_model("iris_landmark")
        return cls(
            FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1),
            FaceLandmarker(mesh),
            GazeReader(iris),
            SignalScales.from_manifest(mesh.manifest),
            BlinkSettings.from_manifest(iris.manifest),
        )

    def mesh(self, pixels: np.ndarray) -> FaceLandmarks | None:
        """Return the mesh of the largest face, or None where there is no sure one."""
        for face in self.search.find(pixels):
            landmarks = self.landmarker.locate(pixels, face)
            return landmarks if landmarks.presence >= MIN_PRESENCE else None
        return None

    def read(self, pixels: np.ndarray) -> FaceSignals | None:
        """Return the signals of the largest face, with both eyes."""
        landmarks = self.mesh(pixels)
        if landmarks is None:
            return None
        return signals(landmarks, self.scales, self.eyes.read(pixels, landmarks))


def main() -> None:
    """Measure and print."""
    parts: dict[str, Callable[[Reader, Path, int], None]] = {
        "expressions": print_expressions,
        "pose": print_pose,
        "gaze": print_gaze,
        "clips": print_clips,
        "groups": print_groups,
        "time": print_times,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=300, help="pictures, of each kind where it counts")
    args = parser.parse_args()
    if wrong := sorted(set(args.parts) - set(parts)):
        parser.error(f"no such part: {', '.join(wrong)}")
    reader = Reader.load()
    for name in args.parts or parts:
        print(f"## {name}")
        parts[name](reader, args.data, args.n)


def listed(path: Path, n: int) -> list[dict[str, str]]:
    """Return n rows of a CSV, drawn with a fixed seed, all of them where there are fewer."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(rows))[:n]
    return [rows[row] for row in order]


def opened(path: Path) -> np.ndarray:
    """Return a picture as RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def frames(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the pictures of a clip and their times."""
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield frame.to_ndarray(format="rgb24"), round(frame.time * NS_PER_S)


def auc(some: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that one of ``some`` is above one of ``others``; ties count half."""
    ranks = rankdata(np.concatenate([some, others]))[: len(some)]
    return float((ranks.sum() - len(some) * (len(some) + 1) / 2) / (len(some) * len(others)))


def print_expressions(reader: Reader, data: Path, n: int) -> None:
    """Print the areas under the curve of each expression against neutral, for each signal."""
    rows = listed(data / "face" / "pictures.csv", 10**6)
    pictures = ((row["label"], opened(data / "face" / row["path"])) for row in rows)
    print_areas(reader, "pictures", pictures)
    print_areas(reader, "FER+ valid", valid_crops(data / "face" / "ferplus.npz", n))


def valid_crops(path: Path, n: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield n crops of each expression, blown up and given a margin of their own border."""
    faces = load_faces(path)
    labels = majority_labels(faces.votes)
    order = np.random.default_rng(0).permutation(np.flatnonzero(faces.split == "valid"))
    for number, name in enumerate(EXPRESSIONS):
        for row in order[labels[order] == number][:n]:
            grey = Image.fromarray(faces.images[row]).resize((192, 192), Image.BICUBIC)
            wide = np.pad(np.asarray(grey), 64, mode="edge")
            yield name, np.ascontiguousarray(np.repeat(wide[:, :, np.newaxis], 3, axis=2))


def print_areas(reader: Reader, title: str, pictures: Iterator[tuple[str, np.ndarray]]) -> None:
    """Print one table."""
    shown = [(label, reader.read(pixels)) for label, pixels in pictures]
    labels = np.array([label for label, found in shown if found is not None])
    found = [found for _, found in shown if found is not None]
    counts = Counter(labels.tolist())
    print(f"{title}: {len(found)} of {len(shown)} read; {dict(counts)}")
    others = [name for name in EXPRESSIONS[1:] if counts[name] >= 5]
    print(f"{'AUC against neutral':20}", *(f"{name[:9]:>9}" for name in others), "mean at rest")
    for name in NAMES:
        values = np.array([getattr(one, name) for one in found])
        rest = values[labels == "neutral"]
        areas = [auc(values[labels == other], rest) for other in others]
        print(f"{name:20}", *(f"{area:9.3f}" for area in areas), f"{rest.mean():9.2f}")


def print_pose(reader: Reader, data: Path, n: int) -> None:
    """Print what mirroring, rotating and turning a portrait does to its pose."""
    mirrored, rotated, errors = [], [], {turn: [] for turn in TURNS}
    for row in listed(data / "face" / "fairface.csv", n):
        pixels = opened(data / "face" / row["path"])
        landmarks = reader.mesh(pixels)
        if landmarks is None:
            continue
        pose = head_pose(landmarks)
        angles = np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])
        other = angles_in(reader, np.ascontiguousarray(pixels[:, ::-1]))
        if other is not None:
            mirrored.append(other * (-1, 1, -1) - angles)
        for roll_deg in (-30, 30):
            image = Image.fromarray(pixels).rotate(-roll_deg, Image.BICUBIC)
            other = angles_in(reader, np.asarray(image))
            if other is not None:
                rotated.append(other - angles - (0, 0, roll_deg))
        if np.abs(angles).max() < 6 and len(errors[TURNS[0]]) < n // 10:
            for turn in TURNS:
                found = angles_in(reader, turned(pixels, landmarks, pose, turn))
                errors[turn].append(np.full(3, np.nan) if found is None else found - turn)
    for title, differences in (("mirrored", mirrored), ("rotated by 30", rotated)):
        median, p90 = np.percentile(np.abs(differences), (50, 90), axis=0)
        print(f"{title}: n {len(differences)}, difference in yaw, pitch, roll:", end=" ")
        print(f"median {median.round(1)}, p90 {p90.round(1)} degrees")
    print("turned portraits in perspective: error of yaw, pitch, roll")
    for turn, rows in errors.items():
        table = np.array(rows)
        n_read = int(np.isfinite(table[:, 0]).sum())
        bias = np.nanmedian(table, axis=0).round(1)
        size = np.nanmedian(np.abs(table), axis=0).round(1)
        print(f"  {turn!s:14} read {n_read}/{len(table)}, median {bias}, median size {size}")


def angles_in(reader: Reader, pixels: np.ndarray) -> np.ndarray | None:
    """Return yaw, pitch and roll of the largest face."""
    landmarks = reader.mesh(pixels)
    if landmarks is None:
        return None
    pose = head_pose(landmarks)
    return np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])


def print_gaze(reader: Reader, data: Path, n: int) -> None:
    """Print how gaze and openness agree between eyes and in the mirror, and follow the head."""
    mirrored, quick, head, openness = [], [], [], []
    for row in listed(data / "face" / "fairface.csv", n):
        pixels = opened(data / "face" / row["path"])
        found = reader.read(pixels)
        if found is None or found.gaze_yaw_deg is None:
            continue
        head.append((found.yaw_deg, found.pitch_deg, found.gaze_yaw_deg, found.gaze_pitch_deg))
        landmarks = reader.mesh(pixels)
        one = reader.eyes.read(pixels, landmarks, is_quick=True)
        if one is not None and one.yaw_deg is not None:
            quick.append((one.yaw_deg - found.gaze_yaw_deg, one.pitch_deg - found.gaze_pitch_deg))
        if one is not None:
            openness.append(one.eye_openness - found.eye_openness)
        other = reader.read(np.ascontiguousarray(pixels[:, ::-1]))
        if other is not None and other.gaze_yaw_deg is not None:
            mirrored.append(
                (
                    other.gaze_yaw_deg + found.gaze_yaw_deg,
                    other.gaze_pitch_deg - found.gaze_pitch_deg,
                )
            )
    for title, rows in (("mirrored", mirrored), ("one eye against both", quick)):
        median, p90 = np.percentile(np.abs(rows), (50, 90), axis=0).round(1)
        print(f"{title}: n {len(rows)}, yaw and pitch: median {median}, p90 {p90} degrees")
    print(f"openness, one eye against both: median {np.median(np.abs(openness)):.3f}")
    table = np.array(head)
    for axis, title in ((0, "yaw"), (1, "pitch")):
        slope = np.polyfit(table[:, axis], table[:, axis + 2], 1)[0]
        print(f"gaze {title} for each degree of the head's: {slope:.2f} (-1: into the camera)")


def print_clips(reader: Reader, data: Path, n: int) -> None:
    """Print blinks of talking heads against those counted by eye, and how their mouths move."""
    del n
    totals = Counter()
    for name, wanted in BLINKS.items():
        counters = {every: BlinkCounter(reader.blinks) for every in (1, 2, 3)}
        mouth, rest = [], []
        for number, (pixels, at_ns) in enumerate(frames(data / "video" / "grid" / f"{name}.mpg")):
            landmarks = reader.mesh(pixels)
            gaze = reader.eyes.read(pixels, landmarks, is_quick=True)
            found = signals(landmarks, reader.scales, gaze)
            mouth.append(found.mouth_openness)
            rest.append((found.yaw_deg, found.pitch_deg, found.roll_deg))
            for every, counter in counters.items():
                if number % every == 0:
                    counter.add(gaze.eye_openness, at_ns)
        counted = {25 // every: counter.n_blinks for every, counter in counters.items()}
        totals.update({"by eye": wanted, **counted})
        pose = np.median(rest, axis=0).round(1)
        low, high = np.percentile(mouth, (5, 95))
        print(f"{name}: by eye {wanted}, at frames/s {counted}", end="; ")
        print(f"mouth p5 {low:.2f} p95 {high:.2f}; yaw, pitch, roll {pose}")
    print(f"all: {dict(totals)}")


def print_groups(reader: Reader, data: Path, n: int) -> None:
    """Print the medians of faces that do not smile, by race, gender and age."""
    rows = listed(data / "face" / "fairface.csv", 8 * n)
    shown = [(row, reader.read(opened(data / "face" / row["path"]))) for row in rows]
    still = [(row, found) for row, found in shown if found is not None and found.smile < 0.2]
    print(f"{len(still)} of {len(rows)} pictures: {', '.join(NAMES)}")
    for column in ("race", "gender", "age"):
        for group in sorted({row[column] for row, _ in still}):
            values = [
                [getattr(s, name) for name in NAMES] for row, s in still if row[column] == group
            ]
            print(
                f"  {group:16} n {len(values):4}", *(f"{v:.2f}" for v in np.median(values, axis=0))
            )


def print_times(reader: Reader, data: Path, n: int) -> None:
    """Print the processor time of one face."""
    pixels = opened(data / "face" / listed(data / "face" / "fairface.csv", 1)[0]["path"])
    landmarks = reader.mesh(pixels)
    jobs = {
        "signals": lambda: signals(landmarks, reader.scales),
        "one eye": lambda: reader.eyes.read(pixels, landmarks, is_quick=True),
        "both eyes": lambda: reader.eyes.read(pixels, landmarks),
    }
    for name, job in jobs.items():
        times_ms = []
        for _ in range(n):
            started_ns = time.process_time_ns()
            job()
            times_ms.append((time.process_time_ns() - started_ns) / 1e6)
        print(f"{name}: median {np.median(times_ms):.2f} ms")


if __name__ == "__main__":
    main()
