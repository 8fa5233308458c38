"""Train, calibrate, convert and release the voice expression model with one command.

``python -m edge_affect.training.voice --data shared/data/audio --release``

The residual net needs many passes over few speakers: half an hour of one core. With ``--start`` the
net on the trunk goes on from a released model instead of from the published weights.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from edge_affect.evaluation.metrics import N_ECE_BINS
from edge_affect.evaluation.recordings import parse_speakers, read_index
from edge_affect.evaluation.voices import voice_figures
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.interpreter import softmax
from edge_affect.perception.manifest import Manifest, TrainingData
from edge_affect.record import Expression
from edge_affect.training.command import keep_figures, training_parser
from edge_affect.training.export import to_int8
from edge_affect.training.heard_calibration import (
    degraded_windows,
    dev_windows,
    fit_as_heard,
    joined,
)
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
from edge_affect.training.released_weights import read_released, start_upper
from edge_affect.training.speaker_batches import (
    FeatureBatches,
    FeatureSettings,
    SpeakerBatchSettings,
    WindowBatches,
    kept_features,
)
from edge_affect.training.speech_trunk import pretrained_file
from edge_affect.training.voice_bank import VoiceBank, kept_bank
from edge_affect.training.voice_data import (
    DEV_SPEAKERS,
    VOICE_LABELS,
    Labelled,
    background_windows,
    labelled,
    read_votes,
    scoring_windows,
    split_speakers,
)
from edge_affect.training.voice_judge import DevVoices, halves_and_whole
from edge_affect.training.voice_losses import speaker_loss
from edge_affect.training.voice_net import VoiceNet, trunk_net
from edge_affect.training.window_scenes import SceneSettings, WindowScenes

if TYPE_CHECKING:
    from torch import nn

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.training.voice_net import TrunkNet

VERSION = "4"
CORPUS = "crema-d"
VOTES = Path("crema-d-meta") / "votes.csv"
CROWD_SHARE = 0.25
"""Weight of the listeners' votes in the labels, the rest is what was acted."""
OWN_SHARE = 0.5
"""Weight of telling one voice's clips apart against naming expressions."""
N_COPIES = 4
N_OUTPUTS = 2 * len(VOICE_LABELS)
N_RANGE_CLIPS = 200
RESIDUAL_MIXUP = 0.25
TRUNK_MIXUP = 0.15
TRAINING_SPEAKERS = "1037-1091"
REPORT_SPEAKERS = "1019-1036"
TRAINING_DATA = (
    TrainingData(
        name="CREMA-D",
        licence="ODbL 1.0 and DbCL 1.0",
        part="actors 1037-1091 without the ten development actors; acted labels and crowd votes",
    ),
    TrainingData(
        name="ESC-50",
        licence="CC0 and CC BY",
        part="folds 2 to 4 of eight classes of background sounds, mixed in",
    ),
    TrainingData(
        name="200 million clips of speech, heard by the trunk before",
        licence="published weights google/speech_embedding, Apache-2.0",
        part="as published; the clips were not seen here",
    ),
)


class Material(NamedTuple):
    """What is learned from.

    Attributes:
        bank: Log-mels of the recordings and of changed copies.
        known: Labels and speakers.
        scenes: Changes windows.
    """

    bank: VoiceBank
    known: Labelled
    scenes: WindowScenes


def train_residual(
    material: Material, judge: DevVoices, work: Path, loop: LoopSettings
) -> nn.Module:
    """Return the averaged residual net, from random weights."""
    torch.manual_seed(loop.seed)
    net = residual_net(N_OUTPUTS)
    print(f"residual net: {n_parameters(net):,} parameters", flush=True)
    settings = SpeakerBatchSettings(seed=loop.seed, mixup=RESIDUAL_MIXUP)
    batches = WindowBatches(material.bank, material.known, material.scenes, settings)
    return fit(net, batches, judge, loop, work, loss_of=_loss(material)).eval()


def train_on_trunk(
    material: Material,
    judge: DevVoices,
    work: Path,
    loop: LoopSettings,
    net: TrunkNet,
    n_copies: int,
) -> nn.Module:
    """Return the net with its upper part and head trained, on ``n_copies`` windows of each clip."""
    torch.manual_seed(loop.seed)
    print(f"net on the trunk: {n_parameters(net):,} parameters", flush=True)
    features = FeatureSettings(n_copies=n_copies)
    settings = SpeakerBatchSettings(seed=loop.seed, mixup=TRUNK_MIXUP)
    lower = net.lower.to(memory_format=torch.channels_last)
    paths = kept_features(material.bank, lower, material.scenes, settings, features, work)
    batches = FeatureBatches(paths, material.known, settings, features)
    net.upper = fit(net.upper, batches, judge.behind(lower), loop, work, loss_of=_loss(material))
    return net.eval()


