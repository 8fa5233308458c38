"""One training run: soft labels, cosine schedule, averaged weights, checkpoints, a log."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Batch = tuple[torch.Tensor, torch.Tensor]
    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    BeforeEpoch = Callable[[int, tuple[nn.Module, nn.Module]], None]


class Batches(Protocol):
    """Where training batches come from."""

    n_batches: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield inputs ``(n, 1, height, width)`` and label distributions ``(n, n_classes)``."""


class Judge(Protocol):
    """What says how good a net is, on the development part."""

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return figures by name."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How to train.

    Attributes:
        n_epochs: Passes over the training part.
        learning_rate: At the top of the schedule.
        weight_decay: Of AdamW, on matrices and kernels only.
        averaging: Share of the old average kept at each step, [0, 1).
        warm_up_epochs: Linear rise at the start.
        n_threads: Of torch.
        seed: Of everything random.
        is_bf16: Multiply in bfloat16: 1.5 to 2 times faster where the processor has it and the net
            is made of plain convolutions; depthwise ones gain nothing.
    """

    n_epochs: int
    learning_rate: float
    weight_decay: float
    averaging: float
    warm_up_epochs: float = 1.0
    n_threads: int = 1
    seed: int = 1
    is_bf16: bool = False


class AveragedWeights:
    """An exponential moving average of a net's weights and statistics."""

    def __init__(self, net: nn.Module, kept: float) -> None:
        self.net = copy.deepcopy(net).eval()
        self._kept = kept
        self._n_steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move the average towards ``net``; faster in the first steps, when it is far away."""
        self._n_steps += 1
        kept = min(self._kept, self._n_steps / (self._n_steps + 10))
        for mine, theirs in zip(
            self.net.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.mul_(kept).add_(theirs, alpha=1.0 - kept)
            else:
                mine.copy_(theirs)


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy against label distributions of the same shape."""
    return -(target * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def learning_rate(settings: LoopSettings, epoch: float) -> float:
    """Return the rate at a moment of training: a linear rise, then half a cosine to zero."""
    if epoch < settings.warm_up_epochs:
        return settings.learning_rate * (epoch + 1e-3) / settings.warm_up_epochs
    done = (epoch - settings.warm_up_epochs) / (settings.n_epochs - settings.warm_up_epochs)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def _optimiser(net: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    heavy = [parameter for parameter in net.parameters() if parameter.ndim > 1]
    light = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": heavy, "weight_decay": settings.weight_decay},
        {"params": light, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def fit(  # noqa: PLR0913, PLR0917 (what is trained, on what, how, where, two hooks)
    net: nn.Module,
    batches: Batches,
    judge: Judge,
    settings: LoopSettings,
    folder: Path,
    loss_of: Loss = soft_cross_entropy,
    before_epoch: BeforeEpoch | None = None,
) -> nn.Module:
    """Train and return the averaged net; resumes from ``folder/checkpoint.pt`` if it is there.

    Every epoch appends one JSON line to ``folder/log.jsonl`` and prints it in short.

    Args:
        net: To be trained.
        batches: Inputs and what ``loss_of`` compares the answers with.
        judge: Measures the averaged net after each epoch.
        settings: How to train.
        folder: For checkpoint and log.
        loss_of: From answers and targets to a number.
        before_epoch: Told the number of each epoch before it begins, with the net and its average.
    """
    torch.set_num_threads(settings.n_threads)
    folder.mkdir(parents=True, exist_ok=True)
    net = net.to(memory_format=torch.channels_last)
    average = AveragedWeights(net, settings.averaging)
    optimiser = _optimiser(net, settings)
    first = _resume(folder / "checkpoint.pt", net, average, optimiser, settings)
    for epoch in range(first, settings.n_epochs):
        started = time.monotonic()
        if before_epoch is not None:
            before_epoch(epoch, (net, average.net))
        loss = _run_epoch(net, average, optimiser, batches, settings, epoch, loss_of)
        torch.save(
            {
                "epoch": epoch,
                "settings": asdict(settings),
                "net": net.state_dict(),
                "average": average.net.state_dict(),
                "optimiser": optimiser.state_dict(),
            },
            folder / "checkpoint.pt",
        )
        figures = judge(average.net)
        took_s = time.monotonic() - started
        line = {"epoch": epoch + 1, "loss": loss, "took_s": round(took_s, 1), **figures}
        with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        left_min = took_s * (settings.n_epochs - epoch - 1) / 60
        print(
            f"epoch {epoch + 1}/{settings.n_epochs}  loss {loss:.4f}  {shown}  "
            f"({took_s:.0f} s, {left_min:.0f} min left)",
            flush=True,
        )
    return average.net


def _run_epoch(  # noqa: PLR0913, PLR0917 (the body of the loop of `fit`, called once)
    net: nn.Module,
    average: AveragedWeights,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    settings: LoopSettings,
    epoch: int,
    loss_of: Loss,
) -> float:
    net.train()
    # Each epoch has its own seed, so that a resumed run draws what an unbroken one would.
    torch.manual_seed(settings.seed * 10_000 + epoch)
    total = 0.0
    for number, (inputs, target) in enumerate(batches.epoch(epoch)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, epoch + number / batches.n_batches)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.is_bf16):
            answers = net(inputs.to(memory_format=torch.channels_last))
        loss = loss_of(answers.float(), target)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        average.update(net)
        total += float(loss.detach())
    return total / batches.n_batches


def _resume(
    path: Path,
    net: nn.Module,
    average: AveragedWeights,
    optimiser: torch.optim.Optimizer,
    settings: LoopSettings,
) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if state["settings"]["seed"] != settings.seed:
        raise SystemExit(f"{path} belongs to seed {state['settings']['seed']}; move it away.")
    net.load_state_dict(state["net"])
    average.net.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    print(f"resuming after epoch {state['epoch'] + 1}", flush=True)
    return int(state["epoch"]) + 1


@torch.no_grad()
def predict(net: nn.Module, inputs: torch.Tensor, batch: int = 256) -> torch.Tensor:
    """Return the logits of all inputs, in evaluation mode."""
    net.eval()
    return torch.cat([net(part) for part in inputs.split(batch)])
