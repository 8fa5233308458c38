"""Recordings that tests of an analysis make themselves, ordinary ones and odd ones."""

from __future__ import annotations

import struct
from fractions import Fraction
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


def write_floats(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write mono samples as 32-bit floating-point WAV, whatever numbers they are."""
    data = samples.astype("<f4").tobytes()
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 3, 1, rate_hz, rate_hz * 4,
        4, 32, b"data", len(data),
    )  # fmt: skip
    path.write_bytes(head + data)
    return path


def write_jerky_film(path: Path) -> Path:
    """Write a grey film whose pictures come at odd times, up to 2.54 s."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        grey = np.full((240, 320, 3), 100, np.uint8)
        for at_ms in (0, 40, 50, 400, 410, 420, 1900, 2500, 2540):
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_song_with_cover(path: Path) -> Path:
    """Write a second of silence with a picture on its cover, as MP4."""
    import av

    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        zeros = np.zeros((1, RATE_HZ), np.float32)
        samples = av.AudioFrame.from_ndarray(zeros, format="fltp", layout="mono")
        samples.sample_rate = RATE_HZ
        for stream, frame in ((cover, picture), (sound, samples)):
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


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
