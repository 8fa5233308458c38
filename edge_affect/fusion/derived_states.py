"""The derived states of a scene: evidence over faces, voices and sounds, forgotten with time.

Three forms, and ``edge_affect.states`` says which state has which:

- attention is the mean of its evidence;
- incongruence is the chance that voice and face show different things (``fusion.incongruence``),
  or that words and manner have opposite signs (``fusion.wording``), whichever is more;
- the others add up their evidence in log-odds, ``1 / (1 + exp(-(bias + sum of weight * shown)))``,
  the logistic form in which independent evidence adds (I. J. Good, 1950, "Probability and the
  Weighing of Evidence"). A signal that is not known adds nothing, as one that shows nothing, so
  that a modality that comes or goes makes no jump; every weight is above 0, so no signal can move a
  state the other way.

Faces of a scene are averaged by the weight each has for a signal: the order does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.baseline import Population, RunningBaseline
from edge_affect.clock import NS_PER_S
from edge_affect.fusion.incongruence import Incongruence
from edge_affect.fusion.state_signals import (
    against_normal,
    face_signals,
    normal_values,
    sound_signals,
    voice_signals,
)
from edge_affect.record import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edge_affect.states import DerivedState, Evidence, StateTable, VoiceNormal
    from edge_affect.types import FaceObservation, SoundObservation, VoiceObservation

    Distribution = NDArray[np.float64]


@dataclass(slots=True)
class _Shown:
    """How much of one evidence was shown lately, [0, 1], and when it was last looked at."""

    level: float
    at_ns: int

    def follow(self, level: float, at_ns: int, half_life_s: float) -> None:
        """Move towards what is shown now; halfway after one half-life."""
        age_s = max(0.0, (at_ns - self.at_ns) / NS_PER_S)
        kept = 0.5 ** (age_s / half_life_s) if half_life_s > 0.0 else 0.0
        self.level = kept * self.level + (1.0 - kept) * level
        self.at_ns = max(self.at_ns, at_ns)


class DerivedStates:
    """Follows the evidence of every state; reads no clock and keeps no face, voice or track.

    Args:
        table: Of states, from ``states.load_states``.
    """

    def __init__(self, table: StateTable) -> None:
        self._table = table
        self._normal = _LearnedNormal(table.normal)
        self._shown: dict[tuple[str, str], _Shown] = {}
        self._incongruence: Incongruence | None = None
        for state in table.states:
            if state.slope is not None and state.bias is not None:
                self._incongruence = Incongruence(state.slope, state.bias)

    def forget(self) -> None:
        """Drop everything remembered, as after a pause."""
        self._normal.forget()
        self._shown.clear()

    def add_faces(self, observation: FaceObservation) -> None:
        """Take the faces of a frame into account."""
        looking = self._table.looking
        found = [face_signals(face, looking) for face in observation.faces]
        for state in self._table.states:
            for item in state.evidence:
                known = [signals[item.signal] for signals in found if item.signal in signals]
                total = math.fsum(weight for _, weight in known)
                if total > 0.0:
                    mean = math.fsum(item.shown(value) * weight for value, weight in known) / total
                    self._follow(state, item, mean, observation.observed_ns)

    def add_voice(self, observation: VoiceObservation) -> None:
        """Take a window of sound into account."""
        signals = voice_signals(observation) | self._normal.compare(observation)
        self._take(signals, observation.observed_ns)

    def add_sound(self, observation: SoundObservation) -> None:
        """Take the sound events of a window into account."""
        self._take(sound_signals(observation), observation.observed_ns)

    def at(
        self,
        now_ns: int,
        voice_and_face: tuple[Distribution, Distribution] | None = None,
        opposition: float | None = None,
    ) -> tuple[float | None, ...]:
        """Return the states at ``now_ns``, order of ``record.STATES``, each [0, 1].

        None where too little of what a state is made of is known at the moment.

        Args:
            now_ns: Monotonic clock.
            voice_and_face: What both say of the same person, for incongruence; each of shape
                ``(8,)``, sum 1. None where they cannot be compared.
            opposition: Chance that words and manner have opposite signs, or None.
        """
        found = [self._state(state, now_ns) for state in self._table.states]
        if voice_and_face is not None and self._incongruence is not None:
            found[STATES.index("incongruence")] = self._incongruence.level(*voice_and_face)
        if opposition is not None and self._incongruence is not None:
            index = STATES.index("incongruence")
            found[index] = max(opposition, found[index] or 0.0)
        return tuple(found)

    def _take(self, signals: Mapping[str, float], at_ns: int) -> None:
        for state in self._table.states:
            for item in state.evidence:
                if item.signal in signals:
                    self._follow(state, item, item.shown(signals[item.signal]), at_ns)

    def _follow(self, state: DerivedState, item: Evidence, level: float, at_ns: int) -> None:
        key = state.name, item.signal
        before = self._shown.get(key)
        if before is None or self._is_old(before, item, at_ns):
            self._shown[key] = _Shown(level, at_ns)
        else:
            before.follow(level, at_ns, state.half_life_s)

    def _is_old(self, shown: _Shown, item: Evidence, now_ns: int) -> bool:
        return now_ns - shown.at_ns > self._table.age_s(item.signal) * NS_PER_S

    def _state(self, state: DerivedState, now_ns: int) -> float | None:
        known: list[tuple[float, float]] = []
        for item in state.evidence:
            shown = self._shown.get((state.name, item.signal))
            if shown is not None and not self._is_old(shown, item, now_ns):
                known.append((item.weight, shown.level))
        total = math.fsum(weight for weight, _ in known)
        if not known or total < state.min_weight:
            return None
        evidence = math.fsum(weight * level for weight, level in known)
        if state.bias is None:
            return min(evidence / total, 1.0)
        return 1.0 / (1.0 + math.exp(-(state.bias + evidence)))


class _LearnedNormal:
    """What is normal for the voices heard here, and how far the latest is from it."""

    def __init__(self, normal: VoiceNormal) -> None:
        people = Population(*map(np.array, (normal.mean, normal.between, normal.within)))
        self._normal = normal
        self._baseline = RunningBaseline(people, memory=normal.memory_s / normal.window_s)
        self._last_ns: int | None = None

    def forget(self) -> None:
        """Start over."""
        self._baseline.forget()
        self._last_ns = None

    def compare(self, observation: VoiceObservation) -> dict[str, float]:
        """Learn from a window and return its signals against normal, once that is known.

        Windows overlap, so one counts by the share of it that is new speech.
        """
        values = normal_values(observation)
        if values is None:
            return {}
        new = 1.0
        if self._last_ns is not None:
            elapsed_s = (observation.observed_ns - self._last_ns) / NS_PER_S
            new = min(max(elapsed_s / self._normal.window_s, 0.0), 1.0)
            if elapsed_s > self._normal.silence_s:
                self.forget()
        self._last_ns = observation.observed_ns
        heard_s = self._baseline.weight * self._normal.window_s
        is_known = heard_s >= self._normal.min_heard_s
        found = against_normal(self._baseline.relative(values)) if is_known else {}
        self._baseline.observe(values, weight=new * observation.speech_share)
        return found
