"""Decoding of recordings through PyAV: bounded memory, one clear sentence for what is wrong."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_affect.errors import InputMissingError, MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Kind = Literal["audio", "video"]
_WHAT = {"audio": "sound", "video": "pictures"}

AV_TIME_BASE = 1_000_000


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says about itself.

    Attributes:
        duration_s: Of the longest stream, or None where the file does not say.
        has_audio: Whether it holds sound.
        has_video: Whether it holds pictures.
    """

    duration_s: float | None
    has_audio: bool
    has_video: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """A run of decoded sound.

    Attributes:
        frames: Shape ``(n_frames, n_channels)``, float32, range [-1, 1] but for overshoot.
        start_s: Media time of the first one, from the start of the file.
        rate_hz: Sampling rate.
    """

    frames: NDArray[np.float32]
    start_s: float
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, not converted yet: most are skipped, and conversion costs.

    Attributes:
        raw: PyAV's frame.
        start_s: Media time, from the start of the file.
    """

    raw: Any
    start_s: float

    def pixels(self) -> NDArray[np.uint8]:
        """Return the upright picture, shape ``(height, width, 3)``, uint8, RGB.

        What is said of a recording must not depend on the processor: colours are converted exactly.
        """
        return to_rgb(self.raw, is_exact=True)


def to_rgb(raw: Any, *, is_exact: bool = False) -> NDArray[np.uint8]:
    """Convert PyAV's frame of any pixel format to RGB and turn it upright.

    Args:
        raw: The frame.
        is_exact: Give the same colours on every processor. The quick ways of x86 and of ARM differ
            in three values of four, by up to 3; the exact one takes 0.6 ms more on x86. PyAV before
            18 knows the quick ones only.

    Returns:
        Shape ``(height, width, 3)``, uint8, C-contiguous.
    """
    how = _exact() if is_exact else None
    pixels: NDArray[np.uint8] = raw.to_ndarray(format="rgb24", interpolation=how)
    # The display matrix says by how much to turn counter-clockwise.
    quarter_turns = round(raw.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))


def _exact() -> Any:
    """Return how PyAV is told to convert exactly, or None where it cannot."""
    from av.video.reformatter import Interpolation

    try:
        return Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    except AttributeError:
        return None


def probe(path: Path) -> MediaInfo:
    """Return what a media file holds, without decoding it.

    Raises:
        InputMissingError: If there is no such file.
        MediaError: If it is no media file.
    """
    with _container(path) as container:
        longest = _duration_s(container)
        return MediaInfo(
            longest, len(_streams(container, "audio")) > 0, len(_streams(container, "video")) > 0
        )


class MediaReader:
    """An open file and a position in one stream of it.

    Args:
        path: The file.
        kind: Which stream; of several of a kind, the one the file puts first is taken.

    Raises:
        InputMissingError: If there is no such file.
        MediaError: If it is no media file or has no such stream.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self._container = _open(path)
        streams = _streams(self._container, kind)
        if len(streams) == 0:
            self._container.close()
            raise MediaError(f"{path} holds no {_WHAT[kind]}; choose another file.")
        self._stream = streams[0]
        self._zero_s = (self._container.start_time or 0) / AV_TIME_BASE
        self.duration_s = _duration_s(self._container)

    def sounds(self) -> Iterator[Sound]:
        """Decode all sound in order.

        Raises:
            MediaError: If it is damaged.
        """
        for raw in self._decoded():
            try:
                frames = _float_frames(raw)
            except ValueError:
                raise MediaError(
                    f"{self._path} holds sound in the sample format {raw.format.name}, which "
                    "cannot be read; convert it or choose another file."
                ) from None
            if frames.shape[0] > 0:
                yield Sound(frames, self._time_s(raw), raw.sample_rate)

    def pictures(self) -> Iterator[Picture]:
        """Decode all pictures in order of display.

        Raises:
            MediaError: If they are damaged.
        """
        for raw in self._decoded():
            yield Picture(raw, self._time_s(raw))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decoded(self) -> Iterator[Any]:
        import av

        n_decoded = 0
        try:
            for raw in self._container.decode(self._stream):
                n_decoded += 1
                yield raw
        except av.FFmpegError as error:
            raise MediaError(
                f"{self._path} is damaged after {n_decoded} decoded parts "
                f"({error.strerror}); convert or choose another file."
            ) from None
        if n_decoded == 0:
            raise MediaError(
                f"{self._path} holds no {_WHAT[self._kind]} at all; choose another file."
            )

    def _time_s(self, raw: Any) -> float:
        return 0.0 if raw.time is None else float(raw.time) - self._zero_s


@contextmanager
def _container(path: Path) -> Iterator[Any]:
    container = _open(path)
    try:
        yield container
    finally:
        container.close()


def _open(path: Path) -> Any:
    if path.is_dir():
        raise MediaError(f"{path} is a folder; name a media file.")
    if not path.is_file():
        raise InputMissingError(f"There is no media file {path}; check the path.")
    import av

    try:
        # Playlists may name other places: nothing but local files is ever opened.
        # Titles and other tags are never read, so their encoding must not stop anybody.
        return av.open(
            f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="ignore"
        )
    except av.FFmpegError as error:
        raise MediaError(
            f"{path} cannot be read as media ({error.strerror}); convert or choose another file."
        ) from None


def _streams(container: Any, kind: Kind) -> list[Any]:
    """Return the streams of a kind; the cover of a song is no film."""
    from av.stream import Disposition

    streams: list[Any] = list(getattr(container.streams, kind))
    return [stream for stream in streams if not stream.disposition & Disposition.attached_pic]


def _duration_s(container: Any) -> float | None:
    if container.duration is not None:
        return float(container.duration) / AV_TIME_BASE
    known = [
        float(stream.duration * stream.time_base)
        for stream in container.streams
        if stream.duration is not None and stream.time_base is not None
    ]
    return max(known, default=None)


def _float_frames(raw: Any) -> NDArray[np.float32]:
    """Return the samples of PyAV's frame, shape ``(n_frames, n_channels)``, range [-1, 1]."""
    samples: NDArray[Any] = raw.to_ndarray()
    n_channels = len(raw.layout.channels)
    samples = samples.T if raw.format.is_planar else samples.reshape(-1, n_channels)
    if samples.dtype == np.uint8:
        return (samples - np.float32(128.0)) / np.float32(128.0)
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / np.float32(-np.iinfo(samples.dtype).min)
    # Files of floating-point samples may hold numbers that are none; one would poison all filters.
    with np.errstate(over="ignore"):  # what is too large for them becomes infinite
        single = np.ascontiguousarray(samples, dtype=np.float32)
    return np.nan_to_num(single, posinf=1.0, neginf=-1.0)
