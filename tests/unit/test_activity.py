"""Voice activity: the level gate, judging hop by hop, the real detector, and its evaluation."""

import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_affect.cli import main
from edge_affect.config import Voice
from edge_affect.errors import DatasetError, ManifestError
from edge_affect.evaluation.activity import Errors, compare, judged_steps, read_turns
from edge_affect.perception.acoustic import AcousticSettings, LogMelHistory
from edge_affect.perception.activity import (
    SPEECH,
    ActivityModel,
    SpeechActivity,
    intensity_db,
    loudest_db,
)
from edge_affect.perception.interpreter import load_model

RATE = 16_000
HOP = 16_000
STEPS = 25


class Always:
    """A detector that hears the same in everything loud enough, and remembers what it was shown."""

    def __init__(self, speech=1.0, overlap=0.0):
        self.acoustic = AcousticSettings(n_window=48_240)
        self.n_steps = 75
        self.threshold = 0.5
        self.answer = np.tile([speech, overlap], (75, 1))
        self.shown = []

    def probabilities(self, frames_db):
        assert frames_db.shape == (300, 64)
        self.shown.append(frames_db.copy())
        return self.answer


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def listening(detector, seconds: float = 2.5, **settings) -> SpeechActivity:
    return SpeechActivity(detector, Voice(**settings), round(seconds * RATE))


def test_intensity_of_known_signals():
    assert intensity_db(np.zeros(160, np.float32)) == -96.0
    assert intensity_db(np.ones(160, np.float32)) == pytest.approx(0.0)
    sine = np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE).astype(np.float32)
    assert intensity_db(sine) == pytest.approx(-3.01, abs=0.01)


def test_a_click_counts_as_loud_however_quiet_the_rest_is():
    samples = silence(1.0)
    samples[6400:7040] = 0.5
    assert loudest_db(samples) == pytest.approx(-6.02, abs=0.01)
    assert intensity_db(samples) == pytest.approx(-20.0, abs=0.1)
    assert loudest_db(samples[:100]) == -96.0


def test_silence_never_reaches_the_detector():
    detector = Always()
    activity = listening(detector)
    activity.extend(silence(3.0))
    assert (len(detector.shown), activity.speech_share()) == (0, 0.0)
    activity.extend(noise(1.0, level=0.0005))
    assert (len(detector.shown), activity.speech_share()) == (0, 0.0)


def test_share_looks_back_only_so_far():
    activity = listening(Always(), seconds=4.0)
    activity.extend(noise(3.0))
    assert activity.speech_share() == 0.75
    activity.extend(silence(1.0))
    assert activity.speech_share() == 0.75
    activity.extend(silence(3.0))
    assert activity.speech_share() == 0.0


def test_how_sure_the_detector_must_be_is_a_setting():
    shares = []
    for least in (0.4, 0.5, 0.6):
        activity = listening(Always(speech=0.5), min_speech_probability=least)
        activity.extend(noise(4.0))
        shares.append(activity.speech_share())
    assert shares == [1.0, 1.0, 0.0]


def test_overlap_is_a_share_of_the_speech_alone():
    detector = Always()
    detector.answer = np.zeros((75, 2))
    detector.answer[-10:] = (0.9, 0.5)
    detector.answer[-15:-10] = (0.1, 1.0)
    activity = listening(detector, seconds=1.0)
    assert activity.overlap_share() == 0.0
    activity.extend(noise(1.0))
    assert (activity.speech_share(), activity.overlap_share()) == (10 / 25, 0.5)


def test_a_step_is_judged_again_when_a_hop_has_followed_it():
    detector = Always(speech=0.9)
    activity = listening(detector, seconds=3.0)
    activity.extend(noise(1.0))
    detector.answer = np.tile([0.2, 0.0], (75, 1))
    activity.extend(noise(1.0))
    assert activity.steps[:, SPEECH].tolist() == [0.0] * 25 + [0.2] * 50
    detector.answer = np.tile([0.7, 0.0], (75, 1))
    activity.extend(noise(1.0))
    assert activity.steps[:, SPEECH].tolist() == [0.2] * 25 + [0.7] * 50


@pytest.mark.parametrize("size", [320, 700, 16_000, 48_000])
def test_block_sizes_do_not_matter(size):
    samples = noise(4.0)
    detector = Always()
    activity = listening(detector)
    for start in range(0, samples.size, size):
        activity.extend(samples[start : start + size])
    whole = Always()
    listening(whole).extend(samples)
    assert len(detector.shown) == len(whole.shown) == 4
    assert all(np.array_equal(a, b) for a, b in zip(detector.shown, whole.shown, strict=True))


def test_frames_of_somebody_else_give_the_same_as_own_ones():
    samples = noise(4.0)
    own, shared = Always(), Always()
    listening(own).extend(samples)
    history = LogMelHistory(AcousticSettings(), 300)
    activity = SpeechActivity(shared, Voice(), 2 * RATE, history)
    for start in range(0, samples.size, HOP):
        history.extend(samples[start : start + HOP])
        activity.extend(samples[start : start + HOP])
    assert len(shared.shown) == 4
    assert all(np.array_equal(a, b) for a, b in zip(own.shown, shared.shown, strict=True))


def test_what_was_before_the_first_sample_is_silence():
    detector = Always()
    listening(detector).extend(noise(1.0))
    [frames_db] = detector.shown
    assert (frames_db[:202] == -100.0).all()
    assert (frames_db[202:] > -90.0).all()


def test_cleared_activity_starts_over():
    detector = Always()
    activity = listening(detector)
    activity.extend(noise(2.5))
    activity.clear()
    assert activity.speech_share() == 0.0
    activity.extend(noise(1.0))
    assert len(detector.shown) == 3
    assert np.array_equal(detector.shown[0], detector.shown[-1])


