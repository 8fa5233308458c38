"""A sound host of our own: cards that come, go, are taken, clip, lose, drift and lie."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.sound_cards import SoundCard
from edge_affect.capture.sound_host import RefusedDevice, RefusedShape, SoundInput, StreamShape
from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.capture.sound_host import OnBuffer
    from edge_affect.clock import Clock

TONE_HZ = 440.0


@dataclass
class FakeCard:
    """One card with one microphone; tests turn its knobs.

    ``true_hz`` is what its quartz does, whatever ``rate_hz`` claims; ``rates_hz`` and
    ``channel_counts`` are all that it can be opened with.
    """

    card_id: str = "Device"
    name: str = "USB PnP Sound Device"
    usb_id: str = "0d8c:0014"
    port: str = "1-1.2"
    rate_hz: float = 48_000.0
    n_channels: int = 2
    rates_hz: tuple[float, ...] = (48_000.0,)
    channel_counts: tuple[int, ...] = (2,)
    true_hz: float | None = None
    level: float = 0.5
    is_held_elsewhere: bool = False
    delivers: bool = True
    has_overflowed: bool = False
    tells_age: bool = True

    def hold(self, is_held: bool) -> None:
        """Let another program hold the card, or let go of it."""
        self.is_held_elsewhere = is_held


class FakeStream:
    """A card that is being recorded from; ``pump`` makes it deliver what is due."""

    def __init__(
        self,
        card: FakeCard,
        shape: StreamShape,
        clock: Clock,
        on_buffer: OnBuffer,
        on_end: Callable[[], None],
    ) -> None:
        self.card, self.shape = card, shape
        self._clock, self._on_buffer, self._on_end = clock, on_buffer, on_end
        self._began_ns, self._n_done = clock.now_ns(), 0
        self.is_stopped = False

    def pump(self) -> None:
        """Deliver every buffer that is complete by now."""
        rate_hz = self.card.true_hz or self.shape.rate_hz
        size = self.shape.n_per_buffer
        n_due = int((self._clock.now_ns() - self._began_ns) / NS_PER_S * rate_hz / size)
        while self._n_done < n_due and not self.is_stopped:
            self._n_done += 1
            if self.card.delivers:
                self._deliver((self._n_done - 1) * size, (n_due - self._n_done) * size / rate_hz)

    def _deliver(self, first: int, late_s: float) -> None:
        size, rate_hz = self.shape.n_per_buffer, self.card.true_hz or self.shape.rate_hz
        t_s = (first + np.arange(size)) / rate_hz
        tone = np.clip(self.card.level * np.sin(2 * np.pi * TONE_HZ * t_s), -1.0, 1.0)
        frames = np.repeat(tone[:, None], self.shape.n_channels, axis=1).astype(np.float32)
        self.card.has_overflowed, has_lost = False, self.card.has_overflowed
        age_s = size / rate_hz + late_s if self.card.tells_age else 0.0
        self._on_buffer(frames, age_s, has_lost)

    def end(self) -> None:
        """End as drivers do when the card has gone."""
        if not self.is_stopped:
            self.is_stopped = True
            self._on_end()

    def stop(self) -> None:
        self.is_stopped = True


@dataclass
class FakeHost:
    """A machine with cards in slots that change their numbers.

    With ``is_live`` a thread delivers on a real clock; else ``pump`` does.
    """

    clock: Clock
    plugged: list[FakeCard] = field(default_factory=lambda: [FakeCard()])
    is_live: bool = False
    opened: list[StreamShape] = field(default_factory=list)
    stream: FakeStream | None = None

    def unplug(self, card: FakeCard) -> None:
        """Pull a card; its stream ends."""
        self.plugged.remove(card)
        if self.stream is not None and self.stream.card is card:
            self.stream.end()

    def pump(self) -> None:
        """Deliver what is due."""
        if self.stream is not None:
            self.stream.pump()

    def inputs(self) -> tuple[SoundInput, ...]:
        return tuple(
            SoundInput(2 * i, f"{card.name}: Audio (hw:{i},0)", card.n_channels, card.rate_hz)
            for i, card in enumerate(self.plugged)
        )

    def cards(self) -> tuple[SoundCard, ...]:
        return tuple(
            SoundCard(i, card.card_id, card.name, card.usb_id, card.port)
            for i, card in enumerate(self.plugged)
        )

    def open(
        self,
        device: SoundInput,
        shape: StreamShape,
        on_buffer: OnBuffer,
        on_end: Callable[[], None],
    ) -> FakeStream:
        self.opened.append(shape)
        card = self.plugged[device.index // 2]
        if card.is_held_elsewhere:
            raise RefusedDevice("another program holds it")
        if shape.rate_hz not in card.rates_hz:
            raise RefusedShape("Invalid sample rate")
        if shape.n_channels not in card.channel_counts:
            raise RefusedShape("Invalid number of channels")
        self.stream = stream = FakeStream(card, shape, self.clock, on_buffer, on_end)
        if self.is_live:
            threading.Thread(target=self._run, args=(stream,), daemon=True).start()
        return stream

    def _run(self, stream: FakeStream) -> None:
        while not stream.is_stopped:
            self.clock.sleep(0.005)
            stream.pump()
