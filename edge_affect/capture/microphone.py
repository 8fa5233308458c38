"""A sound device through PortAudio: any native rate and channel count, found by name."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.capture.mailbox import Mailbox
from edge_affect.capture.resampling import Resampler, to_mono
from edge_affect.capture.sound_time import SoundTime
from edge_affect.capture.source import BLOCK_SAMPLES, MAX_BACKLOG_S, not_open
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.clock import Clock

SILENCE_LIMIT_S = 2.0
"""A device that calls back with nothing at all for this long is gone, whatever it says."""
MAX_REAL_CHANNELS = 8
"""Sound servers and converters claim 32 channels and more; of those only a pair is opened."""
SETTLE_S = 0.3
"""What a stream delivers first clicks and comes in bursts, so it is neither used nor timed."""
SOUND_SERVER_LATENCY_MS = "30"
"""PulseAudio hands sound on in bursts of up to two seconds unless a client asks for less."""
MAX_LATENCY_S = 1.0
"""A device that claims a larger delay between sample and buffer is not believed."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """What one callback brought.

    Attributes:
        samples: Shape ``(n_samples,)``, float32, the chosen channel at the native rate.
        first_ns: Monotonic clock when the first sample was taken.
        is_after_loss: Whether the device says that it lost something before it.
    """

    samples: NDArray[np.float32]
    first_ns: int
    is_after_loss: bool


class Microphone:
    """A live microphone.

    Args:
        clock: Stamps the blocks.
        device: Part of the device's name, in any case; empty takes the system's default.
        channel: Which channel to use, from 1; 0 mixes all to mono.
    """

    def __init__(self, clock: Clock, device: str = "", channel: int = 0) -> None:
        self._clock = clock
        self._device = device
        self._channel = channel
        self._session: _Session | None = None

    @property
    def name(self) -> str:
        """The name asked for, or that it is the default one."""
        return self._device or "default microphone"

    @property
    def native_hz(self) -> float:
        """Rate at which the device is read, > 0.

        Raises:
            DeviceError: If it is not open.
        """
        return self._opened().native_hz

    def open(self) -> None:
        """Open the device and start its stream; see ``AudioSource``."""
        self.close()
        sounddevice = load_portaudio()
        found = find_input(sounddevice, self._device)
        self._session = _Session(sounddevice, found, self._channel, self._clock)

    def read(self, timeout_s: float) -> AudioBlock | None:
        """Return the next block; see ``AudioSource``."""
        return self._opened().read(timeout_s)

    def close(self) -> None:
        """Stop the stream."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> _Session:
        if self._session is None:
            raise not_open(self.name)
        return self._session


