"""Figures of reading text, on utterances that somebody labelled; nothing of it is trained on."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    recalls,
    uar,
)
from edge_affect.perception.lexicon_reader import LexiconReader, vader
from edge_affect.perception.text_reader import NEGATIVE, NEUTRAL, POSITIVE
from edge_affect.record import EXPRESSIONS, Expression

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.text_reader import TextReader, TextReading

LABELS: dict[str, Expression] = {"joy": Expression.HAPPINESS} | {
    e.name.lower(): e for e in Expression
}
"""How data sets spell expressions."""
SIGNS: dict[str, int] = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}
VADER_EDGE = 0.05
"""Compound sentiment from which on VADER's authors call a text positive or negative."""


@dataclass(frozen=True, slots=True)
class Utterances:
    """Labelled texts.

    Attributes:
        texts: What was said.
        expressions: Shape ``(n,)``, int.
        signs: Shape ``(n,)``, int: negative, neutral, positive.
        dialogues: Shape ``(n,)``, str: what belongs together.
    """

    texts: tuple[str, ...]
    expressions: NDArray[np.int64]
    signs: NDArray[np.int64]
    dialogues: NDArray[np.str_]


def load_utterances(path: Path) -> Utterances:
    """Read a CSV file with the columns utterance, emotion, sentiment, dialogue.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If a column is missing, a label unknown, or it is empty.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise InputMissingError(f"There is no file {path}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV file: {error}.") from None
    if not rows:
        raise DatasetError(f"{path} holds no utterances.")
    try:
        return Utterances(
            tuple(row["utterance"] or "" for row in rows),
            np.array([LABELS[row["emotion"]] for row in rows], dtype=np.int64),
            np.array([SIGNS[row["sentiment"]] for row in rows], dtype=np.int64),
            np.array([row["dialogue"] for row in rows]),
        )
    except KeyError as error:
        raise DatasetError(f"{path} lacks the column, or has the unknown label, {error}.") from None


def evaluate_words(
    path: Path, language: str = "en", reader: TextReader | None = None
) -> dict[str, Any]:
    """Return the figures of a reader of text, as plain JSON values.

    Args:
        path: CSV file of labelled utterances.
        language: Of the texts.
        reader: None takes the lexicon that ships.

    Raises:
        InputMissingError: If the file or a lexicon is missing.
        DatasetError: If the file is not what it should be.
    """
    said = load_utterances(path)
    reader = LexiconReader.load(language) if reader is None else reader
    readings, times_ms = [], []
    for text in said.texts:
        start = time.perf_counter()
        readings.append(reader.read(text))
        times_ms.append(1000.0 * (time.perf_counter() - start))
    shown = np.unique(said.expressions)
    guess = _guesses(readings, shown)
    signs = np.array([int(reading.signs.argmax()) for reading in readings])
    known = np.stack([reading.probabilities[shown] for reading in readings])
    known /= known.sum(axis=1, keepdims=True)
    matrix = confusion_matrix(said.expressions, guess, len(EXPRESSIONS))
    commonest = np.full_like(guess, np.bincount(said.expressions).argmax())
    commonest_sign = np.full_like(signs, np.bincount(said.signs).argmax())
    telling = np.array([reading.is_telling for reading in readings])
    report: dict[str, Any] = {
        "n": len(said.texts),
        "classes": [EXPRESSIONS[index] for index in shown],
        "accuracy": accuracy(said.expressions, guess),
        "uar": uar(matrix),
        "uar_95": _interval(said, guess, uar),
        "macro_f1": macro_f1(matrix),
        "macro_f1_95": _interval(said, guess, macro_f1),
        "recall": {
            EXPRESSIONS[i]: float(r) for i, r in zip(shown, recalls(matrix)[shown], strict=True)
        },
        "confusion": matrix[np.ix_(shown, shown)].tolist(),
        "ece": expected_calibration_error(np.searchsorted(shown, said.expressions), known),
        "telling_share": float(telling.mean()),
        "sentiment": _sign_figures(said.signs, signs),
        "majority": {
            "accuracy": accuracy(said.expressions, commonest),
            "uar": 1.0 / shown.size,
            "macro_f1": macro_f1(confusion_matrix(said.expressions, commonest, len(EXPRESSIONS))),
            "sentiment": _sign_figures(said.signs, commonest_sign),
        },
        "median_ms": float(np.median(times_ms)),
    }
    compound = vader()
    if language == "en" and compound is not None:
        values = np.array([compound(text) for text in said.texts])
        alone = np.where(values >= VADER_EDGE, POSITIVE, NEUTRAL)
        alone = np.where(values <= -VADER_EDGE, NEGATIVE, alone)
        report["vader_alone"] = {"sentiment": _sign_figures(said.signs, alone)}
    return report


def _guesses(readings: list[TextReading], shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the strongest of the expressions that the data set knows at all."""
    return np.array([int(shown[reading.probabilities[shown].argmax()]) for reading in readings])


def _sign_figures(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> dict[str, float]:
    matrix = confusion_matrix(truth, guess, len(SIGNS))
    return {
        "accuracy": accuracy(truth, guess),
        "uar": uar(matrix),
        "macro_f1": macro_f1(matrix),
    }


def _interval(
    said: Utterances,
    guess: NDArray[np.int64],
    figure: Callable[[NDArray[np.int64]], float],
) -> list[float]:
    """Return the 95 % interval over draws of whole dialogues."""
    matrices = np.stack(
        [
            confusion_matrix(
                said.expressions[said.dialogues == one],
                guess[said.dialogues == one],
                len(EXPRESSIONS),
            )
            for one in np.unique(said.dialogues)
        ]
    )
    rng = np.random.default_rng(1)
    draws = [
        figure(matrices[rng.integers(0, len(matrices), len(matrices))].sum(axis=0))
        for _ in range(1000)
    ]
    return [float(value) for value in np.quantile(draws, (0.025, 0.975))]
