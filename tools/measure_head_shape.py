"""Print the median head of `perception/face_canonical.py`, measured on pictures of faces.

python tools/measure_head_shape.py --csv face/fairface.csv --root face [--n 2400]

Every picture goes through the product's detector and mesh. The sure meshes are turned, scaled and
shifted onto their median, and the median is taken again, until it stands still; both halves of the
face are averaged about the middle, since faces are symmetric at large. The first median is that of
the meshes as photographed, so pitch 0 is how people hold their head in front of a camera.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from face_pictures import drawn_pictures
from PIL import Image

from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_canonical import MIDLINE, RIGHT_SIDE, TWINS
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import mesh_px
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model

MIN_PRESENCE = 0.95
N_ROUNDS = 8


def main() -> None:
    """Measure and print."""
    paths = drawn_pictures(__doc__.splitlines()[0])
    meshes = sure_meshes(paths)
    print(f"{len(meshes)} of {len(paths)} pictures have a sure mesh")
    head = median_head(meshes)
    for name, rows in (("MIDLINE", MIDLINE), ("RIGHT_SIDE", RIGHT_SIDE)):
        print(name)
        for row in rows:
            print(f"    {row}: ({', '.join(f'{value:.3f}' for value in head[row])}),")


def sure_meshes(paths: list[Path]) -> np.ndarray:
    """Return the mesh of the largest face of each picture, shape ``(n, 468, 3)``."""
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    landmarker = FaceLandmarker(load_model("face_landmark"))
    meshes = []
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        for face in search.find(pixels):
            landmarks = landmarker.locate(pixels, face)
            if landmarks.presence >= MIN_PRESENCE:
                meshes.append(mesh_px(landmarks))
    return np.array(meshes)


def median_head(meshes: np.ndarray) -> np.ndarray:
    """Return the median of aligned meshes, shape ``(468, 3)``, between the eyes, their distance 1.

    Generalised Procrustes analysis (J. C. Gower, 1975) with medians instead of means.
    """
    centred = meshes - meshes.mean(axis=1, keepdims=True)
    sized = centred / np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    head = symmetric(np.median(sized, axis=0))
    for _ in range(N_ROUNDS):
        head = symmetric(np.median([turned_onto(mesh, head) for mesh in sized], axis=0))
    right, left = (head[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    return (head - (right + left) / 2) / np.linalg.norm(right - left)


def turned_onto(mesh: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Return a mesh turned and scaled onto a head, both centred."""
    left, gains, right = np.linalg.svd(head.T @ mesh)
    handedness = np.sign(np.linalg.det(left @ right))
    gains[2] *= handedness
    left[:, 2] *= handedness
    return mesh @ (left @ right).T * gains.sum() / (mesh**2).sum()


def symmetric(head: np.ndarray) -> np.ndarray:
    """Return a head averaged with its mirror image, in the points that have a known twin."""
    averaged = head - head[list(TWINS)].mean(axis=0)
    twins = np.array(list(TWINS.items()))
    mirrored = averaged[twins[:, 1]] * (-1, 1, 1)
    averaged[twins[:, 0]] = (averaged[twins[:, 0]] + mirrored) / 2
    return averaged


if __name__ == "__main__":
    main()
