"""Attention of portraits that are turned away from the camera by known angles.

    python benchmarks/states_attention.py --pictures face/pictures.csv --root face [--svg OUT.svg]

Portraits that face the camera are given depth and seen from elsewhere (``turned_portraits``):
head and eyes turn together. Prints one JSON object: mean attention at each angle, and how well it
tells faces turned by at most 10 degrees from those turned by 30 or more. This shows that attention
falls as a face turns; not where people look, nor that they attend to what they look at.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from turned_portraits import turned

from edge_affect.config import Face
from edge_affect.evaluation.charts import BLUE, ORANGE, Axis, Panel, Series, line_chart
from edge_affect.evaluation.overlap import auc
from edge_affect.evaluation.portrait_list import decode, read_portraits
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.state_faces import states_of_picture
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_pose import head_pose
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.picture import Square, cut
from edge_affect.states import load_states

if TYPE_CHECKING:
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_pose import HeadPose
    from edge_affect.types import Box

ANGLES_DEG = (-40, -30, -20, -10, 0, 10, 20, 30, 40)
AXES = {"yaw": (1, 0, 0), "pitch": (0, 1, 0)}
FRONTAL_DEG = 8.0
MIN_PRESENCE = 0.9
SIZE_PX, MARGIN = 240, 2.2
"""Side of the square that is cut around a face, in pixels and in widths of the face."""
NEAR_DEG, FAR_DEG = 10, 30
N_DRAWS = 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--n", type=int, default=60, help="portraits to use at most")
    parser.add_argument("--svg", type=Path, help="also draw the curves")
    args = parser.parse_args()
    models, table = FaceModels.load(), load_states()
    reader = FaceReader(models, Face(budget_ms=1000.0))
    found = {name: [] for name in AXES}
    for pixels, mesh, pose in with_progress(
        frontal(models, args.pictures, args.root, args.n), args.n, "portraits"
    ):
        for name, axis in AXES.items():
            row = []
            for angle in ANGLES_DEG:
                picture = turned(pixels, mesh, pose, tuple(angle * part for part in axis))
                row.append(states_of_picture(picture, reader, table)[0])
            found[name].append(row)
    curves = {name: np.array(rows) for name, rows in found.items()}
    print(json.dumps({name: figures(rows) for name, rows in curves.items()}))
    if args.svg:
        args.svg.write_text(chart(curves), encoding="utf-8")


def frontal(
    models: FaceModels, listing: Path, root: Path, n: int
) -> list[tuple[np.ndarray, FaceLandmarks, HeadPose]]:
    """Return portraits that face the camera, with mesh and pose, in the order of the list."""
    search, landmarker = FaceSearch(models.near, models.far, 1), FaceLandmarker(models.landmarks)
    chosen = []
    for portrait in read_portraits(listing, root):
        if len(chosen) == n:
            break
        whole = decode(portrait.path)
        for large in search.find(whole)[:1]:
            pixels = cut(whole, around(large.box), SIZE_PX)
            face = next(iter(search.find(pixels)), None)
            if face is None:
                continue
            mesh = landmarker.locate(pixels, face)
            pose = head_pose(mesh)
            is_frontal = max(abs(pose.yaw_deg), abs(pose.pitch_deg)) < FRONTAL_DEG
            if mesh.presence >= MIN_PRESENCE and is_frontal:
                chosen.append((pixels, mesh, pose))
    return chosen


def around(box: Box) -> Square:
    """Return an upright square around a face."""
    middle = (box.left_px + box.width_px / 2, box.top_px + box.height_px / 2)
    return Square(*middle, MARGIN * box.width_px)


def figures(rows: np.ndarray) -> dict[str, Any]:
    """Return means and separation; rows of shape ``(n, n_angles)``, NaN where nothing was read."""
    angles = np.abs(np.array(ANGLES_DEG))
    near, far = rows[:, angles <= NEAR_DEG], rows[:, angles >= FAR_DEG]
    rng = np.random.default_rng(0)
    drawn = [
        separation(near[some], far[some])
        for some in rng.integers(0, len(rows), (N_DRAWS, len(rows)))
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "n": len(rows),
        "mean": {str(a): round(float(np.nanmean(rows[:, k])), 3) for k, a in enumerate(ANGLES_DEG)},
        "read": {str(a): int((~np.isnan(rows[:, k])).sum()) for k, a in enumerate(ANGLES_DEG)},
        "auc": round(separation(near, far), 4),
        "auc_interval": [round(float(low), 4), round(float(high), 4)],
        "ordered": round(ordered_share(rows), 4),
    }


def separation(near: np.ndarray, far: np.ndarray) -> float:
    """Return the chance that a face turned little has more attention than one turned far."""
    values = np.concatenate([near.ravel(), far.ravel()])
    is_near = np.arange(values.size) < near.size
    is_known = ~np.isnan(values)
    return auc(values[is_known], is_near[is_known])


def ordered_share(rows: np.ndarray) -> float:
    """Return how often 10 degrees further away never means more attention."""
    middle = len(ANGLES_DEG) // 2
    steps = np.concatenate(
        [np.diff(rows[:, middle:], axis=1), np.diff(rows[:, middle::-1], axis=1)], axis=1
    )
    return float((steps[~np.isnan(steps)] <= 0.0).mean())


def chart(curves: dict[str, np.ndarray]) -> str:
    """Return the mean curves as SVG."""
    marks = tuple((float(a), str(a)) for a in ANGLES_DEG)
    across = Axis("degrees turned away from the camera", -42.0, 42.0, marks)
    up = Axis("", 0.0, 1.0, tuple((v, f"{v:.1f}") for v in (0.0, 0.5, 1.0)))
    lines = tuple(
        Series(name, colour, tuple(map(float, ANGLES_DEG)), tuple(np.nanmean(rows, axis=0)))
        for (name, rows), colour in zip(curves.items(), (BLUE, ORANGE), strict=True)
    )
    n = len(next(iter(curves.values())))
    title = f"Attention of {n} turned portraits, mean"
    return line_chart(title, Panel(60, 60, 420, 220, across, up, "", lines))


if __name__ == "__main__":
    main()
