"""468 points of one face, from a rotated square around its detection.

Written from the published description: Y. Kartynnik et al., "Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs", 2019 (arXiv 1907.06724), and the graph options of MediaPipe's face
landmark module: the square is centred on the detection, turned so that the eyes are level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.face_detection import sigmoid
from edge_affect.perception.picture import Square, cut, tensor_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.manifest import Manifest
    from edge_affect.types import FaceDetection

N_POINTS = 468
RIGHT_EYE, LEFT_EYE = 0, 1
"""Rows of a detection's keypoints; right and left are the subject's."""
MAX_QUICK_ZOOM = 2.0
"""Squares blown up further than this are cut with care, others quickly."""


@dataclass(frozen=True, slots=True)
class FaceLandmarks:
    """The mesh of one face.

    Attributes:
        points_px: Shape ``(468, 2)``, float32, x and y in pixels of the frame, in the order of the
            canonical face model.
        presence: Chance that there is a face in the square at all, [0, 1].
        depths_px: Shape ``(468,)``, float32, away from the camera, in pixels of the frame, 0 near
            the middle of the head; None where only places are known.
    """

    points_px: NDArray[np.float32] = field(repr=False)
    presence: float
    depths_px: NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LandmarkSettings:
    """How a landmark model sees a face; from its manifest.

    Attributes:
        size_px: Side of the square input.
        input_low: What a black pixel becomes.
        input_high: What a white pixel becomes.
        square_scale: Side of the cut square in widths of the detection, > 0.
    """

    size_px: int
    input_low: float
    input_high: float
    square_scale: float

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> LandmarkSettings:
        """Read the settings of a model.

        Raises:
            ManifestError: If a key is missing, not a number, or the tensors are others.
        """
        try:
            table = {key: float(value) for key, value in manifest.preprocessing.items()}
            settings = cls(
                size_px=manifest.inputs[0].shape[1],
                input_low=table["input_low"],
                input_high=table["input_high"],
                square_scale=table["square_scale"],
            )
        except KeyError as error:
            raise ManifestError(f"{manifest.path}: {error.args[0]!r} is missing.") from None
        except (ValueError, IndexError):
            raise ManifestError(f"{manifest.path}: [preprocessing] must hold numbers.") from None
        sizes = [math.prod(spec.shape) for spec in manifest.outputs]
        if sizes != [3 * N_POINTS, 1]:
            raise ManifestError(
                f"{manifest.path}: a landmark model has outputs of {3 * N_POINTS} and 1 values, "
                f"not {sizes}."
            )
        return settings


def face_square(detection: FaceDetection, scale: float) -> Square:
    """Return the square around a detection in which its eyes are level.

    Args:
        detection: A face.
        scale: Side in units of the longer side of the detection's box.
    """
    box = detection.box
    right_eye, left_eye = detection.keypoints_px[[RIGHT_EYE, LEFT_EYE]].astype(np.float64)
    across, down = left_eye - right_eye
    return Square(
        centre_x_px=box.left_px + box.width_px / 2,
        centre_y_px=box.top_px + box.height_px / 2,
        side_px=max(box.width_px, box.height_px) * scale,
        roll_rad=math.atan2(down, across),
    )


class FaceLandmarker:
    """Puts the mesh on one detected face at a time and keeps nothing.

    Args:
        model: Of kind ``face_landmarks``.

    Raises:
        ManifestError: If the manifest does not describe such a model.
    """

    def __init__(self, model: RunsModel) -> None:
        self._model = model
        self._settings = LandmarkSettings.from_manifest(model.manifest)

    def locate(
        self, pixels: NDArray[np.uint8], detection: FaceDetection, *, is_quick: bool = False
    ) -> FaceLandmarks:
        """Return the mesh of one face.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
            detection: The face in it.
            is_quick: Whether to cut quickly (see ``cut``): on 100 portraits the points move by
                0.2 to 0.8 % of the distance of the eyes, less than by another square around the
                same face (2.2 %); whether a doubtful face is one deserves the careful cut.
        """
        settings = self._settings
        square = face_square(detection, settings.square_scale)
        # Blown up more than twofold, nearest samples would show the mesh steps instead of edges.
        is_coarse = square.side_px * MAX_QUICK_ZOOM < settings.size_px
        crop = cut(pixels, square, settings.size_px, is_quick=is_quick and not is_coarse)
        tensor = tensor_of(crop, settings.input_low, settings.input_high)
        values, logit = self._model.run(tensor)
        places = values.reshape(N_POINTS, 3) / settings.size_px
        return FaceLandmarks(
            points_px=square.to_frame(places[:, :2]),
            presence=float(sigmoid(logit).flat[0]),
            depths_px=(places[:, 2] * square.side_px).astype(np.float32),
        )
