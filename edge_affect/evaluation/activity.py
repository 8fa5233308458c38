"""Figures of the activity detector: against who really spoke when, and on sounds without speech."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Voice
from edge_affect.errors import DatasetError, InputMissingError
from edge_affect.evaluation.activity_robustness import robustness_figures
from edge_affect.evaluation.event_clips import EventClip, read_event_clips
from edge_affect.evaluation.figures import model_identity
from edge_affect.evaluation.overlap import listen, overlap_figures, pairs_of
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import parse_speakers, read_index, read_samples
from edge_affect.perception.acoustic import log_mel_db
from edge_affect.perception.activity import SPEECH, ActivityModel, SpeechActivity
from edge_affect.perception.chunk_activity import (
    CHUNK_SAMPLES,
    ChunkActivity,
    padded,
    silero_detector,
)
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CORPUS = "ami-debug"
BACKGROUNDS = ("esc-50",)
VOICES = "crema-d"
REPORT_SPEAKERS = "1019-1036"
N_PAIRS = 300
N_ROBUSTNESS_CLIPS = 60
GRID_HZ = 100
"""Truth and answers are compared every 10 ms."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What was wrong in one or more recordings, in seconds.

    Attributes:
        length_s: Of the recordings.
        speech_s: Where somebody speaks, by the turns.
        false_s: Called speech where nobody speaks.
        missed_s: Not called speech where somebody speaks.
    """

    length_s: float
    speech_s: float
    false_s: float
    missed_s: float

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.length_s + other.length_s,
            self.speech_s + other.speech_s,
            self.false_s + other.false_s,
            self.missed_s + other.missed_s,
        )

    def figures(self) -> dict[str, Any]:
        """Return the shares of the speech; None where there is none."""

        def share(part_s: float) -> float | None:
            return round(part_s / self.speech_s, 4) if self.speech_s else None

        return {
            "length_s": round(self.length_s, 1),
            "speech_s": round(self.speech_s, 1),
            "error": share(self.false_s + self.missed_s),
            "false": share(self.false_s),
            "missed": share(self.missed_s),
        }


def read_turns(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Return start and end of every turn in seconds, by recording.

    Args:
        path: An RTTM file: ``SPEAKER name channel start length ...`` in each line.

    Raises:
        DatasetError: If it is no such file.
    """
    turns: dict[str, list[tuple[float, float]]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words and words[0] == "SPEAKER":
                start_s, length_s = float(words[3]), float(words[4])
                turns.setdefault(words[1], []).append((start_s, start_s + length_s))
    except (UnicodeDecodeError, IndexError, ValueError):
        raise DatasetError(f"{path} is not an RTTM file with a SPEAKER in each line.") from None
    return turns


def compare(said: NDArray[np.bool_], turns: list[tuple[float, float]]) -> Errors:
    """Return the errors of one recording, without a collar.

    Args:
        said: Whether each 10 ms were called speech, shape ``(n,)``.
        turns: Start and end in seconds; speakers may overlap.
    """
    is_speech = np.zeros(said.size, dtype=bool)
    for start_s, end_s in turns:
        is_speech[round(start_s * GRID_HZ) : round(end_s * GRID_HZ)] = True
    return Errors(
        length_s=said.size / GRID_HZ,
        speech_s=float(is_speech.sum()) / GRID_HZ,
        false_s=float((said & ~is_speech).sum()) / GRID_HZ,
        missed_s=float((is_speech & ~said).sum()) / GRID_HZ,
    )


def judged_steps(samples: NDArray[np.float32], activity: SpeechActivity) -> NDArray[np.float64]:
    """Return the probabilities of a recording as the live path settles them, ``(n_steps, 2)``.

    The live path judges each step again when one more hop has been heard; that answer counts.

    Args:
        samples: The whole recording, shape ``(n_samples,)``, float32, range [-1, 1].
        activity: In use for this recording only; it is cleared first.
    """
    activity.clear()
    n_hop = activity.n_hop_samples
    n_steps = activity.n_hop_steps
    n_hops = -(-samples.size // n_hop)
    padded = np.pad(samples, (0, n_hops * n_hop - samples.size))
    settled = []
    for number in range(n_hops):
        activity.extend(padded[number * n_hop : (number + 1) * n_hop])
        if number > 0:
            settled.append(activity.steps[-2 * n_steps : -n_steps].copy())
    settled.append(activity.steps[-n_steps:].copy())
    return np.concatenate(settled)


def said_speech(samples: NDArray[np.float32], activity: SpeechActivity, settings: Voice) -> Any:
    """Return whether each 10 ms of a recording are called speech, bool ``(n,)``."""
    probabilities = judged_steps(samples, activity)[:, SPEECH]
    per_step = GRID_HZ * activity.n_hop_samples // SAMPLE_RATE_HZ // activity.n_hop_steps
    said = np.repeat(probabilities >= settings.min_speech_probability, per_step)
    return said[: round(samples.size / SAMPLE_RATE_HZ * GRID_HZ)]


def said_by_chunks(samples: NDArray[np.float32], settings: Voice) -> NDArray[np.bool_]:
    """Return as `said_speech`, but by the Silero detector as the live path uses it."""
    activity = ChunkActivity(silero_detector(), settings, samples.size // CHUNK_SAMPLES + 1)
    activity.extend(np.pad(samples, (0, -samples.size % CHUNK_SAMPLES)))
    n_grid = round(samples.size / SAMPLE_RATE_HZ * GRID_HZ)
    chunks = np.arange(n_grid) * (SAMPLE_RATE_HZ // GRID_HZ) // CHUNK_SAMPLES
    return np.asarray(padded(activity.flags)[chunks], dtype=np.bool_)


def evaluate_activity(index: Path, root: Path, model: str = "voice_activity") -> dict[str, Any]:
    """Return the figures on real meetings and on sounds without speech, as plain JSON values.

    Error is false plus missed time over the time of speech, without a collar. Turns are read from
    every RTTM file beside the meetings. Of the other sounds only those count that the model has
    never learned from.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        model: Name of a shipped model or path of a manifest.

    Raises:
        DatasetError: If the index has another shape, or lists no meeting.
        InputMissingError: If the index, the turns, a recording or the model is not there.
        MediaError: If a recording cannot be decoded.
    """
    clips = read_event_clips(index, root)
    meetings = [clip for clip in clips if clip.corpus == CORPUS]
    if not meetings:
        raise DatasetError(f"{index} has no row of corpus {CORPUS!r}.")
    others = [clip for clip in clips if clip.corpus in BACKGROUNDS and clip.part == "report"]
    detector = ActivityModel.load(model)
    settings = Voice()
    activity = SpeechActivity(detector, settings, detector.acoustic.n_window)
    turns = _turns_beside(meetings)
    rows: dict[str, Errors] = {}
    live: dict[str, Errors] = {}
    for clip in with_progress(meetings, len(meetings), "meetings"):
        samples, name = read_samples(clip.path), clip.path.stem
        rows[name] = compare(said_speech(samples, activity, settings), turns.get(name, []))
        live[name] = compare(said_by_chunks(samples, settings), turns.get(name, []))
    nothing = Errors(0.0, 0.0, 0.0, 0.0)
    total = sum(rows.values(), nothing)
    return {
        "model": model_identity(detector.manifest),
        "n": len(rows),
        **total.figures(),
        **_cost([clip.path for clip in meetings], activity, detector),
        "silero": {
            **sum(live.values(), nothing).figures(),
            **_chunk_cost([clip.path for clip in meetings], settings),
            "recordings": {name: errors.figures() for name, errors in live.items()},
        },
        "recordings": {name: errors.figures() for name, errors in rows.items()},
        "false_share_of_other_sounds": _false_shares(others, activity, settings),
        **_of_voices(index, root, detector, activity),
    }


def _of_voices(
    index: Path, root: Path, detector: ActivityModel, activity: SpeechActivity
) -> dict[str, Any]:
    """Return the figures on the report speakers; nothing where the index lists none."""
    if not any(clip.corpus == VOICES for clip in read_event_clips(index, root)):
        return {}
    recordings = read_index(index, root, VOICES, parse_speakers(REPORT_SPEAKERS))
    model = VoiceExpressionModel.load()
    pairs = pairs_of(recordings, N_PAIRS)
    single, mixed = (listen(pairs, model, detector, is_mixed=each) for each in (False, True))
    some = recordings[:: max(1, len(recordings) // N_ROBUSTNESS_CLIPS)]
    return {
        "two_voices_at_once": overlap_figures(single, mixed, detector.discount),
        "against_clean": robustness_figures(
            some, lambda samples: judged_steps(samples, activity), Voice().min_speech_probability
        ),
    }


def _turns_beside(meetings: list[EventClip]) -> dict[str, list[tuple[float, float]]]:
    folder = meetings[0].path.parent
    paths = sorted(folder.glob("*.rttm"))
    if not paths:
        raise InputMissingError(f"There is no file of turns (*.rttm) in {folder}.")
    turns: dict[str, list[tuple[float, float]]] = {}
    for path in paths:
        turns.update(read_turns(path))
    return turns


def _cost(paths: list[Path], activity: SpeechActivity, detector: ActivityModel) -> dict[str, float]:
    """Return processor time of one thread per second of sound, decoding left out."""
    sounds = [read_samples(path) for path in paths]
    length_s = sum(samples.size for samples in sounds) / SAMPLE_RATE_HZ
    started_s = time.process_time()
    for samples in sounds:
        judged_steps(samples, activity)
    total_s = time.process_time() - started_s
    n_hop = detector.acoustic.n_hop
    started_s = time.process_time()
    for samples in sounds:
        for start in range(0, samples.size - n_hop + 1, n_hop):
            log_mel_db(samples[start : start + n_hop], detector.acoustic)
    front_s = time.process_time() - started_s
    return {
        "cpu_ms_per_s": round(1e3 * total_s / length_s, 3),
        "of_which_log_mels_ms_per_s": round(1e3 * front_s / length_s, 3),
    }


def _chunk_cost(paths: list[Path], settings: Voice) -> dict[str, float]:
    sounds = [read_samples(path) for path in paths[:3]]
    started_s = time.process_time()
    for samples in sounds:
        said_by_chunks(samples, settings)
    took_s = time.process_time() - started_s
    length_s = sum(samples.size for samples in sounds) / SAMPLE_RATE_HZ
    return {"cpu_ms_per_s": round(1e3 * took_s / length_s, 3)}


def _false_shares(
    clips: list[EventClip], activity: SpeechActivity, settings: Voice
) -> dict[str, Any]:
    shares: dict[str, list[float]] = {}
    for clip in with_progress(clips, len(clips), "other sounds"):
        said = said_speech(read_samples(clip.path), activity, settings)
        shares.setdefault(clip.label, []).append(float(said.mean()))
    everything = [share for some in shares.values() for share in some]
    return {
        label: {"n": len(some), "share": round(float(np.mean(some)), 4)}
        for label, some in (("all", everything), *sorted(shares.items()))
        if some
    }
