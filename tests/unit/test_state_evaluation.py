"""Figures of the derived states: areas, pairs, and clips through the real voice path."""

import csv
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from edge_affect.cli import main
from edge_affect.evaluation.recordings import Recording
from edge_affect.evaluation.state_voices import BETWEEN_S, PAUSE_S, HeardClip, clip_states, hear
from edge_affect.evaluation.states import separation, state_shares, voice_figures
from edge_affect.record import STATES, Expression
from edge_affect.states import load_states
from edge_affect.types import ExpressionEstimate, Prosody, VoiceObservation

EXCITEMENT, ANXIETY = STATES.index("excitement"), STATES.index("anxiety")


def recording(name, label, speaker="1", intensity="", **known):
    word = label.name.lower()
    return Recording(
        Path(name), label, speaker, intensity=intensity, word=word, statement="s", **known
    )


def test_separation_counts_pairs_and_leaves_out_what_is_unknown():
    values = np.array([0.9, 0.4, 0.5, 0.1, np.nan])
    is_high = np.array([True, True, False, False, False])
    found = separation(values, is_high, ~is_high, np.arange(5))
    assert found["n"] == [2, 2]
    assert found["auc"] == 0.75
    low, high = found["auc_interval"]
    assert 0.0 <= low <= 0.75 <= high <= 1.0
    assert separation(values, is_high, np.zeros(5, bool), np.arange(5)) is None


def test_shares_leave_out_states_that_are_never_known():
    values = np.full((3, 6), np.nan)
    values[:2, ANXIETY] = 0.5, 0.1
    interval = [round(0.3 - 1.959964 * 0.2, 4), round(0.3 + 1.959964 * 0.2, 4)]
    assert state_shares(values) == {"anxiety": {"mean": 0.3, "interval": interval, "claimed": 0.5}}


def test_figures_of_voices_say_what_rises_and_for_whom():
    rows = [
        recording("a1", Expression.HAPPINESS, "1", "normal"),
        recording("a2", Expression.HAPPINESS, "1", "strong"),
        recording("a3", Expression.NEUTRAL, "1"),
        recording("b1", Expression.HAPPINESS, "2", "normal"),
        recording("b2", Expression.HAPPINESS, "2", "strong"),
        recording("b3", Expression.NEUTRAL, "2"),
        recording("b4", Expression.FEAR, "2"),
    ]
    values = np.full((7, 6), np.nan)
    values[:, EXCITEMENT] = 0.2, 0.6, 0.1, 0.3, 0.2, 0.1, 0.05
    values[:, ANXIETY] = 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.7
    report = voice_figures(tuple(rows), values)
    assert (report["n"], report["n_speakers"], report["n_unread"]) == (7, 2, 0)
    pairs = report["excitement"]["pairs"]["happiness"]
    assert (pairs["n"], pairs["raised"], pairs["mean_rise"]) == (2, 0.5, 0.15)
    assert report["excitement"]["happiness_against_neutral"]["auc"] == 1.0
    assert report["anxiety"]["fear_against_others"]["auc"] == 1.0
    assert report["excitement"]["heard_happy"] is None
    assert report["by_label"]["fear"]["anxiety"] == {"mean": 0.7, "claimed": 1.0}


def test_listeners_are_compared_by_rank():
    rows = [
        recording(f"a{n}", Expression.HAPPINESS, heard=Expression.HAPPINESS, level=float(level))
        for n, level in enumerate((10, 40, 90, 60))
    ]
    values = np.zeros((4, 6))
    values[:, EXCITEMENT] = 0.1, 0.2, 0.9, 0.3
    figures = voice_figures(tuple(rows), values)["excitement"]["heard_happy"]
    assert figures == {"n": 4, "rank_correlation": 1.0}


