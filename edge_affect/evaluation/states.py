"""What labelled data can say about the derived states, through the code that runs in the box.

No data set at hand is labelled with attention, engagement, confusion or anxiety. What is measured
here is what can be: whether excitement rises with how strongly pleasant things were acted and stays
low for everything else, whether acted fear raises anxiety, and how often a state is claimed of
people who showed nothing of the kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError
from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.metrics import Z_95, wilson_interval
from edge_affect.evaluation.overlap import auc
from edge_affect.evaluation.parity import group_names
from edge_affect.evaluation.portrait_list import group_columns, read_portraits
from edge_affect.evaluation.recordings import parse_speakers, read_index
from edge_affect.evaluation.state_faces import picture_states
from edge_affect.evaluation.state_voices import clip_states, hear, sound_states
from edge_affect.evaluation.voice_arousal import matched_pairs
from edge_affect.fusion.state_signals import RESPONSES
from edge_affect.record import STATES, Expression
from edge_affect.states import load_states

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording

DIGITS = 4
N_DRAWS = 1000
CLAIMED = 0.5
"""From here on a reader of the vector would say that a state is there."""
PLEASANT = (Expression.HAPPINESS, Expression.SURPRISE)


def evaluate_state_voices(
    index: Path, root: Path, corpus: str, speakers: str | None = None
) -> dict[str, Any]:
    """Return the figures of voices alone, as plain JSON values.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.
        speakers: Such as ``1019-1036``; None takes all.

    Raises:
        EdgeAffectError: As `voices.evaluate_voices`.
    """
    chosen = None if speakers is None else parse_speakers(speakers)
    table = load_states()
    heard = hear(read_index(index, root, corpus, chosen))
    values = clip_states(heard, table)
    recordings = tuple(clip.recording for clip in heard)
    return {
        "corpus": corpus,
        "speakers": speakers or "all",
        **voice_figures(recordings, values),
    }


def voice_figures(recordings: tuple[Recording, ...], values: NDArray[np.float64]) -> dict[str, Any]:
    """Return the figures of clips whose states are known.

    Args:
        recordings: The n clips.
        values: Shape ``(n, 6)``, from `clip_states`.
    """
    excitement, anxiety = (values[:, STATES.index(name)] for name in ("excitement", "anxiety"))
    labels = np.array([int(r.label) for r in recordings])
    names = sorted({r.speaker for r in recordings})
    who = np.array([names.index(r.speaker) for r in recordings])
    is_neutral = labels == Expression.NEUTRAL
    is_fear = labels == Expression.FEAR
    is_pleasant = np.isin(labels, [int(one) for one in PLEASANT])
    report: dict[str, Any] = {
        "n": len(recordings),
        "n_speakers": len(names),
        "n_unread": int(np.isnan(excitement).sum()),
        "by_label": by_label(labels, values),
        "excitement": {
            "pleasant_against_others": separation(excitement, is_pleasant, ~is_pleasant, who),
            "happiness_against_neutral": separation(
                excitement, labels == Expression.HAPPINESS, is_neutral, who
            ),
            "pairs": _pairs(recordings, excitement),
            "heard_happy": _rated(recordings, excitement),
        },
        "anxiety": {
            "fear_against_neutral": separation(anxiety, is_fear, is_neutral, who),
            "fear_against_others": separation(anxiety, is_fear, ~is_fear, who),
        },
    }
    return report


def evaluate_state_sounds(index: Path, root: Path, corpus: str) -> dict[str, Any]:
    """Return whether laughter and applause raise excitement above what other sounds do.

    Only clips that the sound-event model neither learned from nor was chosen by are heard.

    Args:
        index: CSV that lists the clips.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.

    Raises:
        DatasetError: If no such clip is left.
        EdgeAffectError: As `event_clips.read_event_clips`.
    """
    clips = [c for c in read_event_clips(index, root) if (c.corpus, c.part) == (corpus, "report")]
    if not clips:
        raise DatasetError(f"{index} has no clip of corpus {corpus!r} to report on.")
    values = sound_states(clips, load_states())
    excitement = values[:, STATES.index("excitement")]
    sources = sorted({clip.source for clip in clips})
    who = np.array([sources.index(clip.source) for clip in clips])
    events = np.array([clip.event for clip in clips])
    is_response = np.isin(events, RESPONSES)
    return {
        "corpus": corpus,
        "n": len(clips),
        "n_sources": len(sources),
        "by_event": {
            str(event): {"n": int((events == event).sum()), **state_shares(values[events == event])}
            for event in np.unique(events)
        },
        "excitement": {
            "responses_against_others": separation(excitement, is_response, ~is_response, who),
            **{
                f"{event}_against_others": separation(
                    excitement, events == event, ~is_response, who
                )
                for event in RESPONSES
            },
        },
    }


def evaluate_state_pictures(listing: Path, root: Path) -> dict[str, Any]:
    """Return the figures of single pictures, as plain JSON values.

    With labels: which expressions raise which state. With groups: the states of each group, which
    should not differ where groups show the same.

    Args:
        listing: CSV with ``path``, ``label`` where known, and group columns.
        root: Folder that the listed paths are relative to.

    Raises:
        EdgeAffectError: As `portraits.evaluate_portraits`.
    """
    portraits = read_portraits(listing, root, "--pictures")
    values = picture_states(portraits, load_states())
    report: dict[str, Any] = {
        "n": len(portraits),
        "n_unread": int(np.isnan(values).all(axis=1).sum()),
        "everybody": state_shares(values),
    }
    if all(portrait.label is not None for portrait in portraits):
        labels = np.array([-1 if p.label is None else int(p.label) for p in portraits])
        excitement, anxiety = (values[:, STATES.index(name)] for name in ("excitement", "anxiety"))
        is_pleasant = np.isin(labels, [int(one) for one in PLEASANT])
        is_fear, rows = labels == Expression.FEAR, np.arange(labels.size)
        report |= {
            "by_label": by_label(labels, values),
            "excitement": {
                "pleasant_against_others": separation(excitement, is_pleasant, ~is_pleasant, rows)
            },
            "anxiety": {"fear_against_others": separation(anxiety, is_fear, ~is_fear, rows)},
        }
    report["groups"] = {
        column: {
            name: {"n": int((groups == name).sum()), **state_shares(values[groups == name])}
            for name in group_names(groups)
        }
        for column, groups in group_columns(portraits).items()
    }
    return report


def separation(
    values: NDArray[np.float64],
    is_positive: NDArray[np.bool_],
    is_negative: NDArray[np.bool_],
    who: NDArray[np.int64],
) -> dict[str, Any] | None:
    """Return how well a state tells two kinds of clips apart: the area under the ROC curve.

    The interval draws whole persons. None where one of both kinds is missing.

    Args:
        values: Shape ``(n,)``; NaN where unknown, which is left out.
        is_positive: Shape ``(n,)``: of the kind that should be higher.
        is_negative: Shape ``(n,)``: of the other kind.
        who: Shape ``(n,)``: number of the person.
    """
    is_known = ~np.isnan(values)
    positive, negative = is_positive & is_known, is_negative & is_known
    if not positive.any() or not negative.any():
        return None
    rows = np.flatnonzero(positive | negative)
    members = [rows[who[rows] == one] for one in np.unique(who[rows])]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(N_DRAWS):
        some = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        if positive[some].any() and negative[some].any():
            drawn.append(auc(values[some], positive[some]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "n": [int(positive.sum()), int(negative.sum())],
        "auc": round(auc(values[rows], positive[rows]), DIGITS),
        "auc_interval": [round(float(low), DIGITS), round(float(high), DIGITS)],
    }


def by_label(labels: NDArray[np.int64], values: NDArray[np.float64]) -> dict[str, Any]:
    """Return the states of the clips or pictures of every expression."""
    return {
        Expression(one).name.lower(): {
            "n": int((labels == one).sum()),
            **state_shares(values[labels == one]),
        }
        for one in np.unique(labels).tolist()
    }


def state_shares(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return each state that is known somewhere: its mean and the share of at least ``CLAIMED``.

    The interval of the mean is that of a normal distribution, 95 %; of a single value, none.
    """
    told: dict[str, Any] = {}
    for name, column in zip(STATES, values.T, strict=True):
        known = column[~np.isnan(column)]
        if known.size:
            mean = float(known.mean())
            told[name] = {"mean": round(mean, DIGITS)}
            if known.size > 1:
                reach = Z_95 * float(known.std(ddof=1)) / known.size**0.5
                told[name]["interval"] = [round(mean - reach, DIGITS), round(mean + reach, DIGITS)]
            told[name] |= {
                "claimed": round(float((known >= CLAIMED).mean()), DIGITS),
            }
    return told


