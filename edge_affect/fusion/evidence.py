"""What voice and faces said lately: the newest observations, filtered in time, by modality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.fusion.filtering import EvidenceFilter, FilterSettings
from edge_affect.fusion.pooling import freshness, linear_pool
from edge_affect.record import Modality
from edge_affect.types import ExpressionEstimate, FaceObservation, VoiceObservation

if TYPE_CHECKING:
    from edge_affect.config import Fusion


class SceneEvidence:
    """Keeps the newest observation and one filtered estimate of each modality, nothing else.

    Args:
        settings: Half-lives, and the age at which evidence counts for nothing.
    """

    def __init__(self, settings: Fusion) -> None:
        self._settings = settings
        pace = FilterSettings(settings.smoothing_half_life_s, settings.expression_half_life_s)
        self._filters = {
            Modality.FACE: EvidenceFilter(pace),
            Modality.VOICE: EvidenceFilter(pace),
        }
        self.forget()

    def forget(self) -> None:
        """Drop everything remembered, as after a pause."""
        self.voice: VoiceObservation | None = None
        self._filters[Modality.VOICE].forget()
        self.forget_faces()

    def forget_faces(self) -> None:
        """Drop what was seen alone, as when other people are described from now on."""
        self.faces: FaceObservation | None = None
        self._n_faces = 0
        self._filters[Modality.FACE].forget()

    def add_voice(self, observation: VoiceObservation) -> None:
        """Take the newest window of sound into account."""
        self.voice = observation
        if observation.estimate is not None:
            self._filters[Modality.VOICE].add(observation.estimate)

    def add_faces(self, observation: FaceObservation) -> None:
        """Take the newest frame into account.

        A face counts from the second frame in a row that shows it: detectors slip for one frame,
        on a cloud or a logo, and people do not come for a tenth of a second.
        """
        before, self.faces = self.faces, observation
        self._n_faces = 0 if before is None else min(before.n_faces, observation.n_faces)
        if observation.estimates and self._n_faces:
            self._filters[Modality.FACE].add(scene_of_faces(observation))

    def fresh(self, now_ns: int) -> tuple[tuple[Modality, ExpressionEstimate, float], ...]:
        """Return each modality that still counts, its estimate and the weight of its age, (0, 1].

        In a fixed order: face, voice.
        """
        s = self._settings
        half_lives = {Modality.FACE: s.face_half_life_s, Modality.VOICE: s.voice_half_life_s}
        found = []
        for modality, filtered in self._filters.items():
            estimate = filtered.estimate
            if estimate is None or estimate.reliability <= 0.0:
                continue
            age_s = (now_ns - estimate.observed_ns) / NS_PER_S
            weight = freshness(age_s, half_lives[modality], s.max_age_s)
            if weight > 0.0:
                found.append((modality, estimate, weight))
        return tuple(found)

    def n_faces(self, now_ns: int) -> int | None:
        """Return how many faces are present, or None without a fresh frame."""
        return self._n_faces if self._is_fresh(self.faces, now_ns) else None

    def speech_share(self, now_ns: int) -> float | None:
        """Return the share of speech, [0, 1], or None without a fresh window of sound."""
        if self.voice is None or not self._is_fresh(self.voice, now_ns):
            return None
        return self.voice.speech_share

    def _is_fresh(self, seen: VoiceObservation | FaceObservation | None, now_ns: int) -> bool:
        if seen is None:
            return False
        return now_ns - seen.observed_ns <= self._settings.max_age_s * NS_PER_S


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
