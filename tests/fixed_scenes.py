"""Fixed frames and sounds for counting what is done to them: drawn, so no data are needed.

Every array is made before anything is counted, and every path is unhurried: how much is done
depends on neither clock nor load.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.config import Config
from edge_affect.record import SourceState
from edge_affect.sensing.assembly import build_pipeline
from edge_affect.sensing.pipeline import Pipeline
from edge_affect.types import AudioBlock, VideoFrame

sys.path.append(str(Path(__file__).parent / "golden"))
from drawn_head import drawn_head
from golden_inputs import voiced

FRAME_NS = NS_PER_S // 10
BLOCK = 512
RATE_HZ = 16_000


def one_face(n: int) -> list[np.ndarray]:
    """Return frames of one head that moves slowly to the right."""
    return [drawn_head(centre_px=(300 + 2 * number % 60, 235)) for number in range(n)]


def two_faces(n: int) -> list[np.ndarray]:
    """Return frames of two heads side by side."""
    half = [
        drawn_head((320, 480), (155 + number % 10, 235), half_width_px=70) for number in range(n)
    ]
    return [np.concatenate((part, part), axis=1) for part in half]


def empty_room(n: int) -> list[np.ndarray]:
    """Return frames of a wall that is lit from the left."""
    light = np.linspace(176, 132, 640)[np.newaxis, :, np.newaxis] * np.array([1.0, 0.98, 0.94])
    wall = np.broadcast_to(light, (480, 640, 3)).astype(np.uint8)
    return [wall.copy() for _ in range(n)]


def speech(seconds: int) -> np.ndarray:
    """Return a drawn voice that rises and falls, shape ``(n_samples,)``, float32, 16 kHz."""
    return np.tile(voiced(140.0, 0.0, 2 * RATE_HZ), seconds)[: seconds * RATE_HZ]


def silence(seconds: int) -> np.ndarray:
    """Return digital silence, shape and type as `speech`."""
    return np.zeros(seconds * RATE_HZ, np.float32)


def path_of_pictures() -> tuple[Pipeline, ManualClock]:
    """Return a pipeline that reads every face of every frame, and its clock."""
    clock = ManualClock()
    config = Config()
    path = build_pipeline(config, clock, has_sound=False, has_pictures=True, is_unhurried=True)
    return path, clock


def path_of_sound() -> tuple[Pipeline, ManualClock]:
    """Return a pipeline that hears, and its clock."""
    clock = ManualClock()
    # A drawn voice is none to a detector of speech: with this everything loud enough is.
    config = Config(voice=replace(Config().voice, min_speech_probability=1e-6))
    path = build_pipeline(config, clock, has_sound=True, has_pictures=False, is_unhurried=True)
    return path, clock


def frames_of(pictures: list[np.ndarray], start_ns: int = 0) -> list[VideoFrame]:
    """Return frames ten times a second; each has its own pixels, which will be overwritten."""
    return [
        VideoFrame(pixels.copy(), start_ns + FRAME_NS * number)
        for number, pixels in enumerate(pictures, 1)
    ]


def blocks_of(sound: np.ndarray, start_ns: int = 0) -> list[AudioBlock]:
    """Return blocks of 32 ms, likewise."""
    firsts = range(0, sound.size - BLOCK + 1, BLOCK)
    return [
        AudioBlock(sound[first : first + BLOCK].copy(), start_ns + first * NS_PER_S // RATE_HZ)
        for first in firsts
    ]


def play_frames(pictures: list[np.ndarray]) -> None:
    """Read frames, and tell what is seen once a second."""
    path, clock = path_of_pictures()
    see(path, clock, frames_of(pictures))


def see(path: Pipeline, clock: ManualClock, frames: list[VideoFrame]) -> None:
    """Read frames, and tell what is seen after every tenth."""
    for number, frame in enumerate(frames, 1):
        clock.advance_to(frame.captured_ns)
        path.on_frame(frame)
        if number % 10 == 0:
            path.record(SourceState.OFF, SourceState.OK)


def play_sound(sound: np.ndarray) -> None:
    """Hear a sound, and tell what is heard once a second."""
    path, clock = path_of_sound()
    hear(path, clock, blocks_of(sound))


def hear(path: Pipeline, clock: ManualClock, blocks: list[AudioBlock]) -> None:
    """Hear blocks, and tell what is heard about once a second."""
    for number, block in enumerate(blocks, 1):
        clock.advance_to(block.end_ns)
        path.on_block(block)
        if number % 31 == 0:
            path.record(SourceState.OK, SourceState.OFF)
