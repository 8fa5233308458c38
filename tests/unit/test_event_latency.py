"""How soon a sound is in the record: with the end of the window that it starts with.

Windows come five times a second.

What the two processes, their ticks and the broker add is measured by benchmarks/event_latency.py.
"""

import numpy as np
import pytest

from edge_affect.clock import ManualClock
from edge_affect.config import Config, Events, Fusion
from edge_affect.evaluation.event_streams import EventStream
from edge_affect.fusion.scene import SceneFusion
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
from edge_affect.privacy.gate import Gate
from edge_affect.record import EVENT_GOING_ON, EVENTS, SourceState
from edge_affect.sensing.assembly import build_voice_reader
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import AudioBlock

RATE = 16_000
BLOCK = 320
QUIET_S = 3.1


def pipeline_over(clock: ManualClock) -> Pipeline:
    config = Config(events=Events(experimental=True))
    stages = Stages(build_voice_reader(config), None, SceneFusion(Fusion()), Gate(min_people=1))
    return Pipeline(stages, clock)


def first_told_s(samples: np.ndarray, event: str) -> float:
    """When the record first says that an event is going on, seconds into the samples."""
    clock = ManualClock()
    pipeline = pipeline_over(clock)
    for first in range(0, samples.size, BLOCK):
        end_ns = (first + BLOCK) * 1_000_000_000 // RATE
        clock.advance_to(end_ns)
        # The pipeline overwrites what it was given.
        block = samples[first : first + BLOCK].copy()
        pipeline.on_block(AudioBlock(block, first * 1_000_000_000 // RATE))
        level = pipeline.record(SourceState.OK, SourceState.OFF).events[EVENTS.index(event)]
        if level is not None and level >= EVENT_GOING_ON:
            return end_ns / 1e9
    raise AssertionError(f"{event} was never told")


def recognised_s(samples: np.ndarray, event: str) -> float:
    """When the window ends with which it starts, by the reader of sound events alone."""
    host = VoiceExpressionModel.load().acoustic
    reader = SoundEventReader(SoundEventModel.load(), host, -60.0, with_rules=True)
    for known_s, observation in EventStream(reader, host).feed(samples):
        if observation.started[EVENTS.index(event)]:
            return known_s
    raise AssertionError(f"{event} was never recognised")


def after_quiet(sound: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    quiet = 1e-4 * rng.standard_normal(round(QUIET_S * RATE))
    return np.concatenate((quiet, sound)).astype(np.float32)


def test_windows_come_five_times_a_second():
    assert SoundEventModel.load().acoustic.n_hop / RATE <= 0.2


def test_an_event_is_in_the_record_as_soon_as_its_window_is_complete():
    time_s = np.arange(2 * RATE) / RATE
    wave = sum(np.sin(2 * np.pi * 1_500 * k * time_s) for k in range(1, 6))
    samples = after_quiet(0.05 * wave)
    told_s = first_told_s(samples, "screaming")
    assert told_s == pytest.approx(recognised_s(samples, "screaming"), abs=BLOCK / RATE)
    # Four windows are smoothed, a fifth of a second apart.
    assert 0.4 < told_s - QUIET_S <= 1.0


@pytest.mark.data
def test_applause_is_in_the_record_as_soon_as_it_is_recognised(data_dir):
    from edge_affect.evaluation.event_streams import onset_of
    from edge_affect.evaluation.recordings import read_samples

    clip = read_samples(data_dir / "audio" / "esc-50" / "1-104089-A-22.opus")
    samples = after_quiet(clip[onset_of(clip) :])
    told_s = first_told_s(samples, "applause")
    assert told_s == pytest.approx(recognised_s(samples, "applause"), abs=BLOCK / RATE)
    assert told_s - QUIET_S < 1.6
