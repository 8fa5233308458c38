"""Train, calibrate, convert and release the voice expression model with one command.

``python -m edge_affect.training.voice --data shared/data/audio --release``
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from edge_affect.evaluation.metrics import N_ECE_BINS
from edge_affect.evaluation.recordings import parse_speakers, read_index, read_samples
from edge_affect.evaluation.voices import voice_figures
from edge_affect.perception.acoustic import AcousticSettings, clip_windows
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.manifest import Manifest, TrainingData
from edge_affect.training.command import keep_figures, training_parser
from edge_affect.training.export import to_int8
from edge_affect.training.loop import LoopSettings, fit
from edge_affect.training.nets import n_parameters
from edge_affect.training.nets import voice_net as residual_net
from edge_affect.training.release import (
    Calibration,
    calibrate,
    calibrated,
    confusion_table,
    figures_table,
    manifest_figures,
    new_manifest,
    write_release,
)
from edge_affect.training.speech_trunk import pretrained_file
from edge_affect.training.trunk_batches import TrunkBatches, TrunkSettings
from edge_affect.training.voice_augmentation import VoiceAugmentation
from edge_affect.training.voice_data import (
    DEV_SPEAKERS,
    VOICE_LABELS,
    VoiceBatches,
    VoiceSettings,
    read_votes,
    scoring_windows,
    split_speakers,
    targets,
)
from edge_affect.training.voice_judge import DevVoices, halves_and_whole
from edge_affect.training.voice_net import VoiceNet, trunk_net

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.evaluation.recordings import Recording

VERSION = "2"
CORPUS = "crema-d"
VOTES = Path("crema-d-meta") / "votes.csv"
N_RANGE_CLIPS = 400
SETTLING_MIXUP = 0.1
TRAINING_SPEAKERS = "1037-1091"
REPORT_SPEAKERS = "1019-1036"
TRAINING_DATA = (
    TrainingData(
        name="CREMA-D",
        licence="ODbL 1.0 and DbCL 1.0",
        part="actors 1037-1091 without the ten development actors; acted labels and crowd votes",
    ),
    TrainingData(
        name="200 million clips of speech, heard by the trunk before",
        licence="published weights google/speech_embedding, Apache-2.0",
        part="as published; the clips were not seen here",
    ),
)


def train_residual(
    data: Path,
    part: tuple[Recording, ...],
    judge: DevVoices,
    work: Path,
    phases: tuple[LoopSettings, ...],
    voice: VoiceSettings,
) -> nn.Module:
    """Return the averaged net of the last phase; each phase starts from the one before."""
    labels = targets(part, read_votes(data / VOTES), voice.crowd_share)
    torch.manual_seed(phases[0].seed)
    net: nn.Module = residual_net(len(VOICE_LABELS))
    print(
        f"residual net: {n_parameters(net):,} parameters; {len(part):,} clips to fit on, "
        f"{len(judge.recordings):,} to choose by",
        flush=True,
    )
    batches = VoiceBatches(part, labels, AcousticSettings(), VoiceAugmentation(), voice)
    for number, loop in enumerate(phases, start=1):
        print(f"phase {number} of {len(phases)}", flush=True)
        if number > 1:
            batches.mixup = SETTLING_MIXUP
        net = fit(net, batches, judge, loop, work / f"phase-{number}")
    return net


def train_on_trunk(
    part: tuple[Recording, ...],
    labels: NDArray[np.float32],
    judge: DevVoices,
    work: Path,
    loop: LoopSettings,
    published: Path,
) -> nn.Module:
    """Return the published trunk with its upper part and a head trained for expressions."""
    torch.manual_seed(loop.seed)
    net = trunk_net(AcousticSettings(), len(VOICE_LABELS), published)
    print(f"net on the trunk: {n_parameters(net):,} parameters", flush=True)
    settings = TrunkSettings(seed=loop.seed)
    lower = net.lower.to(memory_format=torch.channels_last)
    batches = TrunkBatches(part, labels, lower, settings, work)
    net.upper = fit(net.upper, batches, judge.behind(lower), loop, work)
    return net.eval()


def recipe(seed: int, n_threads: int) -> tuple[LoopSettings, ...]:
    """Return the phases: a long one, then a short one at a lower rate with less mixing."""
    first = LoopSettings(
        n_epochs=36,
        learning_rate=2e-3,
        weight_decay=0.02,
        averaging=0.995,
        warm_up_epochs=2.0,
        n_threads=n_threads,
        seed=seed,
    )
    settling = replace(first, n_epochs=14, learning_rate=1e-3, warm_up_epochs=0.5, seed=seed + 1)
    return first, settling


def trunk_recipe(seed: int, n_threads: int) -> LoopSettings:
    """Return how the net on the trunk is trained."""
    return LoopSettings(
        n_epochs=24,
        learning_rate=1e-3,
        weight_decay=0.05,
        averaging=0.99,
        warm_up_epochs=1.0,
        n_threads=n_threads,
        seed=seed,
    )


def convert(net: nn.Module, part: tuple[Recording, ...]) -> tuple[Manifest, bytes]:
    """Return the int8 model and its manifest, not yet calibrated."""
    rows = np.random.default_rng(0).choice(len(part), N_RANGE_CLIPS, replace=False)
    windows, _ = scoring_windows(tuple(part[row] for row in rows), AcousticSettings())
    content = to_int8(net, windows)
    labels = tuple(label.name.lower() for label in VOICE_LABELS)
    manifest = new_manifest(
        "voice_expression", VERSION, content, labels, AcousticSettings(), TRAINING_DATA
    )
    return manifest, content


def fit_on_dev(manifest: Manifest, content: bytes, judge: DevVoices) -> Calibration:
    """Return the calibration of the int8 model on single windows of the development speakers.

    Windows, not clips: the live path says how sure it is of one window.
    """
    reader = VoiceExpressionModel(calibrated(manifest, content, 1.0))
    rows: list[NDArray[np.float64]] = []
    truth: list[int] = []
    for recording, label in zip(judge.recordings, judge.labels, strict=True):
        for window in clip_windows(read_samples(recording.path), reader.acoustic):
            rows.append(reader.window_probabilities(window))
            truth.append(int(label))
    # Logits are known up to a constant, which softmax does not see.
    logits = np.log(np.maximum(np.stack(rows), 1e-12))
    return calibrate(logits, np.array(truth, dtype=np.int64))


def report_once(manifest: Manifest, content: bytes, data: Path) -> dict[str, Any]:
    """Return the figures of the shipped model on the report speakers."""
    recordings = read_index(data / "index.csv", data, CORPUS, parse_speakers(REPORT_SPEAKERS))
    return voice_figures(
        recordings, VoiceExpressionModel(calibrated(manifest, content, manifest.temperature))
    )


def calibration_sentence(calibration: Calibration, report: dict[str, Any]) -> str:
    """Return the sentence of the card about the temperature."""
    text = (
        f"Temperature {calibration.temperature:.3f}, fitted on {calibration.n} single windows of "
        f"the development actors (ECE there {calibration.ece_before:.3f} before and "
        f"{calibration.ece_after:.3f} after). On the {report['n']} reported clips the ECE is "
        f"{report['ece']:.3f} as shipped, over {N_ECE_BINS} bins of equal width."
    )
    return textwrap.fill(text, width=100)


def release(out: Path, manifest: Manifest, content: bytes, found: dict[str, Any]) -> None:
    """Write the three files."""
    int8 = found["report"]
    manifest = replace(
        manifest,
        figures=(
            *manifest_figures(int8, "CREMA-D actors 1019-1036, acted labels, whole clips"),
            *manifest_figures(int8["as_heard"], "CREMA-D actors 1019-1036, labels as heard"),
        ),
    )
    calibration = Calibration(**found["calibration"])
    values = {
        "n_bytes": f"{len(content):,}",
        "n_fit": f"{found['n_fit']:,}",
        "n_dev": f"{found['dev']['n']:,}",
        "epochs": found["epochs"],
        "trunk_epochs": str(found["trunk_epochs"]),
        "seed": str(found["seed"]),
        "dev_speakers": ", ".join(sorted(DEV_SPEAKERS)),
        "dev_uar": f"{100 * found['dev']['uar']:.1f} %",
        **{f"dev_{name}": f"{100 * value:.1f} %" for name, value in found["dev_float"].items()},
        "figures": figures_table(
            [
                ("acted labels, int8 as shipped", int8),
                ("labels as heard, int8 as shipped", int8["as_heard"]),
            ]
        ),
        "confusion": confusion_table(int8),
        "calibration": calibration_sentence(calibration, int8),
        "median_ms": f"{int8['median_ms_per_item']:.1f}",
        "sha256": manifest.sha256,
    }
    write_release(out, manifest, content, values)


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = training_parser(
        __doc__, "voice", "folder with index.csv", "measure it on the report speakers"
    )
    parser.add_argument(
        "--trunk", type=Path, help="the published trunk, if not out of the package that carries it"
    )
    options = parser.parse_args()
    phases = recipe(options.seed, options.threads)
    part, dev = split_speakers(options.data, CORPUS, parse_speakers(TRAINING_SPEAKERS))
    judge = DevVoices(dev, AcousticSettings())
    voice = VoiceSettings(seed=options.seed)
    residual = train_residual(options.data, part, judge, options.work, phases, voice)
    labels = targets(part, read_votes(options.data / VOTES), voice.crowd_share)
    loop = trunk_recipe(options.seed, options.threads)
    published = options.trunk or pretrained_file()
    trunk = train_on_trunk(part, labels, judge, options.work / "trunk", loop, published)
    net = VoiceNet(residual, trunk)
    dev_float = halves_and_whole(judge, residual, trunk)
    print(dev_float, flush=True)
    manifest, content = convert(net, part)
    calibration = fit_on_dev(manifest, content, judge)
    manifest = replace(manifest, temperature=calibration.temperature)
    reader = VoiceExpressionModel(calibrated(manifest, content, calibration.temperature))
    found: dict[str, Any] = {
        "n_fit": len(part),
        "epochs": " + ".join(str(each.n_epochs) for each in phases),
        "trunk_epochs": loop.n_epochs,
        "seed": options.seed,
        "calibration": {name: getattr(calibration, name) for name in calibration.__slots__},
        "dev": voice_figures(dev, reader),
        "dev_float": dev_float,
    }
    if options.release:
        found["report"] = report_once(manifest, content, options.data)
    keep_figures(options.work, found)
    if options.release:
        release(options.out, manifest, content, found)


if __name__ == "__main__":
    main()
