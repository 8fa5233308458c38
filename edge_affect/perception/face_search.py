"""Faces near and far: two detectors, of which the second runs only where it can add something.

The near detector is quick and sure from arm's length on, but blind to faces below a tenth of the
frame. The far detector finds those, costs twice as much, and misses faces that fill the frame. In
front of a kiosk one large face is what matters, and the near detector alone answers; in all other
frames both look, and their answers are blended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.errors import ManifestError
from edge_affect.perception.face_detection import FaceDetector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.types import FaceDetection


class FaceSearch:
    """Finds the faces of single frames and keeps nothing.

    Args:
        near: Detector for large faces. A face at least ``close_share`` of its manifest wide, as a
            share of the frame's longer side, is close: nobody looks for others far behind it.
        far: Detector for small faces.
        max_faces: At most so many are returned.

    Raises:
        ManifestError: If a manifest does not describe such a detector.
    """

    def __init__(self, near: RunsModel, far: RunsModel, max_faces: int) -> None:
        try:
            self._close_share = near.manifest.thresholds["close_share"]
        except KeyError:
            raise ManifestError(f"{near.manifest.path}: 'close_share' is missing.") from None
        self._near = FaceDetector(near)
        self._far = FaceDetector(far)
        self._max_faces = max_faces

    def find(self, pixels: NDArray[np.uint8]) -> tuple[FaceDetection, ...]:
        """Return the faces of a frame, the most certain first.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
        """
        candidates = self._near.candidates(pixels)
        faces = candidates.faces(self._near.settings.max_overlap)
        close_px = self._close_share * max(pixels.shape[:2])
        if not any(face.box.width_px >= close_px for face in faces):
            candidates += self._far.candidates(pixels)
            faces = candidates.faces(self._far.settings.max_overlap)
        return faces[: self._max_faces]
