"""Long recordings of one voice with scripted moods, made of real clips, as the box hears them.

There is no corpus of minutes of real, labelled mood that may be used here, so sequences are made:
clips of one speaker follow each other with pauses, the mood wanders by chance, and the product's
own path turns the sound into records. What the clips are acted for is the truth.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect import config as configuration
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.errors import CannotWriteError, DatasetError
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import (
    parse_speakers,
    read_index,
    read_samples,
    sound_paths,
)
from edge_affect.record import EXPRESSIONS, Expression, SourceState, decode, encode
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.config import Config
    from edge_affect.evaluation.recordings import Recording
    from edge_affect.record import AffectRecord

BLOCK_SAMPLES = 1600
"""Sound is handed over in blocks of 0.1 s."""


@dataclass(frozen=True, slots=True)
class MoodScript:
    """How moods wander; every time is drawn evenly between its bounds, in seconds.

    Attributes:
        duration_s: Length of a sequence.
        mood_s: How long a mood lasts.
        onset_share: In this first share of a mood, clips of the one before come with a chance
            that falls from 1 to 0.
        neutral_share: Chance that a mood is followed by neutral, where it was not neutral.
        pause_s: Between two clips.
        silence_s: Of a long silence.
        silence_every_s: How often one comes.
        noise_level: Deviation of the near-silence under everything.
        seed: Of all chance, together with the speaker's name.
    """

    duration_s: float = 300.0
    mood_s: tuple[float, float] = (15.0, 60.0)
    onset_share: float = 0.3
    neutral_share: float = 0.5
    pause_s: tuple[float, float] = (0.1, 1.2)
    silence_s: tuple[float, float] = (4.0, 14.0)
    silence_every_s: tuple[float, float] = (40.0, 120.0)
    noise_level: float = 3e-4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of a sequence.

    Attributes:
        at_s: Since the start of the sequence.
        record: What left sensing.
        mood: Mood of the script at that moment.
    """

    at_s: float
    record: AffectRecord
    mood: Expression


@dataclass(frozen=True, slots=True)
class MoodSequence:
    """All ticks of one speaker."""

    speaker: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class MoodSource:
    """Where the clips of the sequences come from.

    Attributes:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.
        speakers: Such as ``1019-1036``; None takes all.
    """

    index: Path
    root: Path
    corpus: str
    speakers: str | None = None


def mood_sequences(
    source: MoodSource, keep: Path | None, script: MoodScript, config: Config | None = None
) -> tuple[MoodSequence, ...]:
    """Return one sequence for each speaker, in order of their names.

    Args:
        source: Where the clips come from.
        keep: Folder to keep records in; those that are there for the same script are taken.
        script: How moods wander.
        config: Of the box that listens; all defaults where it is None.

    Raises:
        EdgeAffectError: If a file or model is missing, or no folder can be written.
    """
    chosen = None if source.speakers is None else parse_speakers(source.speakers)
    clips: dict[str, list[Recording]] = defaultdict(list)
    for clip in read_index(source.index, source.root, source.corpus, chosen):
        clips[clip.speaker].append(clip)
    settings = config or configuration.Config()
    told = [str(asdict(script)), str(settings.publish.tick_hz), str(settings.fusion)]
    mark = hashlib.sha256("|".join(told).encode()).hexdigest()[:12]
    sequences = []
    for speaker in with_progress(sorted(clips), len(clips), "speakers"):
        path = None if keep is None else keep / f"{source.corpus}-{speaker}-{mark}.jsonl"
        if path is not None and path.is_file():
            sequences.append(MoodSequence(speaker, read_ticks(path)))
            continue
        ticks = listen_to(clips[speaker], speaker, script, settings)
        if path is not None:
            write_ticks(path, ticks)
        sequences.append(MoodSequence(speaker, ticks))
    return tuple(sequences)


def listen_to(
    clips: list[Recording], speaker: str, script: MoodScript, config: Config
) -> tuple[Tick, ...]:
    """Return what the box says, tick by tick, of one speaker's clips in the order of a script."""
    samples, moods = compose(clips, speaker, script)
    return hear(samples, moods, config)


