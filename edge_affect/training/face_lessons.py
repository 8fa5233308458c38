"""Which face nets are trained, from what, in which order; the last one is released.

Nets of different make learn from the votes alone: inverted residuals that start from pictures of a
thousand kinds of things, and two of plain convolutions that start from nothing. They judge a bank
of changed crops, or finished models do in place of the first. A smaller plain net learns from votes
and judgements together, with beards drawn on some crops, and then learns on, taught by all of them
and by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from edge_affect.evaluation.ferplus import N_CLASSES, FaceSet
from edge_affect.perception.expression_input import CropSettings
from edge_affect.training.face_augmentation import FaceAugmentation, augment
from edge_affect.training.face_bank import FaceBank, Teacher
from edge_affect.training.face_data import BankBatches, vote_distributions
from edge_affect.training.face_net import FaceNet, pretrained_weights, start_from
from edge_affect.training.face_plain_net import DEEP, FINE, SMALL, Layout, PlainFaceNet
from edge_affect.training.face_teachers import NetTeacher
from edge_affect.training.loop import LoopSettings, fit
from edge_affect.training.nets import n_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from edge_affect.training.loop import Judge


class NamedTeacher(Teacher, Protocol):
    """A teacher whose opinions are kept under its name."""

    name: str


LIGHT = FaceAugmentation(
    rotation_deg=10.0,
    scale=0.1,
    shift_px=2.5,
    tone=0.15,
    blur=0.06,
    resample=0.1,
    noise=0.1,
    jpeg=0.05,
    erase=0.25,
)
MILD = FaceAugmentation(
    rotation_deg=12.0,
    scale=0.12,
    shift_px=3.0,
    tone=0.35,
    blur=0.1,
    resample=0.15,
    noise=0.15,
    jpeg=0.1,
    erase=0.3,
)
COPIES = (LIGHT,) * 7 + (MILD,) * 3 + (MILD, LIGHT, LIGHT) * 2
BANK_SEED = 7


@dataclass(frozen=True, slots=True)
class Lesson:
    """One training.

    Attributes:
        name: Folder of its checkpoints.
        number: Tells its seed from those of other lessons.
        n_epochs: Passes over the crops.
        learning_rate: At the top of the schedule.
        vote_share: How much votes count beside the teachers, [0, 1].
        mixed_share: How many crops are blended with another, [0, 1].
        n_small_epochs: How many of the first epochs see crops of `SMALL_PX`, at half the cost.
        layout: Of the plain net that learns; None for the net that starts from published weights.
        bearded_share: How many crops wear a drawn beard, [0, 1].
    """

    name: str
    number: int
    n_epochs: int
    learning_rate: float
    vote_share: float
    mixed_share: float
    n_small_epochs: int
    layout: Layout | None
    bearded_share: float = 0.0

    def settings(self, seed: int, n_threads: int) -> LoopSettings:
        """Return how it is trained; plain convolutions in bfloat16, depthwise ones gain nothing."""
        return LoopSettings(
            n_epochs=self.n_epochs,
            learning_rate=self.learning_rate,
            weight_decay=0.03,
            averaging=0.998,
            warm_up_epochs=0.5,
            n_threads=n_threads,
            seed=10 * seed + self.number,
            is_bf16=self.layout is not None,
        )


MOBILE_ALONE = Lesson("mobile", 0, 20, 1e-3, 1.0, 0.0, n_small_epochs=11, layout=None)
DEEP_ALONE = Lesson("deep", 1, 37, 2e-3, 1.0, 0.3, n_small_epochs=25, layout=DEEP)
FINE_ALONE = Lesson("fine", 2, 33, 2e-3, 1.0, 0.3, n_small_epochs=22, layout=FINE)
TAUGHT = Lesson(
    "taught", 3, 48, 2e-3, 0.5, 0.3, n_small_epochs=24, layout=SMALL, bearded_share=0.15
)
LAST = Lesson("last", 5, 9, 1e-3, 0.4, 0.0, n_small_epochs=0, layout=SMALL, bearded_share=0.15)


def bank_of(faces: FaceSet) -> FaceBank:
    """Return changed copies of every face."""
    copies = [
        augment(faces.images, how, np.random.default_rng((BANK_SEED, number)))
        for number, how in enumerate(COPIES)
    ]
    return FaceBank(np.stack(copies), vote_distributions(faces.votes))


class Classroom:
    """Gives lessons over one bank.

    Args:
        bank: What is learned from.
        judge: Measures on the development part.
        work: Folder for checkpoints and logs, one below it for each lesson, and for opinions.
        seed: Of everything random.
        n_threads: Of torch.
    """

    def __init__(self, bank: FaceBank, judge: Judge, work: Path, seed: int, n_threads: int) -> None:
        self._bank = bank
        self._judge = judge
        self._work = work
        self._seed = seed
        self._n_threads = n_threads

    def learn(self, net: nn.Module, lesson: Lesson) -> nn.Module:
        """Return the averaged net after a lesson."""
        print(f"== {lesson.name}: {n_parameters(net):,} parameters", flush=True)
        settings = lesson.settings(self._seed, self._n_threads)
        bank = self._bank
        if lesson.bearded_share:
            bank = bank.with_beards(lesson.bearded_share, settings.seed)
        batches = BankBatches(
            bank, CropSettings(), settings.seed, lesson.vote_share, lesson.mixed_share
        )

        def enter(epoch: int, nets: tuple[nn.Module, nn.Module]) -> None:
            for each in cast("tuple[PlainFaceNet | FaceNet, ...]", nets):
                is_small = epoch < lesson.n_small_epochs
                each.side_px = each.SMALL_PX if is_small else each.FULL_PX

        return fit(
            net, batches, self._judge, settings, self._work / lesson.name, before_epoch=enter
        )

    def graduate(self, lesson: Lesson) -> nn.Module:
        """Return a net that took a lesson, from its very beginning."""
        torch.manual_seed(lesson.settings(self._seed, self._n_threads).seed)
        if lesson.layout is not None:
            return self.learn(PlainFaceNet(N_CLASSES, lesson.layout), lesson)
        net = FaceNet(N_CLASSES)
        start_from(net, pretrained_weights())
        return self.learn(net, lesson)

    def ask(self, teacher: NamedTeacher) -> None:
        """Let a teacher judge the bank, which takes minutes, or read what it said before."""
        file = self._work / "opinions" / f"{teacher.name}.npy"
        if not file.is_file():
            print(f"== {teacher.name} judges {self._bank.crops.shape[0]} copies", flush=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".partial.npy")
            np.save(partial, self._bank.judged_by(teacher))
            partial.replace(file)
        self._bank.hear(np.load(file))

    def whole_course(self, first_teachers: Sequence[NamedTeacher]) -> PlainFaceNet:
        """Return the net to release.

        Args:
            first_teachers: Finished models that judge the bank; without any, a net that starts
                from published weights takes their place.
        """
        alone = (
            [DEEP_ALONE, FINE_ALONE] if first_teachers else [MOBILE_ALONE, DEEP_ALONE, FINE_ALONE]
        )
        # All of them learn before anybody is heard: a bank with opinions teaches them.
        own = [
            NetTeacher(self.graduate(lesson), CropSettings(), f"{lesson.name}-{self._seed}")
            for lesson in alone
        ]
        for teacher in (*first_teachers, *own):
            self.ask(teacher)
        taught = cast("PlainFaceNet", self.graduate(TAUGHT))
        self.ask(NetTeacher(taught, CropSettings(), f"{TAUGHT.name}-{self._seed}"))
        return cast("PlainFaceNet", self.learn(taught, LAST))
