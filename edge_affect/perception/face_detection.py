"""Finding faces in a frame with a single-shot detector of the BlazeFace family.

Written from the published description: V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural
Face Detection on Mobile GPUs", 2019 (arXiv 1907.05047), and the graph options of MediaPipe's face
detection module. The network answers for a fixed grid of anchors with a score, a box and six
keypoints; overlapping answers are blended instead of dropped, which keeps video steady.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.perception.picture import letterbox, tensor_of
from edge_affect.types import Box, FaceDetection

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

N_KEYPOINTS = 6
MIN_BOX_PX = 1e-3
N_VALUES = 4 + 2 * N_KEYPOINTS
MAX_LOGIT = 80.0
"""Scores are clipped to this before the sigmoid: float32 overflows at exp(88.8)."""


class RunsModel(Protocol):
    """What the face path needs of a loaded model."""

    @property
    def manifest(self) -> Manifest:
        """What the model is."""

    def run(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return the raw outputs of one inference, in the manifest's order."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How the answers of a detector are read; from its manifest.

    Attributes:
        size_px: Side of the square input.
        strides_px: Of each grid of anchors.
        anchors: Anchors in each cell of that grid.
        input_low: What a black pixel becomes.
        input_high: What a white pixel becomes.
        min_probability: Answers below are no faces, [0, 1].
        max_overlap: Answers that overlap more (intersection over union) are one face, [0, 1].
    """

    size_px: int
    strides_px: tuple[int, ...]
    anchors: tuple[int, ...]
    input_low: float
    input_high: float
    min_probability: float
    max_overlap: float

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> DetectorSettings:
        """Read the settings of a model.

        Raises:
            ManifestError: If a key is missing or its value does not fit the tensors.
        """
        table, thresholds = manifest.preprocessing, manifest.thresholds
        try:
            grids = [grid.split("x") for grid in str(table["anchors"]).split()]
            settings = cls(
                size_px=manifest.inputs[0].shape[1],
                strides_px=tuple(int(stride) for stride, _ in grids),
                anchors=tuple(int(count) for _, count in grids),
                input_low=float(table["input_low"]),
                input_high=float(table["input_high"]),
                min_probability=thresholds["min_probability"],
                max_overlap=thresholds["max_overlap"],
            )
        except KeyError as error:
            raise ManifestError(f"{manifest.path}: {error.args[0]!r} is missing.") from None
        except (ValueError, IndexError):
            raise ManifestError(
                f"{manifest.path}: anchors must read like '16x2 32x6' (stride, count), "
                "input_low and input_high must be numbers, and the input needs a shape."
            ) from None
        _check_outputs(manifest, anchor_centres_px(settings).shape[0])
        return settings


def _check_outputs(manifest: Manifest, n_anchors: int) -> None:
    shapes = [spec.shape for spec in manifest.outputs]
    wanted = [(1, n_anchors, N_VALUES), (1, n_anchors, 1)]
    if shapes != wanted:
        raise ManifestError(
            f"{manifest.path}: the anchors ask for outputs {wanted}, the model has {shapes}."
        )


