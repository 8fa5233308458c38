"""The gate that lets only noisy ten-minute values of groups through."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.anonymity import AGGREGATE_WINDOW_S
from edge_affect.clock import NS_PER_S
from edge_affect.privacy.aggregate import Window
from edge_affect.privacy.budget import PrivacyBudget
from edge_affect.privacy.coarsening import expression_levels
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.group_gate import GroupGate, withheld
from edge_affect.record import EXPRESSION_SUM, SEALED_REASONS, AbstainReason, Modality
from edge_affect.types import FaceObservation, SceneEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.privacy.discrete_laplace import Randbelow
    from edge_affect.record import AffectRecord
    from edge_affect.types import ObservedFace, SensingHealth

MAX_AGE_NS = 3 * NS_PER_S
"""Faces seen longer ago are not counted into a tick."""
WINDOW_NS = AGGREGATE_WINDOW_S * NS_PER_S

AffectOf = Callable[["NDArray[np.float64]"], tuple[float, float]]
"""Valence and arousal of a distribution over expressions."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What a value costs, and how much there is.

    Attributes:
        epsilon: Privacy loss of one value, > 0.
        daily: Of all values of 24 hours at most.
    """

    epsilon: Fraction
    daily: Fraction


class NoisyGroupGate(GroupGate):
    """Adds up what the group shows for ten minutes, tells that once with noise, and keeps count.

    The value of a window stands in every record of the next window: repeating it costs nothing,
    and none can get lost. Then comes the next one, or none.

    Args:
        group: The arguments of ``GroupGate``.
        spending: What a value costs.
        affect_of: Valence and arousal of a distribution.
        randbelow: Source of randomness; the operating system's unless a test brings its own.
    """

    def __init__(
        self,
        group: tuple[int, int, int],
        spending: Spending,
        affect_of: AffectOf,
        randbelow: Randbelow = secrets.randbelow,
    ) -> None:
        super().__init__(*group)
        self._plain = Gate(group[0])
        self._spending = spending
        self._affect_of = affect_of
        self._randbelow = randbelow
        self._budget: PrivacyBudget | None = None
        self.forget()

    def forget(self) -> None:
        """Forget everybody and what was added up; the budget stays spent."""
        super().forget()
        self._window = Window()
        self._began_ns: int | None = None
        self._told: SceneEstimate | None = None
        self._reason = AbstainReason.STARTING
        self._seen_ns = 0
        self._levels: tuple[tuple[int, ...], ...] = ()

    def members(self, observation: FaceObservation) -> tuple[ObservedFace, ...]:
        """Return the faces that count, and keep their levels for the next tick."""
        faces = super().members(observation)
        self._seen_ns = observation.observed_ns
        self._levels = tuple(
            expression_levels(face.estimate.probabilities)
            for face in faces
            if face.estimate is not None
        )
        return faces

    def admit(self, scene: SceneEstimate, health: SensingHealth, at_ns: int = 0) -> AffectRecord:
        """Count this tick in and return the value of the last window, or why there is none."""
        if self._budget is None:
            self._budget = PrivacyBudget(self._spending.daily, at_ns)
        if self._began_ns is None:
            self._began_ns = at_ns
        is_silenced = scene.abstained in (*SEALED_REASONS, AbstainReason.NO_SOURCE)
        is_fresh = at_ns - self._seen_ns <= MAX_AGE_NS
        self._window.add(self._levels if is_fresh and not is_silenced else ())
        if at_ns - self._began_ns >= WINDOW_NS:
            self._close_window(self._budget, at_ns)
        if is_silenced:
            return self._plain.admit(withheld(scene, scene.abstained), health)
        if self._told is None:
            return self._plain.admit(withheld(scene, self._reason), health)
        return self._plain.admit(self._told, health)

    def _close_window(self, budget: PrivacyBudget, at_ns: int) -> None:
        """Tell the window that has ended, if it is worth it and there is budget; begin the next."""
        window, self._window, self._began_ns = self._window, Window(), at_ns
        self._told, self._reason = None, AbstainReason.TOO_FEW_PEOPLE
        if not window.is_worth_telling:
            return
        if not budget.spend(self._spending.epsilon, at_ns):
            self._reason = AbstainReason.PAUSED
            return
        levels = window.noisy_levels(self._spending.epsilon, self._randbelow)
        probabilities = np.array(levels) / EXPRESSION_SUM
        valence, arousal = self._affect_of(probabilities)
        self._told = replace(
            _NOTHING,
            probabilities=probabilities,
            valence=valence,
            arousal=arousal,
            confidence=float(probabilities.max()),
            n_faces=window.fewest,
        )


_NOTHING = SceneEstimate(
    probabilities=None,
    valence=None,
    arousal=None,
    confidence=0.0,
    modalities=Modality.FACE,
    abstained=AbstainReason.NONE,
    n_faces=0,
    speech_share=None,
)
