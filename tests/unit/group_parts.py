"""Parts for tests of groups: people who show what is scripted, in front of a gate and fusion."""

import numpy as np

from edge_affect.config import Fusion
from edge_affect.fusion.scene import SceneFusion
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.group_gate import GroupGate
from edge_affect.record import SourceState
from edge_affect.types import (
    ExpressionEstimate,
    FaceObservation,
    ObservedFace,
    SensingHealth,
)

S = 1_000_000_000
K, MARGIN, REST_S = 5, 3, 20
HEALTH = SensingHealth(SourceState.OK, SourceState.OK, 10.0, 70.0, 0.0)


def one_hot(i: int) -> np.ndarray:
    p = np.full(8, 0.01)
    p[i] = 0.93
    return p


def frame(shown: dict[int, np.ndarray], at_ns: int) -> FaceObservation:
    """A frame in which each track shows a distribution, all read just now."""
    faces = tuple(
        ObservedFace(track, ExpressionEstimate(p, float(p.max()), at_ns))
        for track, p in shown.items()
    )
    return FaceObservation(len(faces), tuple(f.estimate for f in faces), at_ns, faces)


class Room:
    """Gate and fusion as the pipeline holds them, looking at scripted faces at 2 Hz."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.fusion = SceneFusion(Fusion(min_confidence=0.0))
        self.at_ns = 0

    def look(self, shown: dict[int, np.ndarray], seconds: float = 1.0):
        for _ in range(round(2 * seconds)):
            self.at_ns += S // 2
            screened = self.gate.screen_faces(frame(shown, self.at_ns))
            if self.gate.begins_anew:
                self.fusion.forget_faces()
            self.fusion.add_faces(screened)
        return self.gate.admit(self.fusion.scene(self.at_ns), HEALTH, self.at_ns)


def mean_of(record) -> np.ndarray:
    return np.array(record.expressions) / 15


def group_gate(rest_s: float = 0.0) -> GroupGate:
    return GroupGate(K, MARGIN, round(rest_s * S))
