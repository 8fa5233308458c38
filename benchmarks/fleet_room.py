"""A scripted room for simulated boxes: records as a cage would send them, without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.record import (
    EXPRESSION_SUM,
    EXPRESSIONS,
    SIGNED_MAX,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
)

if TYPE_CHECKING:
    import random


class Room:
    """A scripted room: people come and go, moods last and change.

    Args:
        chance: Random numbers.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._is_empty = chance.random() < 0.2
        self._mood = chance.randrange(len(EXPRESSIONS))
        self._arousal = chance.randint(-5, 5)
        self._laughter = 0

    def next(self) -> AffectRecord:
        """Return the record of the next tick."""
        chance = self._chance
        if chance.random() < 0.01:
            self._is_empty = not self._is_empty
        if chance.random() < 0.05:
            self._mood = chance.choices(range(len(EXPRESSIONS)), (8, 4, 1, 1, 1, 1, 1, 1))[0]
        started = chance.random() < 0.01
        self._laughter = 6 if started else max(0, self._laughter - 1)
        events = (self._laughter, None, 0, 0, None)
        sources = {"microphone": SourceState.OK, "camera": SourceState.OK, "frame_rate": 4}
        if self._is_empty:
            return AffectRecord(
                abstained=AbstainReason.NOBODY, people=People.NONE, events=events,
                speech_share=0, **sources,
            )  # fmt: skip
        strong = chance.randint(6, 13)
        levels = [0] * len(EXPRESSIONS)
        levels[self._mood] = strong
        for _ in range(EXPRESSION_SUM - strong):
            levels[chance.randrange(3)] += 1
        self._arousal = max(-SIGNED_MAX, min(SIGNED_MAX, self._arousal + chance.randint(-1, 1)))
        valence = round(0.8 * (levels[1] - sum(levels[3:])))
        return AffectRecord(
            expressions=tuple(levels), valence=valence, arousal=self._arousal,
            valence_relative=chance.randint(-3, 3), arousal_relative=chance.randint(-3, 3),
            states=tuple(chance.randint(0, STATE_MAX) for _ in STATES), events=events,
            modalities=Modality.FACE | Modality.VOICE, confidence=chance.randint(6, 15),
            people=People.FEW, speech_share=chance.randint(0, 6), latency=1, **sources,
        )  # fmt: skip
