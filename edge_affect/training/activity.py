"""Train, convert and release the voice activity model with one command.

``python -m edge_affect.training.activity --data shared/data/audio --release``

The meetings are measured on by ``edge-affect evaluate activity`` and are never seen here before the
model is finished.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from edge_affect.evaluation.activity import evaluate_activity
from edge_affect.evaluation.event_clips import EventClip, read_event_clips
from edge_affect.evaluation.overlap import auc
from edge_affect.evaluation.recordings import parse_speakers, read_index
from edge_affect.perception.acoustic import normalise
from edge_affect.perception.activity import LABELS, OVERLAP, SPEECH
from edge_affect.perception.interpreter import TfliteModel, quantise
from edge_affect.perception.manifest import Figure, Manifest, TrainingData
from edge_affect.training.activity_data import (
    ACOUSTIC,
    N_STEP_FRAMES,
    ActivityBatches,
    HeardScene,
    SceneMaker,
    ask_teacher,
    hear,
    step_targets,
    utterances,
)
from edge_affect.training.activity_net import ActivityNet, activity_loss
from edge_affect.training.activity_overlap import with_discount
from edge_affect.training.activity_scenes import SceneSettings
from edge_affect.training.command import training_parser
from edge_affect.training.export import to_int8
from edge_affect.training.loop import LoopSettings, fit, predict
from edge_affect.training.manifest_text import manifest_text
from edge_affect.training.nets import n_parameters
from edge_affect.training.release import new_manifest, write_release
from edge_affect.training.voice_data import DEV_SPEAKERS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.evaluation.recordings import Recording

VERSION = "1"
TRAINING_SPEAKERS = "1037-1091"
DEV_FOLD = 4
N_CLIPS_PER_SPEAKER = 36
N_RANGE_WINDOWS = 96
TRAINING_DATA = (
    TrainingData(
        "CREMA-D",
        "ODbL 1.0 and DbCL 1.0",
        "36 clips of each of the actors 1037-1091 without the ten development actors",
    ),
    TrainingData("ESC-50", "CC0 and CC-BY rows only", "folds 1-3 as sounds that are no speech"),
    TrainingData("donateacry", "ODbL 1.0 and DbCL 1.0", "four of five parts, as no speech"),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much of everything.

    Attributes:
        n_scenes: Composed for training.
        n_dev_scenes: Composed of other speakers and sounds, for every choice.
        n_per_scene: Windows drawn from each scene in one epoch.
        batch: Windows in a batch.
        seed: Of everything random.
    """

    n_scenes: int = 700
    n_dev_scenes: int = 40
    n_per_scene: int = 4
    batch: int = 32
    seed: int = 1


class DevScenes:
    """Judges a net on the development scenes, as the live path would use its answers."""

    def __init__(self, scenes: list[HeardScene]) -> None:
        windows, targets = [], []
        n_hop = ACOUSTIC.n_hop // ACOUSTIC.n_step
        for scene in scenes:
            for start in range(0, scene.frames_db.shape[0] - ACOUSTIC.n_frames + 1, n_hop):
                part = slice(start, start + ACOUSTIC.n_frames)
                frames_db = scene.frames_db[part].astype(np.float32)
                windows.append(normalise(frames_db, ACOUSTIC))
                targets.append(step_targets(scene.n_speaking[part]))
        self.windows = torch.from_numpy(np.stack(windows)[:, None])
        n_hop_steps = n_hop // N_STEP_FRAMES
        self.settled = slice(n_hop_steps, 2 * n_hop_steps)
        self.targets = np.stack(targets)[:, self.settled]

    def figures(self, logits: NDArray[np.float32]) -> dict[str, float]:
        """Return error, false and missed share of logits ``(n_windows, n_steps, 2)``."""
        said = logits[:, self.settled] > 0.0
        truth = self.targets > 0.5
        n_speech = truth[..., SPEECH].sum()
        n_false = (said & ~truth)[..., SPEECH].sum()
        n_missed = (truth & ~said)[..., SPEECH].sum()
        overlap = logits[:, self.settled, OVERLAP][truth[..., SPEECH]]
        return {
            "dev_error": float((n_false + n_missed) / n_speech),
            "dev_false": float(n_false / n_speech),
            "dev_missed": float(n_missed / n_speech),
            "dev_overlap_auc": auc(overlap, truth[..., OVERLAP][truth[..., SPEECH]]),
        }

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return the figures of a net."""
        return self.figures(predict(net, self.windows).numpy())


def some_of_each(recordings: tuple[Recording, ...], seed: int) -> tuple[Recording, ...]:
    """Return at most `N_CLIPS_PER_SPEAKER` clips of each speaker."""
    generator = np.random.default_rng(seed)
    by_speaker: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_speaker.setdefault(recording.speaker, []).append(recording)
    return tuple(
        own[i]
        for own in by_speaker.values()
        for i in generator.permutation(len(own))[:N_CLIPS_PER_SPEAKER]
    )


def scenes_of(
    data: Path, sounds: tuple[EventClip, ...], *, is_dev: bool, recipe: Recipe, work: Path
) -> list[HeardScene]:
    """Return the scenes of one part, composed of its own speakers and sounds."""
    cache = work / f"{'dev' if is_dev else 'fit'}-scenes.npz"
    if cache.is_file():
        with np.load(cache) as kept:
            return [HeardScene(f, n) for f, n in zip(kept["frames"], kept["n"], strict=True)]
    speakers = parse_speakers(TRAINING_SPEAKERS)
    speakers = speakers & DEV_SPEAKERS if is_dev else speakers - DEV_SPEAKERS
    recordings = some_of_each(read_index(data / "index.csv", data, "crema-d", speakers), 0)
    answers = ask_teacher(recordings, work / "teacher.npz")
    own = tuple(
        clip
        for clip in sounds
        if clip.corpus in {"esc-50", "donateacry"}
        and clip.part == "fit"
        and (clip.fold == DEV_FOLD) == is_dev
    )
    maker = SceneMaker(utterances(recordings, answers), own, SceneSettings())
    n_scenes = recipe.n_dev_scenes if is_dev else recipe.n_scenes
    heard = []
    for number in range(n_scenes):
        heard.append(hear(maker.scene((recipe.seed + (1_000 if is_dev else 0), number))))
        if number % 100 == 0:
            print(f"scenes: {number}/{n_scenes}", flush=True)
    np.savez(
        cache,
        frames=np.stack([scene.frames_db for scene in heard]),
        n=np.stack([scene.n_speaking for scene in heard]),
    )
    return heard


def decisions(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return what the live path takes from logits."""
    return np.asarray(logits[..., SPEECH] > 0.0, dtype=np.int64)


