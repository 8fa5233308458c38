"""Cost of everything that is done to one second of sound, by part, in the live path's own reader.

Usage: python benchmarks/voice_path.py --data DATA [--seconds 30] [--rounds 5]

Three sounds take turns: a real meeting, a sound without speech, and digital silence. Times are of
the processor for one thread; a fiftieth of a core is 20 ms. Log-mels are computed when the sound
events first ask for them, and are counted there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from edge_affect.config import Config
from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.recordings import read_samples
from edge_affect.sensing.assembly import build_voice_reader
from edge_affect.types import AudioBlock

RATE_HZ = 16_000
BLOCK = 512
PARTS = {
    "speech detection": ("_chunks", "extend"),
    "overlap net": ("_activity", "extend"),
    "prosody, frames": ("_prosody", "extend"),
    "prosody, summary": ("_prosody", "window"),
    "sound events with log-mels": ("_events", "hear"),
    "expression net": ("_model", "probabilities"),
    "arousal": ("_arousal", "arousal"),
}


class _With:
    """A part with one method in the place of its own."""

    def __init__(self, part: Any, method: str, work: Any) -> None:
        self._part = part
        setattr(self, method, work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


def timed_reader(costs_s: dict[str, float]) -> Any:
    """Return the live path's reader, whose parts add their time to ``costs_s``."""
    reader = build_voice_reader(Config())
    for label, (attribute, method) in PARTS.items():
        part = getattr(reader, attribute)
        if part is None:
            continue
        work = getattr(part, method)

        def timed(*arguments: Any, work: Any = work, label: str = label) -> Any:
            start_s = time.thread_time()
            try:
                return work(*arguments)
            finally:
                costs_s[label] += time.thread_time() - start_s

        setattr(reader, attribute, _With(part, method, timed))
    return reader


def play(reader: Any, sound: np.ndarray) -> float:
    """Return the processor time in s of this thread for the whole sound, block by block."""
    reader.clear()
    start_s = time.thread_time()
    for first in range(0, sound.size, BLOCK):
        samples = sound[first : first + BLOCK]
        reader.feed(AudioBlock(samples, first * 1_000_000_000 // RATE_HZ))
    return time.thread_time() - start_s


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with audio/index.csv")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    audio = options.data / "audio"
    clips = read_event_clips(audio / "index.csv", audio)
    n = options.seconds * RATE_HZ
    sounds = {
        "meeting": [clip for clip in clips if clip.corpus == "ami-debug"],
        "rain": [clip for clip in clips if clip.label == "rain"],
    }
    streams = {
        name: np.concatenate([read_samples(clip.path) for clip in some])[:n]
        for name, some in sounds.items()
    }
    streams["silence"] = np.zeros(n, dtype=np.float32)
    costs_s: dict[str, float] = defaultdict(float)
    reader = timed_reader(costs_s)
    rows: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in streams}
    for _ in range(options.rounds):
        for name, sound in streams.items():
            costs_s.clear()
            total_s = play(reader, sound)
            length_s = sound.size / RATE_HZ
            for label in PARTS:
                rows[name][label].append(1e3 * costs_s[label] / length_s)
            rest_s = total_s - sum(costs_s.values())
            rows[name]["everything else"].append(1e3 * rest_s / length_s)
            rows[name]["whole"].append(1e3 * total_s / length_s)
    print(f"{'ms for one second of':28s}" + "".join(f"{name:>20s}" for name in rows))
    for label in (*PARTS, "everything else", "whole"):
        cells = [rows[name][label] for name in rows]
        shown = "".join(f"{statistics.median(c):12.2f} ({min(c):5.2f})" for c in cells)
        print(f"{label:28s}{shown}")
    print("median (least) of the rounds")


if __name__ == "__main__":
    main()
