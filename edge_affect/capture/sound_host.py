"""What opens sound devices: PortAudio through sounddevice, behind a narrow protocol."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edge_affect.capture.sound_cards import sound_cards
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.capture.sound_cards import SoundCard

    OnBuffer = Callable[[NDArray[np.float32], float, bool], None]
    """Takes frames, shape ``(n_frames, n_channels)``, range [-1, 1], valid during the call only;
    the age of the first one at the moment of the call in s, 0 if unknown; whether the device lost
    something before it."""

SOUND_SERVER_LATENCY_MS = "30"
"""PulseAudio hands sound on in bursts of up to two seconds unless a client asks for less."""
_SHAPE_ERRORS = (-9994, -9997, -9998)
"""PortAudio's codes for a sample format, a rate and a number of channels that it cannot have."""
_BUSY = -9985
MAX_LATE_S = 5.0
"""On a busy machine sound waits in the driver, and the callback comes late, each for seconds; a
stamp further off comes from another clock, or a device that is not to be believed."""
N_REFRESHES = 50
"""PortAudio may be started anew so often in a row: three minutes of tries ..."""
REFRESH_EVERY_S = 1800.0
"""... and then this seldom: each start leaks 12 kB (``benchmarks/portaudio_starts.py``), which was
260 MB on a day without a microphone."""
N_FOR_A_CHANGE = 5
"""A card that has just been plugged in takes a moment until it may be opened."""
_CLOCKS = (time.CLOCK_MONOTONIC, time.CLOCK_REALTIME)
"""What sound is stamped with: ALSA's own cards use the first, its plug-ins the second."""


@dataclass(frozen=True, slots=True)
class SoundInput:
    """A device that can be recorded from.

    Attributes:
        index: Of this moment's list; means nothing afterwards.
        name: As the host calls it; a card's number stands in it as ``(hw:1,0)``.
        n_channels: At most so many.
        rate_hz: The rate that it prefers.
        is_default: Whether the system records from it unless told otherwise.
    """

    index: int
    name: str
    n_channels: int
    rate_hz: float
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class StreamShape:
    """How a device is opened.

    Attributes:
        rate_hz: Samples per second, > 0.
        n_channels: >= 1.
        n_per_buffer: Frames in one buffer.
    """

    rate_hz: float
    n_channels: int
    n_per_buffer: int


class RefusedShape(Exception):  # noqa: N818 (no failure yet: another shape may do)
    """The device cannot be opened in this shape."""


class RefusedDevice(Exception):  # noqa: N818 (becomes a DeviceError with the device's name)
    """The device cannot be opened at all now; the text says why, as part of a sentence."""


class SoundStream(Protocol):
    """A device that delivers."""

    def stop(self) -> None:
        """Stop without waiting for what it still holds, and let go of the device."""


class SoundHost(Protocol):
    """What knows the sound devices of a machine."""

    def inputs(self) -> tuple[SoundInput, ...]:
        """Return the devices that are there at this moment.

        Raises:
            DeviceError: If the host itself is missing.
        """

    def open(
        self,
        device: SoundInput,
        shape: StreamShape,
        on_buffer: OnBuffer,
        on_end: Callable[[], None],
    ) -> SoundStream:
        """Open a device of the latest list and let it deliver.

        Args:
            device: Which.
            shape: How.
            on_buffer: Called in a thread of the host's.
            on_end: Called there when the stream ends for whatever reason.

        Raises:
            RefusedShape: If another shape may do.
            RefusedDevice: If none will.
        """


