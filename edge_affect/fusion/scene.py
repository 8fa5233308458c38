"""One scene from voice, faces and the moments before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_affect.config import Fusion
from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.fusion.conflict import ConflictFallback
from edge_affect.fusion.evidence import SceneEvidence
from edge_affect.fusion.joint import PLAIN_WEIGHTS, Evidence, JointWeights
from edge_affect.fusion.relative import RelativeAffect, RelativeSettings
from edge_affect.fusion.sounding import Sounding
from edge_affect.fusion.wording import Wording
from edge_affect.record import NO_MODALITY, AbstainReason, Modality
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    SceneEstimate,
    SoundObservation,
    VoiceObservation,
    WordsObservation,
)

Fresh = tuple[tuple[Modality, ExpressionEstimate, float], ...]
"""Each modality that counts, what it says and the weight of its age."""


class SceneFusion:
    """Late fusion by calibrated reliability and age; abstains when it should.

    What was seen and heard is kept and filtered by `SceneEvidence`; here it becomes one answer.
    It reads no clock: the caller says what time it is.

    Args:
        settings: Half-lives and thresholds.
        weights: Fitted ones, over the expressions, of the modalities ``face`` and ``voice`` with
            one source each; without them every model is taken at its word.
        wording: What was said; None where words are off.
        is_group: Whether only groups are described. A mean over people who differ has no high top
            however sure each reading is, so it is told if the readings are sure in the mean.
    """

    def __init__(
        self,
        settings: Fusion,
        weights: JointWeights = PLAIN_WEIGHTS,
        *,
        wording: Wording | None = None,
        is_group: bool = False,
    ) -> None:
        self._settings = settings
        self._is_group = is_group
        self._weights = weights
        self._wording = wording
        self._fallback = ConflictFallback()
        self._evidence = SceneEvidence(settings)
        self._sounding = Sounding(settings.max_age_s)
        self._relative = RelativeAffect(
            RelativeSettings(settings.baseline_first_s, settings.call_end_s)
        )

    def forget(self) -> None:
        """Drop everything remembered, as after a pause."""
        self._evidence.forget()
        self._sounding.forget()
        self._relative.forget()
        if self._wording is not None:
            self._wording.forget()

    def forget_faces(self) -> None:
        """Drop what was seen, as when other people are described from now on."""
        self._evidence.forget_faces()

    def add_voice(self, observation: VoiceObservation) -> None:
        """Take the newest window of sound into account."""
        self._evidence.add_voice(observation)
        self._relative.add_voice(observation)

    def add_faces(self, observation: FaceObservation) -> None:
        """Take the newest frame into account."""
        self._evidence.add_faces(observation)
        self._relative.add_faces(observation)

    def add_sound(self, observation: SoundObservation) -> None:
        """Take the sound events of the newest window into account."""
        self._sounding.add(observation)

    def add_words(self, observation: WordsObservation, now_ns: int) -> None:
        """Take an utterance into account; its age counts from now, when it was understood."""
        if self._wording is not None:
            self._wording.add(observation, now_ns)

    def scene(self, now_ns: int) -> SceneEstimate:
        """Return the state of the scene at ``now_ns`` (monotonic clock)."""
        scene = replace(self._affect(now_ns), events=self._sounding.levels(now_ns))
        if self._wording is None:
            return scene
        said = self._wording
        return replace(scene, polarity=said.polarity(now_ns), phrases=said.phrases(now_ns))

    def opposition(self, now_ns: int) -> float | None:
        """Return the chance that words and manner have opposite signs, [0, 1].

        None without words, without voice and face, or with several faces: nobody knows whose words.
        """
        n_faces = self._evidence.n_faces(now_ns)
        fresh = self._evidence.fresh(now_ns)
        if self._wording is None or not fresh or (n_faces or 0) > 1:
            return None
        return self._wording.opposition(self._pooled(fresh), now_ns)

    def voice_and_face(self, now_ns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return what voice and face say of the same person, each of shape ``(8,)``, sum 1.

        None unless both count at ``now_ns`` and there is one face: nobody knows which of several
        speaks.
        """
        fresh = {modality: estimate for modality, estimate, _ in self._evidence.fresh(now_ns)}
        if self._evidence.n_faces(now_ns) != 1 or not {Modality.VOICE, Modality.FACE} <= set(fresh):
            return None
        return fresh[Modality.VOICE].probabilities, fresh[Modality.FACE].probabilities

    def _affect(self, now_ns: int) -> SceneEstimate:
        """Return the scene without its sound events."""
        fresh = self._evidence.fresh(now_ns)
        modalities = NO_MODALITY
        for modality, _, _ in fresh:
            modalities |= modality
        n_faces = self._evidence.n_faces(now_ns)
        speech_share = self._evidence.speech_share(now_ns)
        pooled = self._pooled(fresh) if fresh else None
        if self._wording is not None:
            pooled, has_words = self._wording.pooled(pooled, now_ns)
            modalities |= Modality.WORDS if has_words else NO_MODALITY
        if pooled is None:
            reason = self._reason_for_silence(n_faces, speech_share)
            return _abstention(reason, modalities, n_faces, speech_share)
        confidence = float(pooled.max())
        sure = confidence
        if self._is_group and fresh:
            sure = max(e.reliability for _, e, _ in fresh)
        if sure < self._settings.min_confidence:
            # What faded because people left is an empty room, not a hard one.
            is_empty = not n_faces and not speech_share
            reason = AbstainReason.NOBODY if is_empty else AbstainReason.LOW_CONFIDENCE
            return _abstention(reason, modalities, n_faces, speech_share)
        valence, arousal = valence_arousal(pooled)
        valence_relative, arousal_relative = self._relative.at(now_ns, valence, arousal)
        return SceneEstimate(
            probabilities=pooled,
            valence=valence,
            arousal=arousal,
            confidence=confidence,
            modalities=modalities,
            abstained=AbstainReason.NONE,
            n_faces=n_faces,
            speech_share=speech_share,
            valence_relative=valence_relative,
            arousal_relative=arousal_relative,
        )

    def _pooled(self, fresh: Fresh) -> NDArray[np.float64]:
        """Return what the modalities say together, or side by side as far as they conflict."""
        evidence = evidence_of(fresh)
        alone = {
            name: self._weights.pooled({name: Evidence(one.distributions)})
            for name, one in evidence.items()
        }
        return self._fallback.settled(
            self._weights.pooled(evidence),
            alone,
            {name: one.weight for name, one in evidence.items()},
            {str(m.name).lower(): estimate.reliability for m, estimate, _ in fresh},
        )

    def _reason_for_silence(self, n_faces: int | None, speech_share: float | None) -> AbstainReason:
        if self._evidence.faces is None and self._evidence.voice is None:
            return AbstainReason.STARTING
        if n_faces is None and speech_share is None:
            return AbstainReason.NO_SOURCE
        if n_faces or speech_share:
            return AbstainReason.POOR_QUALITY
        return AbstainReason.NOBODY


def evidence_of(fresh: Fresh) -> dict[str, Evidence]:
    """Return what enters the pool: each fresh modality, weighed by age and reliability.

    The most reliable one enters with its age alone, so that a single fresh modality keeps its
    calibrated distribution. The others enter with the root of their share of its reliability:
    their distributions tell most of it already (decision 19 has the figures).
    """
    best = max(estimate.reliability for _, estimate, _ in fresh)
    return {
        str(modality.name).lower(): Evidence(
            estimate.probabilities[None], weight * float(np.sqrt(estimate.reliability / best))
        )
        for modality, estimate, weight in fresh
    }


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
