"""Which way up a camera hangs, as faces tell; of a mirror image they tell nothing.

Detector and mesh find a face on its side hardly ever, one on its head often enough; of the latter
they are less sure, and put its mouth above its eyes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.perception.face import FaceReader
    from edge_affect.perception.face_reading import FaceReading

N_TURNS = 4
MIN_SEEN = 0.5
"""A picture counts if one of its turns shows a face as plainly as this."""
MIN_LEAD = 0.05
"""By so much the best turn must lead, in the mean of the pictures that count."""
_EYES, _MOUTH = [0, 1], 3


def turns(pixels: NDArray[np.uint8], reader: FaceReader) -> NDArray[np.float64]:
    """Return how plainly each turn of a picture shows an upright face.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8, RGB.
        reader: Reads single pictures.

    Returns:
        Shape ``(4,)``, range [0, 1], after clockwise turns by 0, 90, 180 and 270 degrees.
    """
    shown = []
    for quarters in range(N_TURNS):
        turned = np.ascontiguousarray(np.rot90(pixels, -quarters))
        shown.append(max((_plainness(face) for face in reader.read(turned)), default=0.0))
    return np.array(shown)


def best_turn(pictures: Sequence[NDArray[np.float64]]) -> int | None:
    """Return the turn that makes faces upright, or None where no face tells.

    Args:
        pictures: What ``turns`` says of each.

    Returns:
        Clockwise quarters, 0 to 3.
    """
    seen = [turn for turn in pictures if turn.max() >= MIN_SEEN]
    if not seen:
        return None
    mean = np.mean(seen, axis=0)
    second, best = np.argsort(mean)[-2:]
    return int(best) if mean[best] - mean[second] >= MIN_LEAD else None


def _plainness(face: FaceReading) -> float:
    """Return how sure a face is, less what it is turned out of the vertical; in [0, 1]."""
    if face.landmarks is None:
        return 0.0
    keypoints = face.detection.keypoints_px
    down = keypoints[_MOUTH] - keypoints[_EYES].mean(axis=0)
    upright = float(down[1] / max(1e-6, np.hypot(down[0], down[1])))
    return max(0.0, upright) * face.detection.probability * face.landmarks.presence
