"""Recordings with known content, made for the tests that read them back."""

from __future__ import annotations

import wave
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 48_000
FRAME_RATE_HZ = 25


def tone(frequency_hz: float, seconds: float, rate_hz: int, level: float = 0.5) -> np.ndarray:
    """Return a sine, shape ``(n_samples,)``, float32."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * t_s)).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """Write samples of shape ``(n,)`` or ``(n, channels)`` as 16-bit."""
    frames = samples[:, None] if samples.ndim == 1 else samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(frames * 32767).astype("<i2").tobytes())
    return path


def write_clip(
    path: Path,
    seconds: float = 4.0,
    event_s: float | None = None,
    codecs: tuple[str, str | None] = ("mpeg4", "aac"),
    rotation_deg: int = 0,
) -> Path:
    """Write a clip whose grey level rises by one per frame and whose sound is a tone.

    With ``event_s`` the picture is black and the sound silent but for a white flash with a
    burst of tone, both 0.2 s long, from that moment on. The left quarter of every picture is
    white where the clip is rotated, so that the test sees where it went.
    """
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream(codecs[0], rate=FRAME_RATE_HZ)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.bit_rate = 2_000_000
        if rotation_deg:
            video.set_display_rotation(rotation_deg)
        audio = None if codecs[1] is None else container.add_stream(codecs[1], rate=RATE_HZ)
        samples = tone(440.0, seconds, RATE_HZ)
        if event_s is not None:
            t_s = np.arange(samples.size) / RATE_HZ
            samples = samples * ((t_s >= event_s) & (t_s < event_s + 0.2))
        for number in range(round(seconds * FRAME_RATE_HZ)):
            level = 16 + number % 200
            if event_s is not None:
                level = 255 * (event_s <= number / FRAME_RATE_HZ < event_s + 0.2)
            pixels = np.full((240, 320, 3), level, np.uint8)
            if rotation_deg:
                pixels[:, :80] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            if audio is not None:
                first = number * RATE_HZ // FRAME_RATE_HZ
                piece = samples[first : first + RATE_HZ // FRAME_RATE_HZ].astype(np.float32)
                frame = av.AudioFrame.from_ndarray(piece[None, :], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = RATE_HZ, first
                frame.time_base = Fraction(1, RATE_HZ)
                container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
    return path
