"""A mesh in a few numbers, and small int8 nets in the place of the mesh and the iris model.

Points in int8 would be too coarse for lids and lips: all of them move far with the head, and one
step of 256 is then as large as a lid's way. The net therefore answers with principal components,
each in its own unit: a coarse step of the whole head leaves the shape of the face as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.perception.face_gaze import LIDS, N_EYE_POINTS, N_IRIS_POINTS
from edge_affect.perception.face_landmarks import N_POINTS
from edge_affect.training.mesh_lessons import (
    TEACHER_EYE_PX,
    TEACHER_MESH_PX,
    halved_luma,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

    Net = Callable[[NDArray[np.float32]], NDArray[np.float32]]

GREY_MIDDLE, GREY_UNIT = 128.0, 64.0
MIN_DEVIATION = 1e-6


def normalised(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Return grey values, 0 to 255, as the nets want them."""
    return np.asarray((grey.astype(np.float32) - GREY_MIDDLE) / GREY_UNIT, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Code:
    """Answers as a mean and weighed directions.

    Attributes:
        mean: Shape ``(n_values,)``, float32.
        basis: Shape ``(n_numbers, n_values)``, float32; a number of 1 is one deviation.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def of(cls, answers: NDArray[np.floating], n_numbers: int, weights: NDArray[Any]) -> Code:
        """Return the principal components of some answers.

        Args:
            answers: Shape ``(n, n_values)``.
            n_numbers: How many components are kept, at most ``n_values``.
            weights: Shape ``(n_values,)``, above 0: how much each value counts.
        """
        if n_numbers > answers.shape[1] or (np.asarray(weights) <= 0).any():
            raise ShapeError("A code has no more numbers than values, and weights above 0.")
        mean = answers.mean(axis=0)
        spread = (answers - mean) * weights
        variances, directions = np.linalg.eigh(spread.T @ spread / len(answers))
        kept = slice(-1, -1 - n_numbers, -1)
        deviations = np.sqrt(np.maximum(variances[kept], 0)) + MIN_DEVIATION
        basis = directions.T[kept] * deviations[:, np.newaxis] / weights
        return cls(mean.astype(np.float32), basis.astype(np.float32))

    @classmethod
    def load(cls, path: Path) -> Code:
        """Read a code that ``save`` wrote."""
        with np.load(path) as kept:
            return cls(kept["mean"], kept["basis"])

    def save(self, path: Path) -> None:
        """Write the code as ``.npz``."""
        np.savez(path, mean=self.mean, basis=self.basis)

    def values(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return answers ``(n, n_values)`` of numbers ``(n, n_numbers)``."""
        return np.asarray(numbers @ self.basis + self.mean, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class MeshStandIn:
    """A small net that takes and gives the tensors of the mesh model.

    Attributes:
        manifest: Of the mesh model.
        net: From ``(96, 96)`` normalised grey values to the numbers of a mesh and a logit.
        code: Of the meshes.
    """

    manifest: Manifest
    net: Net
    code: Code

    def run(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return 468 points in pixels of the input, and the logit of a face."""
        grey = normalised(halved_luma(inputs[0][0]) * 255)
        answer = self.net(grey)
        mesh = self.code.values(answer[np.newaxis, :-1])[0] * TEACHER_MESH_PX
        return mesh.reshape(1, 1, 1, 3 * N_POINTS), answer[-1:].reshape(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class EyeStandIn:
    """A small net that takes and gives the tensors of the iris model, as far as they are used.

    Attributes:
        manifest: Of the iris model.
        net: From ``(32, 32)`` normalised grey values to the numbers of an eye.
        code: Of ``EyeBank.answers``.
    """

    manifest: Manifest
    net: Net
    code: Code

    def run(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return rims whose lids are as far apart as the net says, and the middle of the iris."""
        grey = normalised(halved_luma(inputs[0][0]) * 255)
        right, down, gap = self.code.values(self.net(grey)[np.newaxis])[0] * TEACHER_EYE_PX
        rims = np.zeros((N_EYE_POINTS, 3), dtype=np.float32)
        rims[[lower for lower, _ in LIDS], 1] = max(float(gap), 0.0)
        iris = np.zeros((N_IRIS_POINTS, 3), dtype=np.float32)
        iris[0, :2] = right, down
        return rims.reshape(1, -1), iris.reshape(1, -1)


class Int8Net:
    """A full-int8 file of one input, a grey crop, and one output.

    Args:
        content: The ``.tflite`` file.

    Raises:
        ShapeError: If it has other tensors.
    """

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        sources = self._interpreter.get_input_details()
        sinks = self._interpreter.get_output_details()
        if len(sources) != 1 or len(sinks) != 1 or sources[0]["dtype"] is not np.int8:
            raise ShapeError("A net in the place of another takes and gives one int8 tensor.")
        [self._source], [self._sink] = sources, sinks

    def codes(self, grey: NDArray[np.float32]) -> NDArray[np.int8]:
        """Return normalised grey values ``(size, size)`` as the codes of the input tensor."""
        scale, zero_point = self._source["quantization"]
        found = np.rint(grey / np.float32(scale)) + np.float32(zero_point)
        return np.clip(found, -128, 127).astype(np.int8)[np.newaxis, :, :, np.newaxis]

    def run(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes of the answer, shape ``(1, n)``."""
        self._interpreter.set_tensor(self._source["index"], codes)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._sink["index"]))

    def __call__(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answer, shape ``(n,)``, to normalised grey values ``(size, size)``."""
        scale, zero_point = self._sink["quantization"]
        found = self.run(self.codes(grey))[0].astype(np.float32)
        return np.asarray((found - np.float32(zero_point)) * np.float32(scale), dtype=np.float32)
