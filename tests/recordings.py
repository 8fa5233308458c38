"""Recordings that tests of an analysis make themselves, ordinary ones and odd ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.voicing import SILENCE, Voicing, sound

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 16_000


def voice(seconds: float, pitch_hz: float = 140.0) -> np.ndarray:
    """Return the synthetic voice, shape ``(n_samples,)``, float32, 16 kHz."""
    return sound(Voicing(pitch_hz=pitch_hz), 0, round(seconds * RATE_HZ), 1)


def silence(seconds: float) -> np.ndarray:
    """Return faint noise, as ``voice``."""
    return sound(SILENCE, 0, round(seconds * RATE_HZ), 2)


def call(seconds: float) -> np.ndarray:
    """Return a call: the customer speaks left and the employee right, in turn."""
    customer, employee = voice(seconds), voice(seconds, 220.0)
    turn = (np.arange(customer.size) // (4 * RATE_HZ)) % 2 == 0
    return np.stack([customer * turn, employee * ~turn], axis=1)


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write samples of shape ``(n,)`` or ``(n, channels)`` as 16-bit WAV of any file name."""
    frames = samples[:, None] if samples.ndim == 1 else samples
    n_channels = frames.shape[1]
    data = np.round(frames * 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, n_channels, rate_hz,
        rate_hz * 2 * n_channels, 2 * n_channels, 16, b"data", len(data),
    )  # fmt: skip
    path.write_bytes(head + data)
    return path
