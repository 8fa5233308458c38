"""Fit the voice baseline and the map to arousal with one command.

``python -m edge_affect.training.voice_baseline --data shared/data/audio --release``

The linear map is fitted on the training speakers, each against that speaker's own mean, so that it
never learns who speaks. The voice model has heard these speakers too, so its answers play no part
there. What is normal for everybody and what expressions do to the scores, how much map and model
count, and the temperature are fitted on the development speakers, whom neither has heard.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population
from edge_affect.evaluation.person_effects import effects_and_spread, shifts_and_offsets
from edge_affect.evaluation.recordings import parse_speakers
from edge_affect.evaluation.voice_baseline import (
    HeardClips,
    baseline_figures,
    corrected_sequence,
    hear,
)
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.voice_arousal import FILE_NAME as AROUSAL_FILE
from edge_affect.perception.voice_baseline import FILE_NAME, MOST_DEVIATIONS, VoiceBaselineModel
from edge_affect.training.calibration import fit_temperature
from edge_affect.training.voice_arousal import (
    arousal_rows,
    arousal_targets,
    arousal_weights,
    fit_arousal,
)
from edge_affect.training.voice_data import VOICE_LABELS, read_votes, split_speakers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.voice_arousal import VoiceArousal

VOTES = Path("crema-d-meta") / "votes.csv"
TRAINING_SPEAKERS = "1037-1091"
PENALTY = 1e-3
"""On the squared weights of the linear map."""
SHARE = 0.3
"""Of the scores in the answer."""
MODEL_SHARE = 3.5
"""Of the voice model's own scores in them, against those of the manner."""
N_CALIBRATION_CLIPS = 10


def fit_map(
    deviations: NDArray[np.float64], truth: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights ``(m, k)`` and bias ``(k,)`` of a logistic regression, weights penalised."""
    n, m = deviations.shape
    wanted = np.eye(k)[truth]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat[: m * k].reshape(m, k)
        logits = deviations @ weights + flat[m * k :]
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(axis=1, keepdims=True)
        value = -float((wanted * (logits - np.log(sums))).sum()) / n
        slope = (powers / sums - wanted) / n
        penalised = deviations.T @ slope + PENALTY * weights
        penalty = 0.5 * PENALTY * float(np.square(weights).sum())
        return value + penalty, np.concatenate((penalised.ravel(), slope.sum(axis=0)))

    found = minimize(
        loss, np.zeros(m * k + k), jac=True, method="L-BFGS-B", options={"maxiter": 400}
    )
    return found.x[: m * k].reshape(m, k), found.x[m * k :]


def fit(clips: HeardClips) -> VoiceBaselineModel:
    """Return the map fitted on the training speakers; what is normal is not known yet."""
    k = len(clips.labels)
    is_known = ~np.isnan(clips.manners)
    mean = np.nanmean(clips.manners, axis=0)
    filled = np.where(is_known, clips.manners, mean)
    everybody, _ = effects_and_spread(filled, clips.truth, clips.speakers, k)
    deviations = np.clip((filled - mean) / everybody.within, -MOST_DEVIATIONS, MOST_DEVIATIONS)
    _, offsets = shifts_and_offsets(deviations, clips.truth, clips.speakers, k)
    weights, bias = fit_map(deviations - offsets[clips.speakers], clips.truth, k)
    return VoiceBaselineModel(
        labels=tuple(label.name.lower() for label in clips.labels),
        manner_mean=mean,
        manner_within=everybody.within,
        weights=weights,
        bias=bias,
        population=Population(np.zeros(k), np.zeros(k), np.ones(k)),
        effects=ExpressionEffects(np.zeros((k, k)), np.ones(k)),
        guard=MoodGuard(),
        share=SHARE,
        temperature=1.0,
        model_share=MODEL_SHARE,
    )


def with_normal(model: VoiceBaselineModel, dev: HeardClips) -> VoiceBaselineModel:
    """Return the model with what is normal for everybody, from the development speakers."""
    rows = zip(dev.manners, dev.scores, strict=True)
    scores = np.stack([model.scores(manner, own) for manner, own in rows])
    population, effects = effects_and_spread(scores, dev.truth, dev.speakers, len(dev.labels))
    return replace(model, population=population, effects=effects)


def calibrated(model: VoiceBaselineModel, dev: HeardClips) -> VoiceBaselineModel:
    """Return the model with the temperature of least error on the development speakers.

    Every clip is once among ten that are heard one after the other.
    """
    generator = np.random.default_rng(0)
    heard: list[NDArray[np.intp]] = []
    for number in np.unique(dev.speakers):
        order = generator.permutation(np.flatnonzero(dev.speakers == number))
        parts = range(N_CALIBRATION_CLIPS, order.size + 1, N_CALIBRATION_CLIPS)
        heard += np.split(order, list(parts))
    sequences = [sequence for sequence in heard if sequence.size]
    said = np.concatenate([corrected_sequence(dev, model, sequence) for sequence in sequences])
    truth = dev.truth[np.concatenate(sequences)]
    temperature = fit_temperature(np.log(np.maximum(said, 1e-12)), truth)
    return replace(model, temperature=temperature)


def fitted_arousal(data: Path, *parts: tuple[tuple[Recording, ...], HeardClips]) -> VoiceArousal:
    """Return the map from manner to arousal; it hears no voice model, so development actors too."""
    votes = read_votes(data / VOTES)
    recordings: list[Recording] = []
    manners: list[NDArray[np.float64]] = []
    for part, heard in parts:
        rows = arousal_rows(part)
        recordings += [part[row] for row in rows]
        manners.append(heard.manners[list(rows)])
    chosen = tuple(recordings)
    targets = arousal_targets(chosen, votes, tuple(int(label) for label in VOICE_LABELS))
    return fit_arousal(np.concatenate(manners), targets, arousal_weights(chosen))


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--out", type=Path, default=Path("models_tflite"), help="where it goes")
    parser.add_argument("--voice", default="voice_expression", help="voice model or manifest")
    parser.add_argument("--release", action="store_true", help="write the numbers")
    options = parser.parse_args()
    reader = VoiceExpressionModel.load(options.voice)
    part, dev = split_speakers(options.data, "crema-d", parse_speakers(TRAINING_SPEAKERS))
    heard_dev = hear(dev, reader)
    heard_part = hear(part, reader)
    model = calibrated(with_normal(fit(heard_part), heard_dev), heard_dev)
    to_arousal = fitted_arousal(options.data, (part, heard_part), (dev, heard_dev))
    print(json.dumps(baseline_figures(heard_dev, model), indent=1), flush=True)
    if options.release:
        (options.out / FILE_NAME).write_text(model.text(), encoding="utf-8")
        (options.out / AROUSAL_FILE).write_text(to_arousal.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
