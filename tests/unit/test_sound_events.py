"""Sound events: hysteresis, the rules, the reader beside the voice reader, the shipped model."""

from dataclasses import replace

import numpy as np
import pytest

from edge_affect.config import Voice
from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.acoustic import AcousticSettings, LogMelHistory, log_mel_db
from edge_affect.perception.activity import ActivityModel
from edge_affect.perception.event_hysteresis import EventHysteresis, HysteresisSettings
from edge_affect.perception.event_rules import RuleSettings, frame_shape, rule_levels
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
from edge_affect.perception.voice import VoiceReader
from edge_affect.record import EVENTS
from edge_affect.types import AudioBlock, SoundObservation, VoiceObservation

RATE = 16_000
HOST = AcousticSettings()
LOUD = -60.0


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def harmonics(f0_hz: float, seconds: float, level: float = 0.2) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * k * f0_hz * time_s) for k in range(1, int(7000 / f0_hz) + 1))
    return (level * wave / np.abs(wave).max()).astype(np.float32)


def states(settings: HysteresisSettings, levels: list[float]) -> str:
    """S where it starts, - while it goes on, E where it ends, . otherwise."""
    event = EventHysteresis(settings)
    shown = []
    for level in levels:
        event.update(level)
        letter = "S" if event.has_started else "E" if event.has_ended else "."
        shown.append("-" if letter == "." and event.is_active else letter)
    return "".join(shown)


def test_an_event_starts_high_and_ends_low():
    plain = HysteresisSettings(start=0.8, end=0.4)
    assert states(plain, [0.5, 0.79, 0.8, 0.5, 0.4, 0.39, 0.7, 0.9]) == "..S--E.S"


def test_smoothing_asks_for_two_windows_and_patience_bridges_a_breath():
    settings = HysteresisSettings(start=0.8, end=0.4, n_smoothed=2, n_patience=2)
    assert states(settings, [1.0, 0.0, 1.0, 0.9]) == "...S"
    assert states(settings, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]) == ".S----"
    assert states(settings, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]) == ".S--E."


def test_a_cleared_event_is_over_without_a_word():
    event = EventHysteresis(HysteresisSettings(start=0.5, end=0.5))
    event.update(1.0)
    assert event.is_active
    event.clear()
    assert (event.is_active, event.has_ended, event.level) == (False, False, 0.0)


@pytest.mark.parametrize(
    "wrong", [{"end": 0.9}, {"start": 1.1}, {"end": 0.0}, {"n_smoothed": 0}, {"n_patience": 0}]
)
def test_thresholds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ManifestError):
        HysteresisSettings(**{"start": 0.8, "end": 0.4, **wrong})


def test_the_level_of_a_frame_is_that_of_its_samples():
    for db in (-20.0, -45.0):
        frames_db = log_mel_db(noise(1.0, 10 ** (db / 20)), HOST)
        assert frame_shape(frames_db, HOST).level_db.mean() == pytest.approx(db, abs=0.5)


def rules() -> RuleSettings:
    return RuleSettings.from_manifest(SoundEventModel.load().manifest)


def window(samples: np.ndarray) -> np.ndarray:
    return log_mel_db(samples[:RATE], HOST)