def conversation(source: MoodSource, label: str, keep: Path | None) -> MoodSequence:
    """Return what the box says of the recordings of one label, one after the other.

    Whoever speaks and however, no mood is known: all of it counts as neutral.

    Args:
        source: Where the recordings are; ``speakers`` is not used.
        label: As the index spells it.
        keep: Folder to keep the records in.

    Raises:
        DatasetError: If there is no such recording.
    """
    path = None if keep is None else keep / f"{source.corpus}-{label}.jsonl"
    if path is not None and path.is_file():
        return MoodSequence(label, read_ticks(path))
    paths = sound_paths(source.index, source.root, source.corpus, frozenset({label}))
    pause = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    parts: list[NDArray[np.float32]] = []
    for sound in paths:
        # One file of the corpus at hand is empty.
        if sound.stat().st_size > 0:
            parts += [read_samples(sound), pause]
    if not parts:
        raise DatasetError(f"{source.index} has no recording of {label} in {source.corpus}.")
    samples = np.concatenate(parts)
    moods = [Expression.NEUTRAL] * (samples.size // SAMPLE_RATE_HZ + 1)
    ticks = hear(samples, moods, configuration.Config())
    if path is not None:
        write_ticks(path, ticks)
    return MoodSequence(label, ticks)


def hear(samples: NDArray[np.float32], moods: list[Expression], config: Config) -> tuple[Tick, ...]:
    """Return what the box says of a sound, tick by tick, through its own path.

    Args:
        samples: Mono at ``SAMPLE_RATE_HZ``, shape ``(n,)``, range [-1, 1].
        moods: Of each second.
        config: Of the box.
    """
    from edge_affect.sensing.assembly import build_pipeline

    clock = ManualClock()
    pipeline = build_pipeline(config, clock, has_sound=True, has_pictures=False)
    period_ns = round(NS_PER_S / config.publish.tick_hz)
    ticks: list[Tick] = []
    due_ns = period_ns
    for start in range(0, samples.size - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        block = AudioBlock(samples[start : start + BLOCK_SAMPLES], clock.now_ns())
        clock.advance_to(block.end_ns)
        pipeline.on_block(block)
        if clock.now_ns() >= due_ns:
            record = pipeline.record(SourceState.OK, SourceState.OFF)
            at_s = clock.now_ns() / NS_PER_S
            ticks.append(Tick(at_s, record, moods[min(int(at_s), len(moods) - 1)]))
            due_ns += period_ns
    return tuple(ticks)


def compose(
    clips: list[Recording], speaker: str, script: MoodScript
) -> tuple[NDArray[np.float32], list[Expression]]:
    """Return the sound of a script and the mood of each of its seconds.

    Raises:
        DatasetError: If the speaker has no neutral clip.
    """
    chance = np.random.default_rng([script.seed, *speaker.encode()])
    by_mood: dict[Expression, list[Recording]] = defaultdict(list)
    for clip in clips:
        by_mood[clip.label].append(clip)
    if Expression.NEUTRAL not in by_mood:
        raise DatasetError(f"Speaker {speaker} has no neutral clip to start from.")
    n_samples = round(script.duration_s * SAMPLE_RATE_HZ)
    sound = (script.noise_level * chance.standard_normal(n_samples)).astype(np.float32)
    moods = _wander(chance, sorted(by_mood), script)
    at_s = float(chance.uniform(*script.pause_s))
    silence_s = float(chance.uniform(*script.silence_every_s))
    while at_s < script.duration_s:
        if at_s >= silence_s:
            at_s += float(chance.uniform(*script.silence_s))
            silence_s = at_s + float(chance.uniform(*script.silence_every_s))
            continue
        mood = _mood_of_clip(chance, moods, at_s, script)
        clip = by_mood[mood][int(chance.integers(len(by_mood[mood])))]
        spoken = read_samples(clip.path)
        start = round(at_s * SAMPLE_RATE_HZ)
        end = min(start + spoken.size, n_samples)
        sound[start:end] += spoken[: end - start]
        at_s += spoken.size / SAMPLE_RATE_HZ + float(chance.uniform(*script.pause_s))
    seconds = [_mood_at(moods, second + 0.5) for second in range(round(script.duration_s))]
    return np.clip(sound, np.float32(-1.0), np.float32(1.0)), seconds


_Moods = list[tuple[float, Expression]]
"""When each mood starts, ascending from 0."""


def _wander(chance: np.random.Generator, known: list[Expression], script: MoodScript) -> _Moods:
    moods: _Moods = [(0.0, Expression.NEUTRAL)]
    at_s = float(chance.uniform(*script.mood_s))
    while at_s < script.duration_s:
        before = moods[-1][1]
        if before != Expression.NEUTRAL and chance.random() < script.neutral_share:
            following = Expression.NEUTRAL
        else:
            others = [mood for mood in known if mood not in (before, Expression.NEUTRAL)]
            following = others[int(chance.integers(len(others)))]
        moods.append((at_s, following))
        at_s += float(chance.uniform(*script.mood_s))
    return moods


def _mood_at(moods: _Moods, at_s: float) -> Expression:
    return [mood for start_s, mood in moods if start_s <= at_s][-1]


def _mood_of_clip(
    chance: np.random.Generator, moods: _Moods, at_s: float, script: MoodScript
) -> Expression:
    """Return which mood a clip shows: now and then that of before, at the start of a new one."""
    index = sum(start_s <= at_s for start_s, _ in moods) - 1
    start_s, mood = moods[index]
    end_s = moods[index + 1][0] if index + 1 < len(moods) else script.duration_s
    onset_s = script.onset_share * (end_s - start_s)
    if index > 0 and at_s - start_s < onset_s * float(chance.random()):
        return moods[index - 1][1]
    return mood


def write_ticks(path: Path, ticks: tuple[Tick, ...]) -> None:
    """Keep ticks in a file, one JSON object a line.

    Raises:
        CannotWriteError: If that does not work.
    """
    lines = [
        json.dumps({"at_s": t.at_s, "record": encode(t.record).hex(), "mood": EXPRESSIONS[t.mood]})
        for t in ticks
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None


def read_ticks(path: Path) -> tuple[Tick, ...]:
    """Return the ticks that ``write_ticks`` kept.

    Raises:
        DatasetError: If the file holds something else.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return tuple(
            Tick(
                float(row["at_s"]),
                decode(bytes.fromhex(row["record"])),
                Expression(EXPRESSIONS.index(row["mood"])),
            )
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise DatasetError(f"{path} does not hold ticks; remove it to make it again.") from None
