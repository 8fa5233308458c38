"""Train small full-int8 nets in the place of the mesh and the iris model: a trial, not a release.

python -m edge_affect.training.mesh_student --data DATA/face --work build/training/mesh

Learns on FairFace alone (CC BY 4.0), of which the last `N_HELD_OUT` pictures of a fixed order are
kept for ``benchmarks/own_mesh.py``. Writes ``mesh.tflite``, ``eye.tflite`` and their codes.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from edge_affect.perception import face_measures as measures
from edge_affect.perception.face_alignment import EYE_CORNERS, MOUTH_CORNERS
from edge_affect.perception.face_landmarks import N_POINTS
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model
from edge_affect.training.command import training_parser
from edge_affect.training.export import to_int8
from edge_affect.training.loop import LoopSettings, fit
from edge_affect.training.mesh_code import Code, normalised
from edge_affect.training.mesh_lessons import (
    Counts,
    EyeBank,
    LessonWriter,
    MeshBank,
    Teachers,
)
from edge_affect.training.mesh_split import learned_and_held_out
from edge_affect.training.nets import ResidualNet, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

N_NUMBERS = 64
"""Of a mesh."""
FINE_POINTS = sorted({
    *measures.UPPER_LIDS, *measures.LOWER_LIDS, *measures.UPPER_LIP, *measures.LOWER_LIP,
    *measures.BROWS, *MOUTH_CORNERS, *(corner for eye in EYE_CORNERS for corner in eye),
})  # fmt: skip
"""Points that the signals are made of."""
FINE_WEIGHT = 4.0
PAIRS = (
    (*measures.UPPER_LIDS, *measures.UPPER_LIP, MOUTH_CORNERS[0], *EYE_CORNERS[0]),
    (*measures.LOWER_LIDS, *measures.LOWER_LIP, MOUTH_CORNERS[1], *EYE_CORNERS[1]),
)
"""Points whose way from one to the other counts as well."""
EYES_APART = 0.3
"""Distance of the eyes in sides of a crop, about."""
N_CALIBRATION = 200
N_CROPS = 4096
"""In an epoch."""
LEARNED = Counts(faces=4, beside=1, eyes=2)
HELD_OUT = Counts(faces=1, beside=1, eyes=1)
SOMEWHAT_CLOSED, CLOSED_COPIES = 0.5, 6
"""Eyes open less than this share of the median are shown so many times as often."""


def mesh_net() -> ResidualNet:
    """Return the net for crops of 96 px: 0.7 M parameters, 17 million multiplications."""
    stages = (Stage(24, 2), Stage(48, 2), Stage(96, 2), Stage(128, 2))
    head = nn.Sequential(
        nn.Conv2d(128, 192, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(192, N_NUMBERS + 1)
    )
    return ResidualNet(16, stages, head)


def eye_net() -> ResidualNet:
    """Return the net for eyes of 32 px: 0.2 M parameters, 5 million multiplications."""
    stages = (Stage(24, 1), Stage(48, 2), Stage(64, 2))
    head = nn.Sequential(
        nn.Conv2d(64, 64, 4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3)
    )
    return ResidualNet(12, stages, head)


class CropBatches:
    """Crops in changed light and sharpness, with what is to be said of them.

    Args:
        crops: Shape ``(n, size, size)``, uint8.
        answers: Shape ``(n, n_values)``, float32.
        n_items: Crops in an epoch.
        size: Crops in a batch.
        seed: Of all that is drawn.
    """

    def __init__(
        self,
        crops: NDArray[np.uint8],
        answers: NDArray[np.float32],
        n_items: int,
        size: int,
        seed: int,
    ) -> None:
        self._crops, self._answers = crops, answers
        self._size, self._seed = size, seed
        self.n_batches = n_items // size

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the batches of one epoch."""
        generator = np.random.default_rng((self._seed, number))
        n_needed = self.n_batches * self._size
        first = number * n_needed
        n_rounds = -(-(n_needed + first % len(self._crops)) // len(self._crops))
        rounds = [
            np.random.default_rng((self._seed, 99, first // len(self._crops) + k)).permutation(
                len(self._crops)
            )
            for k in range(n_rounds)
        ]
        order = np.concatenate(rounds)[first % len(self._crops) :][:n_needed]
        for rows in order.reshape(self.n_batches, self._size):
            inputs = changed(torch.from_numpy(normalised(self._crops[rows])), generator)
            yield inputs.unsqueeze(1), torch.from_numpy(self._answers[rows])


def changed(crops: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Return crops ``(n, size, size)`` in other light, some of them blurred, noisy or covered."""
    n, size = crops.shape[:2]

    def drawn(low: float, high: float) -> torch.Tensor:
        return torch.from_numpy(generator.uniform(low, high, (n, 1, 1)).astype(np.float32))

    found = (crops * torch.exp(drawn(-0.5, 0.4)) + drawn(-0.6, 0.6)).unsqueeze(1)
    for shrink in (2, 3):
        rows = torch.from_numpy(generator.random(n) < 0.12)
        if bool(rows.any()):
            small = functional.interpolate(found[rows], scale_factor=1 / shrink, mode="area")
            found[rows] = functional.interpolate(small, size=(size, size), mode="bilinear")
    noise = torch.from_numpy(generator.standard_normal(found.shape, dtype=np.float32))
    found = found + noise * drawn(0.0, 0.12).unsqueeze(1)
    for row in np.flatnonzero(generator.random(n) < 0.15):
        height, width = generator.integers(size // 8, size // 3, 2)
        top, left = generator.integers(0, size - height), generator.integers(0, size - width)
        found[row, 0, top : top + height, left : left + width] = float(generator.uniform(-1.5, 1.5))
    return found.clamp(-2.0, 2.0).squeeze(1)


class MeshLoss:
    """Distance of meshes in distances of the eyes, and the cross-entropy of the presence."""

    def __init__(self, code: Code) -> None:
        self._mean, self._basis = torch.from_numpy(code.mean), torch.from_numpy(code.basis)
        weights = torch.ones(N_POINTS, 1)
        weights[FINE_POINTS] = FINE_WEIGHT
        self._weights = weights * torch.tensor([1.0, 1.0, 0.5])

    def meshes(self, answers: torch.Tensor) -> torch.Tensor:
        """Return meshes ``(n, 468, 3)``."""
        return (answers[:, :-1] @ self._basis + self._mean).view(-1, N_POINTS, 3)

    def __call__(self, answers: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch; targets as ``mesh_targets``."""
        presence, is_meshed = target[:, -2], target[:, -1] > 0
        loss = 0.1 * functional.binary_cross_entropy_with_logits(answers[:, -1], presence)
        if not bool(is_meshed.any()):
            return loss
        wanted = target[is_meshed, :-2].view(-1, N_POINTS, 3)
        found = self.meshes(answers[is_meshed])
        off = ((found - wanted).abs() * self._weights).sum() / (len(found) * self._weights.sum())
        one, other = list(PAIRS[0]), list(PAIRS[1])
        ways = (found[:, one] - found[:, other]) - (wanted[:, one] - wanted[:, other])
        return loss + (off + 0.5 * ways[:, :, :2].abs().mean()) / EYES_APART


def mesh_targets(bank: MeshBank) -> NDArray[np.float32]:
    """Return meshes, presence and whether there is a mesh, one row for each crop."""
    n = len(bank.crops)
    ends = np.stack([bank.presence, bank.is_meshed.astype(np.float32)], axis=1)
    return np.hstack([bank.meshes.reshape(n, -1), ends]).astype(np.float32)


def eye_loss(answers: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean distance of an eye's numbers, in deviations."""
    return (answers - target).abs().mean()


@torch.no_grad()
def answers_of(net: nn.Module, crops: NDArray[np.uint8]) -> torch.Tensor:
    """Return what a net says of crops."""
    inputs = torch.from_numpy(normalised(crops)).unsqueeze(1)
    return torch.cat([net(part) for part in inputs.split(256)])


def train_mesh(bank: MeshBank, dev: MeshBank, settings: LoopSettings, work: Path) -> None:
    """Train, convert and write the net of the mesh."""
    weights = np.ones((N_POINTS, 3))
    weights[FINE_POINTS] = FINE_WEIGHT
    rows = np.flatnonzero(bank.is_meshed)[::3]
    code = Code.of(bank.meshes[rows].reshape(len(rows), -1), N_NUMBERS, weights.reshape(-1))
    loss = MeshLoss(code)

    def judge(net: nn.Module) -> dict[str, float]:
        found = answers_of(net, dev.crops)
        meshes = loss.meshes(found)[dev.is_meshed].numpy()
        off = np.linalg.norm((meshes - dev.meshes[dev.is_meshed])[:, :, :2], axis=2)
        is_same = (found[:, -1].numpy() > 0) == (dev.presence > 0.5)
        return {
            "error": float(off.mean() / EYES_APART),
            "fine_error": float(off[:, FINE_POINTS].mean() / EYES_APART),
            "presence_agrees": float(is_same.mean()),
        }

    batches = CropBatches(bank.crops, mesh_targets(bank), N_CROPS, 64, settings.seed)
    net = fit(mesh_net(), batches, judge, settings, work / "mesh", loss)
    write(net, bank.crops, code, work / "mesh", settings.seed, -1)


def train_eye(bank: EyeBank, dev: EyeBank, settings: LoopSettings, work: Path) -> None:
    """Train, convert and write the net of the eyes."""
    gaps = bank.answers[:, 2]
    is_rare = gaps < SOMEWHAT_CLOSED * np.median(gaps)
    rows = np.repeat(np.arange(len(gaps)), np.where(is_rare, CLOSED_COPIES, 1))
    mean, deviation = bank.answers.mean(axis=0), bank.answers.std(axis=0)
    code = Code(mean, np.diag(deviation))
    targets = ((bank.answers - mean) / deviation)[rows]

    def judge(net: nn.Module) -> dict[str, float]:
        off = np.abs(code.values(answers_of(net, dev.crops).numpy()) - dev.answers)
        iris, gap = float(off[:, :2].mean()), float(off[:, 2].mean())
        return {"iris_error": iris * 2.3, "gap_error": gap * 2.3}

    batches = CropBatches(bank.crops[rows], targets, N_CROPS, 128, settings.seed)
    net = fit(eye_net(), batches, judge, settings, work / "eye", eye_loss)
    write(net, bank.crops, code, work / "eye", settings.seed, 2)


def write(
    net: nn.Module, crops: NDArray[np.uint8], code: Code, path: Path, seed: int, decides: int
) -> None:
    """Write ``path.tflite`` and ``path.npz``."""
    rows = np.random.default_rng(seed).permutation(len(crops))[:N_CALIBRATION]
    calibration = torch.from_numpy(normalised(crops[rows])).unsqueeze(1)

    def decisions(answers: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.asarray(answers[:, decides] > 0, dtype=np.int64)

    path.with_suffix(".tflite").write_bytes(to_int8(net, calibration, decisions))
    code.save(path.with_suffix(".npz"))


def pictures_of(folder: Path, names: list[str]) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures as RGB."""
    for name in names:
        with Image.open(folder / name) as image:
            yield np.asarray(image.convert("RGB"))


def lessons(data: Path, work: Path, seed: int) -> tuple[MeshBank, EyeBank, MeshBank, EyeBank]:
    """Return what is learned from and what is held out, asked of the teachers or kept from before.

    Args:
        data: Folder with fairface.csv.
        work: Where the lessons are kept.
        seed: Of all that is drawn.
    """
    path = work / f"lessons_{seed}.npz"
    if not path.is_file():
        with (data / "fairface.csv").open(encoding="utf-8", newline="") as file:
            parts = learned_and_held_out([row["path"] for row in csv.DictReader(file)])
        teachers = Teachers(
            FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1),
            load_model("face_landmark"),
            load_model("iris_landmark"),
        )
        arrays: dict[str, Any] = {}
        for part, names, counts in zip("lh", parts, (LEARNED, HELD_OUT), strict=True):
            writer = LessonWriter(teachers, counts, seed)
            for picture in pictures_of(data, names):
                writer.add(picture)
            mesh, eye = writer.banks()
            arrays |= {f"{part}m{key}": value for key, value in asdict(mesh).items()}
            arrays |= {f"{part}e{key}": value for key, value in asdict(eye).items()}
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **arrays)
        partial.replace(path)
    with np.load(path) as kept:
        banks = [
            [kept[f"{part}{kind}{field.name}"] for field in fields(bank)]
            for part in "lh"
            for kind, bank in (("m", MeshBank), ("e", EyeBank))
        ]
    return MeshBank(*banks[0]), EyeBank(*banks[1]), MeshBank(*banks[2]), EyeBank(*banks[3])


def main() -> None:
    """Teach, train, convert."""
    parser = training_parser(
        __doc__.splitlines()[0], "mesh", "folder with fairface.csv", "nothing: this is a trial"
    )
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--net", choices=("mesh", "eye"), action="append", help="default: both")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    mesh, eye, dev_mesh, dev_eye = lessons(args.data, args.work, args.seed)
    print(f"{len(mesh.crops)} crops of faces, {len(eye.crops)} of eyes", flush=True)
    settings = LoopSettings(
        args.epochs, 2e-3, 1e-3, 0.995, 0.5, args.threads, args.seed, is_bf16=True
    )
    if "eye" in (args.net or ["eye"]):
        train_eye(eye, dev_eye, settings, args.work)
    if "mesh" in (args.net or ["mesh"]):
        train_mesh(mesh, dev_mesh, settings, args.work)


if __name__ == "__main__":
    main()