def test_states_of_clips_do_not_run_into_the_next_clip():
    def clip(at_s, fear):
        p = np.zeros(8)
        p[Expression.FEAR], p[Expression.NEUTRAL] = fear, 1.0 - fear
        at_ns = round(at_s * 1e9)
        how = Prosody(0.5, -20.0, pause_share=0.0, jitter=0.01)
        said = VoiceObservation(1.0, ExpressionEstimate(p, 0.9, at_ns), at_ns, how, 0.1)
        unread = VoiceObservation(0.1, None, at_ns + 1)
        return HeardClip(recording("c", Expression.FEAR), (said, unread))

    heard = [clip(0.0, 0.9), clip(BETWEEN_S, 0.0), clip(2 * BETWEEN_S, 0.9)]
    anxiety = clip_states(heard, load_states())[:, ANXIETY]
    assert anxiety[0] == anxiety[2] > anxiety[1]
    silent = HeardClip(recording("d", Expression.FEAR), (VoiceObservation(0.0, None, 0),))
    assert np.isnan(clip_states([silent], load_states())).all()


def write_wave(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())


@pytest.fixture
def corpus(tmp_path):
    """Two hums that nobody takes for speech, one for each of two speakers."""
    index = tmp_path / "index.csv"
    hum = 0.2 * np.sin(2 * np.pi * 150 * np.arange(16_000) / 16_000)
    with index.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["corpus", "path", "label", "speaker"])
        for speaker in ("1", "2"):
            write_wave(tmp_path / f"{speaker}.wav", hum)
            rows.writerow(["hums", f"{speaker}.wav", "neutral", speaker])
    return tmp_path


def test_the_command_reads_recordings_through_the_voice_path(corpus, capsys):
    asked = ["--index", str(corpus / "index.csv"), "--root", str(corpus), "--corpus", "hums"]
    assert main(["evaluate", "states", *asked, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["n_speakers"], report["n_unread"]) == (2, 2, 2)
    assert report["by_label"] == {"neutral": {"n": 2}}


def test_the_command_hears_sounds_that_are_no_speech(tmp_path, capsys):
    rng = np.random.default_rng(2)
    index = tmp_path / "index.csv"
    with index.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["corpus", "path", "label", "licence", "extra"])
        for name, label in (("rain", "rain"), ("clap", "clapping")):
            write_wave(tmp_path / f"{name}.wav", 0.05 * rng.standard_normal(32_000))
            rows.writerow(["esc-50", f"{name}.wav", label, "CC-BY-NC", f"src={name};fold=2"])
    asked = ["evaluate", "states", "--sounds", "--index", str(index), "--root", str(tmp_path)]
    assert main([*asked, "--corpus", "esc-50", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["n_sources"]) == (2, 2)
    assert sorted(report["by_event"]) == ["applause", "other"]
    assert 0.0 < report["by_event"]["other"]["excitement"]["mean"] < 0.5
    assert report["excitement"]["laughter_against_others"] is None
    assert main([*asked, "--corpus", "meetings"]) == 65
    assert "no clip of corpus 'meetings'" in capsys.readouterr().err


def test_each_speaker_begins_a_call_and_clips_have_silence_around_them(corpus):
    rows = [
        Recording(corpus / f"{speaker}.wav", Expression.NEUTRAL, speaker) for speaker in ("1", "2")
    ]
    heard = hear([*rows, rows[0]])
    assert [clip.recording.speaker for clip in heard] == ["1", "1", "2"]
    firsts_s = [clip.observations[0].observed_ns / 1e9 for clip in heard]
    assert firsts_s[0] == firsts_s[2]
    assert firsts_s[1] - firsts_s[0] == pytest.approx(1.0 + 2 * PAUSE_S + BETWEEN_S)


@pytest.mark.parametrize("asked", [[], ["--index", "a.csv", "--pictures", "b.csv"]])
def test_the_command_wants_recordings_or_pictures(asked, capsys):
    assert main(["evaluate", "states", "--root", ".", *asked]) == 64
    assert "--index or pictures with --pictures" in capsys.readouterr().err


def test_a_list_that_is_not_there_is_told(tmp_path, capsys):
    asked = ["--pictures", str(tmp_path / "none.csv"), "--root", str(tmp_path)]
    assert main(["evaluate", "states", *asked]) == 66
    assert "check --pictures" in capsys.readouterr().err
