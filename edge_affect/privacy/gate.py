"""The gate: the only place where an exact scene becomes a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_affect.privacy.coarsening import expression_levels, signed_steps, steps
from edge_affect.record import (
    CONFIDENCE_MAX,
    DROP_EDGES,
    EVENT_MAX,
    LATENCY_EDGES_MS,
    POLARITY_MAX,
    RATE_EDGES_HZ,
    SEALED_REASONS,
    SHARE_MAX,
    STATE_MAX,
    AbstainReason,
    AffectRecord,
    bucket,
    people_bucket,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.types import (
        FaceObservation,
        SceneEstimate,
        SensingHealth,
        SoundObservation,
        VoiceObservation,
        WordsObservation,
    )


class Gate:
    """Coarsens a scene and withholds it where too few people are present.

    It fails closed: whatever cannot be turned into a valid record raises, and nothing leaves.

    Args:
        min_people: Nothing is said while fewer faces are present; 1 switches this off.
    """

    def __init__(self, min_people: int) -> None:
        self._min_people = min_people

    def forget(self) -> None:
        """Forget everybody; this gate knows nobody."""

    @property
    def begins_anew(self) -> bool:
        """Whether fusion must forget the faces before the frame that was screened last."""
        return False

    def screen_voice(self, observation: VoiceObservation) -> VoiceObservation:
        """Return what fusion may know of a window of sound: here, everything."""
        return observation

    def screen_sound(self, observation: SoundObservation) -> SoundObservation | None:
        """Return what fusion may know of sound events: here, everything."""
        return observation

    def screen_words(self, observation: WordsObservation) -> WordsObservation | None:
        """Return what fusion may know of an utterance: here, everything."""
        return observation

    def screen_faces(self, observation: FaceObservation) -> FaceObservation:
        """Return what fusion may know of a frame: here, everything."""
        return observation

    def admit(
        self,
        scene: SceneEstimate,
        health: SensingHealth,
        at_ns: int = 0,  # noqa: ARG002 (for gates that count time)
    ) -> AffectRecord:
        """Return what may leave of ``scene``; ``health`` leaves in buckets.

        Args:
            scene: What fusion says.
            health: How sensing is doing.
            at_ns: The moment, on the monotonic clock.
        """
        reason = scene.abstained
        # Without a camera nobody can be counted, and a group that cannot be counted is too small.
        is_too_few = self._min_people > 1 and (scene.n_faces or 0) < self._min_people
        if is_too_few and reason not in SEALED_REASONS:
            reason = AbstainReason.TOO_FEW_PEOPLE
        sensing: dict[str, Any] = {
            "microphone": health.microphone,
            "camera": health.camera,
            "frame_rate": bucket(health.frame_rate_hz, RATE_EDGES_HZ),
            "latency": bucket(health.latency_ms, LATENCY_EDGES_MS),
            "drops": bucket(health.drop_share, DROP_EDGES),
        }
        if reason in SEALED_REASONS:
            return AffectRecord(abstained=reason, **sensing)
        around: dict[str, Any] = {
            "modalities": scene.modalities,
            "people": None if scene.n_faces is None else people_bucket(scene.n_faces),
            "polarity": _or_none(lambda p: signed_steps(p, POLARITY_MAX), scene.polarity),
            "phrases": tuple(int(is_heard) for is_heard in scene.phrases),
            "speech_share": (
                None if scene.speech_share is None else steps(scene.speech_share, SHARE_MAX)
            ),
            "events": tuple(
                None if level is None else steps(level, EVENT_MAX) for level in scene.events
            ),
        }
        if scene.probabilities is None or scene.valence is None or scene.arousal is None:
            return AffectRecord(abstained=reason, **around, **sensing)
        return AffectRecord(
            expressions=expression_levels(scene.probabilities),
            valence=signed_steps(scene.valence),
            arousal=signed_steps(scene.arousal),
            valence_relative=_or_none(signed_steps, scene.valence_relative),
            arousal_relative=_or_none(signed_steps, scene.arousal_relative),
            states=tuple(_or_none(lambda level: steps(level, STATE_MAX), s) for s in scene.states),
            confidence=steps(scene.confidence, CONFIDENCE_MAX),
            **around,
            **sensing,
        )


def _or_none(coarse: Callable[[float], int], value: float | None) -> int | None:
    return None if value is None else coarse(value)
