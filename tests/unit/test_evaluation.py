"""Data sets in, figures out; and one sentence for every file that is not what it should be."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edge_affect.errors import DatasetError, InputMissingError, MediaError, UsageError
from edge_affect.evaluation.faces import evaluate_faces
from edge_affect.evaluation.ferplus import load_faces, majority_labels
from edge_affect.evaluation.recordings import parse_speakers, read_index, read_samples
from edge_affect.evaluation.voices import evaluate_voices
from edge_affect.perception.model_store import find_manifest
from edge_affect.record import Expression

RATE_HZ = 16_000


def face_arrays(n: int = 12) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    votes = np.zeros((n, 10), dtype=np.uint8)
    votes[np.arange(n), np.arange(n) % 8] = 10
    return {
        "images": rng.integers(0, 256, (n, 48, 48), dtype=np.uint8),
        "votes": votes,
        "split": np.array(["train", "valid"] * (n // 2)),
    }


def save(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


def write_wave(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())


@pytest.fixture
def corpus(tmp_path):
    """Three clips of two speakers, and an index."""
    rng = np.random.default_rng(1)
    rows = [("a", "happy", "1"), ("b", "sad", "2"), ("c", "surprised", "2")]
    with (tmp_path / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["corpus", "path", "label", "speaker", "extra"])
        for name, label, speaker in rows:
            write_wave(tmp_path / f"{name}.wav", 0.1 * rng.standard_normal(24_000).clip(-3, 3))
            writer.writerow(["toy", f"{name}.wav", label, speaker, "voicevote=happy;level=3"])
    return tmp_path


def test_the_majority_rule():
    votes = np.zeros((5, 10), dtype=np.uint8)
    votes[0, [3, 0]] = 6, 4
    votes[1, [3, 0]] = 5, 5
    votes[2, [3, 0, 1, 2, 4]] = 2, 1, 1, 1, 1
    votes[3, [8, 3]] = 6, 4
    votes[4, [9, 3]] = 4, 6
    assert majority_labels(votes).tolist() == [3, -1, 3, -1, 3]


def test_faces_of_one_split_are_measured(tmp_path):
    report = evaluate_faces(save(tmp_path / "f.npz", face_arrays()), "valid")
    assert report["n"] == 6
    assert report["model"]["sha256"] == find_manifest("face_expression").sha256
    assert report["confusion_matrix"]["labels"] == [e.name.lower() for e in Expression]
    assert "accuracy_without_duplicates" not in report
    assert json.loads(json.dumps(report)) == report


def test_twins_are_left_out_and_counted(tmp_path):
    twins = np.array([False, True, False, False] * 3)
    report = evaluate_faces(
        save(tmp_path / "f.npz", {**face_arrays(), "duplicate_of_train": twins}), "valid"
    )
    assert (report["n"], report["n_without_duplicates"]) == (6, 3)
    assert report["accuracy_without_duplicates"] == report["without_duplicates"]["accuracy"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, "lacks the array 'images'"),
        ({"images": np.zeros((12, 48, 47), np.uint8)}, "array 'images' has shape"),
        ({"images": np.zeros((12, 48, 48), np.float32)}, "array 'images' has shape"),
        ({"votes": np.zeros((11, 10), np.uint8)}, "array 'votes' has shape"),
        ({"split": np.zeros(12)}, "array 'split' has shape"),
        ({"duplicate_of_train": np.zeros(12)}, "array 'duplicate_of_train'"),
        ({"votes": np.zeros((12, 10), np.uint8)}, "no face with a majority"),
        ({"split": np.array(["test"] * 12)}, "has no split 'valid'; it has: test"),
    ],
)
def test_face_files_of_another_shape_are_refused(tmp_path, change, message):
    arrays = {key: value for key, value in {**face_arrays(), **change}.items() if value is not None}
    with pytest.raises(DatasetError, match=message):
        evaluate_faces(save(tmp_path / "f.npz", arrays), "valid")


def test_a_face_file_that_is_no_archive(tmp_path):
    (tmp_path / "f.npz").write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match=r"not a readable \.npz"):
        load_faces(tmp_path / "f.npz")
    with pytest.raises(InputMissingError, match="does not exist"):
        load_faces(tmp_path / "g.npz")


def test_a_face_file_with_objects_in_it(tmp_path):
    arrays = {**face_arrays(), "split": np.array([{}] * 12, dtype=object)}
    with pytest.raises(DatasetError, match=r"not a readable \.npz"):
        load_faces(save(tmp_path / "f.npz", arrays))


def test_voices_are_measured_and_unknown_labels_counted(corpus):
    report = evaluate_voices(corpus / "index.csv", corpus, "toy")
    assert (report["n"], report["n_left_out"], report["n_speakers"]) == (2, 1, 2)
    assert report["as_heard"]["n"] == 2
    assert report["model"]["name"] == "voice_expression"
    assert json.loads(json.dumps(report)) == report
    only = evaluate_voices(corpus / "index.csv", corpus, "toy", "2-5")
    assert (only["n"], only["n_left_out"], only["speakers"]) == (1, 1, "2-5")


def test_nothing_to_measure(corpus):
    index = corpus / "index.csv"
    with pytest.raises(DatasetError, match="no row of corpus 'other'"):
        evaluate_voices(index, corpus, "other")
    with pytest.raises(DatasetError, match="no row of corpus 'toy'"):
        evaluate_voices(index, corpus, "toy", "9")
    with pytest.raises(InputMissingError, match="check --index"):
        evaluate_voices(corpus / "none.csv", corpus, "toy")


def test_a_listed_clip_that_is_not_there(corpus):
    (corpus / "b.wav").unlink()
    with pytest.raises(InputMissingError, match=r"b\.wav listed in"):
        evaluate_voices(corpus / "index.csv", corpus, "toy")


def test_a_clip_that_is_no_sound(corpus):
    (corpus / "b.wav").write_bytes(b"not a sound" * 50)
    with pytest.raises(MediaError, match=r"b\.wav"):
        evaluate_voices(corpus / "index.csv", corpus, "toy")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("label,", "lable,", "lacks the column 'label'"),
        ("sad", "sadder", "unknown label 'sadder'"),
        ("b.wav,sad,2,", "b.wav\n#", "too few columns"),
    ],
)
def test_an_index_of_another_shape(corpus, old, new, message):
    index = corpus / "index.csv"
    text = index.read_text(encoding="utf-8")
    assert old in text
    index.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_index(index, corpus, "toy")


@pytest.mark.parametrize("text", ["", "a", "3-1", "1;2", "1-", "1,,2"])
def test_speakers_that_are_no_list(text):
    with pytest.raises(UsageError, match="--speakers"):
        parse_speakers(text)


def test_samples_come_at_16_khz_whatever_the_file_has(tmp_path):
    time_s = np.arange(44_100) / 44_100
    write_wave(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * time_s), 44_100)
    samples = read_samples(tmp_path / "tone.wav")
    assert samples.dtype == np.float32
    assert abs(samples.size - RATE_HZ) <= 64
    peak_hz = (
        int(np.abs(np.fft.rfft(samples[:RATE_HZ])).argmax()) * RATE_HZ / samples[:RATE_HZ].size
    )
    assert peak_hz == pytest.approx(440.0, abs=2.0)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.data
def test_the_face_figure_of_the_manifest_can_be_measured_again(data_dir):
    report = evaluate_faces(data_dir / "face" / "ferplus.npz", "valid")
    assert (report["n"], report["n_without_duplicates"]) == (3_199, 2_948)
    claimed = next(f for f in find_manifest("face_expression").figures if f.metric == "accuracy")
    assert claimed.n == 2_948
    assert report["accuracy_without_duplicates"] == pytest.approx(claimed.value, abs=0.002)
    assert report["accuracy_without_duplicates"] >= 0.84


@pytest.mark.data
def test_the_voice_model_hears_speakers_it_never_met(data_dir):
    audio = data_dir / "audio"
    report = evaluate_voices(audio / "index.csv", audio, "crema-d", "1019-1021")
    assert (report["n"], report["n_speakers"]) == (240, 3)
    assert report["uar"] > 0.45
