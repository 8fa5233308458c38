"""Print where eyes and mouth lie in FER+ crops: the template of the crop alignment.

python tools/measure_crop_template.py --data face/ferplus.npz [--n 2500]

Crops of the train split are blown up, given a margin of their own border, and go through the
product's detector and mesh. Medians are printed as shares of the crop's side, the right and left
half of the face averaged, because faces are symmetric at large and the training data are mirrored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from edge_affect.evaluation.ferplus import load_faces, majority_labels
from edge_affect.perception.face_alignment import EYE_CORNERS, EYES_AND_MOUTH, MOUTH_CORNERS
from edge_affect.perception.face_detection import FaceDetector
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.interpreter import load_model

SIDE_PX = 192
MARGIN_PX = 64
MIN_PRESENCE = 0.9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=2500)
    args = parser.parse_args()
    faces = load_faces(args.data)
    rows = np.flatnonzero((faces.split == "train") & (majority_labels(faces.votes) >= 0))
    rows = np.random.default_rng(0).permutation(rows)[: args.n]
    detector = FaceDetector(load_model("face_detection_near"))
    landmarker = FaceLandmarker(load_model("face_landmark"))
    meshes, keypoints = [], []
    for row in rows:
        large = Image.fromarray(faces.images[row]).resize((SIDE_PX, SIDE_PX), Image.BICUBIC)
        grey = np.pad(np.asarray(large), MARGIN_PX, mode="edge")
        pixels = np.ascontiguousarray(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
        for face in detector.detect(pixels)[:1]:
            mesh = landmarker.locate(pixels, face)
            if mesh.presence >= MIN_PRESENCE:
                meshes.append((mesh.points_px - MARGIN_PX) / SIDE_PX)
                keypoints.append((face.keypoints_px - MARGIN_PX) / SIDE_PX)
    points = np.array(meshes)
    print(f"{len(meshes)} of {len(rows)} crops have a sure mesh")
    eyes = [points[:, list(corners)].mean(axis=1) for corners in EYE_CORNERS]
    mouth = [points[:, corner] for corner in MOUTH_CORNERS]
    show("MESH_TEMPLATE, eyes", *eyes)
    show("MESH_TEMPLATE, mouth corners", *mouth)
    answers = np.array(keypoints)
    right_eye, left_eye, centre = (answers[:, row] for row in EYES_AND_MOUTH)
    show("KEYPOINT_TEMPLATE, eyes", right_eye, left_eye)
    print("KEYPOINT_TEMPLATE, mouth", np.round(np.median(centre, axis=0), 3))


def show(name: str, right: np.ndarray, left: np.ndarray) -> None:
    """Print the median place of a pair, both sides averaged about the middle."""
    right, left = np.median(right, axis=0), np.median(left, axis=0)
    offset = (left[0] - right[0]) / 2
    print(f"{name}: x 0.5 -/+ {offset:.3f}, y {(right[1] + left[1]) / 2:.3f}")


if __name__ == "__main__":
    main()