def _pairs(recordings: tuple[Recording, ...], values: NDArray[np.float64]) -> dict[str, Any] | None:
    """Return how often the stronger of two matched clips has more of a state, by what was acted."""
    rises: dict[str, list[float]] = {}
    for pair in matched_pairs(recordings):
        rise = values[pair.stronger] - values[pair.weaker]
        if not np.isnan(rise):
            rises.setdefault(pair.word, []).append(float(rise))
    return {word: _raised(np.array(some)) for word, some in sorted(rises.items())} or None


def _raised(rises: NDArray[np.float64]) -> dict[str, Any]:
    n_raised = int(np.count_nonzero(rises > 0))
    interval = wilson_interval(n_raised, rises.size)
    return {
        "n": int(rises.size),
        "raised": round(n_raised / rises.size, DIGITS),
        "raised_interval": [round(interval.low, DIGITS), round(interval.high, DIGITS)],
        "mean_rise": round(float(rises.mean()), DIGITS),
    }


def _rated(recordings: tuple[Recording, ...], values: NDArray[np.float64]) -> dict[str, Any] | None:
    """Return the rank correlation with how strong listeners found what they heard as happy."""
    from scipy.stats import rankdata

    rows = [
        row
        for row, one in enumerate(recordings)
        if one.level is not None and one.heard == Expression.HAPPINESS and not np.isnan(values[row])
    ]
    if len(rows) < 3:
        return None
    levels = np.array([recordings[row].level for row in rows], dtype=np.float64)
    said, told = rankdata(values[rows]), rankdata(levels)
    return {"n": len(rows), "rank_correlation": round(float(np.corrcoef(said, told)[0, 1]), DIGITS)}
