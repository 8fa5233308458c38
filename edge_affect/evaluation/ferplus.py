"""Sets of ready face crops with the votes of several people, in the shape of FER+."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N_CLASSES = 8
N_VOTE_COLUMNS = 10
UNKNOWN_COLUMN = 8
NOT_A_FACE_COLUMN = 9
DEV_SPLIT = "dev"
"""Name of the development part of the train split, see ``split_train``."""
DEV_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Ready crops and what people saw in them.

    Attributes:
        images: Shape ``(n, 48, 48)``, uint8, grey.
        votes: Shape ``(n, 10)``, uint8: the eight expressions in our order, unknown, not a face.
        split: Shape ``(n,)``, strings.
        duplicate_of_train: Shape ``(n,)``, bool: an exact twin is in the train split; None where
            the file does not say.
        duplicate_group: Shape ``(n,)``, integers: equal for exact twins; None where the file does
            not say.
    """

    images: NDArray[np.uint8]
    votes: NDArray[np.uint8]
    split: NDArray[np.str_]
    duplicate_of_train: NDArray[np.bool_] | None
    duplicate_group: NDArray[np.int64] | None

    def __len__(self) -> int:
        return int(self.images.shape[0])

    def select(self, rows: NDArray[np.bool_]) -> FaceSet:
        """Return the rows where ``rows``, shape ``(n,)``, is true."""
        twins, groups = self.duplicate_of_train, self.duplicate_group
        return FaceSet(
            images=self.images[rows],
            votes=self.votes[rows],
            split=self.split[rows],
            duplicate_of_train=None if twins is None else twins[rows],
            duplicate_group=None if groups is None else groups[rows],
        )


def load_faces(path: Path) -> FaceSet:
    """Read a ``.npz`` file with ``images``, ``votes`` and ``split``.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If it is not such a file, an array is missing or has another shape or dtype.
    """
    if not path.is_file():
        raise InputMissingError(f"The face data file {path} does not exist; check --data.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile):
        raise DatasetError(f"{path} is not a readable .npz file of plain arrays.") from None
    for name in ("images", "votes", "split"):
        if name not in arrays:
            raise DatasetError(f"{path} lacks the array {name!r}.")
    n = arrays["split"].size
    _check(path, arrays, "images", (n, 48, 48), "u")
    _check(path, arrays, "votes", (n, N_VOTE_COLUMNS), "u")
    _check(path, arrays, "split", (n,), "U")
    for name, kind in (("duplicate_of_train", "b"), ("duplicate_group", "iu")):
        if name in arrays:
            _check(path, arrays, name, (n,), kind)
    return FaceSet(
        images=arrays["images"],
        votes=arrays["votes"],
        split=arrays["split"],
        duplicate_of_train=arrays.get("duplicate_of_train"),
        duplicate_group=arrays.get("duplicate_group"),
    )


def split_train(faces: FaceSet) -> tuple[FaceSet, FaceSet]:
    """Carve a development part out of the train split; twins stay together.

    Membership is a hash of the twin group, so that it does not depend on any seed.

    Returns:
        The part to fit on and the part to choose by.
    """
    train = faces.select(faces.split == "train")
    groups = train.duplicate_group
    if groups is None:
        groups = np.arange(len(train))
    is_dev = np.array([_is_dev(int(group)) for group in groups], dtype=np.bool_)
    return train.select(~is_dev), train.select(is_dev)


def _is_dev(group: int) -> bool:
    digest = hashlib.sha256(f"ferplus-dev-{group}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < DEV_SHARE * 2**32


def majority_faces(path: Path, split: str) -> FaceSet:
    """Read the faces of one split that have a majority.

    Args:
        path: ``.npz`` file in the shape of FER+.
        split: A split of the file; ``dev`` is the development part of ``train`` where the file
            has no split of that name.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If the file has another shape, or no majority face in this split.
    """
    faces = load_faces(path)
    in_split = faces.split == split
    if in_split.any():
        chosen = faces.select(in_split)
    elif split == DEV_SPLIT:
        chosen = split_train(faces)[1]
    else:
        splits = ", ".join(sorted(set(faces.split.tolist())))
        raise DatasetError(f"{path} has no split {split!r}; it has: {splits}.")
    labels = majority_labels(chosen.votes)
    if not (labels >= 0).any():
        raise DatasetError(f"{path} has no face with a majority in the split {split!r}.")
    return chosen.select(labels >= 0)


def _check(
    path: Path, arrays: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...], kinds: str
) -> None:
    array = arrays[name]
    is_right = array.shape == shape and array.dtype.kind in kinds
    if not is_right or (kinds == "u" and array.dtype != np.uint8):
        raise DatasetError(
            f"{path}: array {name!r} has shape {array.shape} and dtype {array.dtype}; "
            f"wanted shape {shape}, kind {kinds!r}."
        )


def without_outliers(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return votes with single ones set to zero, as the FERPlus repository does."""
    return np.where(votes > 1, votes, 0).astype(np.int64)


def majority_labels(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the majority class of each row, or -1 where there is none.

    The rule is the FERPlus repository's: single votes are dropped as outliers, the top column must
    hold more than half of what remains, and rows won by unknown or not-a-face have no class.

    >>> votes = np.zeros((3, 10), dtype=np.uint8)
    >>> votes[0, [1, 0]] = 9, 1
    >>> votes[1, [1, 0]] = 5, 5
    >>> votes[2, 9] = 10
    >>> majority_labels(votes).tolist()
    [1, -1, -1]

    Args:
        votes: Shape ``(n, 10)``, uint8.
    """
    kept = without_outliers(votes)
    top = kept.argmax(axis=1)
    is_majority = 2 * kept.max(axis=1) > kept.sum(axis=1)
    return np.where(is_majority & (top < N_CLASSES), top, -1)
