"""Sources that need no hardware, with verbs for what the outside world may do to them.

They ship with the product: as ``source = "synthetic"`` in the configuration to try a box
without devices, and as stand-ins in tests. The same seed gives the same samples and pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.drawing import draw_face, draw_wall
from edge_affect.capture.pacing import wait_until
from edge_affect.capture.source import BLOCK_SAMPLES, MAX_BACKLOG_S, not_open
from edge_affect.capture.voicing import SILENCE, Voicing, sound
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.clock import Clock

DAYLIGHT = 1.0
MAX_BACKLOG_BLOCKS = round(MAX_BACKLOG_S * SAMPLE_RATE_HZ / BLOCK_SAMPLES)


class _SyntheticDevice(ABC):
    """A device that makes item number i at a known time; verbs may be called from any thread."""

    name = "synthetic device"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_plugged = True
        self._is_frozen = False
        self._is_occupied = False
        self._is_open = False
        self._opened_ns = 0
        self._n_done = 0
        self._n_passed = 0

    def unplug(self) -> None:
        """Pull the plug: reading and opening fail."""
        self._is_plugged = False

    def replug(self) -> None:
        """Put the plug back; the source has to be opened anew."""
        self._is_plugged = True
        self._is_open = False

    def freeze(self) -> None:
        """Stop delivering without a word, as hung drivers do."""
        self._is_frozen = True

    def thaw(self) -> None:
        """Deliver again; what would have come meanwhile is lost."""
        self._n_passed = self._n_due(self._clock.now_ns())
        self._is_frozen = False

    def occupy(self) -> None:
        """Let another program hold it from the next opening on."""
        self._is_occupied = True

    def vacate(self) -> None:
        """Let that program end."""
        self._is_occupied = False

    def open(self) -> None:
        """Start; see ``capture.source``."""
        if not self._is_plugged:
            raise DeviceError(f"The {self.name} is not plugged in; plug it in.")
        if self._is_occupied:
            raise DeviceError(f"The {self.name} is in use by another program; close that one.")
        self._opened_ns = self._clock.now_ns()
        self._n_done = self._n_passed = 0
        self._is_open = True

    def close(self) -> None:
        """Stop."""
        self._is_open = False

    def _next(self, timeout_s: float, max_backlog: int) -> tuple[int, int] | None:
        """Wait for the next item and return its number and how many were lost before it."""
        self._check()
        now_ns = self._clock.now_ns()
        deadline_ns = now_ns + round(timeout_s * NS_PER_S)
        if self._is_frozen:
            wait_until(self._clock, deadline_ns, deadline_ns, lambda: not self._is_open)
            return None
        oldest = max(self._n_done, self._n_passed, self._n_due(now_ns) - max_backlog)
        has_come = wait_until(
            self._clock, self._due_ns(oldest), deadline_ns, lambda: not self._is_open
        )
        if not has_come:
            return None
        self._check()
        n_lost = oldest - self._n_done
        self._n_done = oldest + 1
        return oldest, n_lost

    def _check(self) -> None:
        if not self._is_open:
            raise not_open(self.name)
        if not self._is_plugged:
            raise DeviceError(f"The {self.name} has gone; plug it in again.")

    @abstractmethod
    def _due_ns(self, number: int) -> int:
        """Return when item ``number`` is complete."""

    @abstractmethod
    def _n_due(self, now_ns: int) -> int:
        """Return how many items are complete at ``now_ns``."""


class SyntheticAudio(_SyntheticDevice):
    """A microphone in front of something that buzzes like a voice, hums or is silent.

    Args:
        clock: Paces and stamps the blocks.
        voicing: What is heard at first; a voice by default.
        seed: Of the faint noise underneath.
    """

    name = "synthetic microphone"

    def __init__(self, clock: Clock, voicing: Voicing | None = None, seed: int = 0) -> None:
        super().__init__(clock)
        self._voicing = Voicing() if voicing is None else voicing
        self._seed = seed
        self._gain = 1.0

    def speak(self, pitch_hz: float = 140.0, syllables_hz: float = 4.0) -> None:
        """Buzz like a voice from the next block on."""
        self._voicing = Voicing(pitch_hz=pitch_hz, syllables_hz=syllables_hz)

    def hum(self, frequency_hz: float) -> None:
        """Make a steady tone from the next block on."""
        self._voicing = Voicing(pitch_hz=frequency_hz, syllables_hz=0.0)

    def hush(self) -> None:
        """Be silent from the next block on."""
        self._voicing = SILENCE

    def mute(self) -> None:
        """Deliver nothing but zeros, as a switch at the device or a hung one does."""
        self._gain = 0.0

    def overdrive(self) -> None:
        """Clip, as with the gain turned all the way up."""
        self._gain = 100.0

    def tune(self) -> None:
        """Deliver at the right level again."""
        self._gain = 1.0

    def read(self, timeout_s: float) -> AudioBlock | None:
        """Return the next block; see ``AudioSource``."""
        found = self._next(timeout_s, MAX_BACKLOG_BLOCKS)
        if found is None:
            return None
        number, n_lost = found
        samples = sound(self._voicing, number * BLOCK_SAMPLES, BLOCK_SAMPLES, self._seed)
        if self._gain != 1.0:
            samples = np.clip(samples * np.float32(self._gain), -1.0, 1.0)
        return AudioBlock(samples, self._due_ns(number - 1), n_lost * BLOCK_SAMPLES)

    def _due_ns(self, number: int) -> int:
        return self._opened_ns + (number + 1) * BLOCK_SAMPLES * NS_PER_S // SAMPLE_RATE_HZ

    def _n_due(self, now_ns: int) -> int:
        return (now_ns - self._opened_ns) * SAMPLE_RATE_HZ // (BLOCK_SAMPLES * NS_PER_S)


class SyntheticVideo(_SyntheticDevice):
    """A camera in front of a drawn face that sways and talks, or of an empty wall.

    Args:
        clock: Paces and stamps the frames.
        width_px: Width.
        height_px: Height.
        frame_rate_hz: Frames per second.
        seed: Of the sensor noise.
    """

    name = "synthetic camera"

    def __init__(
        self,
        clock: Clock,
        width_px: int = 640,
        height_px: int = 480,
        frame_rate_hz: float = 10.0,
        seed: int = 0,
    ) -> None:
        super().__init__(clock)
        self._size_px = (width_px, height_px)
        self._rate_hz = frame_rate_hz
        self._every = 1
        self._seed = seed
        self._has_face = True
        self._light = DAYLIGHT
        self._is_held = False
        self._held: NDArray[np.uint8] | None = None

    def pace(self, frame_rate_hz: float) -> None:
        """Hand out every second frame, or every third, and so on; see ``PacedSource``."""
        self._every = max(1, round(self._rate_hz / frame_rate_hz))

    def show_face(self) -> None:
        """Put a drawn face in front from the next frame on."""
        self._has_face = True

    def show_wall(self) -> None:
        """Leave the scene empty from the next frame on."""
        self._has_face = False

    def light(self, share: float) -> None:
        """Change the light: 1 is daylight, 0 a covered lens, 0.2 dusk, 4 a lamp into the lens."""
        self._light = share

    def hold(self) -> None:
        """Deliver the next picture again and again, as a camera with a hung sensor does."""
        self._is_held = True

    def let_go(self) -> None:
        """Deliver new pictures again."""
        self._is_held = False
        self._held = None

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the latest frame; see ``VideoSource``."""
        found = self._next(timeout_s, max_backlog=1)
        while found is not None and found[0] % self._every:
            found = self._next(timeout_s, max_backlog=1)
        if found is None:
            return None
        number, n_lost = found
        return VideoFrame(self._pixels(number), self._due_ns(number), n_lost)

    def _pixels(self, number: int) -> NDArray[np.uint8]:
        if self._held is not None:
            return self._held.copy()
        if self._has_face:
            pixels = draw_face(*self._size_px, number / self._rate_hz, self._seed, number)
        else:
            pixels = draw_wall(*self._size_px, self._seed, number)
        if self._light != DAYLIGHT:
            pixels = np.clip(pixels * self._light, 0, 255).astype(np.uint8)
        if self._is_held:
            self._held = pixels.copy()
        return pixels

    def _due_ns(self, number: int) -> int:
        return self._opened_ns + round(number * NS_PER_S / self._rate_hz)

    def _n_due(self, now_ns: int) -> int:
        return int((now_ns - self._opened_ns) * self._rate_hz / NS_PER_S) + 1
