"""How much speech is missed under noise and from afar, against what is heard of the clean clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.disturbance import in_room, pink_noise, with_noise
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import Recording, read_samples
from edge_affect.perception.activity import SPEECH
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Judge = Callable[[NDArray[np.float32]], NDArray[np.float64]]

SNRS_DB = (20.0, 10.0, 5.0, 0.0)
ROOM_S = 0.6
DIRECT_DB = (0.0, -6.0, -12.0)
"""Direct sound against the room: about once, twice and four times where both are even."""
PAUSE_S = 1.5


def robustness_figures(
    recordings: tuple[Recording, ...], judge: Judge, threshold: float
) -> dict[str, Any]:
    """Return for each condition how much of what is heard clean is missed, and what is added.

    Args:
        recordings: Of clean single voices; 1.5 s of near silence are put around each.
        judge: Returns the probabilities of a recording, shape ``(n_steps, 2)``.
        threshold: From which probability on a step is speech.
    """
    names = [
        *(f"pink_noise_{snr_db:.0f}_db" for snr_db in SNRS_DB),
        *(f"room_direct_{direct_db:.0f}_db" for direct_db in DIRECT_DB),
    ]
    counts = {name: np.zeros(2) for name in names}
    n_speech = 0
    for number, recording in enumerate(with_progress(recordings, len(recordings), "clips")):
        clean = _placed(read_samples(recording.path), number)
        is_speech = judge(clean)[:, SPEECH] >= threshold
        n_speech += int(is_speech.sum())
        for name, changed in zip(names, _conditions(clean, number), strict=True):
            said = judge(np.clip(changed, -1.0, 1.0))[:, SPEECH] >= threshold
            counts[name] += ((is_speech & ~said).sum(), (said & ~is_speech).sum())
    return {
        "n": len(recordings),
        **{
            name: {
                "missed": round(float(missed) / max(n_speech, 1), 4),
                "added": round(float(added) / max(n_speech, 1), 4),
            }
            for name, (missed, added) in counts.items()
        },
    }


def _placed(samples: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    placed = np.pad(samples, round(PAUSE_S * SAMPLE_RATE_HZ))
    quiet = np.random.default_rng(seed).standard_normal(placed.size) * 1e-4
    return np.asarray(0.5 * placed + quiet, dtype=np.float32)


def _conditions(clean: NDArray[np.float32], seed: int) -> list[NDArray[np.float32]]:
    noise = pink_noise(clean.size, seed)
    return [
        *(with_noise(clean, noise, snr_db) for snr_db in SNRS_DB),
        *(in_room(clean, ROOM_S, direct_db, seed) for direct_db in DIRECT_DB),
    ]
