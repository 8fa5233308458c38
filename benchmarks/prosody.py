"""Cost of prosody against openSMILE's eGeMAPS, side by side on the same sound in one run.

Usage: python benchmarks/prosody.py [--opensmile PYTHON] [--seconds 20] [--rounds 15]

openSMILE may not be used in products, not even for its features; it is a yardstick here and is
measured only where the user has installed it: in this environment, or in that of the Python named
by --opensmile, which is then run as a second process and given turns.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - the number of threads is read at import

from edge_affect.evaluation.known_voices import syllables  # noqa: E402 - as above
from edge_affect.perception.prosody import ProsodyHistory  # noqa: E402 - as above

RATE_HZ = 16_000
PEER = """
import sys, time
import numpy as np
import opensmile
smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet.eGeMAPSv02,
    feature_level=opensmile.FeatureLevel.Functionals,
)
sound = np.fromfile(sys.argv[1], dtype=np.float32)
print("ready", opensmile.__version__, flush=True)
for _ in sys.stdin:
    start = time.process_time()
    smile.process_signal(sound, 16000)
    print(1000.0 * (time.process_time() - start), flush=True)
"""


def voice(n_seconds: int) -> np.ndarray:
    """Return speech-like sound of whole seconds."""
    return syllables(4.0, n_seconds, 160.0, pause_every=9, seed=1).samples[: n_seconds * RATE_HZ]


def own_ms(sound: np.ndarray) -> float:
    """Return the processor time of streaming the sound, with a summary every second."""
    history = ProsodyHistory()
    start = time.process_time()
    for first in range(0, sound.size, RATE_HZ):
        history.extend(sound[first : first + RATE_HZ])
        history.window()
    return 1000.0 * (time.process_time() - start)


def start_peer(python: str, path: str) -> subprocess.Popen[str] | None:
    """Start openSMILE in its own process; None where it is not installed."""
    peer = subprocess.Popen(
        [python, "-c", PEER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert peer.stdout is not None  # noqa: S101 - asked for just above
    first = peer.stdout.readline()
    if first.startswith("ready"):
        print(f"openSMILE {first.split()[1]}, feature set eGeMAPSv02, functionals")
        return peer
    peer.wait()
    return None


def peer_ms(peer: subprocess.Popen[str]) -> float:
    """Return the processor time that openSMILE takes for the sound."""
    assert peer.stdin is not None  # noqa: S101 - asked for at start
    assert peer.stdout is not None  # noqa: S101 - asked for at start
    peer.stdin.write("go\n")
    peer.stdin.flush()
    return float(peer.stdout.readline())


def tell(name: str, times_ms: list[float]) -> None:
    """Print the best and the middle of times."""
    print(f"{name:<22}{min(times_ms):>10.2f}{statistics.median(times_ms):>10.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--opensmile", default=sys.executable, help="a Python that has openSMILE")
    parser.add_argument("--seconds", type=int, default=20, help="length of the sound")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    options = parser.parse_args()
    sound = voice(options.seconds)
    path = Path(tempfile.mkdtemp()) / "voice.f32"
    sound.tofile(path)
    try:
        peer = start_peer(options.opensmile, str(path))
        own_ms(sound)
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(own_ms(sound) / options.seconds)
            if peer is not None:
                theirs.append(peer_ms(peer) / options.seconds)
    finally:
        shutil.rmtree(path.parent)
    print(f"{'ms per second of sound':<22}{'best':>10}{'median':>10}   one thread")
    tell("edge-affect prosody", ours)
    if peer is None:
        print("openSMILE is not installed here; name a Python that has it with --opensmile.")
        return
    tell("openSMILE eGeMAPS", theirs)
    pairs = [their / our for our, their in zip(ours, theirs, strict=True)]
    print(
        f"openSMILE costs {min(theirs) / min(ours):.1f} times as much (best against best), "
        f"{statistics.median(pairs):.1f} times (median of {len(pairs)} turns)."
    )
    peer.kill()
    peer.wait()


if __name__ == "__main__":
    main()
