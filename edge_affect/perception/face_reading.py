"""Reading one face: its mesh, where it has one, and its expression, where it is large enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge_affect.errors import ManifestError
from edge_affect.perception.expression_model import spread
from edge_affect.perception.face_alignment import square_of_keypoints, square_of_mesh
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_quality import crop_quality
from edge_affect.perception.picture import cut

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.expression_input import CropSettings
    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.picture import Square
    from edge_affect.record import Expression
    from edge_affect.types import FaceDetection


class ReadsCrops(Protocol):
    """What the reader needs of an expression model."""

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The expressions it knows, in the order of its probabilities."""

    @property
    def crop(self) -> CropSettings:
        """What crops it takes."""

    def probabilities(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return calibrated probabilities of one grey crop."""


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face of one frame; never leaves perception and evaluation.

    Attributes:
        detection: Where it is.
        square: What was cut for the expression model, or None where the face was not read.
        probabilities: Shape ``(8,)``, order of ``Expression``, or None where it was not read.
        landmarks: Its mesh, or None where that did not fit or the face is too small.
    """

    detection: FaceDetection
    square: Square | None
    probabilities: NDArray[np.float64] | None
    landmarks: FaceLandmarks | None = None


class OneFaceReader:
    """Reads single faces that something else has found, and keeps nothing between them.

    Args:
        landmarks: The mesh model.
        expression: The model of an aligned crop.
        min_size_px: Faces narrower than this are not read.
        min_quality: Nor are those whose crop is of less quality, see ``crop_quality``; 0 reads all.

    Raises:
        ManifestError: If the mesh's manifest does not describe such a model.
    """

    def __init__(
        self,
        landmarks: RunsModel,
        expression: ReadsCrops,
        min_size_px: float,
        min_quality: float = 0.0,
    ) -> None:
        self._landmarker = FaceLandmarker(landmarks)
        self._expression = expression
        self._min_size_px = min_size_px
        self._min_quality = min_quality
        thresholds = landmarks.manifest.thresholds
        try:
            self._min_presence = thresholds["min_presence"]
            self._sure_probability = thresholds["sure_probability"]
        except KeyError as error:
            raise ManifestError(
                f"{landmarks.manifest.path}: {error.args[0]!r} is missing."
            ) from None

    def is_small(self, face: FaceDetection) -> bool:
        """Return whether a face is too small to be read."""
        return face.box.width_px < self._min_size_px

    def is_sure(self, face: FaceDetection) -> bool:
        """Return whether the detector alone vouches for a face."""
        return face.probability >= self._sure_probability

    def read(
        self, pixels: NDArray[np.uint8], face: FaceDetection, *, is_quick: bool = False
    ) -> FaceReading | None:
        """Return what a face shows, or None where the mesh says that it is none.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
            face: Where it is; one of probability 0 must have a mesh.
            is_quick: See ``FaceLandmarker.locate``.
        """
        is_sure, is_small = self.is_sure(face), self.is_small(face)
        if is_small and is_sure:
            return FaceReading(face, None, None)
        landmarks = self._landmarker.locate(pixels, face, is_quick=is_quick)
        is_present = landmarks.presence >= self._min_presence
        if not (is_present or is_sure):
            return None
        if is_small:
            return FaceReading(face, None, None)
        square = square_of_mesh(landmarks) if is_present else square_of_keypoints(face)
        mesh = landmarks if is_present else None
        crop = cut(pixels, square, self._expression.crop.size_px, is_grey=True)
        if self._is_poor(crop, face):
            return FaceReading(face, None, None, mesh)
        probabilities = spread(self._expression.probabilities(crop), self._expression.expressions)
        return FaceReading(face, square, probabilities, mesh)

    def _is_poor(self, crop: NDArray[np.uint8], face: FaceDetection) -> bool:
        """Return whether a crop is too blurred, noisy, flat or glaring to be read."""
        return self._min_quality > 0 and crop_quality(crop, face.box.width_px) < self._min_quality
