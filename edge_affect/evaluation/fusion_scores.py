"""Scores of a face and a voice model on the same clips, read from one npz file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FACE_KEY = "face_bilstm_logits"
SECOND_FACE_KEY = "face_mlp_probs"
VOICE_KEY = "audio_w2v2_logits"
NEEDED = (FACE_KEY, VOICE_KEY, "label", "actor", "classes")
FACE_SOURCES = ("face_bilstm", "face_mlp")
VOICE_SOURCES = ("audio_w2v2",)


@dataclass(frozen=True, slots=True)
class FusionScores:
    """What both modalities say of ``n`` clips.

    Attributes:
        face: Shape ``(n, n_sources, n_classes)``, rows sum to 1; the second source is optional.
        voice: As above, one source.
        truth: Index into ``classes``, shape ``(n,)``.
        people: Number of the person, shape ``(n,)``.
        folds: Number of the subject fold, shape ``(n,)``, or None where the file names none.
        classes: In order.
    """

    face: NDArray[np.float64]
    voice: NDArray[np.float64]
    truth: NDArray[np.int64]
    people: NDArray[np.int64]
    folds: NDArray[np.int64] | None
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.truth.size)

    def rows(self, which: NDArray[np.bool_]) -> FusionScores:
        """Return some of the clips."""
        folds = None if self.folds is None else self.folds[which]
        return FusionScores(
            self.face[which], self.voice[which], self.truth[which], self.people[which], folds,
            self.classes,
        )  # fmt: skip

    def first_face_only(self) -> FusionScores:
        """Return the same clips without the second face model."""
        return FusionScores(
            self.face[:, :1], self.voice, self.truth, self.people, self.folds, self.classes
        )


def read_fusion_scores(path: Path) -> FusionScores:
    """Read a file of scores.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If it is not of the documented shape; the message says in what.
    """
    if not path.is_file():
        raise InputMissingError(f"The scores {path} do not exist; check the path.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise DatasetError(f"{path} is a single array, not an npz file of named arrays.")
        with loaded as found:
            missing = [name for name in NEEDED if name not in found.files]
            if missing:
                raise DatasetError(f"{path} lacks {', '.join(missing)}.")
            return _checked(path, {name: found[name] for name in found.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} is no npz file of scores.") from None


def _checked(path: Path, arrays: dict[str, NDArray[np.generic]]) -> FusionScores:
    classes = tuple(str(name) for name in arrays["classes"])
    n, k = arrays["label"].size, len(classes)
    if n == 0 or k < 2:
        raise DatasetError(f"{path} holds {n} clips of {k} classes; both must be more.")
    numbers = {
        name: _whole(path, name, arrays[name], n)
        for name in ("label", "actor", "fold")
        if name in arrays
    }
    if not (numbers["label"].min() >= 0 and numbers["label"].max() < k):
        raise DatasetError(f"{path}: label must be 0 to {k - 1}, the place in classes.")
    faces = [_softmax(_scores(path, FACE_KEY, arrays[FACE_KEY], (n, k)))]
    if SECOND_FACE_KEY in arrays:
        second = _scores(path, SECOND_FACE_KEY, arrays[SECOND_FACE_KEY], (n, k))
        if (second < 0).any() or not np.allclose(second.sum(axis=1), 1.0, atol=1e-3):
            raise DatasetError(f"{path}: {SECOND_FACE_KEY} must be probabilities that sum to 1.")
        faces.append(second / second.sum(axis=1, keepdims=True))
    voice = _softmax(_scores(path, VOICE_KEY, arrays[VOICE_KEY], (n, k)))
    return FusionScores(
        face=np.stack(faces, axis=1),
        voice=voice[:, None],
        truth=numbers["label"],
        people=numbers["actor"],
        folds=numbers.get("fold"),
        classes=classes,
    )


def _whole(path: Path, name: str, values: NDArray[np.generic], n: int) -> NDArray[np.int64]:
    if values.shape != (n,) or values.dtype.kind not in "iu":
        raise DatasetError(f"{path}: {name} must be {n} whole numbers.")
    return values.astype(np.int64)


def _scores(
    path: Path, name: str, values: NDArray[np.generic], shape: tuple[int, int]
) -> NDArray[np.float64]:
    if values.shape != shape or values.dtype.kind != "f":
        raise DatasetError(
            f"{path}: {name} has shape {values.shape}; {shape[0]} x {shape[1]} numbers are needed."
        )
    scores = values.astype(np.float64)
    if not np.isfinite(scores).all():
        raise DatasetError(f"{path}: {name} holds a number that is not finite.")
    return scores


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