def _loss(material: Material) -> Any:
    return speaker_loss(OWN_SHARE, torch.from_numpy(material.known.targets.mean(axis=0)))


def residual_recipe(seed: int, n_threads: int) -> LoopSettings:
    """Return how the residual net is trained."""
    return LoopSettings(
        n_epochs=90,
        learning_rate=2e-3,
        weight_decay=0.02,
        averaging=0.997,
        warm_up_epochs=2.0,
        n_threads=n_threads,
        seed=seed,
        is_bf16=True,
    )


def trunk_recipe(seed: int, n_threads: int, *, is_started: bool) -> LoopSettings:
    """Return how the net on the trunk is trained; more passes only learn the speakers by heart."""
    whole = LoopSettings(
        n_epochs=24,
        learning_rate=1e-3,
        weight_decay=0.05,
        averaging=0.995,
        warm_up_epochs=1.0,
        n_threads=n_threads,
        seed=seed,
        is_bf16=True,
    )
    if is_started:
        return replace(whole, n_epochs=5, learning_rate=2e-4, averaging=0.99, warm_up_epochs=0.3)
    return whole


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


def fit_on_dev(
    manifest: Manifest, content: bytes, dev: tuple[Recording, ...], data: Path
) -> tuple[Manifest, Calibration]:
    """Return the manifest with temperature and `AsHeard`, from windows of development speakers.

    Windows, not clips: the live path says how sure it is of one window.
    """
    reader = VoiceExpressionModel(calibrated(manifest, content, 1.0))
    clean, degraded = dev_windows(reader, dev), degraded_windows(reader, dev, data)
    # Logits are known up to a constant, which softmax does not see.
    both = joined(clean, degraded)
    calibration = calibrate(both.logs, both.meant)
    clean, degraded = (
        part._replace(logs=np.log(softmax(part.logs, calibration.temperature)))
        for part in (clean, degraded)
    )
    as_heard = fit_as_heard(clean, degraded, VOICE_LABELS.index(Expression.NEUTRAL))
    thresholds = as_heard.thresholds(manifest.labels)
    return (
        replace(manifest, temperature=calibration.temperature, thresholds=thresholds),
        calibration,
    )


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
        f"the development actors, clean and degraded (ECE there {calibration.ece_before:.3f} "
        f"before and {calibration.ece_after:.3f} after). On the {report['n']} reported clips the "
        f"ECE is {report['ece']:.3f} as shipped, over {N_ECE_BINS} bins of equal width."
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
        **{name: str(found[name]) for name in ("epochs", "trunk_epochs", "seed", "trunk_seed")},
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
        "live": figures_table(
            [
                ("labels as heard, as the live path answers", int8["live"]["against_heard"]),
                ("acted labels, as the live path answers", int8["live"]["against_acted"]),
            ]
        ),
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
    parser.add_argument("--start", type=Path, help="go on from the trunk of this released model")
    parser.add_argument("--trunk-seed", type=int, default=1, help="that of the net on the trunk")
    options = parser.parse_args()
    is_started = options.start is not None
    # Before anything is trained: a wrong file must not cost an hour.
    on_trunk = trunk_net(AcousticSettings(), N_OUTPUTS, options.trunk or pretrained_file())
    if is_started:
        start_upper(on_trunk, read_released(options.start))
    loop = residual_recipe(options.seed, options.threads)
    trunk_loop = trunk_recipe(options.trunk_seed, options.threads, is_started=is_started)
    part, dev = split_speakers(options.data, CORPUS, parse_speakers(TRAINING_SPEAKERS))
    judge = DevVoices(dev, AcousticSettings())
    votes = read_votes(options.data / VOTES)
    backgrounds = background_windows(options.data, AcousticSettings())
    material = Material(
        kept_bank(part, N_COPIES, 1, options.work),
        labelled(part, votes, CROWD_SHARE),
        WindowScenes(AcousticSettings(), SceneSettings(), backgrounds),
    )
    residual = train_residual(material, judge, options.work / "residual", loop)
    n_copies = 3 if is_started else 6
    work = options.work / "trunk"
    trunk = train_on_trunk(material, judge, work, trunk_loop, on_trunk, n_copies)
    net = VoiceNet(residual, trunk)
    dev_float = halves_and_whole(judge, residual, trunk)
    print(dev_float, flush=True)
    manifest, content = convert(net, part)
    manifest, calibration = fit_on_dev(manifest, content, dev, options.data)
    reader = VoiceExpressionModel(calibrated(manifest, content, calibration.temperature))
    found: dict[str, Any] = {
        "n_fit": len(part),
        "epochs": loop.n_epochs,
        "trunk_epochs": trunk_loop.n_epochs,
        "seed": options.seed,
        "trunk_seed": options.trunk_seed,
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