class Refreshes:
    """Says when the list of devices is worth making anew.

    Args:
        cards: What the kernel knows; a change is always worth it.
        now_s: A monotonic clock.
    """

    def __init__(
        self,
        cards: Callable[[], tuple[SoundCard, ...]] = sound_cards,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cards = cards
        self._now_s = now_s
        self._known: tuple[SoundCard, ...] | None = None
        self._left = float(N_REFRESHES)
        self._asked_s = now_s()

    def is_due(self) -> bool:
        """Return whether to do it now; counts as done then."""
        now_s, found = self._now_s(), self._cards()
        self._left = min(self._left + (now_s - self._asked_s) / REFRESH_EVERY_S, N_REFRESHES)
        self._asked_s = now_s
        if found != self._known:
            self._known = found
            self._left = max(self._left, N_FOR_A_CHANGE)
            return True
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class PortAudioHost:
    """The devices that PortAudio sees: ALSA's, and sound servers where there are any.

    Args:
        load: Returns the module sounddevice with a fresh list of devices.
        refreshes: Says when to do that again.
    """

    def __init__(
        self, load: Callable[[], Any] | None = None, refreshes: Refreshes | None = None
    ) -> None:
        self._load = _load if load is None else load
        self._refreshes = Refreshes() if refreshes is None else refreshes
        self._library: Any = None

    def inputs(self) -> tuple[SoundInput, ...]:
        """Return the devices that are there now; see ``SoundHost``."""
        if self._refreshes.is_due() or self._library is None:
            self._library = None
            self._library = self._load()
        default_index = self._library.default.device[0]
        return tuple(
            SoundInput(
                entry["index"],
                entry["name"],
                entry["max_input_channels"],
                float(entry["default_samplerate"]),
                entry["index"] == default_index,
            )
            for entry in self._library.query_devices()
            if entry["max_input_channels"] > 0
        )

    def open(
        self,
        device: SoundInput,
        shape: StreamShape,
        on_buffer: OnBuffer,
        on_end: Callable[[], None],
    ) -> SoundStream:
        """Open a device; see ``SoundHost``."""

        def callback(frames: NDArray[np.float32], _n: int, when: Any, status: Any) -> None:
            age_s = sample_age_s(when.inputBufferAdcTime, when.currentTime)
            on_buffer(frames, age_s, bool(status.input_overflow))

        try:
            stream = self._library.InputStream(
                device=device.index,
                channels=shape.n_channels,
                samplerate=shape.rate_hz,
                blocksize=shape.n_per_buffer,
                # PortAudio converts from whatever format the device has.
                dtype="float32",
                callback=callback,
                finished_callback=on_end,
            )
        except self._library.PortAudioError as error:
            raise _refusal(error) from None
        try:
            stream.start()
        except self._library.PortAudioError as error:
            stream.close(ignore_errors=True)
            raise _refusal(error) from None
        return _PortAudioStream(stream)


def sample_age_s(
    taken_s: float,
    told_s: float,
    read_s: Callable[[int], float] = time.clock_gettime,
) -> float:
    """Return how long ago a sample was taken, 0 where the device does not say.

    Between the driver's stamp and this moment lies all that a busy machine takes to come round to
    the callback: that makes sound late, and must not shift it against the pictures.

    Args:
        taken_s: When it was taken, as the driver says.
        told_s: When the driver said so, on the same clock, whichever that is.
        read_s: Reads one of the kernel's clocks.
    """
    latency_s = told_s - taken_s
    if not 0.0 <= latency_s <= MAX_LATE_S:
        return 0.0
    late_s = (read_s(clock) - told_s for clock in _CLOCKS)
    # No two of them agree to within seconds; rounding may put the driver's stamp ahead.
    return latency_s + max(0.0, next((s for s in late_s if -0.01 <= s <= MAX_LATE_S), 0.0))


class _PortAudioStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def stop(self) -> None:
        """Stop; see ``SoundStream``."""
        try:
            self._stream.abort(ignore_errors=True)
        finally:
            self._stream.close(ignore_errors=True)


def _load() -> Any:
    """Return the sounddevice module with a fresh list of devices.

    Raises:
        DeviceError: If the library is missing.
    """
    os.environ.setdefault("PULSE_LATENCY_MSEC", SOUND_SERVER_LATENCY_MS)
    try:
        import sounddevice  # type: ignore[import-untyped]  # ships no types
    except OSError:
        raise DeviceError(
            "The PortAudio library is missing; install it with: sudo apt install libportaudio2"
        ) from None
    return started_anew(sounddevice)


def started_anew(library: Any) -> Any:
    """Return PortAudio's module with a fresh list of devices, which it makes only when it starts.

    Args:
        library: The module ``sounddevice``.

    Raises:
        DeviceError: If it does not start now; it may the next time.
    """
    with suppress(library.PortAudioError):  # not running: it did not start the time before
        library._terminate()  # noqa: SLF001 (documented way to refresh the list, no public name)
    try:
        library._initialize()  # noqa: SLF001 (as above)
    except library.PortAudioError as error:
        raise DeviceError(
            f"PortAudio does not start ({_reason(error)}); check the sound system of this machine."
        ) from None
    return library


def _refusal(error: Exception) -> RefusedShape | RefusedDevice:
    code = error.args[1] if len(error.args) > 1 else 0
    if code in _SHAPE_ERRORS:
        return RefusedShape(_reason(error))
    return RefusedDevice("another program holds it" if code == _BUSY else _reason(error))


def _reason(error: Exception) -> str:
    """Return PortAudio's own words, without the numbers after them."""
    return str(error.args[0] if error.args else error).split(" [")[0].removesuffix(".")
