"""Parts for tests that follow faces: a detected face, and what is used of time and pictures."""

import numpy as np

from edge_affect.perception.face_search import Look
from edge_affect.types import Box, FaceDetection

MS = 1_000_000
S = 1_000_000_000
SIZE = (640, 480)
HAPPY = np.array([0.1, 0.8, 0.1, 0, 0, 0, 0, 0])


def face(x, y=240.0, width=80.0, probability=0.9):
    box = Box(x - width / 2, y - width / 2, width, width)
    keypoints = np.array([[x + dx, y] for dx in (-20, 20, 0, 0, -40, 40)], dtype=np.float32)
    return FaceDetection(box, keypoints, probability)


class Stopwatch:
    now_ns = 0

    def __call__(self):
        return self.now_ns


def looks_for(share):
    return frozenset({Look.NEAR if share >= 0.15 else Look.FAR})
