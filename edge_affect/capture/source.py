"""What every source of sound or pictures promises; one contract suite runs over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from edge_affect.types import AudioBlock, VideoFrame

BLOCK_SAMPLES = 512
"""Samples in one block, 32 ms at 16 kHz; the last block of a recording may be shorter."""

MAX_BACKLOG_S = 2.0
"""A source keeps at most this much unread sound; the oldest is dropped and counted."""


class EndOfMedia(Exception):  # noqa: N818 (nothing went wrong: a recording is over)
    """A recording has been handed out to its end; devices never raise this."""


class AudioSource(Protocol):
    """Where blocks of sound come from.

    Blocks are consecutive, 16 kHz, mono and gap-free: each starts where the one before ended,
    to within one sample. After a loss, counted in ``n_lost``, the time starts anew at the clock.
    One thread reads; ``close`` may be called from another.
    """

    @property
    def name(self) -> str:
        """What to call it in log lines; never anything personal."""

    def open(self) -> None:
        """Start delivering; allowed again after ``close``.

        Raises:
            DeviceError: If the device is missing, busy or not permitted.
            InputMissingError: If the file of a recording is not there.
            MediaError: If the file holds no sound that can be decoded.
        """

    def read(self, timeout_s: float) -> AudioBlock | None:
        """Return the next block, or None if there is none within ``timeout_s`` seconds.

        Raises:
            DeviceError: If the device is gone, or the source is not open.
            EndOfMedia: If a recording is over.
        """

    def close(self) -> None:
        """Stop and let go of the device; a source that is not open is left alone."""


class VideoSource(Protocol):
    """Where pictures come from; latest wins, what was not read in time is counted as lost.

    One thread reads; ``close`` may be called from another.
    """

    @property
    def name(self) -> str:
        """What to call it in log lines; never anything personal."""

    def open(self) -> None:
        """Start delivering; allowed again after ``close``.

        Raises:
            DeviceError: If the device is missing, busy or not permitted.
            InputMissingError: If the file of a recording is not there.
            MediaError: If the file holds no pictures that can be decoded.
        """

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame, or None if there is none within ``timeout_s`` seconds.

        Raises:
            DeviceError: If the device is gone, or the source is not open.
            EndOfMedia: If a recording is over.
        """

    def close(self) -> None:
        """Stop and let go of the device; a source that is not open is left alone."""


@runtime_checkable
class PacedSource(VideoSource, Protocol):
    """A camera that can be slowed down while it is open, or before."""

    def pace(self, frame_rate_hz: float) -> None:
        """Hand out at most so many frames a second from now on; may be called from any thread.

        Frames that are left out for this are not lost: nobody wanted them.
        """


@runtime_checkable
class LingeringSource(Protocol):
    """A source whose device may outlast ``close``, where its driver hangs."""

    @property
    def is_held(self) -> bool:
        """Whether this process holds the device, open or not."""


def not_open(name: str) -> DeviceError:
    """Return the error for reading a source that is closed."""
    return DeviceError(f"The source {name!r} is not open; open it before reading.")
