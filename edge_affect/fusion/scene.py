"""One scene from voice, faces and the moments before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_affect.clock import NS_PER_S
from edge_affect.config import Fusion
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.fusion.pooling import freshness, linear_pool, log_linear_pool
from edge_affect.record import NO_MODALITY, AbstainReason, Modality
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    SceneEstimate,
    VoiceObservation,
)


class SceneFusion:
    """Late fusion by calibrated reliability and age, smoothed in time; abstains when it should.

    It keeps one smoothed estimate of each modality, nothing else, and reads no clock: the caller
    says what time it is.
    """

    def __init__(self, settings: Fusion) -> None:
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Drop everything remembered, as after a pause."""
        self._voice: VoiceObservation | None = None
        self._voice_estimate: ExpressionEstimate | None = None
        self._faces: FaceObservation | None = None
        self._n_faces = 0
        self._face_estimate: ExpressionEstimate | None = None

    def add_voice(self, observation: VoiceObservation) -> None:
        """Take the newest window of sound into account."""
        self._voice = observation
        if observation.estimate is not None:
            self._voice_estimate = self._smoothed(self._voice_estimate, observation.estimate)

    def add_faces(self, observation: FaceObservation) -> None:
        """Take the newest frame into account.

        A face counts from the second frame in a row that shows it: detectors slip for one frame,
        on a cloud or a logo, and people do not come for a tenth of a second.
        """
        before, self._faces = self._faces, observation
        self._n_faces = 0 if before is None else min(before.n_faces, observation.n_faces)
        if observation.estimates and self._n_faces:
            self._face_estimate = self._smoothed(self._face_estimate, scene_of_faces(observation))

    def scene(self, now_ns: int) -> SceneEstimate:
        """Return the state of the scene at ``now_ns`` (monotonic clock)."""
        evidence, modalities = self._evidence(now_ns)
        n_faces = self._n_faces if self._is_fresh(self._faces, now_ns) else None
        speech_share = None
        if self._is_fresh(self._voice, now_ns) and self._voice is not None:
            speech_share = self._voice.speech_share
        if evidence is None:
            reason = self._reason_for_silence(n_faces, speech_share)
            return _abstention(reason, modalities, n_faces, speech_share)
        confidence = float(evidence.max())
        if confidence < self._settings.min_confidence:
            # What faded because people left is an empty room, not a hard one.
            is_empty = not n_faces and not speech_share
            reason = AbstainReason.NOBODY if is_empty else AbstainReason.LOW_CONFIDENCE
            return _abstention(reason, modalities, n_faces, speech_share)
        valence, arousal = valence_arousal(evidence)
        return SceneEstimate(
            probabilities=evidence,
            valence=valence,
            arousal=arousal,
            confidence=confidence,
            modalities=modalities,
            abstained=AbstainReason.NONE,
            n_faces=n_faces,
            speech_share=speech_share,
        )

    def _evidence(self, now_ns: int) -> tuple[NDArray[np.float64] | None, Modality]:
        """Return the pooled distribution of the fresh modalities, and which they are.

        The most reliable modality enters with its age alone, so that a single fresh modality
        keeps its calibrated distribution; the others enter in proportion to their reliability.
        """
        s = self._settings
        candidates = (
            (Modality.FACE, self._face_estimate, s.face_half_life_s),
            (Modality.VOICE, self._voice_estimate, s.voice_half_life_s),
        )
        present: list[tuple[ExpressionEstimate, float]] = []
        modalities = NO_MODALITY
        for modality, estimate, half_life_s in candidates:
            if estimate is None:
                continue
            age_s = (now_ns - estimate.observed_ns) / NS_PER_S
            weight = freshness(age_s, half_life_s, s.max_age_s)
            if weight > 0.0 and estimate.reliability > 0.0:
                present.append((estimate, weight))
                modalities |= modality
        if not present:
            return None, modalities
        best = max(estimate.reliability for estimate, _ in present)
        exponents = np.array([e.reliability / best * weight for e, weight in present])
        return log_linear_pool(
            np.stack([e.probabilities for e, _ in present]), exponents
        ), modalities

    def _smoothed(
        self, before: ExpressionEstimate | None, new: ExpressionEstimate
    ) -> ExpressionEstimate:
        """Return a new estimate blended with those before it, exponentially forgotten.

        Every frame and window counts, not only the last one before a tick.
        """
        half_life_s = self._settings.smoothing_half_life_s
        if before is None or half_life_s == 0.0:
            return new
        age_s = max(0.0, (new.observed_ns - before.observed_ns) / NS_PER_S)
        kept = 0.5 ** (age_s / half_life_s)
        return ExpressionEstimate(
            probabilities=kept * before.probabilities + (1.0 - kept) * new.probabilities,
            reliability=kept * before.reliability + (1.0 - kept) * new.reliability,
            observed_ns=new.observed_ns,
        )

    def _is_fresh(self, seen: VoiceObservation | FaceObservation | None, now_ns: int) -> bool:
        if seen is None:
            return False
        return now_ns - seen.observed_ns <= self._settings.max_age_s * NS_PER_S

    def _reason_for_silence(self, n_faces: int | None, speech_share: float | None) -> AbstainReason:
        if self._faces is None and self._voice is None:
            return AbstainReason.STARTING
        if n_faces is None and speech_share is None:
            return AbstainReason.NO_SOURCE
        if n_faces or speech_share:
            return AbstainReason.POOR_QUALITY
        return AbstainReason.NOBODY


def scene_of_faces(observation: FaceObservation) -> ExpressionEstimate:
    """Return one estimate for all readable faces of a frame (at least one).

    Distributions are averaged with the reliabilities as weights: one confident face counts more
    than one uncertain face, and nobody counts by being listed first.
    """
    weights = np.array([e.reliability for e in observation.estimates])
    pooled = linear_pool(np.stack([e.probabilities for e in observation.estimates]), weights)
    return ExpressionEstimate(
        probabilities=pooled,
        reliability=float(weights.mean()),
        observed_ns=observation.observed_ns,
    )


def _abstention(
    reason: AbstainReason, modalities: Modality, n_faces: int | None, speech_share: float | None
) -> SceneEstimate:
    return SceneEstimate(
        probabilities=None,
        valence=None,
        arousal=None,
        confidence=0.0,
        modalities=modalities,
        abstained=reason,
        n_faces=n_faces,
        speech_share=speech_share,
    )
