"""Pictures and sound for measuring: the portraits and the reading that the demo's clip is made of.

Nothing of it is in this repository: `edge-affect demo` fetches it once, pinned to the last bit.
"""

from __future__ import annotations

import math
import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_affect import demo_clip
from edge_affect.capture.drawing import draw_wall
from edge_affect.demo_sources import SENTENCES, SMILE, SOBER

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

VGA = (640, 480)
HEADS = ((SMILE.save_as, (253, 0, 713, 613)), (SOBER.save_as, (302, 10, 762, 623)))
"""The part of each portrait that shows the head, 3:4: left, top, right, bottom in its pixels."""
SWAY_SHARE = 0.01
"""So far a head moves between two frames, as a share of its width: nobody holds still."""
NOISE = 2.0
"""Deviation of a camera sensor's noise, in steps of a pixel."""
QUIET_DB = -70.0


def sources() -> Path:
    """Return the folder with portraits and sentences, fetched where it is not there."""
    demo_clip.ensure(print)
    return demo_clip.folder() / "sources"


@cache
def _head(number: int) -> Image.Image:
    name, box = HEADS[number % len(HEADS)]
    with Image.open(sources() / name) as picture:
        return picture.convert("RGB").crop(box)


def crowd(n_faces: int, size_px: tuple[int, int] = VGA, moment: int = 0) -> Pixels:
    """Return a frame with heads side by side before a wall, all of one size.

    Args:
        n_faces: How many; 0 is the wall.
        size_px: Width and height of the frame.
        moment: Number of the frame: heads sway and noise differs from one to the next.

    Returns:
        Shape ``(height, width, 3)``, uint8, RGB.
    """
    width_px, height_px = size_px
    frame = draw_wall(width_px, height_px, 1, moment).copy()
    if n_faces:
        # A cell is 3:4, so that heads fill a wide frame as well as a narrow one.
        columns = math.ceil(math.sqrt(n_faces * (width_px / 3) / (height_px / 4)))
        columns = min(n_faces, columns)
        rows = math.ceil(n_faces / columns)
        cell = min(width_px / columns / 3, height_px / rows / 4)
        head_px = (int(3 * cell * 0.96), int(4 * cell * 0.96))
        pitch_x, pitch_y = width_px / columns, height_px / rows
        for number in range(n_faces):
            sway = round(SWAY_SHARE * head_px[0] * math.sin(moment + 2.0 * number))
            left = round(pitch_x * (number % columns) + (pitch_x - head_px[0]) / 2) + sway
            top = round(pitch_y * (number // columns) + (pitch_y - head_px[1]) / 2)
            left = min(max(0, left), width_px - head_px[0])
            frame[top : top + head_px[1], left : left + head_px[0]] = np.asarray(
                _head(number).resize(head_px, Image.Resampling.LANCZOS)
            )
    noise = np.random.default_rng(moment).normal(0.0, NOISE, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def film(n_faces: int, n_frames: int, size_px: tuple[int, int] = VGA) -> Pixels:
    """Return frames that can go round, shape ``(n_frames, height, width, 3)``."""
    return np.stack([crowd(n_faces, size_px, moment) for moment in range(n_frames)])


def speech(seconds: float) -> Samples:
    """Return somebody reading aloud without a pause, mono, 16 kHz, range [-1, 1]."""
    parts = []
    for member in SENTENCES:
        with wave.open(str(sources() / member.save_as)) as file:
            parts.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    once = np.concatenate(parts).astype(np.float32) / 32768.0
    return np.resize(once, round(seconds * demo_clip.SPEECH_RATE_HZ))


def hush(seconds: float) -> Samples:
    """Return the noise of a silent room, mono, 16 kHz, range [-1, 1]."""
    n_samples = round(seconds * demo_clip.SPEECH_RATE_HZ)
    noise = np.random.default_rng(0).normal(0.0, 10 ** (QUIET_DB / 20), n_samples)
    return noise.astype(np.float32)
