"""Train, choose thresholds, convert and release the sound-event model with one command.

``python -m edge_affect.training.events --data shared/data/audio --release``
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.events import evaluate_events
from edge_affect.perception.acoustic import AcousticSettings, normalise
from edge_affect.perception.interpreter import TfliteModel
from edge_affect.perception.manifest import TrainingData
from edge_affect.training.command import keep_figures, training_parser
from edge_affect.training.event_batches import BatchSettings, EventBatches, event_net
from edge_affect.training.event_card import card_values, figures_of
from edge_affect.training.event_data import (
    EVENT_LABELS,
    SceneMaker,
    Scenes,
    SceneShares,
    read_sounds,
)
from edge_affect.training.event_judge import DevSounds
from edge_affect.training.event_mixing import MixingSettings
from edge_affect.training.event_thresholds import ThresholdChoice, choose_thresholds
from edge_affect.training.export import to_int8
from edge_affect.training.loop import LoopSettings, fit
from edge_affect.training.manifest_text import manifest_text
from edge_affect.training.nets import n_parameters
from edge_affect.training.release import new_manifest, write_release

if TYPE_CHECKING:
    from torch import nn

    from edge_affect.perception.manifest import Manifest

VERSION = "2"
ACOUSTIC = AcousticSettings(n_window=16_000, n_hop=3_200)
"""One second, looked at five times a second: long enough for a burst of laughter, soon enough for
lights that follow it."""
N_SCENES = 8_200
N_RANGE_WINDOWS = 400
RULES = {
    "rule_loud_db": -30.0,
    "rule_high_share": 0.5,
    "rule_scream_crest_db": 12.0,
    "rule_vowel_share": 0.7,
    "rule_cheer_crest_db": 9.0,
    "rule_cheer_swing_db": 4.0,
    "screaming_n_smoothed": 4.0,
    "screaming_start": 0.4,
    "screaming_end": 0.2,
    "cheering_n_smoothed": 4.0,
    "cheering_start": 0.8,
    "cheering_end": 0.5,
}
"""Bounds of the experimental rules, set by what is known of such voices; nothing is fitted."""
TRAINING_DATA = (
    TrainingData(
        name="ESC-50",
        licence="CC0 and CC BY, clip by clip",
        part="folds 2-4: laughing, clapping, crying_baby and nine other sounds",
    ),
    TrainingData(
        name="donateacry-corpus",
        licence="ODbL 1.0 and DbCL 1.0",
        part="three of five parts, divided by child",
    ),
    TrainingData(
        name="CREMA-D",
        licence="ODbL 1.0 and DbCL 1.0",
        part="actors 1067-1091 without the development actors: speech that holds no event",
    ),
)


def recipe(seed: int, n_threads: int, n_epochs: int) -> LoopSettings:
    """Return how every net of the recipe is trained."""
    return LoopSettings(
        n_epochs=n_epochs,
        learning_rate=3e-3,
        weight_decay=0.02,
        averaging=0.99,
        n_threads=n_threads,
        seed=seed,
        is_bf16=True,
    )


def train(scenes: Scenes, judge: DevSounds, loop: LoopSettings, work: Path) -> nn.Module:
    """Return the averaged net."""
    torch.manual_seed(loop.seed)
    net: nn.Module = event_net()
    print(f"event net: {n_parameters(net):,} parameters; {scenes.labels.size:,} scenes", flush=True)
    batches = EventBatches(scenes, ACOUSTIC, BatchSettings(seed=loop.seed))
    return fit(net, batches, judge, loop, work)


def convert(net: nn.Module, scenes: Scenes) -> tuple[Manifest, bytes]:
    """Return the int8 model and its manifest, without thresholds."""
    generator = np.random.default_rng(0)
    rows = generator.choice(scenes.labels.size, N_RANGE_WINDOWS, replace=False)
    windows = np.stack(
        [
            normalise(scenes.frames_db[row, : ACOUSTIC.n_frames].astype(np.float32), ACOUSTIC)
            for row in rows
        ]
    )
    content = to_int8(net, torch.from_numpy(windows[:, None]))
    return new_manifest(
        "sound_events", VERSION, content, EVENT_LABELS, ACOUSTIC, TRAINING_DATA
    ), content


def with_thresholds(manifest: Manifest, choice: ThresholdChoice) -> Manifest:
    """Return the manifest with the chosen thresholds and the bounds of the rules."""
    return replace(manifest, thresholds={**choice.thresholds(), **RULES})


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = training_parser(
        __doc__, "events", "folder with index.csv", "measure it on what it never learned from"
    )
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    index = options.data / "index.csv"
    clips = read_event_clips(index, options.data)
    sounds = read_sounds([clip for clip in clips if clip.part == "fit"])
    dev = read_sounds([clip for clip in clips if clip.part == "dev"])
    scenes = SceneMaker(sounds, MixingSettings(), ACOUSTIC, options.seed).make(
        N_SCENES, SceneShares()
    )
    loop = recipe(options.seed, options.threads, options.epochs)
    judge = DevSounds(dev, ACOUSTIC)
    net = train(scenes, judge, loop, options.work)
    manifest, content = convert(net, scenes)
    choice = choose_thresholds(judge.hear(TfliteModel(manifest, content)))
    found: dict[str, Any] = {
        "n_fit": len(sounds),
        "epochs": loop.n_epochs,
        "seed": options.seed,
        "thresholds": choice.thresholds(),
        "dev": choice.figures,
    }
    manifest = with_thresholds(manifest, choice)
    if options.release:
        found["report"] = release(options.out, manifest, content, found, index)
    keep_figures(options.work, found)


def release(
    out: Path, manifest: Manifest, content: bytes, found: dict[str, Any], index: Path
) -> dict[str, Any]:
    """Write model and manifest, measure them through the product's own path, write the card."""
    write_files(out, manifest, content)
    report = evaluate_events(index, index.parent, str(out / f"{manifest.name}.toml"))
    values = card_values(manifest, content, {**found, "n_scenes": N_SCENES, "report": report})
    write_release(out, replace(manifest, figures=figures_of(report)), content, values)
    return report


def write_files(out: Path, manifest: Manifest, content: bytes) -> None:
    """Write the model and its manifest, not yet measured."""
    (out / manifest.file).write_bytes(content)
    (out / f"{manifest.name}.toml").write_text(manifest_text(manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
