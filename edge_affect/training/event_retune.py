"""Choose the thresholds of the shipped sound-event model again, and measure and write it.

``python -m edge_affect.training.event_retune --data shared/data/audio --release``

Nothing is trained: hop, smoothing and starts are settled on the development part, with the int8
model as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.perception.interpreter import TfliteModel
from edge_affect.perception.manifest import WindowSpec, load_manifest
from edge_affect.training.command import keep_figures, training_parser
from edge_affect.training.event_data import read_sounds
from edge_affect.training.event_judge import DevSounds
from edge_affect.training.event_thresholds import choose_thresholds
from edge_affect.training.events import ACOUSTIC, recipe, release, with_thresholds


def main() -> None:
    """Run the choice; see ``--help``."""
    parser = training_parser(
        __doc__, "events", "folder with index.csv", "measure it on what it never learned from"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    path: Path = options.out / "sound_events.toml"
    manifest = load_manifest(path)
    content = (options.out / manifest.file).read_bytes()
    index = options.data / "index.csv"
    clips = read_event_clips(index, options.data)
    dev = read_sounds([clip for clip in clips if clip.part == "dev"])
    n_fit = sum(clip.part == "fit" for clip in clips)
    known = replace(AcousticSettings.from_manifest(manifest), n_hop=ACOUSTIC.n_hop)
    choice = choose_thresholds(DevSounds(dev, known).hear(TfliteModel(manifest, content)))
    rate_hz = ACOUSTIC.sample_rate_hz
    manifest = replace(
        manifest,
        window=WindowSpec(ACOUSTIC.n_window / rate_hz, ACOUSTIC.n_hop / rate_hz),
        preprocessing={**manifest.preprocessing, "n_hop": ACOUSTIC.n_hop},
    )
    manifest = with_thresholds(manifest, choice)
    loop = recipe(options.seed, options.threads, 8)
    found: dict[str, Any] = {
        "n_fit": n_fit,
        "epochs": loop.n_epochs,
        "seed": options.seed,
        "thresholds": choice.thresholds(),
        "dev": choice.figures,
    }
    if options.release:
        found["report"] = release(options.out, manifest, content, found, index)
    keep_figures(options.work, found)


if __name__ == "__main__":
    main()
