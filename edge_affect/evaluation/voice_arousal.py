"""Whether arousal rises with how strongly something was acted, and goes with what people heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError
from edge_affect.evaluation.metrics import concordance, wilson_interval
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import parse_speakers, read_index, read_samples
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.perception.acoustic import clip_log_probabilities, clip_windows, log_mel_db
from edge_affect.perception.expression_model import VoiceExpressionModel, spread
from edge_affect.perception.prosody import prosody_of
from edge_affect.perception.voice_arousal import VoiceArousal
from edge_affect.perception.voice_manner import clip_manner, manner

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording

STRONGER: tuple[tuple[str, str], ...] = (("normal", "strong"), ("LO", "HI"))
"""How corpora spell the weaker and the stronger of two ways to act the same."""
SPEECH_DB = -26.0
"""Level of active speech that all clips are brought to, against full scale."""
_N_FRAME = 320
_ACTIVE_DB = 30.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clips that differ in how strongly they were acted, and in nothing else on purpose.

    Attributes:
        weaker: Number of the clip.
        stronger: Number of the clip.
        word: What was acted, as the corpus spells it.
    """

    weaker: int
    stronger: int
    word: str


def matched_pairs(recordings: tuple[Recording, ...]) -> tuple[Pair, ...]:
    """Return pairs of the same speaker, expression and statement, first with first by name.

    Where a corpus tells repetitions apart only by the file's name, the first weaker clip is matched
    with the first stronger one, and so on.
    """
    sides: dict[tuple[str, str, str], tuple[list[int], list[int]]] = {}
    for number in sorted(range(len(recordings)), key=lambda k: recordings[k].clip):
        recording = recordings[number]
        for names in STRONGER:
            if recording.intensity in names:
                key = recording.speaker, recording.word, recording.statement
                side = names.index(recording.intensity)
                sides.setdefault(key, ([], []))[side].append(number)
    return tuple(
        Pair(weaker, stronger, word)
        for (_, word, _), (weak, strong) in sides.items()
        for weaker, stronger in zip(weak, strong, strict=False)
    )


