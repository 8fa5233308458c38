"""Our own synthetic sounds and drawn faces; closed forms, so that every machine makes the same."""

from __future__ import annotations

import numpy as np

RATE_HZ = 16_000


def voiced(pitch_hz: float, glide: float, n_samples: int = 40_000) -> np.ndarray:
    """A pulse-like voice of 20 harmonics whose pitch glides, in syllables of a quarter second."""
    time_s = np.arange(n_samples) / RATE_HZ
    phase = 2 * np.pi * (pitch_hz * time_s + 0.5 * glide * time_s**2)
    wave = sum(np.sin(number * phase) / number for number in range(1, 21))
    envelope = np.maximum(0.0, np.sin(2 * np.pi * 2.0 * time_s)) ** 0.5
    return (0.05 * wave * envelope).astype(np.float32)


def hiss(n_samples: int = 40_000) -> np.ndarray:
    """Noise from a linear congruence, fading in."""
    state = np.empty(n_samples)
    value = 1
    for place in range(n_samples):
        value = (1_103_515_245 * value + 12_345) % 2**31
        state[place] = value / 2**30 - 1.0
    return (0.1 * state * np.linspace(0.0, 1.0, n_samples)).astype(np.float32)


def sounds() -> dict[str, np.ndarray]:
    """All sounds by name, each one window of 40,000 samples."""
    return {
        "low falling voice": voiced(110.0, -15.0),
        "high rising voice": voiced(220.0, 60.0),
        "voice in hiss": voiced(160.0, 0.0) + np.float32(0.2) * hiss(),
        "hiss": hiss(),
        "short voice in silence": np.pad(voiced(180.0, -40.0, 12_000), 14_000),
    }


def face(smile: float, brow: float, mouth: float) -> np.ndarray:
    """A drawn face, 48 x 48 grey.

    Args:
        smile: -1 (corners down) to 1 (corners up).
        brow: -1 (drawn down inside) to 1 (raised).
        mouth: Opening, 0 to 1.
    """
    y, x = np.mgrid[0:48, 0:48].astype(np.float64)
    grey = np.where(((x - 23.5) / 21) ** 2 + ((y - 24) / 26) ** 2 < 1, 170.0, 60.0)
    grey += 0.6 * (x - 23.5)
    for side in (-1, 1):
        eye_x = 23.5 + side * 9
        grey -= 90 * np.exp(-(((x - eye_x) / 3.2) ** 2) - ((y - 19) / 1.6) ** 2)
        brow_y = 13 - 2 * brow + side * brow * 0.12 * (x - eye_x)
        grey -= 70 * np.exp(-(((x - eye_x) / 5.0) ** 2) - ((y - brow_y) / 1.3) ** 2)
    grey -= 30 * np.exp(-(((x - 23.5) / 2.5) ** 2) - ((y - 28) / 1.5) ** 2)
    lip_y = 38 - smile * 3.5 * ((x - 23.5) / 9) ** 2 + smile
    lips = np.exp(-(((y - lip_y) / (1.5 + 3.0 * mouth)) ** 2))
    grey -= 80 * lips * (np.abs(x - 23.5) < 9)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def faces() -> dict[str, np.ndarray]:
    """All drawn faces by name."""
    return {
        "plain": face(0.0, 0.0, 0.0),
        "smile": face(1.0, 0.2, 0.3),
        "frown": face(-1.0, -1.0, 0.0),
        "astonished": face(0.0, 1.0, 1.0),
        "dark smile": (face(1.0, 0.2, 0.3) // 4).astype(np.uint8),
        "half smile, mirrored": face(0.5, 0.5, 0.6)[:, ::-1].copy(),
    }
