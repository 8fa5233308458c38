"""Sound events on their way into the record: fresh ones only, and what a level says."""

import numpy as np
import pytest

from edge_affect.clock import ManualClock
from edge_affect.config import Fusion
from edge_affect.errors import ShapeError
from edge_affect.fusion.scene import SceneFusion
from edge_affect.fusion.sounding import Sounding
from edge_affect.privacy.gate import Gate
from edge_affect.record import (
    EVENT_GOING_ON,
    EVENTS,
    AbstainReason,
    AffectRecord,
    Modality,
    SourceState,
    decode,
    encode,
)
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import (
    AudioBlock,
    SceneEstimate,
    SensingHealth,
    SoundObservation,
    VoiceObservation,
)

S = 1_000_000_000
UNSENSED = (None,) * len(EVENTS)


def heard(at_s: float = 0.0, **levels: tuple[float, bool]) -> SoundObservation:
    """Levels by event, each with whether it is going on."""
    found = [levels.get(event) for event in EVENTS]
    return SoundObservation(
        levels=tuple(None if one is None else one[0] for one in found),
        active=tuple(one is not None and one[1] for one in found),
        started=(False,) * len(EVENTS),
        ended=(False,) * len(EVENTS),
        observed_ns=round(at_s * S),
    )


@pytest.mark.parametrize(
    ("level", "is_active", "told"),
    [
        (0.0, False, 0), (0.2, False, 1), (0.97, False, 2), (0.0, True, 3), (0.6, True, 4),
        (1.0, True, 6),
    ],
)  # fmt: skip
def test_a_level_of_one_half_says_that_the_event_is_going_on(level, is_active, told):
    sounding = Sounding(max_age_s=3.0)
    sounding.add(heard(laughter=(level, is_active)))
    scene = SceneEstimate(
        probabilities=None, valence=None, arousal=None, confidence=0.0,
        modalities=Modality(0), abstained=AbstainReason.NOBODY, n_faces=None, speech_share=0.0,
        events=sounding.levels(0),
    )  # fmt: skip
    record = Gate(min_people=1).admit(scene, SensingHealth())
    assert record.events == (told, None, None, None, None)
    assert (record.events[0] >= EVENT_GOING_ON) == is_active
    assert decode(encode(record)) == record


def test_what_was_heard_too_long_ago_or_before_a_pause_is_not_told():
    fusion = SceneFusion(Fusion(max_age_s=2.0))
    assert fusion.scene(0).events == UNSENSED
    fusion.add_sound(heard(1.0, applause=(1.0, True)))
    assert fusion.scene(3 * S).events == (None, None, 1.0, None, None)
    assert fusion.scene(3 * S + 1).events == UNSENSED
    fusion.forget()
    assert fusion.scene(S).events == UNSENSED


class Applause:
    """A reader that hears silence with applause in every block."""

    def feed(self, block):
        at_s = block.start_ns / S
        return (heard(at_s, applause=(0.9, True)), VoiceObservation(0.0, None, block.start_ns))

    def clear(self):
        pass


def records(reason: AbstainReason | None = None, min_people: int = 1) -> AffectRecord:
    clock = ManualClock()
    stages = Stages(Applause(), None, SceneFusion(Fusion()), Gate(min_people))
    pipeline = Pipeline(stages, clock)
    pipeline.on_block(AudioBlock(np.zeros(512, np.float32), 0))
    return pipeline.record(SourceState.OK, SourceState.OFF, reason)


def test_events_are_in_the_record_also_where_no_affect_is():
    record = records()
    assert record.abstained is AbstainReason.NOBODY
    assert record.events == (None, None, 5, None, None)


def test_a_sealed_record_tells_no_event():
    for record in (records(AbstainReason.PAUSED), records(min_people=5)):
        assert record.abstained in (AbstainReason.PAUSED, AbstainReason.TOO_FEW_PEOPLE)
        assert record.events == UNSENSED


def test_a_scene_needs_one_level_for_each_event():
    with pytest.raises(ShapeError, match="5 events"):
        SceneEstimate(
            None, None, None, 0.0, Modality(0), AbstainReason.NOBODY, None, None, events=(0.1,)
        )
