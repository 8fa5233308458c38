"""A sound device: any native rate, format and channel count, found by what stays with it."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.mailbox import Mailbox
from edge_affect.capture.microphone_choice import choose
from edge_affect.capture.resampling import Resampler, to_mono
from edge_affect.capture.sound_cards import sound_cards
from edge_affect.capture.sound_host import (
    PortAudioHost,
    RefusedDevice,
    RefusedShape,
    StreamShape,
)
from edge_affect.capture.sound_time import SoundTime
from edge_affect.capture.source import BLOCK_SAMPLES, MAX_BACKLOG_S, not_open
from edge_affect.capture.true_rate import RATES_HZ, TrueRate
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from edge_affect.capture.sound_cards import SoundCard
    from edge_affect.capture.sound_host import SoundHost, SoundInput, SoundStream
    from edge_affect.clock import Clock

SILENCE_LIMIT_S = 2.0
"""A device that calls back with nothing at all for this long is gone, whatever it says."""
MAX_REAL_CHANNELS = 8
"""Sound servers and converters claim 32 channels and more; of those only a pair is opened."""
SETTLE_S = 0.3
"""What a stream delivers first clicks and comes in bursts, so it is neither used nor timed."""
UNTOLD_LIMIT = 100
"""Buffers in a row, some three seconds, without a word of when they were taken: none will come."""
HARDWARE = "(hw:"
"""Stands in the names of real cards, whose number of channels is to be believed."""

log = logging.getLogger("edge_affect.capture")


@dataclass(frozen=True, slots=True)
class Buffer:
    """What one callback brought.

    Attributes:
        samples: Shape ``(n_samples,)``, float32, the chosen channel at the native rate.
        first_ns: Monotonic clock when the first sample was taken.
        is_sure: Whether the driver says so; else it is the latest moment that can be.
        is_after_loss: Whether the device says that it lost something before it.
    """

    samples: NDArray[np.float32]
    first_ns: int
    is_sure: bool
    is_after_loss: bool


class Microphone:
    """A live microphone.

    Args:
        clock: Stamps the blocks.
        device: Which; see ``microphone_choice.choose``.
        channel: Which channel to use, from 1; 0 mixes all to mono.
        host: What opens devices.
        cards: What the kernel knows about them.
    """

    def __init__(
        self,
        clock: Clock,
        device: str = "",
        channel: int = 0,
        host: SoundHost | None = None,
        cards: Callable[[], tuple[SoundCard, ...]] = sound_cards,
    ) -> None:
        self._clock = clock
        self._device = device
        self._channel = channel
        self._host = PortAudioHost() if host is None else host
        self._cards = cards
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
        found = choose(self._host.inputs(), self._cards(), self._device)
        self._session = _Session(self._host, found, self._channel, self._clock)

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

    def __init__(self, host: SoundHost, found: SoundInput, channel: int, clock: Clock) -> None:
        self._label = f"The microphone {found.name!r}"
        self._channel = channel
        self._clock = clock
        capacity = round(MAX_BACKLOG_S * SAMPLE_RATE_HZ / BLOCK_SAMPLES)
        self._mailbox: Mailbox[Buffer] = Mailbox(capacity)
        self._pending: NDArray[np.float32] = np.zeros(0, np.float32)
        self._blocks: deque[AudioBlock] = deque()
        self._n_lost = 0
        self._is_shedding = False
        self._n_untold = 0
        self._opened_ns = self._heard_ns = clock.now_ns()
        self._check_channel(found.n_channels)
        self.native_hz = found.rate_hz
        self._stream = self._start(host, found)
        self._sound_time = SoundTime(self.native_hz)
        self._true_rate = TrueRate(self.native_hz)
        self._resampler = Resampler(self.native_hz)

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
        self._stream.stop()

    def _start(self, host: SoundHost, found: SoundInput) -> SoundStream:
        """Open the device in the first shape that it takes.

        Raises:
            DeviceError: If it takes none, or cannot be opened at all.
        """
        reason = ""
        for shape in shapes(found, self._channel):
            # Before the first callback, which may come before the opening has returned.
            self.native_hz = shape.rate_hz
            try:
                return host.open(found, shape, self._on_buffer, self._on_end)
            except RefusedShape as refused:
                reason = reason or str(refused)
            except RefusedDevice as refused:
                raise self._refused(str(refused)) from None
        raise self._refused(reason)

    def _refused(self, reason: str) -> DeviceError:
        return DeviceError(
            f"{self._label} cannot be opened ({reason}); check that no other program "
            "holds it and that you may use it (group audio)."
        )

    def _check_channel(self, n_available: int) -> None:
        if self._channel > n_available:
            raise DeviceError(
                f"{self._label} has {n_available} channel(s), not a channel {self._channel}; "
                "set [audio] channel to one of them, or to 0 for all."
            )

    def _on_buffer(self, frames: NDArray[np.float32], age_s: float, has_lost: bool) -> None:  # noqa: FBT001 (the host's)
        """Run in the host's thread: copy and leave."""
        now_ns = self._clock.now_ns()
        length_s = frames.shape[0] / self.native_hz
        # Some say a little less than the length; none at all means that it is not known.
        is_sure = age_s > length_s / 2
        age_s = max(age_s, length_s)
        mono = to_mono(frames, self._channel)
        if mono.base is not None:
            mono = mono.copy()
        self._heard_ns = now_ns
        if now_ns - self._opened_ns < SETTLE_S * NS_PER_S:
            return
        buffer = Buffer(mono, now_ns - round(age_s * NS_PER_S), is_sure, has_lost)
        self._mailbox.put(buffer, mono.size)

    def _on_end(self) -> None:
        """Run in the host's thread when the stream ends for whatever reason."""
        self._mailbox.fail(DeviceError(f"{self._label} has gone; plug it in again."))

    def _check_alive(self) -> None:
        silent_s = (self._clock.now_ns() - self._heard_ns) / NS_PER_S
        if silent_s > SILENCE_LIMIT_S:
            raise DeviceError(
                f"{self._label} has delivered nothing for {silent_s:.0f} s; plug it in again."
            )

    def _take(self, buffer: Buffer, n_lost: int) -> None:
        """Resample one buffer and cut what is complete into blocks."""
        self._n_untold = 0 if buffer.is_sure else self._n_untold + 1
        if self._n_untold == UNTOLD_LIMIT:
            log.warning(
                "%s does not say when its sound was taken: load may shift it against the pictures",
                self._label,
            )
        size = buffer.samples.size
        true_hz = self._true_rate.observe(buffer.first_ns, size)
        if true_hz is not None:
            log.warning("%s runs at %g Hz, not %g", self._label, true_hz, self.native_hz)
            self.native_hz, self._true_rate = true_hz, TrueRate(true_hz)
            self._start_anew(buffer.first_ns, n_lost, true_hz)
        elif self._sound_time.is_surplus(buffer.first_ns, is_sure=buffer.is_sure):
            self._n_lost += n_lost + round(size * SAMPLE_RATE_HZ / self.native_hz)
            self._is_shedding = True
            return
        elif (
            n_lost > 0
            or buffer.is_after_loss
            or self._sound_time.is_behind(buffer.first_ns, is_sure=buffer.is_sure)
        ):
            # The device knows that something is missing before the clock can tell how much.
            self._start_anew(buffer.first_ns, max(n_lost, int(buffer.is_after_loss)))
        elif self._is_shedding:
            self._start_anew(buffer.first_ns, 0)
        self._is_shedding = False
        self._sound_time.observe(buffer.first_ns, size)
        self._pending = np.concatenate((self._pending, self._resampler.push(buffer.samples)))
        while self._pending.size >= BLOCK_SAMPLES:
            samples, self._pending = np.split(self._pending, [BLOCK_SAMPLES])
            start_ns = self._sound_time.stamp(BLOCK_SAMPLES)
            self._blocks.append(AudioBlock(samples, start_ns, self._n_lost))
            self._n_lost = 0

    def _start_anew(self, first_ns: int, n_lost: int, native_hz: float | None = None) -> None:
        """Begin with a buffer that does not follow on the one before."""
        n_missing = self._sound_time.restart(first_ns, native_hz)
        self._n_lost += max(n_missing, n_lost) + self._pending.size
        self._resampler = Resampler(self.native_hz)
        self._pending = np.zeros(0, np.float32)


def shapes(found: SoundInput, channel: int) -> Iterator[StreamShape]:
    """Yield the shapes to open a device in, the likeliest first.

    Args:
        found: The device.
        channel: The channel that is wanted, from 1; 0 wants all.
    """
    is_real = HARDWARE in found.name or found.n_channels <= MAX_REAL_CHANNELS
    first = found.n_channels if is_real else max(2, channel)
    others = (n for n in (found.n_channels, 1, 2) if max(1, channel) <= n <= found.n_channels)
    rates_hz = sorted(RATES_HZ, key=lambda rate_hz: (rate_hz < SAMPLE_RATE_HZ, rate_hz))
    for n_channels in dict.fromkeys((first, *others)):
        for rate_hz in dict.fromkeys((found.rate_hz, *rates_hz)):
            n_per_buffer = round(rate_hz * BLOCK_SAMPLES / SAMPLE_RATE_HZ)
            yield StreamShape(rate_hz, n_channels, n_per_buffer)
