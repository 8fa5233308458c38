"""Faces near and far: up to three looks at a frame, each only where it can add something.

The near detector is quick and sure of faces between an eighth and two thirds of the frame. One that
fills the frame it finds when it sees the frame from further away. The far detector finds faces
across a room, costs more than twice as much, and misses faces that fill the frame. In front of a
kiosk one large face is what matters, and the first look is the only one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from edge_affect.errors import ManifestError
from edge_affect.perception.face_detection import FaceDetector

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import Candidates, RunsModel
    from edge_affect.perception.manifest import Manifest
    from edge_affect.types import FaceDetection


class Look(Enum):
    """One run of a detector over a frame."""

    NEAR = "near"
    ZOOMED_OUT = "zoomed out"
    FAR = "far"


ALL_LOOKS = frozenset(Look)
FILLS_FROM = 0.75
"""A face is too wide for the near look from this share of what the zoomed-out look shows."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """When one look is enough; from the near detector's manifest.

    Attributes:
        close_share: A face at least this wide, as a share of the frame's longer side, is close:
            nobody looks for others far behind it. (0, 1]
        sure_probability: A close face of at least this probability ends the search, [0, 1].
        zoom_out: How much of its input the frame fills in the second look, (0, 1].
    """

    close_share: float
    sure_probability: float
    zoom_out: float

    def __post_init__(self) -> None:
        if not (0 < self.close_share <= 1 and 0 < self.zoom_out <= 1):
            raise ManifestError("'close_share' and 'zoom_out' must be above 0 and at most 1.")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> SearchSettings:
        """Read the settings of a near detector.

        Raises:
            ManifestError: If one is missing or out of range.
        """
        try:
            return cls(
                close_share=manifest.thresholds["close_share"],
                sure_probability=manifest.thresholds["sure_probability"],
                zoom_out=float(manifest.preprocessing["zoom_out"]),
            )
        except KeyError as error:
            raise ManifestError(f"{manifest.path}: {error.args[0]!r} is missing.") from None
        except ManifestError as error:
            raise ManifestError(f"{manifest.path}: {error}") from None
        except ValueError:
            raise ManifestError(f"{manifest.path}: 'zoom_out' must be a number.") from None


class FaceSearch:
    """Finds the faces of single frames and keeps nothing.

    Args:
        near: Detector for large faces.
        far: Detector for small faces.
        max_faces: At most so many are returned.

    Raises:
        ManifestError: If a manifest does not describe such a detector.
    """

    def __init__(self, near: RunsModel, far: RunsModel, max_faces: int) -> None:
        self._settings = SearchSettings.from_manifest(near.manifest)
        self._near = FaceDetector(near)
        self._far = FaceDetector(far)
        self._max_faces = max_faces

    def find(self, pixels: NDArray[np.uint8]) -> tuple[FaceDetection, ...]:
        """Return the faces of a frame, the most certain first.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
        """
        return self._find(pixels)[: self._max_faces]

    def look(self, pixels: NDArray[np.uint8], looks: Collection[Look]) -> tuple[FaceDetection, ...]:
        """Return what some looks at a frame find, the most certain first.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
            looks: Which, at least one.
        """
        first, *others = [self._run(pixels, look) for look in Look if look in looks]
        candidates = sum(others, start=first)
        return candidates.faces(self._near.settings.max_overlap)[: self._max_faces]

    def _run(self, pixels: NDArray[np.uint8], look: Look) -> Candidates:
        if look is Look.FAR:
            return self._far.candidates(pixels)
        fill = self._settings.zoom_out if look is Look.ZOOMED_OUT else 1.0
        return self._near.candidates(pixels, fill)

    def looks_for(self, width_share: float) -> frozenset[Look]:
        """Return the looks that would find a face of some width.

        Args:
            width_share: Its width as a share of the frame's longer side, above 0.
        """
        if width_share < self._settings.close_share:
            return frozenset({Look.FAR})
        # From here on seeing the frame from further away finds more than the plain look.
        if width_share > FILLS_FROM * self._settings.zoom_out:
            return frozenset({Look.NEAR, Look.ZOOMED_OUT})
        return frozenset({Look.NEAR})

    def _find(self, pixels: NDArray[np.uint8]) -> tuple[FaceDetection, ...]:
        settings, max_overlap = self._settings, self._near.settings.max_overlap
        close_px = settings.close_share * max(pixels.shape[:2])
        candidates = self._near.candidates(pixels)
        faces = candidates.faces(max_overlap)
        close = [face for face in faces if face.box.width_px >= close_px]
        if any(face.probability >= settings.sure_probability for face in close):
            return faces
        if close or not faces:
            candidates += self._near.candidates(pixels, settings.zoom_out)
            faces = candidates.faces(max_overlap)
            if any(face.box.width_px >= close_px for face in faces):
                return faces
        candidates += self._far.candidates(pixels)
        return candidates.faces(self._far.settings.max_overlap)
