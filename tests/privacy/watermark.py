"""Marks planted in sound and pictures, and every shape in which they might turn up outside.

A mark repeats without end inside its clip, so that any piece of a leak longer than two periods
holds it whole, wherever the piece was cut.
"""

import base64
import json
from dataclasses import dataclass

import numpy as np

RATE_HZ = 16_000
FRAME_RATE_HZ = 10
WIDTH_PX, HEIGHT_PX = 320, 240
N_SAMPLES = 64
N_PIXELS = 32


@dataclass(frozen=True)
class Mark:
    """One period of sound and one tile of a row of pixels.

    Attributes:
        samples: Shape ``(64,)``, int16.
        pixels: Shape ``(32, 3)``, uint8, RGB.
    """

    samples: np.ndarray
    pixels: np.ndarray


def mark(seed):
    rng = np.random.default_rng(seed)
    return Mark(
        rng.integers(-9000, 9000, N_SAMPLES).astype(np.int16),
        rng.integers(0, 256, (N_PIXELS, 3)).astype(np.uint8),
    )


def write_clip(path, parts, text="", spoken=None):
    """Write a lossless clip of marks, each for some seconds; ``text`` is its title.

    With ``spoken``, int16 samples, those are heard again and again in the place of the marks.
    """
    import av

    n_frame = RATE_HZ // FRAME_RATE_HZ
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["title"] = text
        video = container.add_stream("ffv1", rate=FRAME_RATE_HZ)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "bgr0"
        audio = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        n_frames = n_samples = 0
        for shown, seconds in parts:
            picture = np.tile(shown.pixels, (HEIGHT_PX, WIDTH_PX // N_PIXELS, 1))
            per_frame = np.tile(shown.samples, RATE_HZ // FRAME_RATE_HZ // N_SAMPLES)
            for _ in range(round(seconds * FRAME_RATE_HZ)):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, n_frames = n_frames, n_frames + 1
                container.mux(video.encode(frame))
                if spoken is not None:
                    places = np.arange(n_samples, n_samples + n_frame)
                    per_frame = spoken.take(places, mode="wrap")
                sound = av.AudioFrame.from_ndarray(per_frame[np.newaxis], "s16", "mono")
                sound.sample_rate, sound.pts = RATE_HZ, n_samples
                n_samples += per_frame.size
                container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def read_sound(path):
    """Return the sound of a file as int16, 16 kHz, mono."""
    import av

    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(str(path)) as container:
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _texts(name, data):
    """Return bytes as people and programs write them into text; three ways base64 may be cut."""
    whole = data * (1 + 1024 // len(data))
    found = {
        f"{name} hex": whole.hex()[:128].encode(),
        f"{name} HEX": whole.hex().upper()[:128].encode(),
    }
    for shift in range(3):
        found[f"{name} base64 +{shift}"] = base64.b64encode(whole[shift:])[:120]
    found[f"{name} repr"] = repr(whole[:64])[2:-1].encode()
    return found


def _numbers(name, values):
    texts = {
        f"{name} JSON": json.dumps(values)[1:-1],
        f"{name} compact JSON": json.dumps(values, separators=(",", ":"))[1:-1],
        f"{name} spaced": " ".join(map(str, values)),
    }
    return {key: text.encode() for key, text in texts.items()}


def sound_patterns(shown):
    """Return what to search for to find the sound of a mark: name of the encoding to bytes."""
    samples = shown.samples
    real = samples.astype(np.float32) / np.float32(32768)
    raw = {
        "s16le": samples.astype("<i2").tobytes(),
        "s16be": samples.astype(">i2").tobytes(),
        "u8": ((samples >> 8) + 128).astype(np.uint8).tobytes(),
        "s8": (samples >> 8).astype(np.int8).tobytes(),
        "f32le": real.astype("<f4").tobytes(),
        "f32be": real.astype(">f4").tobytes(),
        "f64le": real.astype("<f8").tobytes(),
        "f32 of integers": samples.astype("<f4").tobytes(),
    }
    found = dict(raw)
    for name in ("s16le", "f32le", "u8"):
        found |= _texts(name, raw[name])
    found |= _numbers("integers", samples[:16].tolist())
    return found | _numbers("reals", [float(value) for value in real[:8].astype(np.float64)])


def pixel_patterns(shown):
    """Return what to search for to find the pixels of a mark."""
    rgb = shown.pixels
    bgr = rgb[:, ::-1]
    grey = np.round(rgb @ (0.299, 0.587, 0.114)).astype(np.uint8)
    fill = np.zeros((N_PIXELS, 1), np.uint8)
    raw = {
        "rgb": rgb.tobytes(),
        "bgr": bgr.tobytes(),
        "rgb0": np.hstack((rgb, fill)).tobytes(),
        "bgr0": np.hstack((bgr, fill)).tobytes(),
        "rgba": np.hstack((rgb, fill + 255)).tobytes(),
        "bgra": np.hstack((bgr, fill + 255)).tobytes(),
        "red": rgb[:, 0].tobytes(),
        "green": rgb[:, 1].tobytes(),
        "blue": rgb[:, 2].tobytes(),
        "grey": grey.tobytes(),
        "int8": (rgb.astype(np.int16) - 128).astype(np.int8).tobytes(),
        "f32": rgb.astype("<f4").tobytes(),
        "f32 [0, 1]": (rgb.astype(np.float32) / np.float32(255)).tobytes(),
        "f32 [-1, 1]": (rgb.astype(np.float32) * np.float32(2 / 255) - np.float32(1)).tobytes(),
    }
    found = dict(raw)
    for name in ("rgb", "bgr", "grey"):
        found |= _texts(name, raw[name])
    return found | _numbers("integers", rgb.reshape(-1)[:24].tolist())


def place_patterns(points):
    """Return what to search for to find some landmarks; ``points`` has shape (n, 2)."""
    few = np.asarray(points[:8])
    raw = {
        "f32": few.astype("<f4").tobytes(),
        "f64": few.astype("<f8").tobytes(),
        "f16": few.astype("<f2").tobytes(),
        "i16": few.astype("<i2").tobytes(),
        "x f32": few[:, 0].astype("<f4").tobytes(),
    }
    found = dict(raw)
    for name in ("f32", "f64"):
        head = raw[name]
        found[f"{name} hex"] = head.hex().encode()
        for shift in range(3):
            # without neighbours the ends of a base64 text are not known: only its middle is
            found[f"{name} base64 +{shift}"] = base64.b64encode(b"\0" * shift + head)[4:-4]
    flat = [float(value) for value in few.reshape(-1)]
    found |= _numbers("reals", flat)
    found["pairs"] = json.dumps([[x, y] for x, y in few.astype(float).tolist()])[2:-2].encode()
    return found


def word_patterns(text):
    """Return what to search for to find a transcript."""
    plain = text.encode()
    found = {"utf-8": plain, "utf-16": text.encode("utf-16-le"), "hex": plain.hex().encode()}
    found["upper case"] = text.upper().encode()
    for shift in range(3):
        found[f"base64 +{shift}"] = base64.b64encode(b"\0" * shift + plain)[4:-4]
    return found


def search(data, patterns):
    """Return the names of the patterns that ``data`` holds."""
    return sorted(name for name, pattern in patterns.items() if pattern in data)
