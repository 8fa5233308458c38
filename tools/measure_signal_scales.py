"""Print the scales of the face signals: `[thresholds]` of the landmark and the iris model.

python tools/measure_signal_scales.py --data face/ferplus.npz [--per-class 700]

Crops of the FER+ train split, as many of each expression as there are up to a limit, are blown up,
given a margin of their own border, and go through the product's detector, mesh and iris model (the
wider eye). What pose still
does to a measure is a straight line through the neutral faces; the ends of each scale are
percentiles of the measure without it; the two directions are Fisher's discriminants.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edge_affect.evaluation.ferplus import load_faces, majority_labels
from edge_affect.perception import face_measures as measures
from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_gaze import GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker, FaceLandmarks
from edge_affect.perception.face_pose import HeadPose, head_pose, in_head, mesh_px
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.signal_scale import MAX_PITCH_DEG, MAX_YAW_DEG
from edge_affect.record import Expression

SIDE_PX = 192
MARGIN_PX = 64
MIN_PRESENCE = 0.9
AT_REST, BROWS_AT_REST = 50, 25
"""Percentile of neutral faces that show 0: fewer for brows, whose rest differs between people."""
STRONG = 90
"""Percentile that shows 1, of the faces that show most."""
CLOSED = 0.5
"""Percentile of all faces whose eyes are closed."""


@dataclass(frozen=True)
class Faces:
    """What was measured on n faces.

    Attributes:
        label: Shape ``(n,)``, the expression.
        pose: Shape ``(n, 2)``, pitch and unsigned yaw in degrees, within the limits of the product.
        values: Shape ``(n,)`` each, by the name of the measure.
    """

    label: np.ndarray
    pose: np.ndarray
    values: dict[str, np.ndarray]

    def without_pose(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a measure less the influence of the pose, shape ``(n,)``, and its two slopes."""
        values = self.values[name]
        rest = self.label == Expression.NEUTRAL
        table = np.column_stack([np.ones(rest.sum()), self.pose[rest]])
        slopes = np.linalg.lstsq(table, values[rest], rcond=None)[0][1:]
        return values - self.pose @ slopes, slopes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=700)
    args = parser.parse_args()
    faces = measure(args.data, args.per_class)
    print(f"# n = {len(faces.label)}: {np.bincount(faces.label, minlength=8).tolist()}")
    print_scales(faces)


def measure(path: Path, per_class: int) -> Faces:
    """Return what the faces of the train split measure."""
    faces = load_faces(path)
    labels = majority_labels(faces.votes)
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    landmarker = FaceLandmarker(load_model("face_landmark"))
    eyes = GazeReader(load_model("iris_landmark"))
    draw = np.random.default_rng(0)
    rows = np.flatnonzero(faces.split == "train")
    meshes, poses, shown, openness = [], [], [], []
    for expression in Expression:
        for row in draw.permutation(rows[labels[rows] == expression])[:per_class]:
            large = Image.fromarray(faces.images[row]).resize((SIDE_PX, SIDE_PX), Image.BICUBIC)
            grey = np.pad(np.asarray(large), MARGIN_PX, mode="edge")
            pixels = np.ascontiguousarray(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
            for face in search.find(pixels):
                landmarks = landmarker.locate(pixels, face)
                if landmarks.presence >= MIN_PRESENCE:
                    pose = head_pose(landmarks)
                    meshes.append(in_head(mesh_px(landmarks), pose))
                    poses.append(pose)
                    shown.append(int(expression))
                    openness.append(opening(eyes, pixels, landmarks))
    table = table_of(meshes, poses, shown)
    table.values["openness"] = np.array(openness)
    return table


def opening(eyes: GazeReader, pixels: np.ndarray, landmarks: FaceLandmarks) -> float:
    """Return the opening of the wider eye over its width, as the product takes it."""
    mesh = mesh_px(landmarks)
    widths = [np.linalg.norm(np.diff(mesh[list(pair), :2], axis=0)) for pair in EYE_CORNERS]
    side = int(np.argmax(widths))
    outer, inner = mesh[list(EYE_CORNERS[side])]
    eye = eyes.look(pixels, np.stack([outer, inner])[:, :2], is_left=side == 1)
    return float(eye.gap_px / np.linalg.norm(outer - inner))


def table_of(meshes: list[np.ndarray], poses: list[HeadPose], shown: list[int]) -> Faces:
    """Return the measures of meshes that are turned back already."""
    functions = {
        "eye_openness": measures.eye_aspect_ratio,
        "mouth_openness": measures.lip_gap,
        "width": measures.mouth_width,
        "lift": measures.corner_lift,
        "brow_raise": measures.brow_height,
        "inner": measures.inner_brow_height,
        "outer": measures.outer_brow_height,
    }
    return Faces(
        label=np.array(shown),
        pose=np.array(
            [
                (
                    np.clip(p.pitch_deg, -MAX_PITCH_DEG, MAX_PITCH_DEG),
                    min(abs(p.yaw_deg), MAX_YAW_DEG),
                )
                for p in poses
            ]
        ),
        values={name: np.array([take(m) for m in meshes]) for name, take in functions.items()},
    )


def print_scales(faces: Faces) -> None:
    """Print the lines of the manifest."""
    rest = faces.label == Expression.NEUTRAL
    happy, wide = faces.label == Expression.HAPPINESS, faces.label == Expression.SURPRISE
    angry = faces.label == Expression.ANGER
    smile = direction(faces, ("width", "lift"), happy, ~happy)
    furrow = direction(faces, ("inner", "outer"), angry, rest)
    print_values("smile_width, smile_lift", smile)
    print_values("furrow_inner, furrow_outer", furrow)
    faces.values["smile"] = np.column_stack([faces.values["width"], faces.values["lift"]]) @ smile
    faces.values["brow_furrow"] = (
        np.column_stack([faces.values["inner"], faces.values["outer"]]) @ furrow
    )
    everybody = np.ones(len(rest), dtype=bool)
    ends = {
        "eye_openness": ((everybody, CLOSED), (wide, STRONG)),
        "mouth_openness": ((rest, AT_REST), (wide, STRONG)),
        "smile": ((rest, AT_REST), (happy, STRONG)),
        "brow_raise": ((rest, BROWS_AT_REST), (wide, STRONG)),
        "brow_furrow": ((rest, BROWS_AT_REST), (angry, STRONG)),
    }
    if "openness" in faces.values:
        ends["openness"] = ((everybody, CLOSED), (wide, STRONG))
    for name, pair in ends.items():
        values, (per_pitch, per_yaw) = faces.without_pose(name)
        low, high = (np.percentile(values[rows], share) for rows, share in pair)
        print_values(f"{name} at_0, at_1", (low, high))
        print(f"{name} per_pitch_deg, per_yaw_deg: {per_pitch:.5f} {per_yaw:.5f}")


def direction(
    faces: Faces, names: tuple[str, ...], some: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Return the unit direction that best separates two sets of faces (R. A. Fisher, 1936)."""
    values = np.column_stack([faces.without_pose(name)[0] for name in names])
    within = np.cov(values[some].T) + np.cov(values[others].T)
    way = np.linalg.solve(within, values[some].mean(axis=0) - values[others].mean(axis=0))
    return np.asarray(way / np.linalg.norm(way))


def print_values(name: str, values: np.ndarray | tuple[float, ...]) -> None:
    """Print some numbers under a name."""
    print(f"{name}: {' '.join(f'{value:.4f}' for value in values)}")


if __name__ == "__main__":
    main()