def same_loudness(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples whose active frames have `SPEECH_DB`; what would clip is turned down."""
    frames = samples[: samples.size // _N_FRAME * _N_FRAME].reshape(-1, _N_FRAME)
    powers = np.mean(np.square(frames, dtype=np.float64), axis=1)
    active = powers[powers >= powers.max(initial=0.0) * 10.0 ** (-_ACTIVE_DB / 10.0)]
    if not active.size or active.mean() <= 0.0:
        return samples
    gain = 10.0 ** (SPEECH_DB / 20.0) / np.sqrt(active.mean())
    peak = float(np.abs(samples).max()) * gain
    return np.asarray(samples * (gain / max(peak, 1.0)), dtype=np.float32)


def evaluate_voice_arousal(
    index: Path,
    root: Path,
    corpus: str,
    speakers: str | None = None,
    model: str = "voice_expression",
) -> dict[str, Any]:
    """Return how arousal fares, as plain JSON values, once for each way it is made.

    ``by_table`` is derived from the expressions, ``by_manner`` comes from how something is said.
    All clips are brought to the same loudness first. ``pairs`` counts how often the stronger of two
    matched clips has the higher arousal; ``ratings`` compares with how strong listeners found what
    they heard, where the index says so.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.
        speakers: Such as ``1019-1036``; None takes all.
        model: Name of a shipped model or path of a manifest.

    Raises:
        DatasetError: If the corpus has neither matched pairs nor ratings.
        EdgeAffectError: As `voices.evaluate_voices`.
    """
    chosen = None if speakers is None else parse_speakers(speakers)
    recordings = read_index(index, root, corpus, chosen)
    pairs = matched_pairs(recordings)
    rated = [r for r in recordings if r.level is not None and r.heard is not None]
    if not pairs and not rated:
        raise DatasetError(f"{index}: {corpus!r} has no two intensities and no ratings.")
    wanted = {n for pair in pairs for n in (pair.weaker, pair.stronger)}
    wanted |= {n for n, r in enumerate(recordings) if r.level is not None and r.heard is not None}
    arousals = _arousals(recordings, sorted(wanted), model)
    report: dict[str, Any] = {"corpus": corpus, "speakers": speakers or "all", "n": len(wanted)}
    for name, values in arousals.items():
        report[name] = {
            "pairs": _pair_figures(pairs, values) if pairs else None,
            "ratings": _rating_figures(recordings, values) if rated else None,
        }
    return report


def _arousals(
    recordings: tuple[Recording, ...], wanted: list[int], model: str
) -> dict[str, NDArray[np.float64]]:
    """Return arousal of the wanted clips by each way, NaN elsewhere, shape ``(n,)``."""
    reader = VoiceExpressionModel.load(model)
    by_manner = VoiceArousal.load()
    found: dict[str, NDArray[np.float64]] = {
        name: np.full(len(recordings), np.nan) for name in ("by_table", "by_manner")
    }
    for number in with_progress(wanted, len(wanted), "clips"):
        samples = same_loudness(read_samples(recordings[number].path))
        windows = clip_windows(samples, reader.acoustic)
        windows_db = [log_mel_db(window, reader.acoustic) for window in windows]
        per_window = np.stack([reader.probabilities(window_db) for window_db in windows_db])
        probabilities = np.exp(clip_log_probabilities(per_window))
        found["by_table"][number] = valence_arousal(spread(probabilities, reader.expressions))[1]
        parts = zip(windows, windows_db, strict=True)
        whole = clip_manner(np.stack([manner(db, prosody_of(w)) for w, db in parts]))
        found["by_manner"][number] = by_manner.arousal(whole)
    return found


def _pair_figures(pairs: tuple[Pair, ...], values: NDArray[np.float64]) -> dict[str, Any]:
    rises = np.array([values[pair.stronger] - values[pair.weaker] for pair in pairs])
    words = np.array([pair.word for pair in pairs])
    return {
        **_share_raised(rises),
        "mean_rise": round(float(rises.mean()), 4),
        "by_word": {str(word): _share_raised(rises[words == word]) for word in np.unique(words)},
    }


def _share_raised(rises: NDArray[np.float64]) -> dict[str, Any]:
    n_raised = int(np.count_nonzero(rises > 0))
    interval = wilson_interval(n_raised, rises.size)
    return {
        "n": int(rises.size),
        "raised": round(n_raised / rises.size, 4),
        "raised_interval": [round(interval.low, 4), round(interval.high, 4)],
    }


def _rating_figures(
    recordings: tuple[Recording, ...], values: NDArray[np.float64]
) -> dict[str, Any]:
    """Return agreement with listeners: their expression's place and their rating of its strength.

    What listeners rate is the strength of the expression they chose, which is arousal only for
    expressions that are aroused; so the correlation with it is given for each expression apart.
    ``heard`` compares with the arousal that the table gives to the expression they chose.
    """
    rows = [n for n, r in enumerate(recordings) if r.level is not None and r.heard is not None]
    heard = [recordings[n].heard for n in rows]
    levels = np.array([recordings[n].level for n in rows], dtype=np.float64)
    eight = np.eye(8)
    table = np.array([valence_arousal(eight[int(e)])[1] for e in heard if e is not None])
    said = values[rows]
    by_expression = {}
    for expression in sorted({e for e in heard if e is not None}):
        part = np.array([e == expression for e in heard])
        by_expression[expression.name.lower()] = {
            "n": int(part.sum()),
            "correlation_with_level": _correlation(said[part], levels[part]),
        }
    return {
        "n": len(rows),
        "heard_ccc": round(concordance(table, said), 4),
        "heard_correlation": _correlation(table, said),
        "by_heard_expression": by_expression,
    }


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if first.size < 3 or first.std() == 0 or second.std() == 0:
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 4)
