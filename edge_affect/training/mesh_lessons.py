"""What small nets learn from the mesh and the iris model: crops, and what these say of them.

A face is judged by the mesh model in several squares a little apart, and the mean counts: one
answer moves by some percent of the distance of the eyes with the square, which nobody needs to
learn. That mean goes along wherever the crop is moved to. How sure the teacher is that there is a
face is asked of the very crop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_gaze import LIDS, eye_square
from edge_affect.perception.face_landmarks import N_POINTS, face_square
from edge_affect.perception.picture import Square, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.face_detection import RunsModel
    from edge_affect.perception.face_search import FaceSearch

MESH_PX, EYE_PX = 96, 32
"""Side of what the small nets see: half of what their teachers see."""
TEACHER_MESH_PX, TEACHER_EYE_PX = 2 * MESH_PX, 2 * EYE_PX
FACE_SCALE, EYE_SCALE = 1.5, 2.3
"""Side of the squares, as the manifests of the teachers have it."""
MIN_PRESENCE = 0.9
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far a square is moved at random: standard deviations.

    Attributes:
        shift: Of its middle, in sides.
        scale: Of the logarithm of its side.
        roll_rad: Of its turn.
    """

    shift: float
    scale: float
    roll_rad: float

    def moved(self, square: Square, generator: np.random.Generator) -> Square:
        """Return a square a little elsewhere."""
        right, down, grow, turn = generator.normal(size=4).tolist()
        return Square(
            square.centre_x_px + right * self.shift * square.side_px,
            square.centre_y_px + down * self.shift * square.side_px,
            square.side_px * math.exp(grow * self.scale),
            square.roll_rad + turn * self.roll_rad,
        )


ASKED = Jitter(0.02, 0.03, math.radians(3))
FACE_COPIES = Jitter(0.05, 0.10, math.radians(8))
EYE_COPIES = Jitter(0.03, 0.06, math.radians(4))
N_ASKED = 2


@dataclass(frozen=True, slots=True)
class MeshBank:
    """Crops of faces and beside faces, and what the mesh model says of them.

    Attributes:
        crops: Shape ``(n, 96, 96)``, uint8.
        meshes: Shape ``(n, 468, 3)``, float32, in sides of the crop from its top left; 0 without.
        presence: Shape ``(n,)``, float32, chance of a face, [0, 1].
        is_meshed: Shape ``(n,)``, bool.
    """

    crops: NDArray[np.uint8]
    meshes: NDArray[np.float32]
    presence: NDArray[np.float32]
    is_meshed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EyeBank:
    """Crops of eyes, the left ones mirrored, and what the iris model says of them.

    Attributes:
        crops: Shape ``(n, 32, 32)``, uint8.
        answers: Shape ``(n, 3)``, float32: middle of the iris, right and down, and the height of
            the lids' opening, in sides of the crop.
    """

    crops: NDArray[np.uint8]
    answers: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many crops are made of one picture.

    Attributes:
        faces: Around its face.
        beside: Beside it.
        eyes: Of each eye.
    """

    faces: int
    beside: int
    eyes: int


def halved_luma(crop: NDArray[Any]) -> NDArray[np.float32]:
    """Return a crop in grey at half its size.

    Args:
        crop: Shape ``(2 n, 2 n, 3)``, any range.
    """
    grey = crop.astype(np.float32) @ LUMA
    half = grey.shape[0] // 2
    return np.asarray(grey.reshape(half, 2, half, 2).mean(axis=(1, 3)), dtype=np.float32)


def mesh_answer(model: RunsModel, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """Return the mesh in sides of the crop, shape ``(468, 3)``, and the chance of a face."""
    values, logit = model.run(crop[np.newaxis].astype(np.float32) / np.float32(255))
    places = np.asarray(values, dtype=np.float32).reshape(N_POINTS, 3) / np.float32(len(crop))
    return places, 1 / (1 + math.exp(-float(np.asarray(logit).flat[0])))


def eye_answer(model: RunsModel, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the three numbers of ``EyeBank.answers`` for one eye."""
    rims, iris = model.run(crop[np.newaxis].astype(np.float32) / np.float32(255))
    points = np.asarray(rims).reshape(-1, 3)[:, :2] / len(crop)
    gaps = [np.linalg.norm(points[lower] - points[upper]) for lower, upper in LIDS]
    right, down = np.asarray(iris).reshape(-1, 3)[0, :2] / len(crop)
    return np.array([right, down, np.mean(gaps)], dtype=np.float32)


