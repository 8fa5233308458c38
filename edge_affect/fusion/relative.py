"""Valence and arousal against what is normal for who is here, without knowing who it is.

Three things are followed, in memory only (`edge_affect.baseline.RunningBaseline`): each face while
its track lasts, the voices of a call, and slowly the room. A face or voice counts from its first
seconds on; its track or call takes what was learned with it when it ends. The room stands in for
what is not known yet of somebody new, so that a box in a quiet library and one in a pub both start
from where they are.

A lasting mood must not be taken for the person. While one expression prevails, what that expression
usually does to valence and arousal is taken out before anything is learned (`MoodGuard`): hours of
sadness leave the baseline where it was. What stays is how a face or voice differs within the
expression that it shows, as a resting face does that is read as neutral, but a little sad. The
price: whoever is always read as one and the same expression is never known otherwise. The absolute
values are published beside the relative ones and are not touched.

The widths below are assumptions, not fitted: no data that may ship shows the same face twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population, RunningBaseline
from edge_affect.clock import NS_PER_S
from edge_affect.fusion.circumplex import VALENCE_AROUSAL, valence_arousal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.types import FaceObservation, VoiceObservation

POPULATION = Population(mean=np.zeros(2), between=np.full(2, 0.15), within=np.full(2, 0.35))
"""Of valence and arousal; 5.4 s of somebody weigh as much as everybody."""
EFFECTS = ExpressionEffects(shifts=VALENCE_AROUSAL, weights=np.ones(len(VALENCE_AROUSAL)))
GUARD = MoodGuard(strength=1.0)
LONGEST_STEP_S = 1.0
"""No observation counts for more time than this."""
MOST_DEVIATIONS = 2.0
"""A value further from what is normal than this many widths teaches no more than one there."""
TRACK_GONE_S = 1.0
ROOM_MEMORY_S = 1800.0
"""The room forgets beyond half an hour of people."""


@dataclass(frozen=True, slots=True)
class RelativeSettings:
    """From when on something is said, and how long a call may be silent.

    Attributes:
        first_s: Seconds of a face or voice before it is compared, >= 0.
        call_end_s: Silence that ends a call, > 0.
    """

    first_s: float
    call_end_s: float


class _Follower:
    """One baseline and when it was last fed."""

    def __init__(self, memory: float = np.inf) -> None:
        self._baseline = RunningBaseline(POPULATION, EFFECTS, GUARD, memory=memory)
        self._prior = float((POPULATION.within / POPULATION.between)[0] ** 2)
        self.seen_ns: int | None = None
        self.newest: NDArray[np.float64] | None = None

    def add(
        self, values: NDArray[np.float64], probabilities: NDArray[np.float64], at_ns: int
    ) -> None:
        step_s = 0.0
        if self.seen_ns is not None:
            step_s = min(max(0.0, (at_ns - self.seen_ns) / NS_PER_S), LONGEST_STEP_S)
        self.seen_ns = at_ns if self.seen_ns is None else max(at_ns, self.seen_ns)
        self.newest = values
        reach = MOST_DEVIATIONS * POPULATION.within
        normal = self._baseline.normal
        # The top alone: what a face shows within an expression is its own, not that expression's.
        top = np.zeros(len(probabilities))
        top[probabilities.argmax()] = 1.0
        limited = np.minimum(np.maximum(values, normal - reach), normal + reach)
        self._baseline.observe(limited, top, step_s)

    @property
    def seconds(self) -> float:
        """How much was seen or heard."""
        return self._baseline.weight

    def normal(self, room: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is normal, from the room's normal to the person's own."""
        known = self.seconds / (self.seconds + self._prior)
        return self._baseline.normal + (1.0 - known) * room

    @property
    def offset(self) -> NDArray[np.float64]:
        """How it differs from everybody."""
        return self._baseline.offset


class RelativeAffect:
    """Follows faces, voices and the room; pure, it reads no clock.

    Args:
        settings: First seconds and the end of a call.
    """

    def __init__(self, settings: RelativeSettings) -> None:
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Drop everything, the room included, as after a pause."""
        self._tracks: dict[int, tuple[_Follower, float]] = {}
        self._call: _Follower | None = None
        self._spoken_ns: int | None = None
        self._room = _Follower(ROOM_MEMORY_S)

    @property
    def n_tracks(self) -> int:
        """How many faces are followed."""
        return len(self._tracks)

    def add_faces(self, observation: FaceObservation) -> None:
        """Take the faces of a frame into account."""
        now_ns = observation.observed_ns
        for face in observation.faces:
            estimate = face.estimate
            if estimate is None:
                continue
            follower = self._tracks[face.track][0] if face.track in self._tracks else _Follower()
            if follower.seen_ns is not None and estimate.observed_ns <= follower.seen_ns:
                continue
            values = np.array(valence_arousal(estimate.probabilities))
            follower.add(values, estimate.probabilities, estimate.observed_ns)
            self._tracks[face.track] = follower, estimate.reliability
            self._room.add(values, estimate.probabilities, estimate.observed_ns)
        self._tracks = {
            track: (follower, weight)
            for track, (follower, weight) in self._tracks.items()
            if follower.seen_ns is not None and now_ns - follower.seen_ns <= TRACK_GONE_S * NS_PER_S
        }

    def add_voice(self, observation: VoiceObservation) -> None:
        """Take a window of sound into account."""
        now_ns = observation.observed_ns
        self._end_call(now_ns)
        if observation.speech_share > 0.0:
            self._spoken_ns = now_ns
        estimate = observation.estimate
        if estimate is None:
            return
        if self._call is None:
            self._call = _Follower()
        values = np.array(valence_arousal(estimate.probabilities))
        self._call.add(values, estimate.probabilities, now_ns)
        self._room.add(values, estimate.probabilities, now_ns)

    def at(self, now_ns: int, valence: float, arousal: float) -> tuple[float | None, float | None]:
        """Return the scene's valence and arousal less what is normal here, [-1, 1] or None.

        None until a face or the call has been followed for the first seconds.

        Args:
            now_ns: Monotonic clock.
            valence: Of the scene, [-1, 1].
            arousal: As above.
        """
        self._end_call(now_ns)
        room = self._room.offset
        normals, weights = [], []
        for follower, weight in self._tracks.values():
            is_here = (
                follower.seen_ns is not None
                and now_ns - follower.seen_ns <= TRACK_GONE_S * NS_PER_S
            )
            if is_here and follower.seconds >= self._settings.first_s:
                normals.append(follower.normal(room))
                weights.append(max(weight, 1e-3) / max(1, len(self._tracks)))
        if self._call is not None and self._call.seconds >= self._settings.first_s:
            normals.append(self._call.normal(room))
            weights.append(1.0 if not weights else float(np.mean(weights)) * len(weights))
        if not normals:
            return None, None
        normal = np.average(np.stack(normals), axis=0, weights=weights)
        relative = np.clip(np.array([valence, arousal]) - normal, -1.0, 1.0)
        return float(relative[0]), float(relative[1])

    def _end_call(self, now_ns: int) -> None:
        if self._spoken_ns is None:
            return
        if now_ns - self._spoken_ns > self._settings.call_end_s * NS_PER_S:
            self._call, self._spoken_ns = None, None
