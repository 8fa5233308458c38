"""How true prosody is: against voices made by rule, and on recordings whose words are known.

Invented voice counts frames without a made vowel; hums between vowels and the echo in a room do
have a pitch and are counted all the same.

Usage: python benchmarks/prosody_truth.py [--index DATA/audio/index.csv --root DATA/audio]
       [--aligned FOLDER] [--clips 300]

The first part needs nothing. --index takes the data folder's recordings (CREMA-D's twelve sentences
have known syllables), --aligned a folder of wav files with phone times beside them, such as
test/data/librivox of the pocketsphinx source package.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.disturbance import (
    babble,
    clipped,
    in_room,
    pink_noise,
    white_noise,
    with_noise,
)
from edge_affect.evaluation.known_voices import (
    VOWELS_HZ,
    KnownVoice,
    Roughness,
    glide_hz,
    syllables,
    voiced,
)
from edge_affect.evaluation.recordings import read_samples
from edge_affect.perception.prosody import frame_values, prosody_frames, prosody_of, summarise
from edge_affect.perception.short_time import N_FRAME, N_STEP
from edge_affect.perception.speech_rate import syllable_nuclei, within_speech

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_HZ = 16_000
GLIDES = (
    (60, 120, 1.0),
    (120, 60, 1.0),
    (80, 320, 1.0),
    (320, 80, 1.0),
    (250, 500, 1.0),
    (500, 250, 0.5),
    (60, 500, 2.0),
    (500, 60, 2.0),
    (100, 100, 0.6),
    (180, 220, 0.5),
)
SYLLABLES = {
    "IEO": 6,
    "TIE": 8,
    "IOM": 8,
    "IWW": 8,
    "TAI": 7,
    "MTI": 9,
    "IWL": 8,
    "ITH": 10,
    "DFA": 6,
    "ITS": 7,
    "TSI": 5,
    "WSI": 9,
}
"""Syllables of CREMA-D's sentences, counted by hand from a dictionary's hyphens."""
VOWEL_PHONES = (
    "AA",
    "AE",
    "AH",
    "AO",
    "AW",
    "AY",
    "EH",
    "ER",
    "EY",
    "IH",
    "IY",
    "OW",
    "OY",
    "UH",
    "UW",
)


@dataclass
class PitchCount:
    """Frames counted against the truth."""

    n_true: int = 0
    n_found: int = 0
    n_gross: int = 0
    n_octave: int = 0
    n_silent: int = 0
    n_invented: int = 0
    errors: list[float] = field(default_factory=list)

    def add(self, samples: np.ndarray, truth_hz: np.ndarray) -> None:
        """Count one voice; frames half in and half out of a voiced stretch count for nothing."""
        f0_hz = prosody_frames(frame_values(samples)).f0_hz
        middle = np.arange(f0_hz.size) * N_STEP + N_FRAME // 2
        is_true, known = np.isfinite(truth_hz), truth_hz[middle]
        inside = is_true[middle - N_FRAME // 4] & is_true[middle + N_FRAME // 4]
        running = np.concatenate(([0], np.cumsum(is_true)))
        silent = running[middle + N_FRAME // 2] == running[middle - N_FRAME // 2]
        found = inside & np.isfinite(f0_hz)
        octaves = np.log2(f0_hz[found] / known[found])
        gross = np.abs(octaves) > np.log2(1.2)
        self.n_true += int(inside.sum())
        self.n_found += int(found.sum())
        self.n_gross += int(gross.sum())
        self.n_octave += int((gross & (np.abs(octaves - np.round(octaves)) < 0.1)).sum())
        self.n_silent += int(silent.sum())
        self.n_invented += int((silent & np.isfinite(f0_hz)).sum())
        self.errors += np.abs(f0_hz[found] / known[found] - 1.0)[~gross].tolist()

    def row(self, name: str) -> str:
        """Return one line of the table."""
        errors = np.array(self.errors) * 100.0
        found = max(self.n_found, 1)
        return (
            f"{name:<22}{self.n_true:>7}{100 * (1 - self.n_found / self.n_true):>8.1f}"
            f"{100 * self.n_octave / found:>8.2f}{100 * self.n_gross / found:>8.2f}"
            f"{np.median(errors):>8.3f}{errors.mean():>8.3f}{np.quantile(errors, 0.95):>8.2f}"
            f"{100 * self.n_invented / max(self.n_silent, 1):>9.1f}"
        )


def glides() -> list[KnownVoice]:
    """Return rising and falling voices, bare and through vowels, soft and pressed."""
    return [
        KnownVoice((0.3 * voiced(f0_hz, vowel, tilt_db)).astype(np.float32), f0_hz)
        for f0_hz in (glide_hz(*glide) for glide in GLIDES)
        for vowel in (None, *VOWELS_HZ)
        for tilt_db in (-12.0, -6.0)
    ]


def trains() -> list[KnownVoice]:
    """Return syllables of low to high voices."""
    kinds = ((3.0, 110.0), (5.0, 220.0), (4.0, 140.0), (6.0, 300.0), (4.0, 90.0), (5.0, 180.0))
    return [
        syllables(rate_hz, 4.0, f0_hz, pause_every=5, seed=seed)
        for seed, (rate_hz, f0_hz) in enumerate(kinds, start=20)
    ]


def disturbances() -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    """Return what is done to the syllables, by name."""
    changes: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        "clean": lambda x, _: x,
        "gain -20 dB": lambda x, _: x * np.float32(0.1),
        "gain -40 dB": lambda x, _: x * np.float32(0.01),
        "clipped at 30 %": lambda x, _: clipped(x, 0.3),
        "clipped at 5 %": lambda x, _: clipped(x, 0.05),
        "room 0.4 s, +6 dB": lambda x, seed: in_room(x, 0.4, 6.0, seed),
        "room 0.8 s, 0 dB": lambda x, seed: in_room(x, 0.8, 0.0, seed),
    }
    for name, noise in (("white", white_noise), ("pink", pink_noise), ("babble", babble)):
        for snr_db in (20, 10, 5, 0):
            changes[f"{name} {snr_db} dB"] = lambda x, seed, noise=noise, snr_db=snr_db: with_noise(
                x, noise(x.size, seed), snr_db
            )
    return changes


def tell_pitch() -> None:
    """Print pitch errors, and what the summary makes of the same disturbed voices."""
    print("Pitch of rule-made voices, percent of frames (gross: off by over a fifth)")
    print(
        f"{'':<22}{'frames':>7}{'missed':>8}{'octave':>8}{'gross':>8}"
        f"{'median':>8}{'mean':>8}{'p95':>8}{'invented':>9}"
    )
    count = PitchCount()
    for known in glides():
        count.add(known.samples, known.f0_hz)
    print(count.row("glides 60-500 Hz"))
    known_voices = trains()
    rates = {}
    for name, change in disturbances().items():
        count, ratios = PitchCount(), []
        for seed, known in enumerate(known_voices):
            samples = change(known.samples, seed).astype(np.float32)
            count.add(samples, known.f0_hz)
            ratios.append(n_nuclei(samples) / len(known.nuclei_s))
        print(count.row(name))
        rates[name] = ratios
    print("\nSyllables found over syllables made: mean, and mean absolute error")
    for name, ratios in rates.items():
        print(f"{name:<22}{np.mean(ratios):>8.2f}{np.abs(np.array(ratios) - 1).mean():>8.2f}")


def n_nuclei(samples: np.ndarray) -> int:
    """Return the syllable nuclei that are counted in the summary of a clip."""
    values = frame_values(samples)
    frames = prosody_frames(values)
    nuclei = syllable_nuclei(values.bands, frames.harmonicity)
    return int(within_speech(nuclei, frames.is_speaking).size)


def tell_roughness() -> None:
    """Print measured against made roughness, clean and in noise."""
    print("\nRoughness: made (deviation of a cycle) and measured, at 120 and 220 Hz; then in noise")
    for made in (0.0, 0.005, 0.01, 0.02, 0.04):
        print(f"jitter {made:>6.3f}  ", *(f"{v:.4f}" for v in rough(Roughness(made), "jitter")))
    for made in (0.0, 0.5, 1.0, 2.0):
        how = Roughness(0.0, made)
        print(f"shimmer {made:>4.1f} dB ", *(f"{v:.3f}" for v in rough(how, "shimmer_db")))


def rough(roughness: Roughness, name: str) -> list[float]:
    """Return one measure at two pitches, clean and under white noise 20 dB below."""
    found = []
    for snr_db in (None, 20.0):
        for f0_hz in (120.0, 220.0):
            wave = voiced(np.full(2 * RATE_HZ, f0_hz), "a", roughness=roughness, seed=2)
            samples = (0.3 * wave).astype(np.float32)
            if snr_db is not None:
                samples = with_noise(samples, white_noise(samples.size, 1), snr_db)
            found.append(getattr(prosody_of(samples), name) or 0.0)
    return found


def tell_aligned(folder: Path) -> None:
    """Print nuclei against the vowels of aligned recordings."""
    print("\nAligned recordings: vowels, nuclei, vowels with a nucleus inside")
    for path in sorted(folder.glob("*.phone.json")):
        samples = read_samples(path.with_name(path.name.replace(".phone.json", ".wav")))
        values = frame_values(samples)
        at = syllable_nuclei(values.bands, prosody_frames(values).harmonicity)
        time_s = (at * N_STEP + N_FRAME / 2) / RATE_HZ
        words = json.loads(path.read_text(encoding="utf-8"))["w"]
        vowels = [p for word in words for p in word.get("w", ()) if p["t"] in VOWEL_PHONES]
        hit = sum(
            bool(np.any((time_s >= v["b"] - 0.03) & (time_s <= v["b"] + v["d"] + 0.03)))
            for v in vowels
        )
        print(f"{path.name.split('.')[0][-4:]:<8}{len(vowels):>5}{at.size:>5}{hit:>5}")


def tell_recordings(index: Path, root: Path, n_clips: int) -> None:
    """Print syllables of known sentences, and whether voices differ as they should."""
    with index.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    order = random.Random(1)  # noqa: S311 - a sample of clips, no secret
    held_out = [r for r in rows if r["corpus"] == "crema-d" and int(r["speaker"]) <= 1036]
    order.shuffle(held_out)
    found, true, durations_s, kept = [], [], [], []
    for row in held_out[:n_clips]:
        samples = read_samples(root / row["path"])
        found.append(n_nuclei(samples))
        true.append(SYLLABLES[Path(row["path"]).name.split("_")[1]])
        durations_s.append(samples.size / RATE_HZ)
        kept.append((row, summarise(frame_values(samples))))
    error = np.array(found) - np.array(true)
    print(f"\nCREMA-D, actors 1019-1036, {error.size} clips of known syllables")
    print(
        f"count: mean absolute error {np.abs(error).mean():.2f}, bias {error.mean():+.2f}, "
        f"of {np.mean(true):.2f} syllables; always the mean: "
        f"{np.abs(np.array(true) - np.mean(true)).mean():.2f}; rate: r = "
        f"{np.corrcoef(np.array(found) / durations_s, np.array(true) / durations_s)[0, 1]:.2f}"
    )
    for name, of in (("sex", "sex"), ("label", "label")):
        for value in sorted({row[of] for row, _ in kept}):
            tell_group(f"{name} {value}", [p for row, p in kept if row[of] == value])
    tell_pairs(rows, root, n_clips // 2)


def tell_group(name: str, summaries: list) -> None:
    """Print the medians of a group."""
    fields = ("f0_hz", "intensity_db", "f0_spread_st", "speech_rate_hz", "spectral_slope_db")
    medians = []
    for one in fields:
        known = [getattr(p, one) for p in summaries if getattr(p, one) is not None]
        medians.append(f"{one} {np.median(known):.1f}")
    print(f"{name:<18}{len(summaries):>4}  ", "  ".join(medians))


def tell_pairs(rows: list[dict[str, str]], root: Path, n_pairs: int) -> None:
    """Print how often a strongly acted clip of RAVDESS exceeds its normally acted twin."""
    paths = {r["path"] for r in rows if r["corpus"] == "ravdess-speech"}
    twins = []
    for path in sorted(paths):
        parts = Path(path).name.split("-")
        if parts[3] == "02":
            normal = str(Path(path).with_name("-".join([*parts[:3], "01", *parts[4:]])))
            if normal in paths:
                twins.append((path, normal))
    random.Random(1).shuffle(twins)  # noqa: S311 - a sample of clips, no secret
    more: dict[str, list[bool]] = {"intensity_db": [], "f0_hz": [], "spectral_slope_db": []}
    for strong, normal in twins[:n_pairs]:
        pair = [prosody_of(read_samples(root / path)) for path in (strong, normal)]
        for name, flags in more.items():
            values = [getattr(p, name) for p in pair]
            if None not in values:
                flags.append(values[0] > values[1])
    print("\nRAVDESS, strong above normal intensity of the same actor, words and take")
    for name, flags in more.items():
        print(f"{name:<20}{100 * np.mean(flags):>6.1f} % of {len(flags)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--aligned", type=Path)
    parser.add_argument("--clips", type=int, default=300)
    options = parser.parse_args()
    tell_pitch()
    tell_roughness()
    if options.aligned:
        tell_aligned(options.aligned)
    if options.index:
        tell_recordings(options.index, options.root or options.index.parent, options.clips)


if __name__ == "__main__":
    main()
