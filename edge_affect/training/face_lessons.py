"""Which face nets are trained, from what, in which order; the last one is released.

Two nets of different make learn from the votes alone: inverted residuals that start from pictures
of a thousand kinds of things, and plain convolutions that start from nothing. Both judge a bank of
changed crops. Another plain net learns from votes and judgements together, and then learns on,
taught by itself and by the better of the two first ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from edge_affect.evaluation.ferplus import N_CLASSES, FaceSet
from edge_affect.perception.expression_input import CropSettings
from edge_affect.training.face_augmentation import FaceAugmentation, augment
from edge_affect.training.face_bank import FaceBank
from edge_affect.training.face_data import BankBatches, vote_distributions
from edge_affect.training.face_net import FaceNet, pretrained_weights, start_from
from edge_affect.training.face_plain_net import PlainFaceNet
from edge_affect.training.face_teachers import NetTeacher
from edge_affect.training.loop import LoopSettings, fit
from edge_affect.training.nets import n_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from edge_affect.training.face_bank import Teacher
    from edge_affect.training.loop import Judge

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
COPIES = (LIGHT,) * 7 + (MILD,) * 3
BANK_SEED = 7


@dataclass(frozen=True, slots=True)
class Lesson:
    """One training.

    Attributes:
        name: Folder of its checkpoints.
        n_epochs: Passes over the crops.
        learning_rate: At the top of the schedule.
        vote_share: How much votes count beside the teachers, [0, 1].
        mixed_share: How many crops are blended with another, [0, 1].
        n_small_epochs: How many of the first epochs see crops at 64 px instead of 80; only nets
            that enlarge their crops.
        is_bf16: Whether to multiply in bfloat16.
    """

    name: str
    n_epochs: int
    learning_rate: float
    vote_share: float
    mixed_share: float
    n_small_epochs: int = 0
    is_bf16: bool = False

    def settings(self, seed: int, n_threads: int) -> LoopSettings:
        """Return how it is trained."""
        return LoopSettings(
            n_epochs=self.n_epochs,
            learning_rate=self.learning_rate,
            weight_decay=0.03,
            averaging=0.998,
            warm_up_epochs=0.5,
            n_threads=n_threads,
            seed=seed,
            is_bf16=self.is_bf16,
        )


MOBILE_ALONE = Lesson("mobile", 20, 1e-3, vote_share=1.0, mixed_share=0.0, n_small_epochs=11)
PLAIN_ALONE = Lesson("plain", 23, 2e-3, vote_share=1.0, mixed_share=0.3, is_bf16=True)
TAUGHT = Lesson("taught", 26, 2e-3, vote_share=0.5, mixed_share=0.3, is_bf16=True)
LAST = Lesson("last", 9, 1e-3, vote_share=0.4, mixed_share=0.0, is_bf16=True)


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
        work: Folder for checkpoints and logs, one below it for each lesson.
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
        batches = BankBatches(
            self._bank, CropSettings(), self._seed, lesson.vote_share, lesson.mixed_share
        )

        def enter(epoch: int, nets: tuple[nn.Module, nn.Module]) -> None:
            for each in nets:
                if isinstance(each, FaceNet):
                    each.side_px = 64 if epoch < lesson.n_small_epochs else 80

        settings = lesson.settings(self._seed, self._n_threads)
        return fit(
            net, batches, self._judge, settings, self._work / lesson.name, before_epoch=enter
        )

    def mobile(self, lesson: Lesson) -> NetTeacher:
        """Return a trained net of inverted residuals."""
        torch.manual_seed(self._seed)
        net = FaceNet(N_CLASSES)
        start_from(net, pretrained_weights())
        return NetTeacher(self.learn(net, lesson), CropSettings())

    def plain(self, lesson: Lesson) -> PlainFaceNet:
        """Return a trained net of plain convolutions."""
        torch.manual_seed(self._seed)
        return cast("PlainFaceNet", self.learn(PlainFaceNet(N_CLASSES), lesson))

    def graduate(self, first_teachers: Sequence[Teacher]) -> PlainFaceNet:
        """Return the net to release.

        Args:
            first_teachers: Finished models that judge the bank first, the best one last; without
                any, two nets learn from the votes alone and take their place.
        """
        teachers = list(first_teachers)
        if not teachers:
            plain = NetTeacher(self.plain(PLAIN_ALONE), CropSettings())
            teachers = [plain, self.mobile(MOBILE_ALONE)]
        for teacher in teachers:
            self._bank.ask(teacher)
        taught = self.plain(TAUGHT)
        self._bank.forget()
        for last_teacher in (teachers[-1], NetTeacher(taught, CropSettings())):
            self._bank.ask(last_teacher)
        return cast("PlainFaceNet", self.learn(taught, LAST))