def convert(net: nn.Module, batches: ActivityBatches) -> tuple[Manifest, bytes]:
    """Return the int8 model and its manifest, not yet measured."""
    windows: list[torch.Tensor] = []
    for inputs, _ in batches.epoch(0):
        windows.append(inputs)
        if sum(part.shape[0] for part in windows) >= N_RANGE_WINDOWS:
            break
    content = to_int8(net, torch.cat(windows)[:N_RANGE_WINDOWS], decisions)
    manifest = new_manifest("voice_activity", VERSION, content, LABELS, ACOUSTIC, TRAINING_DATA)
    return manifest, content


def int8_figures(manifest: Manifest, content: bytes, judge: DevScenes) -> dict[str, float]:
    """Return the figures of the int8 model on the development scenes."""
    model = TfliteModel(manifest, content)
    spec = manifest.inputs[0]
    rows = [
        model.run_real(quantise(window.numpy().reshape(spec.shape), spec))[0][0]
        for window in judge.windows
    ]
    return judge.figures(np.stack(rows))


def report_once(manifest: Manifest, content: bytes, data: Path, work: Path) -> dict[str, Any]:
    """Return what ``edge-affect evaluate activity`` says of the finished model."""
    (work / manifest.file).write_bytes(content)
    path = work / f"{manifest.name}.toml"
    path.write_text(manifest_text(manifest), encoding="utf-8")
    report: dict[str, Any] = evaluate_activity(data / "index.csv", data, str(path))["overlap_model"]
    return report


def release(out: Path, manifest: Manifest, content: bytes, found: dict[str, Any]) -> None:
    """Write the three files; the figures on meetings come from the files as written."""
    split = "AMI meetings, 14 excerpts of 30 s, speaker turns without a collar"
    report = found["report"]
    manifest = replace(
        manifest,
        figures=tuple(
            Figure(name, report[name], split, report["n"]) for name in ("error", "false", "missed")
        ),
    )
    values = {
        "n_bytes": f"{len(content):,}",
        "sha256": manifest.sha256,
        "seed": str(found["seed"]),
        "epochs": str(found["epochs"]),
        "n_scenes": str(found["n_scenes"]),
        "n_parameters": f"{found['n_parameters']:,}",
        **{name: f"{100 * value:.1f} %" for name, value in found["int8"].items()},
        **{name: f"{100 * report[name]:.1f} %" for name in ("error", "false", "missed")},
        "cpu_ms": f"{report['cpu_ms_per_s']:.1f}",
        "mel_ms": f"{report['of_which_log_mels_ms_per_s']:.1f}",
        "others": others_table(report["false_share_of_other_sounds"]),
    }
    write_release(out, manifest, content, values)


def others_table(shares: dict[str, Any]) -> str:
    """Return a Markdown table of how much of other sounds is called speech."""
    lines = ["| sound | clips | called speech |", "|---|---|---|"]
    for label, row in shares.items():
        lines.append(f"| {label.replace('_', ' ')} | {row['n']} | {100 * row['share']:.1f} % |")
    return "\n".join(lines)


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = training_parser(
        __doc__, "activity", "folder with index.csv", "measure it on the meetings"
    )
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(seed=options.seed)
    sounds = read_event_clips(options.data / "index.csv", options.data)
    judge = DevScenes(
        scenes_of(options.data, sounds, is_dev=True, recipe=recipe, work=options.work)
    )
    scenes = scenes_of(options.data, sounds, is_dev=False, recipe=recipe, work=options.work)
    batches = ActivityBatches(scenes, recipe.n_per_scene, recipe.batch, recipe.seed)
    torch.manual_seed(recipe.seed)
    loop = LoopSettings(
        n_epochs=options.epochs,
        learning_rate=3e-3,
        weight_decay=0.01,
        averaging=0.995,
        n_threads=options.threads,
        seed=recipe.seed,
    )
    net = fit(ActivityNet(), batches, judge, loop, options.work, activity_loss)
    manifest, content = convert(net, batches)
    dev_voices = read_index(options.data / "index.csv", options.data, "crema-d", DEV_SPEAKERS)
    manifest, overlap = with_discount(manifest, content, dev_voices)
    found: dict[str, Any] = {
        "seed": recipe.seed,
        "epochs": options.epochs,
        "n_scenes": len(scenes),
        "n_parameters": n_parameters(net),
        "float": judge(net),
        "int8": int8_figures(manifest, content, judge),
        "overlap": overlap,
    }
    print(json.dumps(found, indent=1), flush=True)
    if options.release:
        found["report"] = report_once(manifest, content, options.data, options.work)
        release(options.out, manifest, content, found)


if __name__ == "__main__":
    main()
