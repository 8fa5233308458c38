"""The gate of places where only groups may be described."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.privacy.cohort import Cohort
from edge_affect.privacy.gate import Gate
from edge_affect.record import SEALED_REASONS, AbstainReason, AffectRecord, Modality
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    SoundObservation,
    VoiceObservation,
    WordsObservation,
)

if TYPE_CHECKING:
    from edge_affect.types import ObservedFace, SceneEstimate, SensingHealth

_NOTHING = AffectRecord(abstained=AbstainReason.NOBODY)


class GroupGate(Gate):
    """Lets through what whole blocks of a big enough group express, each face counting the same.

    It stands twice in the way: before fusion it leaves out the faces that may not count, and every
    voice, since a voice is always somebody's; behind fusion it withholds whatever rests on more
    than faces, and everything while the group is closed.

    Args:
        min_people: Nothing is said about fewer, >= 2.
        margin: See ``Cohort``.
        rest_ns: See ``Cohort``.
    """

    def __init__(self, min_people: int, margin: int, rest_ns: int) -> None:
        super().__init__(min_people)
        self._cohort = Cohort(min_people, margin, rest_ns)
        self._shown: frozenset[int] = frozenset()
        self._begins_anew = False

    def forget(self) -> None:
        """Forget everybody."""
        self._cohort.forget()
        self._shown, self._begins_anew = frozenset(), True

    @property
    def begins_anew(self) -> bool:
        """Whether others count now than before.

        Smoothing over time would mix those who have gone into what is said of those who stay, and
        how long it remembers depends on what it sees: no rest is sure to be long enough.
        """
        return self._begins_anew

    def screen_voice(self, observation: VoiceObservation) -> VoiceObservation:
        """Return how much was spoken, and nothing of how or what."""
        return VoiceObservation(observation.speech_share, None, observation.observed_ns)

    def screen_sound(self, observation: SoundObservation) -> SoundObservation | None:
        """Return nothing: whoever laughs or cries is somebody."""
        del observation
        return None

    def screen_words(self, observation: WordsObservation) -> WordsObservation | None:
        """Return nothing: whoever speaks is somebody."""
        del observation
        return None

    def screen_faces(self, observation: FaceObservation) -> FaceObservation:
        """Return the faces that count, the latest of each and with the same weight.

        Within a tight budget few faces are read on one frame; a mean over those alone would be
        about one or two people, however many are there.
        """
        return _plain_mean(self.members(observation), observation.observed_ns)

    def members(self, observation: FaceObservation) -> tuple[ObservedFace, ...]:
        """Return the faces that count; none while the group is closed."""
        readable = {face.track: face.estimate is not None for face in observation.faces}
        shown = self._cohort.update(readable, observation.observed_ns)
        self._begins_anew = shown != self._shown
        self._shown = shown
        return tuple(face for face in observation.faces if face.track in shown)

    def admit(self, scene: SceneEstimate, health: SensingHealth, at_ns: int = 0) -> AffectRecord:
        """Return what may leave of ``scene``; see ``Gate``."""
        is_faces_only = not scene.modalities & ~Modality.FACE
        if scene.abstained not in SEALED_REASONS and not (self._cohort.is_open and is_faces_only):
            scene = withheld(scene, AbstainReason.TOO_FEW_PEOPLE)
        record = super().admit(scene, health, at_ns)
        # States rest on signals that only some of the faces have at a time.
        return replace(
            record,
            valence_relative=None,
            arousal_relative=None,
            states=_NOTHING.states,
            events=_NOTHING.events,
            polarity=_NOTHING.polarity,
            phrases=_NOTHING.phrases,
        )


def withheld(scene: SceneEstimate, reason: AbstainReason) -> SceneEstimate:
    """Return a scene that says nothing, for a reason."""
    return replace(
        scene,
        probabilities=None,
        valence=None,
        arousal=None,
        confidence=0.0,
        abstained=reason,
        valence_relative=None,
        arousal_relative=None,
        states=(None,) * len(scene.states),
    )


def _plain_mean(faces: tuple[ObservedFace, ...], observed_ns: int) -> FaceObservation:
    """Return an observation of ``faces`` in which nobody weighs more than another."""
    estimates = [face.estimate for face in faces if face.estimate is not None]
    if not estimates:
        return FaceObservation(len(faces), (), observed_ns, faces)
    reliability = float(np.mean([estimate.reliability for estimate in estimates]))
    equal = tuple(ExpressionEstimate(e.probabilities, reliability, observed_ns) for e in estimates)
    return FaceObservation(len(faces), equal, observed_ns, faces)
