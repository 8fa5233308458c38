"""Reading faces: one frame in, the expression of each readable face out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.expression_model import FaceExpressionModel, spread
from edge_affect.perception.face_alignment import square_of_keypoints, square_of_mesh
from edge_affect.perception.face_landmarks import FaceLandmarker
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.picture import cut
from edge_affect.types import ExpressionEstimate, FaceObservation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.config import Face
    from edge_affect.perception.expression_input import CropSettings
    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.picture import Square
    from edge_affect.record import Expression
    from edge_affect.types import FaceDetection, VideoFrame

NEAR_DETECTION = "face_detection_near"
FAR_DETECTION = "face_detection_far"
LANDMARKS = "face_landmark"
EXPRESSION = "face_expression"


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
class FaceModels:
    """The four models of the face path; one instance belongs to one thread.

    Attributes:
        near: Detector for faces that fill a good part of the frame.
        far: Detector for faces across a room.
        landmarks: The mesh.
        expression: Of an aligned crop.
    """

    near: RunsModel
    far: RunsModel
    landmarks: RunsModel
    expression: ReadsCrops

    @classmethod
    def load(cls, expression: str = EXPRESSION) -> FaceModels:
        """Load the models from their manifests.

        Args:
            expression: Name of a shipped expression model, or the path of another's manifest.

        Raises:
            InputMissingError: If a manifest or a model file is not there.
            ModelError: If a file is not the one that its manifest describes.
            ManifestError: If a manifest is malformed.
        """
        return cls(
            near=load_model(NEAR_DETECTION),
            far=load_model(FAR_DETECTION),
            landmarks=load_model(LANDMARKS),
            expression=FaceExpressionModel.load(expression),
        )


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face of one frame; never leaves perception and evaluation.

    Attributes:
        detection: Where it is.
        square: What was cut for the expression model, or None where the face was not read.
        probabilities: Shape ``(8,)``, order of ``Expression``, or None where it was not read.
    """

    detection: FaceDetection
    square: Square | None
    probabilities: NDArray[np.float64] | None


class FaceReader:
    """Finds, aligns and reads the faces of single frames and keeps nothing between them.

    Args:
        models: The four models.
        settings: How many faces, and how small.

    Raises:
        ManifestError: If a manifest does not describe a model of its kind.
    """

    def __init__(self, models: FaceModels, settings: Face) -> None:
        self._search = FaceSearch(models.near, models.far, settings.max_faces)
        self._landmarker = FaceLandmarker(models.landmarks)
        self._expression = models.expression
        self._settings = settings
        thresholds = models.landmarks.manifest.thresholds
        try:
            self._min_presence = thresholds["min_presence"]
            self._sure_probability = thresholds["sure_probability"]
        except KeyError as error:
            raise ManifestError(
                f"{models.landmarks.manifest.path}: {error.args[0]!r} is missing."
            ) from None
        # Pillow is loaded by its first use: now, before a cage may hide it.
        self._search.find(np.zeros((8, 8, 3), dtype=np.uint8))

    def observe(self, frame: VideoFrame) -> FaceObservation:
        """Return how many faces a frame shows and how those that are large enough look."""
        readings = self.read(frame.pixels)
        estimates = tuple(
            ExpressionEstimate(
                reading.probabilities, float(reading.probabilities.max()), frame.captured_ns
            )
            for reading in readings
            if reading.probabilities is not None
        )
        return FaceObservation(len(readings), estimates, frame.captured_ns)

    def read(self, pixels: NDArray[np.uint8]) -> tuple[FaceReading, ...]:
        """Return the faces of a picture, the most certain first.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
        """
        readings = (self._read_face(pixels, face) for face in self._search.find(pixels))
        return tuple(reading for reading in readings if reading is not None)

    def _read_face(self, pixels: NDArray[np.uint8], face: FaceDetection) -> FaceReading | None:
        """Return what one detection shows, or None where the mesh says that it is no face."""
        is_sure = face.probability >= self._sure_probability
        is_small = face.box.width_px < self._settings.min_size_px
        if is_small and is_sure:
            return FaceReading(face, None, None)
        landmarks = self._landmarker.locate(pixels, face)
        is_present = landmarks.presence >= self._min_presence
        if not (is_present or is_sure):
            return None
        if is_small:
            return FaceReading(face, None, None)
        square = square_of_mesh(landmarks) if is_present else square_of_keypoints(face)
        return FaceReading(face, square, self._express(pixels, square))

    def _express(self, pixels: NDArray[np.uint8], square: Square) -> NDArray[np.float64]:
        crop = cut(pixels, square, self._expression.crop.size_px, is_grey=True)
        return spread(self._expression.probabilities(crop), self._expression.expressions)
