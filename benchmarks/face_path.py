"""What the face path costs and how far it sees: the figures of the detector cards.

python benchmarks/face_path.py --data DATA_FOLDER

Times are processor time of one thread, median over repeats, on a 640 x 480 frame with one sure
close face; a busy machine hardly changes them. A followed face is one in a film of 10 frames a
second, its eyes included. Recall is measured on FairFace heads pasted at
random places into frames of a clip without a face, so that the width of the face is known; a face
counts where detector and mesh agree with its place and size.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image

from edge_affect.config import Face
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_alignment import square_of_mesh
from edge_affect.perception.face_detection import FaceDetector
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.picture import cut
from edge_affect.types import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME_PX = (640, 480)
HEAD_WIDTH_SHARE = 0.743
"""Median width of the detection in a FairFace picture, as a share of the picture's."""
WIDTHS_PX = (24, 32, 40, 60, 80, 120, 160, 240, 320)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=200, help="heads for each width")
    args = parser.parse_args()
    models = FaceModels.load()
    backgrounds = read_frames(args.data / "video" / "clips" / "no_face.mp4", every=10)
    with (args.data / "face" / "fairface.csv").open(encoding="utf-8") as file:
        listed = [args.data / "face" / row["path"] for row in csv.DictReader(file)]
    heads = [listed[row] for row in np.random.default_rng(0).permutation(len(listed))[: args.n]]
    search = FaceSearch(models.near, models.far, 1)
    frames = [paste(backgrounds[0], head, 200, (200, 100))[0] for head in heads[:20]]
    surest = max(frames, key=lambda frame: max(f.probability for f in search.find(frame)))
    print_times(models, surest, backgrounds[0])
    reader = FaceReader(models, Face(min_size_px=24))
    n_false = sum(len(reader.read(frame)) for frame in backgrounds)
    print(f"false faces in {len(backgrounds)} frames without one: {n_false}")
    for width_px in WIDTHS_PX:
        print_recall(reader, backgrounds, heads, width_px)


def read_frames(path: Path, every: int) -> list[np.ndarray]:
    """Return every so-manieth frame of a clip."""
    with av.open(str(path)) as clip:
        frames = [frame for n, frame in enumerate(clip.decode(video=0)) if n % every == 0]
        return [np.asarray(frame.to_image().resize(FRAME_PX)) for frame in frames]


def paste(
    frame: np.ndarray, head: Path, width_px: int, corner: tuple[int, int]
) -> tuple[np.ndarray, tuple[float, float]]:
    """Return a frame with a head in it, and the middle of that head."""
    side = round(width_px / HEAD_WIDTH_SHARE)
    picture = Image.fromarray(frame)
    picture.paste(Image.open(head).convert("RGB").resize((side, side), Image.LANCZOS), corner)
    return np.asarray(picture), (corner[0] + side / 2, corner[1] + side / 2)


def print_times(models: FaceModels, frame: np.ndarray, empty: np.ndarray) -> None:
    """Print what each stage takes."""
    search = FaceSearch(models.near, models.far, 20)
    far, landmarker = FaceDetector(models.far), FaceLandmarker(models.landmarks)
    face = search.find(frame)[0]
    square = square_of_mesh(landmarker.locate(frame, face))
    size_px = models.expression.crop.size_px
    crop = cut(frame, square, size_px, is_grey=True)
    reader, watcher = FaceReader(models, Face()), FaceReader(models, Face())
    frame_ns = iter(range(0, 10**13, 100_000_000))
    gaze, mesh = GazeReader(models.iris), landmarker.locate(frame, face)
    stages: dict[str, Callable[[], object]] = {
        "search, one close face": lambda: search.find(frame),
        "far detector": lambda: far.candidates(frame),
        "mesh": lambda: landmarker.locate(frame, face),
        "mesh of a followed face": lambda: landmarker.locate(frame, face, is_quick=True),
        "one eye": lambda: gaze.read(frame, mesh, is_quick=True),
        "crop": lambda: cut(frame, square, size_px, is_grey=True),
        "expression": lambda: models.expression.probabilities(crop),
        "frame without a face": lambda: reader.read(empty),
        "whole, one close face": lambda: reader.read(frame),
        "followed, one close face": lambda: watcher.observe(VideoFrame(frame, next(frame_ns))),
        "followed, nobody there": lambda: watcher.observe(VideoFrame(empty, next(frame_ns))),
    }
    for name, stage in stages.items():
        times_ms = []
        for _ in range(200):
            started_ns = time.thread_time_ns()
            stage()
            times_ms.append((time.thread_time_ns() - started_ns) / 1e6)
        print(
            f"{name:24s} median {np.median(times_ms):6.2f} ms, best {min(times_ms):6.2f} ms, "
            f"mean {np.mean(times_ms):6.2f} ms, 95 % {np.percentile(times_ms, 95):6.2f} ms"
        )


def print_recall(
    reader: FaceReader, backgrounds: list[np.ndarray], heads: list[Path], width_px: int
) -> None:
    """Print how many of the heads are found at one width."""
    generator = np.random.default_rng(width_px)
    side = round(width_px / HEAD_WIDTH_SHARE)
    room = (max(1, FRAME_PX[0] - side), max(1, FRAME_PX[1] - side))
    n_found = n_false = 0
    for n, head in enumerate(heads):
        corner = (int(generator.integers(room[0])), int(generator.integers(room[1])))
        frame, middle = paste(backgrounds[n % len(backgrounds)], head, width_px, corner)
        boxes = [reading.detection.box for reading in reader.read(frame)]
        hits = [
            abs(box.left_px + box.width_px / 2 - middle[0]) < width_px / 2
            and abs(box.top_px + box.height_px / 2 - middle[1]) < width_px / 2
            and 0.5 < box.width_px / width_px < 2
            for box in boxes
        ]
        n_found += any(hits)
        n_false += len(hits) - sum(hits)
    print(
        f"{width_px:4d} px ({width_px / FRAME_PX[0]:4.0%} of the frame): "
        f"recall {n_found / len(heads):.3f}, false faces in a frame {n_false / len(heads):.3f}"
    )


if __name__ == "__main__":
    main()
