"""Print where eyeballs turn: `ball_*` of models_tflite/iris_landmark.toml.

python tools/measure_eyeball.py --csv face/fairface.csv --root face [--n 2400]

People who face a camera mostly look into it. Seen from ahead, the median iris then lies before the
centre of its eyeball: that gives `ball_drop` and `ball_out`. Of heads turned aside by 10 to 40
degrees, the depth is right that lets most eyes look straight into the camera; too small a depth
takes eyes for following the head, too large a one for turning back beyond the camera. The radius
is not measured but anatomy: 10.5 mm from the centre of the eye's turning to the iris as seen
through the cornea, over 63 mm between the eyes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from face_pictures import drawn_pictures
from PIL import Image

from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_gaze import LEFT, RIGHT, EyeModel, GazeReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import head_pose, mesh_px
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model

MIN_PRESENCE = 0.95
MIRRORED = 200
"""So many pictures tell how far the mesh lies beside the face."""
AHEAD_DEG = 8.0
ASIDE_DEG = (10.0, 40.0)
INTO_CAMERA_DEG = 4.0
DEPTHS = np.arange(-0.02, 0.121, 0.01)


def main() -> None:
    """Measure and print."""
    paths = drawn_pictures(__doc__.splitlines()[0])
    model = load_model("iris_landmark")
    print_shift(paths[:MIRRORED])
    report(np.array(read_eyes(paths, GazeReader(model))), model.manifest)


def print_shift(paths: list[Path]) -> None:
    """Print `mesh_shift`: half of what mirroring a picture there and back does to its mesh."""
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    landmarker = FaceLandmarker(load_model("face_landmark"))
    corners = [point for eye in EYE_CORNERS for point in eye]
    twins = [point for eye in EYE_CORNERS[::-1] for point in eye]
    shifts = []
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        meshes = [
            [landmarker.locate(shown, face) for face in search.find(shown)]
            for shown in (pixels, mirrored)
        ]
        for one, other in zip(*meshes, strict=False):
            if min(one.presence, other.presence) >= MIN_PRESENCE:
                back = pixels.shape[1] - other.points_px[twins, 0]
                away = (back - one.points_px[corners, 0]) / head_pose(one).scale_px
                shifts.append(float(np.median(away)) / 2)
    print(f"mesh_shift {np.median(shifts):.4f}, of {len(shifts)} pictures")


def read_eyes(paths: list[Path], eyes: GazeReader) -> list[tuple[float, ...]]:
    """Return side, yaw, pitch, iris from the corners' middle (2), rows of the rotation (6)."""
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    landmarker = FaceLandmarker(load_model("face_landmark"))
    rows = []
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        for face in search.find(pixels):
            landmarks = landmarker.locate(pixels, face)
            if landmarks.presence < MIN_PRESENCE:
                continue
            pose, mesh = head_pose(landmarks), mesh_px(landmarks)
            for side, corners in zip((RIGHT, LEFT), EYE_CORNERS, strict=True):
                corners_px = mesh[list(corners), :2]
                eye = eyes.look(pixels, corners_px, is_left=side == LEFT)
                way = (eye.iris_px - corners_px.mean(axis=0)) / pose.scale_px
                turn = pose.rotation[:2].ravel()
                rows.append((side, pose.yaw_deg, pose.pitch_deg, *way, *turn))
    return rows


def report(rows: np.ndarray, manifest: object) -> None:
    """Print the numbers of n eyes, shape ``(n, 11)``."""
    model = EyeModel.from_manifest(manifest)
    side, yaw_deg, pitch_deg = rows[:, :3].T
    ahead = (np.abs(yaw_deg) < AHEAD_DEG) & (np.abs(pitch_deg) < AHEAD_DEG)
    out = float(np.median(rows[ahead, 3] * side[ahead]))
    drop = float(np.median(rows[ahead, 4]))
    print(f"ball_out {out:.4f}, ball_drop {drop:.4f}, of {ahead.sum()} eyes seen from ahead")
    is_seen = side * yaw_deg <= model.max_turn_deg
    aside = (np.abs(yaw_deg) >= ASIDE_DEG[0]) & (np.abs(yaw_deg) < ASIDE_DEG[1]) & is_seen
    for depth in DEPTHS:
        ball = np.column_stack([side * out, np.full(len(side), drop), np.full(len(side), depth)])
        sine = (rows[:, 3] - (rows[:, 5:8] * ball).sum(axis=1)) / model.ball_radius
        gaze_deg = np.degrees(np.arcsin(np.clip(sine[aside], -1, 1)))
        share = np.mean(np.abs(gaze_deg) < INTO_CAMERA_DEG)
        print(f"ball_depth {depth:.2f}: {share:.3f} of {aside.sum()} eyes look into the camera")


if __name__ == "__main__":
    main()