def anchor_centres_px(settings: DetectorSettings) -> NDArray[np.float32]:
    """Return the anchors' centres in pixels of the input, shape ``(n_anchors, 2)``.

    Row by row over each grid; anchors of one cell share its centre, for their sizes are fixed.

    >>> settings = DetectorSettings(4, (2,), (1,), 0.0, 1.0, 0.5, 0.3)
    >>> anchor_centres_px(settings).tolist()
    [[1.0, 1.0], [3.0, 1.0], [1.0, 3.0], [3.0, 3.0]]
    """
    grids = []
    for stride, count in zip(settings.strides_px, settings.anchors, strict=True):
        n_cells = -(-settings.size_px // stride)
        line = (np.arange(n_cells, dtype=np.float32) + 0.5) * settings.size_px / n_cells
        columns, rows = np.meshgrid(line, line)
        centres = np.stack([columns.ravel(), rows.ravel()], axis=1)
        grids.append(np.repeat(centres, count, axis=0))
    return np.asarray(np.concatenate(grids), dtype=np.float32)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logistic function, clipped against overflow.

    >>> sigmoid(np.array([0.0, 1e9], dtype=np.float32)).tolist()
    [0.5, 1.0]
    """
    clipped = np.clip(logits, -MAX_LOGIT, MAX_LOGIT)
    return (1.0 / (1.0 + np.exp(-clipped))).astype(np.float32)


def decode(regressors: NDArray[np.float32], anchors_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return boxes and keypoints in pixels of the input.

    Args:
        regressors: Shape ``(n, 16)``: centre, size and six keypoints relative to the anchor.
        anchors_px: Shape ``(n, 2)``.

    Returns:
        Shape ``(n, 8, 2)``: top left corner, bottom right corner, six keypoints, each x and y.
    """
    values = regressors.reshape(-1, N_VALUES // 2, 2)
    points = values + anchors_px[:, np.newaxis, :]
    half = values[:, 1] / 2
    centres = points[:, 0].copy()
    points[:, 0] = centres - half
    points[:, 1] = centres + half
    return points


def overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union of one box with many.

    Args:
        box: Shape ``(2, 2)``: top left and bottom right corner.
        boxes: Shape ``(n, 2, 2)``.
    """
    low = np.maximum(box[0], boxes[:, 0])
    high = np.minimum(box[1], boxes[:, 1])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    areas = np.prod(np.maximum(boxes[:, 1] - boxes[:, 0], 0.0), axis=1)
    area = float(np.prod(np.maximum(box[1] - box[0], 0.0)))
    return np.asarray(shared / np.maximum(areas + area - shared, 1e-9), dtype=np.float32)


def blend(
    points: NDArray[np.float32], probabilities: NDArray[np.float32], max_overlap: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Merge answers that mean the same face: weighted non-maximum suppression.

    The best answer takes all that overlap it; their corners and keypoints are averaged with their
    probabilities as weights, and the best one's probability stands for all.

    Args:
        points: Shape ``(n, 8, 2)``, as from ``decode``.
        probabilities: Shape ``(n,)``.
        max_overlap: See ``DetectorSettings``.

    Returns:
        Points ``(n_faces, 8, 2)`` and probabilities ``(n_faces,)``, the best first.
    """
    left = np.argsort(-probabilities, kind="stable")
    faces, scores = [], []
    while left.size:
        same = overlap(points[left[0], :2], points[left, :2]) > max_overlap
        same[0] = True
        group = left[same]
        faces.append(np.average(points[group], axis=0, weights=probabilities[group]))
        scores.append(probabilities[left[0]])
        left = left[~same]
    shape = (len(faces), N_VALUES // 2, 2)
    return np.array(faces, dtype=np.float32).reshape(shape), np.array(scores, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a detector takes for faces, overlapping answers included.

    Attributes:
        points_px: Shape ``(n, 8, 2)``, float32: as from ``decode``, in pixels of the frame.
        probabilities: Shape ``(n,)``, float32, [0, 1].
    """

    points_px: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)

    def __add__(self, other: Candidates) -> Candidates:
        return Candidates(
            np.concatenate([self.points_px, other.points_px]),
            np.concatenate([self.probabilities, other.probabilities]),
        )

    def faces(self, max_overlap: float) -> tuple[FaceDetection, ...]:
        """Return one detection for each face, the most certain first; see ``blend``."""
        points, probabilities = blend(self.points_px, self.probabilities, max_overlap)
        return tuple(map(_detection, points, probabilities.tolist()))


class FaceDetector:
    """Finds faces in single frames and keeps nothing.

    Args:
        model: Of kind ``face_detection``.

    Raises:
        ManifestError: If the manifest does not describe such a detector.
    """

    def __init__(self, model: RunsModel) -> None:
        self._model = model
        self.settings = DetectorSettings.from_manifest(model.manifest)
        self._anchors_px = anchor_centres_px(self.settings)

    def candidates(self, pixels: NDArray[np.uint8], fill: float = 1.0) -> Candidates:
        """Return every answer that is probable enough.

        Args:
            pixels: Shape ``(height, width, 3)``, uint8, RGB.
            fill: See ``letterbox``; below 1 the detector sees the frame from further away.
        """
        boxed = letterbox(pixels, self.settings.size_px, fill)
        settings = self.settings
        tensor = tensor_of(boxed.pixels, settings.input_low, settings.input_high)
        regressors, logits = self._model.run(tensor)
        probabilities = sigmoid(logits[0, :, 0])
        found = np.flatnonzero(probabilities >= self.settings.min_probability)
        points = decode(regressors[0, found], self._anchors_px[found])
        return Candidates(boxed.to_frame(points), probabilities[found])

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[FaceDetection, ...]:
        """Return the faces of a frame, the most certain first; arguments as ``candidates``."""
        return self.candidates(pixels).faces(self.settings.max_overlap)


def _detection(points_px: NDArray[np.float32], probability: float) -> FaceDetection:
    (left, top), (right, bottom) = points_px[:2].tolist()
    box = Box(left, top, max(right - left, MIN_BOX_PX), max(bottom - top, MIN_BOX_PX))
    return FaceDetection(box, points_px[2:].copy(), probability)
