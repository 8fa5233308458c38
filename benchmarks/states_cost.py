"""Processor time of the derived states: a frame with 1 and 20 faces, a window of voice, a tick.

python benchmarks/states_cost.py

Medians of one thread, in microseconds; the share is that of a core at 10 frames, 1 window of voice
and 1 tick a second.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.record import EVENTS
from edge_affect.states import load_states
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    FaceSignals,
    ObservedFace,
    Prosody,
    SoundObservation,
    VoiceObservation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

N_RUNS = 2000
STEP_NS = 100_000_000


def main() -> None:
    """Measure and print."""
    states = DerivedStates(load_states())
    p = np.full(8, 1 / 8)
    signals = FaceSignals(5.0, 3.0, 2.0, 1.0, 1.0, 0.5, 0.1, 0.2, 0.3, 0.1)
    estimate = ExpressionEstimate(p, 0.6, 0)
    none = (False,) * len(EVENTS)
    sounds = tuple(SoundObservation((0.1,) * len(EVENTS), none, none, none, 0) for _ in range(2))
    prosody = Prosody(
        0.5, -20.0, f0_hz=150.0, f0_slope_st_per_s=0.0, speech_rate_hz=4.0, pause_share=0.1,
        jitter=0.01,
    )  # fmt: skip

    def frame(n_faces: int) -> Callable[[int], object]:
        faces = tuple(ObservedFace(k, estimate, signals, 0.3) for k in range(n_faces))
        return lambda k: states.add_faces(FaceObservation(n_faces, (), k * STEP_NS, faces))

    def voice(k: int) -> object:
        said = VoiceObservation(0.8, estimate, k * STEP_NS, prosody, sounds, 0.2)
        return states.add_voice(said)

    took_us = {
        "frame_with_1_face": median_us(frame(1)),
        "frame_with_20_faces": median_us(frame(20)),
        "window_of_voice": median_us(voice),
        "tick": median_us(lambda k: states.at(k * STEP_NS)),
    }
    share = 1e-6 * (
        10 * took_us["frame_with_1_face"] + took_us["window_of_voice"] + took_us["tick"]
    )
    print(json.dumps({**took_us, "share_of_a_core_with_1_face": round(share, 5)}))


def median_us(call: Callable[[int], object]) -> float:
    """Return the median processor time of a call."""
    took_ns = []
    for k in range(N_RUNS):
        started_ns = time.thread_time_ns()
        call(k)
        took_ns.append(time.thread_time_ns() - started_ns)
    return round(float(np.median(took_ns)) / 1000, 1)


if __name__ == "__main__":
    main()
