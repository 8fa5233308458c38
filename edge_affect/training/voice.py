"""Train, calibrate, convert and release the voice expression model with one command.

``python -m edge_affect.training.voice --data shared/data/audio --out models_tflite``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.metrics import confusion_matrix, macro_f1, uar
from edge_affect.evaluation.recordings import parse_speakers
from edge_affect.perception.acoustic import AcousticSettings, clip_log_probabilities
from edge_affect.perception.interpreter import softmax
from edge_affect.training.loop import LoopSettings, fit, predict
from edge_affect.training.nets import n_parameters, voice_net
from edge_affect.training.voice_augmentation import VoiceAugmentation
from edge_affect.training.voice_data import (
    VOICE_LABELS,
    VoiceBatches,
    VoiceSettings,
    read_votes,
    scoring_windows,
    split_speakers,
    targets,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.evaluation.recordings import Recording

CORPUS = "crema-d"
TRAINING_SPEAKERS = "1037-1091"
REPORT_SPEAKERS = "1019-1036"


class DevVoices:
    """Judges a net on the recordings of the development speakers."""

    def __init__(self, recordings: tuple[Recording, ...], acoustic: AcousticSettings) -> None:
        self.recordings = recordings
        self.labels = np.array([VOICE_LABELS.index(r.label) for r in recordings], dtype=np.int64)
        self._windows, self._clips = scoring_windows(recordings, acoustic)

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return UAR and macro-F1 over whole clips."""
        probabilities = softmax(predict(net, self._windows).numpy())
        guess = np.array(
            [
                clip_log_probabilities(probabilities[self._clips == clip]).argmax()
                for clip in range(self.labels.size)
            ]
        )
        matrix = confusion_matrix(self.labels, guess, len(VOICE_LABELS))
        return {"dev_uar": uar(matrix), "dev_macro_f1": macro_f1(matrix)}


def train(
    data: Path, work: Path, loop: LoopSettings, voice: VoiceSettings
) -> tuple[nn.Module, DevVoices]:
    """Return the averaged net and its judge."""
    acoustic = AcousticSettings()
    fit_part, dev_part = split_speakers(data, CORPUS, parse_speakers(TRAINING_SPEAKERS))
    votes = read_votes(data / "crema-d-meta" / "votes.csv")
    labels: NDArray[np.float32] = targets(fit_part, votes, voice.crowd_share)
    torch.manual_seed(loop.seed)
    net = voice_net(len(VOICE_LABELS))
    print(
        f"voice net: {n_parameters(net):,} parameters; {len(fit_part):,} clips to fit on, "
        f"{len(dev_part):,} to choose by",
        flush=True,
    )
    judge = DevVoices(dev_part, acoustic)
    batches = VoiceBatches(fit_part, labels, acoustic, VoiceAugmentation(), voice)
    return fit(net, batches, judge, loop, work), judge


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--out", type=Path, default=Path("models_tflite"), help="where models go")
    parser.add_argument("--work", type=Path, default=Path("build/training/voice"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    loop = LoopSettings(
        n_epochs=options.epochs,
        learning_rate=2e-3,
        weight_decay=0.02,
        averaging=0.998,
        warm_up_epochs=2.0,
        n_threads=options.threads,
        seed=options.seed,
    )
    net, judge = train(options.data, options.work, loop, VoiceSettings(seed=options.seed))
    del net, judge


if __name__ == "__main__":
    main()
