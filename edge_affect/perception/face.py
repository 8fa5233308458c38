"""Reading faces: pictures or frames in, the expression of each readable face out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.face_following import FaceFollower
from edge_affect.perception.face_reading import FaceReading, OneFaceReader, ReadsCrops
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.face_showing import SignalReader
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.reading_pace import ReadingPace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.config import Face
    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.types import FaceDetection, FaceObservation, VideoFrame

__all__ = ["FaceModels", "FaceReader", "FaceReading", "ReadsCrops"]

NEAR_DETECTION = "face_detection_near"
FAR_DETECTION = "face_detection_far"
LANDMARKS = "face_landmark"
IRIS = "iris_landmark"
EXPRESSION = "face_expression"


@dataclass(frozen=True, slots=True)
class FaceModels:
    """The models of the face path; one instance belongs to one thread.

    Attributes:
        near: Detector for faces that fill a good part of the frame.
        far: Detector for faces across a room.
        landmarks: The mesh.
        expression: Of an aligned crop.
        iris: Of one eye; None goes without gaze and blinks.
        min_quality: Of a crop that the expression model can read, [0, 1].
    """

    near: RunsModel
    far: RunsModel
    landmarks: RunsModel
    expression: ReadsCrops
    iris: RunsModel | None = None
    min_quality: float = 0.0

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
        expressions = FaceExpressionModel.load(expression)
        return cls(
            near=load_model(NEAR_DETECTION),
            far=load_model(FAR_DETECTION),
            landmarks=load_model(LANDMARKS),
            expression=expressions,
            iris=load_model(IRIS),
            min_quality=expressions.manifest.thresholds.get("min_quality", 0.0),
        )


class FaceReader:
    """Finds, aligns and reads faces: ``read`` on single pictures, ``observe`` on a film.

    Args:
        models: The models.
        settings: How many faces, how small, and how long a frame may take.
        pace: Keeps to that time; None makes one that does.

    Raises:
        ManifestError: If a manifest does not describe a model of its kind.
    """

    def __init__(self, models: FaceModels, settings: Face, pace: ReadingPace | None = None) -> None:
        self._search = FaceSearch(models.near, models.far, settings.max_faces)
        self._reader = OneFaceReader(
            models.landmarks, models.expression, settings.min_size_px, models.min_quality
        )
        self._budget_ms = settings.budget_ms
        self._pace = pace or ReadingPace(settings.budget_ms)
        self._follower = FaceFollower(
            self._search,
            self._reader,
            SignalReader(models.landmarks.manifest, models.iris),
            self._pace,
            settings.max_faces,
        )
        # Pillow is loaded by its first use: now, before a cage may hide it.
        self._search.find(np.zeros((8, 8, 3), dtype=np.uint8))

    def observe(self, frame: VideoFrame) -> FaceObservation:
        """Return the faces of the next frame, followed from those before; see ``FaceFollower``."""
        return self._follower.observe(frame)

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody was there and nothing moved in the latest frames."""
        return self._follower.is_at_rest

    def ease(self, share: float) -> None:
        """Spend this share of the configured time on each frame, (0, 1], at least one reading."""
        self._pace.set_budget(self._budget_ms * share)

    def clear(self) -> None:
        """Forget every face that was followed."""
        self._follower.clear()

    def whereabouts(self) -> dict[int, FaceDetection]:
        """Return where the followed faces were last seen, by track; never leaves measurements."""
        return self._follower.whereabouts()

    def read(self, pixels: NDArray[np.uint8]) -> tuple[FaceReading, ...]:
        """Return the faces of a picture, the most certain first; keeps nothing.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
        """
        readings = (self._reader.read(pixels, face) for face in self._search.find(pixels))
        return tuple(reading for reading in readings if reading is not None)
