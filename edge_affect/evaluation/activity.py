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
from edge_affect.perception.chunk_activity import ChunkActivity
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.speech_net import CHUNK_SAMPLES, SpeechModel
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.chunk_activity import ChunkDetector

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


def said_by_steps(samples: NDArray[np.float32], activity: SpeechActivity) -> NDArray[np.bool_]:
    """Return whether the overlap model calls each 10 ms of a recording speech, shape ``(n,)``."""
    probabilities = judged_steps(samples, activity)[:, SPEECH]
    per_step = GRID_HZ * activity.n_hop_samples // SAMPLE_RATE_HZ // activity.n_hop_steps
    said = np.repeat(probabilities >= activity.threshold, per_step)
    return np.asarray(said[: round(samples.size / SAMPLE_RATE_HZ * GRID_HZ)])


def said_by_chunks(samples: NDArray[np.float32], detector: ChunkDetector) -> NDArray[np.bool_]:
    """Return whether the live path calls each 10 ms of a recording speech, shape ``(n,)``.

    The sound is given a second at a time, as the live path does.
    """
    activity = ChunkActivity(detector, Voice(), samples.size // CHUNK_SAMPLES + 1)
    whole = np.pad(samples, (0, -samples.size % CHUNK_SAMPLES))
    for start in range(0, whole.size, SAMPLE_RATE_HZ):
        activity.extend(whole[start : start + SAMPLE_RATE_HZ])
    n_grid = round(samples.size / SAMPLE_RATE_HZ * GRID_HZ)
    chunks = np.arange(n_grid) * (SAMPLE_RATE_HZ // GRID_HZ) // CHUNK_SAMPLES
    return np.asarray(activity.padded()[chunks], dtype=np.bool_)


def evaluate_activity(index: Path, root: Path, model: str = "voice_activity") -> dict[str, Any]:
    """Return the figures on real meetings and on sounds without speech, as plain JSON values.

    Error is false plus missed time over the time of speech, without a collar. Turns are read from
    every RTTM file beside the meetings. Of the other sounds only those count that the models have
    never learned from. The figures are those of the detector that decides in the live path;
    ``overlap_model`` holds those of the net that says who speaks at once, were it asked instead.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        model: The overlap model: name of a shipped one or path of a manifest.

    Raises:
        DatasetError: If the index has another shape, or lists no meeting.
        InputMissingError: If the index, the turns, a recording or a model is not there.
        MediaError: If a recording cannot be decoded.
    """
    clips = read_event_clips(index, root)
    meetings = [clip for clip in clips if clip.corpus == CORPUS]
    if not meetings:
        raise DatasetError(f"{index} has no row of corpus {CORPUS!r}.")
    others = [clip for clip in clips if clip.corpus in BACKGROUNDS and clip.part == "report"]
    speech = SpeechModel.load()
    overlap = ActivityModel.load(model)
    activity = SpeechActivity(overlap, Voice(), overlap.acoustic.n_window)

    def live(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
        return said_by_chunks(samples, speech)

    def net(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
        return said_by_steps(samples, activity)

    return {
        "model": model_identity(speech.manifest),
        **_of_meetings(meetings, live),
        "false_share_of_other_sounds": _false_shares(others, live),
        "overlap_model": {
            "model": model_identity(overlap.manifest),
            **_of_meetings(meetings, net),
            "of_which_log_mels_ms_per_s": _cost_ms(
                meetings, lambda samples: log_mel_db(samples, overlap.acoustic)
            ),
            "false_share_of_other_sounds": _false_shares(others, net),
            **_of_voices(index, root, overlap, activity),
        },
    }


def _of_meetings(
    meetings: list[EventClip], said: Callable[[NDArray[np.float32]], NDArray[np.bool_]]
) -> dict[str, Any]:
    turns = _turns_beside(meetings)
    rows: dict[str, Errors] = {}
    for clip in with_progress(meetings, len(meetings), "meetings"):
        name = clip.path.stem
        rows[name] = compare(said(read_samples(clip.path)), turns.get(name, []))
    return {
        "n": len(rows),
        **sum(rows.values(), Errors(0.0, 0.0, 0.0, 0.0)).figures(),
        "cpu_ms_per_s": _cost_ms(meetings, said),
        "recordings": {name: errors.figures() for name, errors in rows.items()},
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
            some, lambda samples: judged_steps(samples, activity), activity.threshold
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


def _cost_ms(
    meetings: list[EventClip], listen_to: Callable[[NDArray[np.float32]], object]
) -> float:
    """Return the processor time of this thread for one second of sound in ms, the least of three.

    Reading the files is left out.
    """
    sounds = [read_samples(clip.path) for clip in meetings]
    length_s = sum(samples.size for samples in sounds) / SAMPLE_RATE_HZ
    costs_s = []
    for _ in range(3):
        started_s = time.thread_time()
        for samples in sounds:
            if samples.size >= SAMPLE_RATE_HZ:
                listen_to(samples)
        costs_s.append(time.thread_time() - started_s)
    return round(1e3 * min(costs_s) / length_s, 3)


def _false_shares(
    clips: list[EventClip], live: Callable[[NDArray[np.float32]], NDArray[np.bool_]]
) -> dict[str, Any]:
    shares: dict[str, list[float]] = {}
    for clip in with_progress(clips, len(clips), "other sounds"):
        said = live(read_samples(clip.path))
        shares.setdefault(clip.label, []).append(float(said.mean()))
    everything = [share for some in shares.values() for share in some]
    return {
        label: {"n": len(some), "share": round(float(np.mean(some)), 4)}
        for label, some in (("all", everything), *sorted(shares.items()))
        if some
    }