class _Session:
    """One opened stream, from the device's callback to finished blocks."""

    def __init__(self, sounddevice: Any, found: dict[str, Any], channel: int, clock: Clock) -> None:
        self.native_hz = float(found["default_samplerate"])
        self._label = f"The microphone {found['name']!r}"
        self._channel = channel
        self._clock = clock
        n_per_buffer = round(self.native_hz * BLOCK_SAMPLES / SAMPLE_RATE_HZ)
        capacity = round(MAX_BACKLOG_S * SAMPLE_RATE_HZ / BLOCK_SAMPLES)
        self._mailbox: Mailbox[Buffer] = Mailbox(capacity)
        self._sound_time = SoundTime(self.native_hz)
        self._resampler = Resampler(self.native_hz)
        self._pending: NDArray[np.float32] = np.zeros(0, np.float32)
        self._blocks: deque[AudioBlock] = deque()
        self._n_lost = 0
        self._opened_ns = self._heard_ns = clock.now_ns()
        try:
            self._stream = sounddevice.InputStream(
                device=found["index"],
                channels=self._n_channels(found["max_input_channels"]),
                samplerate=self.native_hz,
                blocksize=n_per_buffer,
                dtype="float32",
                callback=self._on_buffer,
                finished_callback=self._on_end,
            )
        except sounddevice.PortAudioError as error:
            raise self._refused(error) from None
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            self._stream.close(ignore_errors=True)
            raise self._refused(error) from None

    def read(self, timeout_s: float) -> AudioBlock | None:
        """Return the next block, or None; see ``AudioSource``."""
        deadline_ns = self._clock.now_ns() + round(timeout_s * NS_PER_S)
        while not self._blocks:
            left_s = max(0.0, (deadline_ns - self._clock.now_ns()) / NS_PER_S)
            delivery = self._mailbox.get(left_s)
            if delivery is None:
                self._check_alive()
                return None
            n_lost = round(delivery.n_lost * SAMPLE_RATE_HZ / self.native_hz)
            self._take(delivery.item, n_lost)
        return self._blocks.popleft()

    def close(self) -> None:
        """Stop the stream without waiting for what it still holds."""
        self._mailbox.close()
        try:
            self._stream.abort(ignore_errors=True)
        finally:
            self._stream.close(ignore_errors=True)

    def _refused(self, error: Exception) -> DeviceError:
        return DeviceError(
            f"{self._label} cannot be opened ({_reason(error)}); check that no other program "
            "holds it and that you may use it (group audio)."
        )

    def _n_channels(self, n_available: int) -> int:
        if self._channel > n_available:
            raise DeviceError(
                f"{self._label} has {n_available} channel(s), not a channel {self._channel}; "
                "set [audio] channel to one of them, or to 0 for all."
            )
        if n_available <= MAX_REAL_CHANNELS:
            return n_available
        return max(2, self._channel)

    def _on_buffer(self, frames: NDArray[np.float32], _n: int, time: Any, status: Any) -> None:
        """Run in PortAudio's thread: copy and leave."""
        now_ns = self._clock.now_ns()
        age_s = time.currentTime - time.inputBufferAdcTime
        length_s = frames.shape[0] / self.native_hz
        if not length_s <= age_s <= MAX_LATENCY_S:
            age_s = length_s
        mono = to_mono(frames, self._channel)
        if mono.base is not None:
            mono = mono.copy()
        self._heard_ns = now_ns
        if now_ns - self._opened_ns < SETTLE_S * NS_PER_S:
            return
        buffer = Buffer(mono, now_ns - round(age_s * NS_PER_S), bool(status.input_overflow))
        self._mailbox.put(buffer, mono.size)

    def _on_end(self) -> None:
        """Run in PortAudio's thread when the stream ends for whatever reason."""
        self._mailbox.fail(DeviceError(f"{self._label} has gone; plug it in again."))

    def _check_alive(self) -> None:
        silent_s = (self._clock.now_ns() - self._heard_ns) / NS_PER_S
        if silent_s > SILENCE_LIMIT_S:
            raise DeviceError(
                f"{self._label} has delivered nothing for {silent_s:.0f} s; plug it in again."
            )

    def _take(self, buffer: Buffer, n_lost: int) -> None:
        """Resample one buffer and cut what is complete into blocks."""
        if n_lost > 0 or buffer.is_after_loss or self._sound_time.is_behind(buffer.first_ns):
            n_missing = self._sound_time.restart(buffer.first_ns)
            # The device knows that something is missing before the clock can tell how much.
            self._n_lost += max(n_missing, n_lost, int(buffer.is_after_loss)) + self._pending.size
            self._resampler = Resampler(self.native_hz)
            self._pending = np.zeros(0, np.float32)
        self._sound_time.observe(buffer.first_ns, buffer.samples.size)
        self._pending = np.concatenate((self._pending, self._resampler.push(buffer.samples)))
        while self._pending.size >= BLOCK_SAMPLES:
            samples, self._pending = np.split(self._pending, [BLOCK_SAMPLES])
            start_ns = self._sound_time.stamp(BLOCK_SAMPLES)
            self._blocks.append(AudioBlock(samples, start_ns, self._n_lost))
            self._n_lost = 0


def load_portaudio() -> Any:
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
    # PortAudio lists devices once, when it starts; only so is one seen that was plugged in since.
    sounddevice._terminate()  # noqa: SLF001 (documented way to refresh the list, no public name)
    sounddevice._initialize()  # noqa: SLF001 (as above)
    return sounddevice


def find_input(sounddevice: Any, part_of_name: str) -> dict[str, Any]:
    """Return PortAudio's entry of the first input device whose name holds ``part_of_name``.

    Raises:
        DeviceError: If there is none, naming those that exist.
    """
    inputs = [d for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    if not inputs:
        raise DeviceError("There is no microphone on this machine; plug one in.")
    if part_of_name:
        found = [d for d in inputs if part_of_name.casefold() in d["name"].casefold()]
        if not found:
            names = ", ".join(repr(d["name"]) for d in inputs)
            raise DeviceError(
                f"There is no microphone whose name contains {part_of_name!r}; set [audio] device "
                f"to part of one of these: {names}."
            )
        return dict(found[0])
    default_index = sounddevice.default.device[0]
    found = [d for d in inputs if d["index"] == default_index]
    return dict(found[0] if found else inputs[0])


def _reason(error: Exception) -> str:
    """Return PortAudio's own words, without the numbers after them."""
    return str(error.args[0] if error.args else error).split(" [")[0].removesuffix(".")
