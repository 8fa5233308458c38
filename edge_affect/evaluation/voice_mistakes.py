"""The surest mistakes of a voice model, as a sheet of spectrograms and a list, for people to study.

It shows voices of real people: it belongs on the desk of who looks at it, not into a repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import CannotWriteError
from edge_affect.evaluation.recordings import read_samples
from edge_affect.evaluation.voices import listen, load_voices
from edge_affect.perception.acoustic import AcousticSettings, clip_windows, log_mel_db
from edge_affect.perception.prosody import prosody_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.record import Expression

N_MISTAKES = 20
N_PER_SPEAKER = 2
"""Mistakes shown of one speaker at most, so that no single voice fills the sheet."""
COLUMNS = 4
TILE_PX = (300, 128)
CAPTION_PX = 46
EDGE_PX = 8
SHOWN_DB = 60.0
"""Range from the loudest to what is drawn white."""
LONGEST_S = 3.5


@dataclass(frozen=True, slots=True)
class Mistake:
    """One clip that was given another expression than was acted.

    Attributes:
        recording: The clip.
        said: What the model said.
        confidence: How sure it was.
        f0_hz: Median pitch over its windows, or None where there is none.
    """

    recording: Recording
    said: Expression
    confidence: float
    f0_hz: float | None

    def facts(self) -> dict[str, Any]:
        """Return plain JSON values."""
        heard = self.recording.heard
        return {
            "clip": self.recording.clip,
            "acted": self.recording.label.name.lower(),
            "said": self.said.name.lower(),
            "confidence": round(self.confidence, 4),
            "heard_by_people": None if heard is None else heard.name.lower(),
            "level": self.recording.level,
            "f0_hz": None if self.f0_hz is None else round(self.f0_hz, 1),
        }


def surest_mistakes(
    truth: NDArray[np.int64], probabilities: NDArray[np.float64], speakers: tuple[str, ...]
) -> list[int]:
    """Return the mistakes with the highest confidence first, few of any speaker.

    Args:
        truth: Shape ``(n,)``.
        probabilities: Shape ``(n, k)``.
        speakers: Who speaks in each of the ``n``.
    """
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    chosen: list[int] = []
    taken: dict[str, int] = {}
    for row in wrong[np.argsort(-confidence[wrong], kind="stable")]:
        speaker = speakers[int(row)]
        if taken.get(speaker, 0) < N_PER_SPEAKER and len(chosen) < N_MISTAKES:
            taken[speaker] = taken.get(speaker, 0) + 1
            chosen.append(int(row))
    return chosen


def evaluate_voice_mistakes(
    sheet: Path,
    index: Path,
    root: Path,
    corpus: str,
    speakers: str | None = None,
    model: str = "voice_expression",
) -> dict[str, Any]:
    """Draw the surest mistakes to ``sheet`` and return what is known of them, as JSON values.

    ``as_people_heard`` is the share of them in which most listeners heard what the model said;
    ``all_heard_as_acted`` is the share of all clips in which they heard what was acted.

    Args and errors are those of `voices.evaluate_voices`.

    Raises:
        CannotWriteError: If the sheet cannot be written.
    """
    known, _, reader = load_voices(index, root, corpus, speakers, model)
    classes = reader.expressions
    truth = np.array([classes.index(r.label) for r in known], dtype=np.int64)
    probabilities, _ = listen(known, reader)
    rows = surest_mistakes(truth, probabilities, tuple(r.speaker for r in known))
    sounds = [read_samples(known[row].path) for row in rows]
    mistakes = [
        Mistake(
            known[row],
            classes[int(probabilities[row].argmax())],
            float(probabilities[row].max()),
            _median_f0_hz(samples, reader.acoustic),
        )
        for row, samples in zip(rows, sounds, strict=True)
    ]
    save_sheet(sheet, mistakes, sounds, reader.acoustic)
    voted = [m for m in mistakes if m.recording.heard is not None]
    all_voted = [r for r in known if r.heard is not None]
    return {
        "n_wrong": int(np.sum(probabilities.argmax(axis=1) != truth)),
        "as_people_heard": _share([m.recording.heard == m.said for m in voted]),
        "all_heard_as_acted": _share([r.heard == r.label for r in all_voted]),
        "mistakes": [mistake.facts() for mistake in mistakes],
    }


def _share(found: list[bool]) -> float | None:
    return round(sum(found) / len(found), 4) if found else None


def _median_f0_hz(samples: NDArray[np.float32], acoustic: AcousticSettings) -> float | None:
    pitches = [
        prosody.f0_hz
        for window in clip_windows(samples, acoustic)
        if (prosody := prosody_of(window)) is not None and prosody.f0_hz is not None
    ]
    return float(np.median(pitches)) if pitches else None


def save_sheet(
    path: Path,
    mistakes: list[Mistake],
    sounds: list[NDArray[np.float32]],
    acoustic: AcousticSettings,
) -> None:
    """Write spectrograms with what was acted, heard and said: time to the right, low sounds below.

    All have one scale of time, so that tempo can be compared, and each its own loudness.

    Raises:
        CannotWriteError: If the file cannot be written.
    """
    from PIL import Image, ImageDraw

    across, down = TILE_PX[0] + EDGE_PX, TILE_PX[1] + CAPTION_PX + EDGE_PX
    n_rows = max(-(-len(mistakes) // COLUMNS), 1)
    sheet = Image.new("RGB", (COLUMNS * across, n_rows * down), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (mistake, samples) in enumerate(zip(mistakes, sounds, strict=True)):
        row, column = divmod(number, COLUMNS)
        x, y = column * across, row * down
        picture = Image.fromarray(_picture(samples, acoustic)).resize(TILE_PX)
        sheet.paste(picture.convert("RGB"), (x, y))
        draw.rectangle((x, y, x + TILE_PX[0] - 1, y + TILE_PX[1] - 1), outline="grey")
        facts = mistake.facts()
        lines = (
            f"{facts['clip']}  level {facts['level']}  f0 {facts['f0_hz']} Hz",
            f"acted {facts['acted']}, people heard {facts['heard_by_people']}",
            f"model: {facts['said']} {mistake.confidence:.2f}",
        )
        for line, text in enumerate(lines):
            draw.text((x + 2, y + TILE_PX[1] + 2 + 14 * line), text, fill="black")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise CannotWriteError(f"The sheet {path} cannot be written: {error}.") from None


def _picture(samples: NDArray[np.float32], acoustic: AcousticSettings) -> NDArray[np.uint8]:
    """Return log-mels as grey, low bands at the bottom, silence and what is missing white."""
    n_frames = int(LONGEST_S * acoustic.sample_rate_hz) // acoustic.n_step
    frames_db = log_mel_db(samples, acoustic)[:n_frames]
    below_db = frames_db.max(initial=-100.0) - frames_db
    grey = np.full((n_frames, acoustic.n_mels), 255, dtype=np.uint8)
    grey[: frames_db.shape[0]] = np.clip(255.0 * below_db / SHOWN_DB, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(grey.T[::-1])
