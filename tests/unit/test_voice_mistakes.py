"""The sheet of the surest mistakes: who is on it, what it says, and wrong words."""

import csv
import json
import wave

import numpy as np
import pytest
from PIL import Image

from edge_affect.cli import main
from edge_affect.evaluation.voice_mistakes import (
    COLUMNS,
    EDGE_PX,
    N_MISTAKES,
    N_PER_SPEAKER,
    TILE_PX,
    surest_mistakes,
)


def test_the_surest_come_first_and_no_speaker_fills_the_sheet():
    n = 60
    truth = np.zeros(n, dtype=np.int64)
    confidence = np.linspace(0.5, 0.99, n)
    probabilities = np.column_stack((1.0 - confidence, confidence))
    probabilities[-1] = 0.999, 0.001
    chosen = surest_mistakes(truth, probabilities, tuple(f"{row % 12}" for row in range(n)))
    assert chosen == sorted(chosen, reverse=True)
    assert n - 1 not in chosen
    assert len(chosen) == N_MISTAKES
    speakers = [row % 12 for row in chosen]
    assert max(speakers.count(speaker) for speaker in speakers) == N_PER_SPEAKER
    assert surest_mistakes(truth, probabilities[:, ::-1], ("one",) * n) == [n - 1]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Noise that somebody is said to have acted in every way, so most answers are mistakes."""
    folder = tmp_path_factory.mktemp("mistakes")
    rng = np.random.default_rng(1)
    words = ("neutral", "happy", "sad", "angry", "disgust", "fearful")
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["corpus", "path", "label", "speaker", "extra"])
        for number, word in enumerate(words):
            with wave.open(str(folder / f"{word}.wav"), "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(16_000)
                samples = 0.1 * rng.standard_normal(20_000).clip(-3, 3)
                sound.writeframes((samples * 32_767).astype("<i2").tobytes())
            writer.writerow(["toy", f"{word}.wav", word, number, "voicevote=sad;level=40"])
    return folder


def test_the_command_draws_the_sheet_and_lists_the_facts(corpus, tmp_path, capsys):
    sheet = tmp_path / "new" / "mistakes.png"
    asked = ["evaluate", "voice", "--index", str(corpus / "index.csv"), "--root", str(corpus)]
    pictures = tmp_path / "pictures"
    more = ["--corpus", "toy", "--mistakes", str(sheet), "--plots", str(pictures), "--json"]
    assert main([*asked, *more]) == 0
    report = json.loads(capsys.readouterr().out)
    found = report["mistakes"]
    n_right = round(report["accuracy"] * report["n"])
    assert found["n_wrong"] == len(found["mistakes"]) == 6 - n_right >= 4
    for fact in found["mistakes"]:
        assert fact["acted"] != fact["said"]
        assert (fact["heard_by_people"], fact["level"]) == ("sadness", 40.0)
    assert found["all_heard_as_acted"] == round(1 / 6, 4)
    with Image.open(sheet) as picture:
        assert picture.width == COLUMNS * (TILE_PX[0] + EDGE_PX)
    drawn = sorted(path.name for path in pictures.iterdir())
    assert drawn == [
        "voice_expression_confusion.svg",
        "voice_expression_coverage.svg",
        "voice_expression_reliability.svg",
    ]
    assert "share of clips answered" in (pictures / drawn[1]).read_text(encoding="utf-8")


def test_a_sheet_that_cannot_be_written(corpus, capsys):
    asked = ["evaluate", "voice", "--index", str(corpus / "index.csv"), "--root", str(corpus)]
    assert main([*asked, "--corpus", "toy", "--mistakes", "/proc/no/sheet.png"]) == 73
    assert "cannot be written" in capsys.readouterr().err
