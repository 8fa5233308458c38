"""Voices in rooms and noise, voices by groups: the tables that a card shows."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from voice_parts import tone, write_wave

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population
from edge_affect.cli import main
from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.evaluation.known_voices import syllables
from edge_affect.evaluation.recordings import Recording, read_index, sound_paths
from edge_affect.evaluation.speaker_draws import SpeakerDraws, interval_of, speaker_matrices
from edge_affect.evaluation.voice_arousal import Pair, matched_pairs, same_loudness
from edge_affect.evaluation.voice_baseline import HeardClips, baseline_figures
from edge_affect.evaluation.voice_groups import (
    Verdicts,
    group_tables,
    read_groups,
)
from edge_affect.evaluation.voice_robustness import evaluate_voice_robustness, spread_evenly
from edge_affect.evaluation.voice_unlabelled import unlabelled_figures
from edge_affect.evaluation.voices import groups_of_speakers
from edge_affect.perception.voice_baseline import VoiceBaselineModel
from edge_affect.perception.voice_manner import MANNER_NAMES
from edge_affect.record import Expression

LABELS = (Expression.NEUTRAL, Expression.ANGER)


def clips(n_speakers: int, n_each: int) -> tuple[Recording, ...]:
    return tuple(
        Recording(Path(f"{s}_{label.name}_{k}.wav"), label, str(s))
        for s in range(n_speakers)
        for label in LABELS
        for k in range(n_each)
    )


def test_a_subset_is_even_and_always_the_same():
    all_clips = clips(5, 7)
    chosen = spread_evenly(all_clips, 20)
    assert chosen == spread_evenly(all_clips[::-1], 20)
    counts = {(r.speaker, r.label): 0 for r in all_clips}
    for recording in chosen:
        counts[recording.speaker, recording.label] += 1
    assert list(counts.values()) == [2] * 10
    assert len(spread_evenly(all_clips, 1_000)) == 70


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(1)
    listed = [
        ("toy", "a", "happy", "1", "voicevote=happy;level=30.5", "LO"),
        ("toy", "b", "sad", "02", "", ""),
        ("esc-50", "5-c", "rain", "", "", ""),
        ("esc-50", "1-e", "dog", "", "", ""),
        ("esc-50", "5-d", "laughing", "", "", ""),
    ]
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["corpus", "path", "label", "speaker", "extra", "intensity"])
        for name, clip, label, speaker, extra, intensity in listed:
            samples = 0.1 * rng.standard_normal(20_000).clip(-3, 3)
            write_wave(folder / f"{clip}.wav", samples)
            writer.writerow([name, f"{clip}.wav", label, speaker, extra, intensity])
    return folder


def test_how_strongly_a_clip_was_acted_and_felt(corpus):
    first, second = read_index(corpus / "index.csv", corpus, "toy")
    assert (first.intensity, first.level) == ("LO", 30.5)
    assert (second.intensity, second.level) == ("", None)


def test_speakers_with_and_without_leading_zeros(corpus):
    chosen = read_index(corpus / "index.csv", corpus, "toy", frozenset({"2"}))
    assert [recording.speaker for recording in chosen] == ["02"]


def test_plain_sounds_of_an_index(corpus):
    wanted = frozenset({"rain", "dog"})
    assert sound_paths(corpus / "index.csv", corpus, "esc-50", wanted) == (
        corpus / "5-c.wav",
        corpus / "1-e.wav",
    )
    assert sound_paths(corpus / "index.csv", corpus, "none", wanted) == ()
    with pytest.raises(InputMissingError, match=r"5-c\.wav listed in"):
        sound_paths(corpus / "index.csv", corpus / "elsewhere", "esc-50", wanted)


def test_robustness_has_a_row_for_every_degradation(corpus):
    report = evaluate_voice_robustness(corpus / "index.csv", corpus, "toy", n_clips=2)
    table = report["degradations"]
    assert report["n"] == 2
    assert len(table) == 30
    assert table[0]["name"] == "none"
    assert table[0]["uar_change"] == 0.0
    assert table[0]["same_answer_as_clean"] == 1.0
    assert json.loads(json.dumps(report)) == report


def test_draws_of_speakers_are_paired_and_count_whole_speakers():
    truth = np.array([0, 0, 1, 1] * 3)
    right = speaker_matrices(truth, truth, np.repeat([0, 1, 2], 4), 2)
    half = speaker_matrices(truth, np.zeros(12, dtype=np.int64), np.repeat([0, 1, 2], 4), 2)
    assert right.tolist() == [[[2, 0], [0, 2]]] * 3
    draws = SpeakerDraws(3, n_draws=50)
    assert draws.uars(right).tolist() == [1.0] * 50
    assert (draws.uars(right) - draws.uars(half)).tolist() == [0.5] * 50
    mixed = np.concatenate((right[:1], half[1:]))
    assert set(draws.uars(mixed).round(3)) == {0.5, 0.667, 0.833, 1.0}
    assert interval_of(np.array([0.0] * 98 + [1.0, 5.0])).low == 0.0


def write_groups(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_groups_are_read_and_ages_put_into_bands(tmp_path):
    path = write_groups(tmp_path / "g.csv", "speaker,age,sex", "1,29,Male", "2,45,Female")
    assert read_groups(path) == {
        "1": {"sex": "Male", "age": "up to 29"},
        "2": {"sex": "Female", "age": "45 and over"},
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["speaker,height", "1,180"], "needs the column 'speaker' and one of sex"),
        (["sex", "m"], "needs the column 'speaker'"),
        (["speaker,age", "1,old"], "age 'old', which is not a whole number"),
    ],
)
def test_tables_of_speakers_of_another_shape_are_refused(tmp_path, lines, message):
    with pytest.raises(DatasetError, match=message):
        read_groups(write_groups(tmp_path / "g.csv", *lines))


def test_a_table_of_speakers_that_is_not_there(tmp_path):
    with pytest.raises(InputMissingError, match="check --groups"):
        read_groups(tmp_path / "g.csv")


def verdicts() -> Verdicts:
    """Eight speakers of ten clips; the last four are misread in every second clip."""
    truth = np.tile(np.arange(10) % 2, 8)
    says = truth.copy()
    says[40:][::2] = 1
    confidence = np.where(says == truth, 0.9, 0.6)
    probabilities = np.stack([1 - confidence, 1 - confidence], axis=1)
    probabilities[np.arange(80), says] = confidence
    return Verdicts(truth, probabilities, LABELS, tuple(str(k // 10) for k in range(80)))


def test_the_widest_gap_is_named_and_lone_speakers_take_no_part():
    groups = {
        str(k): {"sex": "f" if k < 4 else "m", "race": "x" if k else "alone"} for k in range(8)
    }
    found = group_tables(verdicts(), groups)
    assert list(found["tables"]) == ["sex", "race"]
    assert found["tables"]["sex"]["f"]["uar"] == 1.0
    assert found["tables"]["sex"]["m"]["uar"] == 0.5
    assert found["tables"]["race"]["alone"]["uar_interval"] is None
    assert found["widest_gap"] == {
        "by": "sex",
        "best": "f",
        "worst": "m",
        "uar_gap": 0.5,
        "interval": [0.5, 0.5],
    }
    assert [gap["by"] for gap in found["gaps"]] == ["sex"]
    assert json.loads(json.dumps(found)) == found


def test_a_speaker_without_a_row_is_named(corpus, tmp_path):
    known = read_index(corpus / "index.csv", corpus, "toy")
    path = write_groups(tmp_path / "g.csv", "speaker,sex", "1,m")
    with pytest.raises(DatasetError, match=r"g\.csv has no row for speaker '02'"):
        groups_of_speakers(path, known)


def heard_clips(n_speakers: int = 4, n_each: int = 6) -> HeardClips:
    """Speakers who differ in pitch by far more than their anger raises it."""
    rng = np.random.default_rng(2)
    n = n_speakers * 2 * n_each
    truth = np.arange(n) % 2
    speakers = np.arange(n) // (2 * n_each)
    manners = np.full((n, len(MANNER_NAMES)), np.nan)
    own_st = np.array([-12.0, -4.0, 4.0, 12.0])[speakers]
    manners[:, MANNER_NAMES.index("f0_st")] = own_st + 4.0 * truth + 0.5 * rng.standard_normal(n)
    right = np.clip(0.5 + 0.05 * rng.standard_normal(n), 0.01, 0.99)
    probabilities = np.where(truth == 1, right, 1 - right)
    both = np.stack([1 - probabilities, probabilities], axis=1)
    return HeardClips(truth, speakers, both, np.zeros_like(both), manners, LABELS)


def pitch_model(bias: float) -> VoiceBaselineModel:
    m = len(MANNER_NAMES)
    weights = np.zeros((m, 2))
    weights[MANNER_NAMES.index("f0_st")] = -1.0, 1.0
    return VoiceBaselineModel(
        labels=("neutral", "anger"),
        manner_mean=np.full(m, 2.0),
        manner_within=np.full(m, 4.0),
        weights=weights,
        bias=np.full(2, bias),
        population=Population(np.zeros(2), np.full(2, 10.0), np.ones(2)),
        effects=ExpressionEffects(np.array([[2.0, -2.0], [-2.0, 2.0]]), np.ones(2)),
        guard=MoodGuard(0.6, 0.8),
        share=5.0,
        temperature=1.0,
    )


def test_the_baseline_gains_as_more_clips_are_heard():
    found = baseline_figures(heard_clips(), pitch_model(0.0))
    curve = found["curve"]
    assert [point["clips_heard"] for point in curve] == [1, 2, 3, 5, 7, 10, 12]
    assert [point["n"] for point in curve] == [96] * 6 + [16]
    assert len({point["uar_alone"] for point in curve[:6]}) == 1
    assert curve[5]["uar"] > 0.95
    assert curve[5]["uar_alone"] < 0.9
    assert curve[5]["gain_interval"][0] > 0
    assert curve[5]["gain"] == pytest.approx(curve[5]["uar"] - curve[5]["uar_alone"], abs=1e-4)
    assert [mood["mood"] for mood in found["moods"]] == ["neutral", "anger"]
    assert json.loads(json.dumps(found)) == found


def test_a_mood_without_enough_clips_is_counted_as_none():
    clips = heard_clips()
    calm = HeardClips(
        np.zeros_like(clips.truth),
        clips.speakers,
        clips.probabilities,
        clips.scores,
        clips.manners,
        LABELS,
    )
    moods = baseline_figures(calm, pitch_model(0.0))["moods"]
    assert [mood["n"] for mood in moods] == [0, 0]


def arousal_clips() -> tuple[Recording, ...]:
    rows = [
        ("a1", "calm", "normal"),
        ("a2", "calm", "strong"),
        ("b1", "calm", "normal"),
        ("b2", "calm", "strong"),
        ("c", "neutral", "normal"),
        ("d", "fearful", "strong"),
    ]
    return tuple(
        Recording(Path(f"{name}.wav"), Expression.NEUTRAL, "1", intensity=how, word=word)
        for name, word, how in rows
    )


def test_pairs_are_of_the_same_word_and_in_order():
    assert matched_pairs(arousal_clips()) == (Pair(0, 1, "calm"), Pair(2, 3, "calm"))


def test_the_same_loudness_whatever_the_gain_and_the_pauses():
    spoken = tone(300)
    padded = np.concatenate((np.zeros(8_000, dtype=np.float32), 0.1 * spoken))
    for samples in (spoken, 0.1 * spoken, padded):
        loud = same_loudness(samples)[-8_000:]
        assert 10 * np.log10(np.mean(loud**2)) == pytest.approx(-26.0, abs=0.2)
    silence = np.zeros(1_000, dtype=np.float32)
    assert np.array_equal(same_loudness(silence), silence)


def test_recordings_without_labels(tmp_path):
    spoken = syllables(4.0, 3.5, 150.0, seed=1).samples[:56_000]
    write_wave(tmp_path / "a.wav", spoken)
    write_wave(tmp_path / "b.wav", np.zeros(20_000))
    (tmp_path / "c.wav").write_bytes(b"no sound")
    found = unlabelled_figures(tmp_path)
    assert (found["n_recordings"], found["n_unreadable"]) == (2, 1)
    assert (found["n_windows"], found["n_speech_windows"]) == (3, 2)
    assert sum(found["said"].values()) == pytest.approx(1.0, abs=1e-3)
    assert sum(found["mean_probability"].values()) == pytest.approx(1.0, abs=1e-3)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(DatasetError, match="holds no recording with speech"):
        unlabelled_figures(tmp_path)
    with pytest.raises(InputMissingError, match="check --unlabelled"):
        unlabelled_figures(tmp_path / "none")


def test_the_command_answers_what_it_is_asked(corpus, capsys):
    asked = ["evaluate", "voice", "--index", str(corpus / "index.csv"), "--root", str(corpus)]
    groups = write_groups(corpus / "g.csv", "speaker,sex", "1,m", "02,f")
    assert main([*asked, "--corpus", "toy", "--groups", str(groups), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["groups"]["tables"]["sex"]) == ["f", "m"]
    assert report["groups"]["widest_gap"] is None
    assert len(report["coverage"]) == 20
    assert "robustness" not in report


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--robustness", "0"], 64, "'0' must be a whole number of clips, at least 1"),
        (["--groups", "/no/such.csv"], 66, "check --groups"),
        (["--corpus", "toy", "--arousal", "--speakers", "9"], 65, "no row of corpus 'toy'"),
    ],
)
def test_wrong_words_end_in_one_sentence(corpus, capsys, words, code, message):
    asked = ["evaluate", "voice", "--index", str(corpus / "index.csv"), "--root", str(corpus)]
    assert main([*asked, "--corpus", "toy", *words]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