def mesh_in_frame(square: Square, mesh: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a mesh of a square in pixels of the frame, shape ``(468, 3)``."""
    depth = mesh[:, 2:] * square.side_px
    return np.hstack([square.to_frame(mesh[:, :2]), depth]).astype(np.float32)


def mesh_in_square(square: Square, mesh_px: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a mesh of the frame in sides of a square: the inverse of ``mesh_in_frame``."""
    depth = mesh_px[:, 2:] / square.side_px
    return np.hstack([square.from_frame(mesh_px[:, :2]), depth]).astype(np.float32)


def beside(square: Square, generator: np.random.Generator) -> Square:
    """Return a square that holds a part of a face at most."""
    turn = generator.uniform(0, 2 * math.pi)
    far = generator.uniform(0.3, 1.0) * square.side_px
    return Square(
        square.centre_x_px + far * math.cos(turn),
        square.centre_y_px + far * math.sin(turn),
        square.side_px * float(generator.uniform(0.4, 1.6)),
        square.roll_rad,
    )


@dataclass(frozen=True, slots=True)
class Teachers:
    """The models that are asked.

    Attributes:
        search: Finds the face of a picture.
        mesh: Of kind ``face_landmarks``.
        iris: Of kind ``iris_landmarks``.
    """

    search: FaceSearch
    mesh: RunsModel
    iris: RunsModel

    def square_of(self, pixels: NDArray[np.uint8]) -> Square | None:
        """Return the square around the surest face of a picture."""
        faces = self.search.find(pixels)
        return face_square(faces[0], FACE_SCALE) if faces else None

    def mesh_of(
        self, pixels: NDArray[np.uint8], square: Square, generator: np.random.Generator
    ) -> NDArray[np.float32] | None:
        """Return the mean mesh in pixels of the picture, or None where it does not fit."""
        meshes = []
        for _ in range(N_ASKED):
            asked = ASKED.moved(square, generator)
            places, presence = mesh_answer(self.mesh, cut(pixels, asked, TEACHER_MESH_PX))
            if presence < MIN_PRESENCE:
                return None
            meshes.append(mesh_in_frame(asked, places))
        return np.asarray(np.mean(meshes, axis=0), dtype=np.float32)


class LessonWriter:
    """Collects crops and answers, picture by picture.

    Args:
        teachers: Who is asked.
        counts: How many crops are made of each picture.
        seed: Of all that is drawn.
    """

    def __init__(self, teachers: Teachers, counts: Counts, seed: int) -> None:
        self._teachers, self._counts = teachers, counts
        self._generator = np.random.default_rng(seed)
        self._crops: list[NDArray[np.uint8]] = []
        self._meshes: list[NDArray[np.float32]] = []
        self._presence: list[float] = []
        self._eyes: list[NDArray[np.uint8]] = []
        self._eye_answers: list[NDArray[np.float32]] = []

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Make lessons of a picture and of its mirror image.

        The eyes of the mirror image are left out: one of the two is shown mirrored anyway.

        Args:
            picture: Shape ``(height, width, 3)``, uint8, RGB.
        """
        for is_mirrored in (False, True):
            pixels = np.ascontiguousarray(picture[:, ::-1]) if is_mirrored else picture
            square = self._teachers.square_of(pixels)
            if square is None:
                continue
            mesh_px = self._teachers.mesh_of(pixels, square, self._generator)
            for _ in range(self._counts.faces if mesh_px is not None else 1):
                self._add_face(pixels, FACE_COPIES.moved(square, self._generator), mesh_px)
            for _ in range(self._counts.beside):
                self._add_face(pixels, beside(square, self._generator), None)
            if mesh_px is not None and not is_mirrored:
                self._add_eyes(pixels, mesh_px)

    def banks(self) -> tuple[MeshBank, EyeBank]:
        """Return all lessons.

        Raises:
            ShapeError: If no picture showed a face.
        """
        if not self._eyes:
            raise ShapeError("No face was found in any of the pictures.")
        meshes = np.stack(self._meshes)
        is_meshed = np.asarray(meshes.any(axis=(1, 2)), dtype=np.bool_)
        presence = np.array(self._presence, dtype=np.float32)
        return (
            MeshBank(np.stack(self._crops), meshes, presence, is_meshed),
            EyeBank(np.stack(self._eyes), np.stack(self._eye_answers)),
        )

    def _add_face(
        self, pixels: NDArray[np.uint8], square: Square, mesh_px: NDArray[np.float32] | None
    ) -> None:
        crop = cut(pixels, square, TEACHER_MESH_PX)
        self._crops.append(np.rint(halved_luma(crop)).astype(np.uint8))
        if mesh_px is None:
            self._meshes.append(np.zeros((N_POINTS, 3), dtype=np.float32))
            self._presence.append(mesh_answer(self._teachers.mesh, crop)[1])
        else:
            self._meshes.append(mesh_in_square(square, mesh_px))
            self._presence.append(1.0)

    def _add_eyes(self, pixels: NDArray[np.uint8], mesh_px: NDArray[np.float32]) -> None:
        for is_left, corners in enumerate(EYE_CORNERS):
            outer, inner = mesh_px[list(corners), :2]
            first, second = (inner, outer) if is_left else (outer, inner)
            around = eye_square(first, second, EYE_SCALE)
            for _ in range(self._counts.eyes):
                crop = cut(pixels, EYE_COPIES.moved(around, self._generator), TEACHER_EYE_PX)
                shown = np.ascontiguousarray(crop[:, ::-1]) if is_left else crop
                self._eyes.append(np.rint(halved_luma(shown)).astype(np.uint8))
                self._eye_answers.append(eye_answer(self._teachers.iris, shown))
