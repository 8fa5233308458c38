"""Log-mels of recordings and of copies of them at other tempos and in rooms, made once and kept.

What can be changed in the bands is changed later, anew for every batch (`window_scenes`); here is
what needs samples, and takes minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.recordings import Recording, read_samples
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db
from edge_affect.training.voice_augmentation import VoiceAugmentation, augment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPEED_AND_ROOMS = VoiceAugmentation(
    speed=0.16, room=0.4, longest_decay_s=1.0, loudest_tail=1.4, noise=0.0, tilt=0.0
)


@dataclass(frozen=True, slots=True)
class VoiceBank:
    """Frames of several copies of each recording, in one array.

    Attributes:
        frames_db: Of all copies one after the other, shape ``(n_frames, n_mels)``, float16.
        ends: Where each copy ends, shape ``(n_recordings, n_copies)``; the first is unchanged.
    """

    frames_db: NDArray[np.float16]
    ends: NDArray[np.int64]

    @property
    def n_copies(self) -> int:
        """Copies of each recording, the unchanged one among them."""
        return int(self.ends.shape[1])

    def copy(self, row: int, number: int) -> NDArray[np.float16]:
        """Return the frames of one copy of one recording, shape ``(n_frames, n_mels)``."""
        place = row * self.n_copies + number
        before = 0 if place == 0 else int(self.ends.reshape(-1)[place - 1])
        return self.frames_db[before : int(self.ends[row, number])]


def make_bank(recordings: tuple[Recording, ...], n_copies: int, seed: int) -> VoiceBank:
    """Return the frames of every recording and of ``n_copies - 1`` changed copies of it."""
    acoustic = AcousticSettings()
    frames: list[NDArray[np.float16]] = []
    for number, recording in enumerate(recordings):
        # By recording, so that its copies do not depend on which others there are.
        name = int.from_bytes(hashlib.sha256(recording.clip.encode()).digest()[:4], "little")
        generator = np.random.default_rng((seed, 77, name))
        samples = read_samples(recording.path)
        copies = [samples] + [
            augment(samples, SPEED_AND_ROOMS, generator) for _ in range(n_copies - 1)
        ]
        frames += [log_mel_db(each, acoustic).astype(np.float16) for each in copies]
        if number % 500 == 0:
            print(f"log-mels: {number}/{len(recordings)}", flush=True)
    ends = np.cumsum([each.shape[0] for each in frames]).reshape(len(recordings), n_copies)
    return VoiceBank(np.concatenate(frames), ends.astype(np.int64))


def kept_bank(
    recordings: tuple[Recording, ...], n_copies: int, seed: int, folder: Path
) -> VoiceBank:
    """Return the bank of a run before with the same recordings, or make and keep it."""
    names = "\n".join(recording.clip for recording in recordings)
    key = hashlib.sha256(f"{n_copies} {seed}\n{names}".encode()).hexdigest()[:16]
    path = folder / f"bank-{key}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        made = make_bank(recordings, n_copies, seed)
        part = path.with_suffix(".part.npz")
        np.savez(part, frames_db=made.frames_db, ends=made.ends)
        part.rename(path)
    with np.load(path) as kept:
        return VoiceBank(kept["frames_db"], kept["ends"])