def test_a_high_loud_voice_fits_the_rule_for_screams_and_speech_and_noise_do_not():
    def scream(samples):
        return rule_levels(window(samples), rules(), HOST)["screaming"]

    assert scream(harmonics(1_300.0, 1.0)) > 0.95
    assert scream(np.pad(harmonics(1_300.0, 0.5), (0, RATE // 2))) == pytest.approx(0.5, abs=0.05)
    assert scream(harmonics(1_300.0, 1.0, level=0.005)) == 0.0
    assert scream(harmonics(150.0, 1.0)) == 0.0
    assert scream(noise(1.0)) == 0.0


def test_loud_steady_vowel_noise_fits_the_rule_for_cheers_and_a_tone_does_not():
    def cheer(samples):
        return rule_levels(window(samples), rules(), HOST)["cheering"]

    spectrum = np.fft.rfft(noise(1.0, 0.5))
    bins_hz = np.fft.rfftfreq(RATE, 1 / RATE)
    spectrum[(bins_hz < 400) | (bins_hz > 4_000)] *= 0.1
    crowd = np.fft.irfft(spectrum).astype(np.float32)
    assert cheer(crowd) > 0.65
    assert cheer(np.where(np.arange(RATE) % 8_000 < 4_000, crowd, 0.01 * crowd)) == 0.0
    assert cheer(0.01 * crowd) == 0.0
    assert cheer(harmonics(1_300.0, 1.0)) == 0.0


def make_reader(**options) -> SoundEventReader:
    return SoundEventReader(SoundEventModel.load(), HOST, LOUD, **options)


def listen(reader: SoundEventReader, samples: np.ndarray) -> list[SoundObservation]:
    history = LogMelHistory(HOST)
    heard = []
    for end in range(reader.n_hop, samples.size + 1, reader.n_hop):
        hop = samples[end - reader.n_hop : end]
        history.extend(hop)
        heard.append(reader.hear(hop, history, end * 1_000_000_000 // RATE))
    return [observation for observation in heard if observation is not None]


def test_there_is_a_window_for_every_hop_once_the_first_is_full():
    reader = make_reader()
    heard = listen(reader, noise(3.0))
    hop_s = reader.n_hop / RATE
    assert [o.observed_ns for o in heard] == pytest.approx(
        np.arange(1.0, 3.0 + hop_s / 2, hop_s) * 1e9 - 0.5e9
    )
    sensed = [
        event for event, level in zip(EVENTS, heard[-1].levels, strict=True) if level is not None
    ]
    assert sensed == ["laughter", "applause", "crying"]


@pytest.mark.parametrize(("share", "every"), [(1.0, 1), (0.7, 1), (0.5, 2), (0.25, 4), (0.15, 6)])
def test_eased_it_judges_every_nth_window_and_the_same_way(share, every):
    samples = noise(4.0)
    full, eased = make_reader(), make_reader()
    eased.ease(share)
    all_heard, some_heard = listen(full, samples), listen(eased, samples)
    assert len(some_heard) == pytest.approx(len(all_heard) / every, abs=1)
    times = [observation.observed_ns for observation in all_heard]
    assert {observation.observed_ns for observation in some_heard} <= set(times)
    eased.ease(1.0)
    assert len(listen(eased, samples)) == len(all_heard)


def test_cheering_and_screaming_are_sensed_only_where_the_rules_are_on():
    heard = listen(make_reader(with_rules=True), harmonics(1_300.0, 3.0))
    levels = dict(zip(EVENTS, heard[-1].levels, strict=True))
    assert None not in levels.values()
    assert (
        listen(make_reader(), harmonics(1_300.0, 3.0))[-1].levels[EVENTS.index("screaming")] is None
    )


def test_silence_is_no_event_and_ends_one():
    reader = make_reader()
    state = reader._states["applause"]
    for _ in range(20):
        state.update(1.0)
    assert state.is_active
    heard = listen(reader, np.zeros(4 * RATE, np.float32))
    place = EVENTS.index("applause")
    assert [o.ended[place] for o in heard].count(True) == 1
    assert heard[-1].levels == (0.0, None, 0.0, 0.0, None)


def test_a_manifest_may_let_speech_veto_an_event():
    samples = noise(1.0)
    history = LogMelHistory(HOST)
    history.extend(samples)
    model = SoundEventModel.load()
    vetoes = {"laughter_speech_veto": 1.0, "crying_speech_veto": 0.5}
    model.manifest = replace(model.manifest, thresholds={**model.manifest.thresholds, **vetoes})
    alone, spoken = (
        SoundEventReader(model, HOST, LOUD).hear(samples[-3200:], history, 0, share).levels
        for share in (0.0, 1.0)
    )
    assert alone[EVENTS.index("laughter")] > 0.0
    kept = {"laughter": 0.0, "applause": 1.0, "crying": 0.5}
    for event, share in kept.items():
        place = EVENTS.index(event)
        assert spoken[place] == pytest.approx(share * alone[place])


def test_a_pause_within_a_window_is_not_taken_for_silence():
    burst = noise(3.0)
    burst[-reader_hop() :] = 0.0
    full, paused = (listen(make_reader(with_rules=True), heard) for heard in (noise(3.0), burst))
    assert full[-2] == paused[-2]
    assert any(paused[-1].levels)


def reader_hop() -> int:
    return SoundEventModel.load().acoustic.n_hop


def test_a_model_with_other_frames_brings_its_own_history():
    samples = noise(3.0)
    other_host = replace(HOST, n_mels=40)
    reader = SoundEventReader(SoundEventModel.load(), other_host, LOUD)
    history = LogMelHistory(other_host)
    heard = []
    for start in range(0, samples.size, reader.n_hop):
        hop = samples[start : start + reader.n_hop]
        history.extend(hop)
        observation = reader.hear(hop, history, (start + reader.n_hop) * 1_000_000_000 // RATE)
        heard += [] if observation is None else [observation]
    assert [o.levels for o in heard] == [o.levels for o in listen(make_reader(), samples)]


def test_a_hop_that_does_not_divide_is_refused():
    with pytest.raises(ManifestError, match="does not divide"):
        SoundEventReader(SoundEventModel.load(), replace(HOST, n_hop=12_000), LOUD)


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(ManifestError, match="voice_expression"):
        SoundEventModel.load("voice_expression")


def test_the_voice_reader_tells_sound_events_between_its_own_hops():
    model = VoiceExpressionModel.load()
    settings = Voice()
    events = SoundEventReader(SoundEventModel.load(), model.acoustic, settings.min_level_db)
    reader = VoiceReader(model, ActivityModel.load(), settings, events)
    samples = noise(4.0)
    observations = [
        o
        for start in range(0, samples.size, 700)
        for o in reader.feed(
            AudioBlock(samples[start : start + 700], start * 1_000_000_000 // RATE)
        )
    ]
    kinds = "".join("s" if isinstance(o, SoundObservation) else "V" for o in observations)
    per_hop = model.acoustic.n_hop // events.n_hop
    assert kinds == "sV" + 3 * ("s" * per_hop + "V")
    sounds = [o for o in observations if isinstance(o, SoundObservation)]
    assert [o.levels for o in sounds] == [o.levels for o in listen(make_reader(), samples)]

    reader.clear()
    plain = VoiceReader(model, ActivityModel.load(), settings)
    voices = plain.feed(AudioBlock(samples, 0))
    assert voices == tuple(o for o in observations if isinstance(o, VoiceObservation))
    lost = reader.feed(AudioBlock(samples[:RATE], 10**10, n_lost=1))
    assert [type(o) for o in lost] == [SoundObservation, VoiceObservation]


def test_an_observation_needs_five_of_everything_within_range():
    good = {
        "levels": (0.0, None, 0.0, 1.0, None),
        "active": (False,) * 5,
        "started": (False,) * 5,
        "ended": (False,) * 5,
        "observed_ns": 0,
    }
    assert SoundObservation(**good).levels[3] == 1.0
    with pytest.raises(ShapeError, match="5 of everything"):
        SoundObservation(**{**good, "active": (False,) * 4})
    with pytest.raises(ShapeError, match="outside"):
        SoundObservation(**{**good, "levels": (0.0, None, 0.0, 1.1, None)})


@pytest.mark.data
@pytest.mark.parametrize(
    ("clip", "event"),
    [("esc-50/1-104089-A-22.opus", "applause"), ("esc-50/1-187207-A-20.opus", "crying")],
)
def test_real_clips_are_heard_as_what_they_hold(data_dir, clip, event):
    from edge_affect.evaluation.recordings import read_samples

    heard = listen(make_reader(), read_samples(data_dir / "audio" / clip))
    peaks = {name: max(o.levels[place] or 0.0 for o in heard) for place, name in enumerate(EVENTS)}
    assert max(peaks, key=peaks.__getitem__) == event
    assert peaks[event] > 0.8
    started = {EVENTS[place] for o in heard for place in range(len(EVENTS)) if o.started[place]}
    assert started <= {event}
