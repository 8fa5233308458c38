"""The two expression models as the live path, evaluation and training call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ManifestError
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, window_tensor
from edge_affect.perception.as_heard import AsHeard
from edge_affect.perception.expression_input import CropSettings, crop_tensor
from edge_affect.perception.interpreter import TfliteModel, load_model, softmax
from edge_affect.record import EXPRESSIONS, Expression

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest


def expressions_of(manifest: Manifest, kind: str) -> tuple[Expression, ...]:
    """Return the expressions that a model knows, in the order of its output.

    Raises:
        ManifestError: If the model is of another kind, or a label is no expression.
    """
    if manifest.kind != kind:
        raise ManifestError(f"{manifest.path}: kind is {manifest.kind!r}, wanted {kind!r}.")
    for label in manifest.labels:
        if label not in EXPRESSIONS:
            raise ManifestError(
                f"{manifest.path}: label {label!r} is not one of {', '.join(EXPRESSIONS)}."
            )
    if not manifest.labels:
        raise ManifestError(f"{manifest.path}: an expression model needs labels.")
    return tuple(Expression[label.upper()] for label in manifest.labels)


def spread(
    probabilities: NDArray[np.float64], known: tuple[Expression, ...]
) -> NDArray[np.float64]:
    """Return probabilities over all eight expressions, shape ``(8,)``, sum 1.

    Expressions that the model does not know get exactly 0, which softmax never gives to one that
    it knows; fusion takes that as no evidence either way.

    Args:
        probabilities: Of the known expressions, in the order of ``known``, sum 1.
        known: Which expressions these are.
    """
    full = np.zeros(len(EXPRESSIONS))
    full[[int(expression) for expression in known]] = probabilities
    return full


class FaceExpressionModel:
    """Reads the expression of one ready grey crop."""

    def __init__(self, model: TfliteModel) -> None:
        self.manifest = model.manifest
        self.expressions = expressions_of(model.manifest, "face_expression")
        self.crop = CropSettings.from_manifest(model.manifest)
        self._model = model

    @classmethod
    def load(cls, name: str = "face_expression") -> FaceExpressionModel:
        """Load by name, or by the path of a manifest; errors as `load_model`."""
        return cls(load_model(name))

    def probabilities(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return calibrated probabilities in the order of ``expressions``.

        Args:
            crop: Grey, shape ``(size_px, size_px)``, uint8.

        Raises:
            ShapeError: If the crop has another shape or dtype.
        """
        tensor = crop_tensor(crop, self.crop, self.manifest.inputs[0])
        return self._model.probabilities(tensor)


class VoiceReading(NamedTuple):
    """What a voice model says of one window, in the order of its expressions.

    Attributes:
        probabilities: Calibrated, sum 1.
        scores: What `perception.voice_baseline` compares with the same voice's normal; they mean
            nothing across voices.
    """

    probabilities: NDArray[np.float64]
    scores: NDArray[np.float64]


class VoiceExpressionModel:
    """Reads the expression of one window of sound.

    A model may have a second output, as long as the first: scores that were trained to tell the
    clips of one voice from each other. Without one the centred logarithms stand in for them.

    Attributes:
        manifest: Of the model.
        expressions: That it knows, in the order of its output.
        acoustic: Its front end.
        as_heard: Turns its probabilities, of what was meant, into those of what people would hear.
    """

    def __init__(self, model: TfliteModel) -> None:
        self.manifest = model.manifest
        self.expressions = expressions_of(model.manifest, "voice_expression")
        outputs = model.manifest.outputs
        if len(outputs) > 2 or outputs[-1].shape[-1:] != (len(self.expressions),):
            raise ManifestError(
                f"{model.manifest.path}: a voice model has one output or two, each with a number "
                "for every label."
            )
        self.acoustic = AcousticSettings.from_manifest(model.manifest)
        self.as_heard = AsHeard.from_manifest(model.manifest)
        self._model = model

    @classmethod
    def load(cls, name: str = "voice_expression") -> VoiceExpressionModel:
        """Load by name, or by the path of a manifest; errors as `load_model`."""
        return cls(load_model(name))

    def probabilities(self, frames_db: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return calibrated probabilities in the order of ``expressions``.

        Args:
            frames_db: One window of log-mels from `LogMelHistory.window_db` or `log_mel_db`.

        Raises:
            ShapeError: If there is another number of frames or bands.
        """
        return self.read(frames_db).probabilities

    def read(self, frames_db: NDArray[np.float32]) -> VoiceReading:
        """Return `probabilities` and the scores of the same window; errors alike."""
        tensor = window_tensor(frames_db, self.acoustic, self.manifest.inputs[0])
        outputs = [real.reshape(-1).astype(np.float64) for real in self._model.run_real(tensor)]
        logits = outputs[0] / self.manifest.temperature
        scores = outputs[1] if len(outputs) > 1 else logits
        return VoiceReading(softmax(logits), scores - scores.mean())

    def window_probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return `probabilities` of one window of samples, shape ``(acoustic.n_window,)``."""
        return self.probabilities(log_mel_db(samples, self.acoustic))
