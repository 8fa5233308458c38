"""What the voice net is trained for: to name expressions, and to tell one voice's clips apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from edge_affect.training.loop import soft_cross_entropy
from edge_affect.training.voice_data import VOICE_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

K = len(VOICE_LABELS)


def centred(scores: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """Return scores ``(n, k)`` less the mean of their group; ``groups`` are numbers from 0."""
    members = functional.one_hot(groups.long()).to(scores.dtype)
    means = (members.T @ scores) / members.sum(dim=0)[:, None]
    return scores - means[groups.long()]


def speaker_loss(own_share: float, prior: torch.Tensor) -> Callable[..., torch.Tensor]:
    """Return the loss of answers ``(n, 2 k)``: logits, and scores that are read against a voice.

    The scores are only ever compared with the same speaker's others, so they need not know what
    is normal for anybody. A logarithm of the prior stands in for the mean that is taken out.

    Args:
        own_share: Weight of the scores' loss against that of the logits.
        prior: Mean label distribution, shape ``(k,)``.
    """
    usual = prior.log()

    def loss(answers: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        labels, groups = target[:, :K], target[:, K]
        own = centred(answers[:, K:], groups) + usual
        return soft_cross_entropy(answers[:, :K], labels) + own_share * soft_cross_entropy(
            own, labels
        )

    return loss
