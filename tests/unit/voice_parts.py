"""Sounds for tests of the evaluation of voices."""

import wave
from pathlib import Path

import numpy as np

RATE_HZ = 16_000


def write_wave(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())


def tone(frequency_hz: float, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)
