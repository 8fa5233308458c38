"""Derived states on their way out: through pipeline and gate into records, or not at all."""

import numpy as np
import pytest

from edge_affect.clock import ManualClock
from edge_affect.config import Fusion
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.fusion.scene import SceneFusion
from edge_affect.privacy.gate import Gate
from edge_affect.record import N_STATES, STATES, AbstainReason, Expression, SourceState
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.states import load_states
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    FaceSignals,
    ObservedFace,
    VideoFrame,
)

S = 1_000_000_000
BLANK = (None,) * N_STATES
HAPPY = np.eye(8)[Expression.HAPPINESS] * 0.93 + 0.07 / 8


class Audience:
    """So many happy faces that look here."""

    def __init__(self, n_faces=1):
        self.n_faces = n_faces

    def observe(self, frame):
        estimate = ExpressionEstimate(HAPPY, float(HAPPY.max()), frame.captured_ns)
        signals = FaceSignals(0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1, 0.8, 0.2, 0.1)
        faces = tuple(ObservedFace(n, estimate, signals) for n in range(self.n_faces))
        return FaceObservation(self.n_faces, (estimate,) * self.n_faces, frame.captured_ns, faces)

    def clear(self):
        pass


def watched(audience, min_people=1, with_states=True):
    """Return a pipeline after two seconds of an audience, and its clock."""
    clock = ManualClock()
    states = DerivedStates(load_states()) if with_states else None
    stages = Stages(None, audience, SceneFusion(Fusion()), Gate(min_people), states)
    pipeline = Pipeline(stages, clock)
    for i in range(20):
        clock.advance_to(i * S // 10)
        pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), i * S // 10))
    return pipeline, clock


def record_of(pipeline, **given):
    return pipeline.record(SourceState.OFF, SourceState.OK, **given)


def test_states_leave_in_the_record():
    pipeline, _ = watched(Audience())
    record = record_of(pipeline)
    states = dict(zip(STATES, record.states, strict=True))
    assert states["attention"] == 14
    assert states["engagement"] >= 10
    assert states["excitement"] >= 3
    assert states["confusion"] == states["anxiety"] == 0
    assert states["incongruence"] is None


def test_without_states_none_leaves():
    pipeline, _ = watched(Audience(), with_states=False)
    record = record_of(pipeline)
    assert record.abstained == AbstainReason.NONE
    assert record.states == BLANK


@pytest.mark.parametrize("reason", [r for r in AbstainReason if r != AbstainReason.NONE])
def test_no_state_leaves_while_abstaining(reason):
    pipeline, _ = watched(Audience())
    assert record_of(pipeline, reason=reason).states == BLANK


def test_no_state_leaves_while_there_are_too_few_people():
    assert record_of(watched(Audience(4), min_people=5)[0]).states == BLANK
    assert record_of(watched(Audience(5), min_people=5)[0]).states[0] == 14


def test_no_state_leaves_of_an_empty_room():
    audience = Audience()
    pipeline, clock = watched(audience)
    audience.n_faces = 0
    for i in range(20, 80):
        clock.advance_to(i * S // 10)
        pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), i * S // 10))
    record = record_of(pipeline)
    assert record.abstained == AbstainReason.NOBODY
    assert record.states == BLANK


def test_a_pause_forgets_what_was_shown():
    pipeline, clock = watched(Audience())
    pipeline.forget()
    clock.advance_to(2 * S)
    pipeline.on_frame(VideoFrame(np.zeros((8, 8, 3), np.uint8), 2 * S))
    states = record_of(pipeline).states
    assert states == BLANK