def test_the_real_detector_takes_no_noise_tone_or_hum_for_speech():
    time_s = np.arange(4 * RATE) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time_s) / n for n in range(1, 8))
    sounds = (noise(4.0), 0.1 * np.sin(2 * np.pi * 440 * time_s), 0.1 * hum)
    shares = []
    for samples in sounds:
        activity = listening(ActivityModel.load())
        activity.extend(samples.astype(np.float32))
        shares.append(activity.speech_share())
    assert max(shares) < 0.1, shares


@pytest.mark.data
def test_the_real_detector_hears_people_and_not_the_pause_between_them(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    folder = data_dir / "audio" / "crema-d"
    first, second = (read_samples(folder / f"10{n}_DFA_ANG_XX.opus") for n in (19, 20))
    samples = np.concatenate(
        (noise(2.0, 0.001), first, noise(3.0, 0.001), second, noise(2.0, 0.001))
    )
    steps = judged_steps(samples, listening(ActivityModel.load()))[:, SPEECH] >= 0.5
    pause = (2 * RATE + first.size) // 640
    assert steps[50 : pause - 5].mean() > 0.6
    assert steps[pause + 15 : pause + 60].mean() < 0.1
    assert steps[pause + 80 : pause + 110].mean() > 0.5


def test_loudness_changes_nothing():
    samples = noise(3.0) * np.repeat(np.abs(np.sin(np.arange(300))), 160)
    answers = []
    for gain in (0.05, 1.0):
        activity = listening(ActivityModel.load())
        activity.extend((samples * gain).astype(np.float32))
        answers.append(activity.steps.copy())
    assert np.abs(answers[0] - answers[1]).max() < 0.1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "sound_events"}, "not voice_activity"),
        ({"labels": ("overlap", "speech")}, "labels speech, overlap"),
        ({"preprocessing": {"n_window": 48_400}}, "do not divide"),
    ],
)
def test_a_manifest_that_is_no_activity_model_is_refused(change, reason):
    model = load_model("voice_activity")
    if "preprocessing" in change:
        change = {"preprocessing": {**model.manifest.preprocessing, **change["preprocessing"]}}
    model.manifest = replace(model.manifest, **change)
    with pytest.raises(ManifestError, match=reason):
        ActivityModel(model)


def test_turns_are_read_by_recording(tmp_path):
    path = tmp_path / "a.rttm"
    path.write_text("SPEAKER one 1 0.5 1.5 <NA> <NA> A <NA> <NA>\n\nSPEAKER two 1 0 1 x\n")
    assert read_turns(path) == {"one": [(0.5, 2.0)], "two": [(0.0, 1.0)]}
    path.write_text("SPEAKER one 1\n")
    with pytest.raises(DatasetError, match="not an RTTM file"):
        read_turns(path)


def test_errors_are_counted_without_a_collar_and_overlap_counts_once():
    said = np.zeros(1000, dtype=bool)
    said[100:300] = True
    errors = compare(said, [(1.5, 3.5), (2.0, 3.0)])
    assert errors == Errors(length_s=10.0, speech_s=2.0, false_s=0.5, missed_s=0.5)
    both = errors + compare(said, [])
    assert both.figures() == {
        "length_s": 20.0, "speech_s": 2.0, "error": 1.5, "false": 1.25, "missed": 0.25,
    }  # fmt: skip
    assert Errors(1.0, 0.0, 0.5, 0.0).figures()["error"] is None


def test_judged_steps_are_what_came_last_for_each_moment():
    detector = Always()
    detector.answer = np.stack([np.arange(75) / 100, np.zeros(75)], axis=1)
    steps = judged_steps(noise(2.5), listening(detector))
    # Two hops are settled by the hop after them, the last one never.
    assert steps[:, SPEECH].tolist() == [n / 100 for n in [*range(25, 50)] * 2 + [*range(50, 75)]]


def write_wav(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 32_000).astype("<i2").tobytes())


def test_the_command_reports_on_meetings_and_other_sounds(tmp_path, capsys):
    write_wav(tmp_path / "ami-debug" / "one.wav", noise(3.0))
    write_wav(tmp_path / "esc-50" / "rain.wav", noise(2.0))
    (tmp_path / "ami-debug" / "turns.rttm").write_text("SPEAKER one 1 1.0 2.0 x\n")
    index = tmp_path / "index.csv"
    index.write_text(
        "corpus,path,label,speaker,licence,extra\n"
        "ami-debug,ami-debug/one.wav,conversation,,CC-BY-4.0,\n"
        "esc-50,esc-50/rain.wav,rain,1,CC-BY-NC,fold=1;src=1\n"
    )
    arguments = ["evaluate", "activity", "--index", str(index), "--root", str(tmp_path), "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["length_s"], found["speech_s"]) == (1, 3.0, 2.0)
    assert found["missed"] == 1.0
    assert found["recordings"]["one"]["error"] == found["error"]
    assert found["false_share_of_other_sounds"]["rain"]["n"] == 1
    # How the two compare is for the card: one short clip on a busy machine says nothing.
    assert found["cpu_ms_per_s"] > 0.0
    assert found["overlap_model"]["of_which_log_mels_ms_per_s"] > 0.0
    assert found["model"]["name"] == "speech_detection"
    assert found["overlap_model"]["model"]["name"] == "voice_activity"
    assert found["cpu_ms_per_s"] > 0.0

    (tmp_path / "ami-debug" / "turns.rttm").unlink()
    assert main(arguments) == 66
    assert "no file of turns" in capsys.readouterr().err
