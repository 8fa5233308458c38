"""Flashes and clicks of the same moment are stamped alike by the real sources and workers."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import numpy as np
import pulse
import pytest
from av_skew import LIMIT_MS, Witness, of_recording
from late_sound import listen

from edge_affect.types import AudioBlock, VideoFrame


def test_sound_and_pictures_of_a_recording_keep_together(tmp_path):
    each_ms = []
    # A busy machine drops frames, and with them the sight of when a flash began.
    for _ in range(6):
        skews = of_recording(tmp_path, 5.0)
        assert skews.n_events == 6
        each_ms += skews.each_ms
        if len(each_ms) >= 3:
            break
    assert len(each_ms) >= 3
    assert max(map(abs, each_ms)) < LIMIT_MS


@pytest.mark.skipif(pulse.why_not() is not None, reason=str(pulse.why_not()))
def test_load_makes_sound_late_and_does_not_shift_it(tmp_path, monkeypatch):
    """Python's lock is held for a third of a second on end, by a thread of this very program."""
    server = pulse.PulseServer(tmp_path / "pulse", {"room": (48_000, 1)})
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULSE_LATENCY_MSEC", "30")
    usual_s = sys.getswitchinterval()

    def disturb():
        sys.setswitchinterval(0.3)
        end_s = time.monotonic() + 3.0
        while time.monotonic() < end_s:
            sum(range(2_000))

    try:
        server.start()
        figures = listen(3.0, disturb).summary()
    finally:
        sys.setswitchinterval(usual_s)
        server.stop()
    # The lock lets one buffer through at a time: how many come in three seconds is chance.
    assert figures["buffers"] > 3
    assert figures["busy_late_ms"] > 150
    assert figures["busy_off_ms"] < LIMIT_MS


def test_the_witness_would_notice():
    witness = Witness()
    for n in range(60):
        level = 230 if 30 <= n < 36 else 20
        witness.see(VideoFrame(np.full((16, 16, 3), level, np.uint8), n * 33_333_333))
    loud = np.full(512, 0.5, np.float32)
    for n in range(60):
        # A tenth of a second late.
        is_loud = 1.1e9 <= n * 32_000_000 < 1.2e9
        witness.hear(AudioBlock(loud if is_loud else loud * 0, n * 32_000_000))
    assert len(witness.skews_ms()) == 1
    assert witness.skews_ms()[0] > LIMIT_MS
