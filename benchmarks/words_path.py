"""What PocketSphinx hears, and what that costs: phrases, commands and dictation on real speech.

    python benchmarks/words_path.py --data DATA [--clips 6] [--librivox FOLDER]

The twelve sentences of CREMA-D are known from the names of its files. Eight of them are configured
as phrases, the other four and the meetings are what must not be taken for one. GRID sentences are
known from their names, too. FOLDER holds wav files with transcripts of the same name in .txt, as
the source package pocketsphinx has them in test/data/librivox.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from edge_affect import config
from edge_affect.perception.lexicon import units
from edge_affect.perception.phrase_matching import PhraseMatcher
from edge_affect.perception.speech_recognition import load_recogniser
from edge_affect.perception.words import STEP_SAMPLES
from edge_affect.sensing.assembly import build_words_reader
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENTENCES = {
    "TIE": "that is exactly what happened", "IOM": "i'm on my way to the meeting",
    "TAI": "the airplane is almost full", "IWL": "i would like a new alarm clock",
    "DFA": "don't forget a jacket", "WSI": "we'll stop in a couple of minutes",
    "TSI": "the surface is slick", "IEO": "it's eleven o'clock",
    "IWW": "i wonder what this is about", "MTI": "maybe tomorrow it will be cold",
    "ITH": "i think i have a doctor's appointment", "ITS": "i think i've seen this before",
}  # fmt: skip
SLOTS = tuple(SENTENCES)[:8]
SPEAKERS = range(1019, 1037)
GRID = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},
    dict(
        zip(
            "z123456789",
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
            strict=True,
        )
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
UTTERANCE = 8 * SAMPLE_RATE_HZ


def load(path: Path) -> NDArray[np.float32]:
    """Return the sound of a file, float32, 16 kHz, mono."""
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        parts = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def settings(listen_for: str) -> config.Config:
    """Return a configuration with one phrase for each slot."""
    said = "".join(f'[phrase.{k.lower()}]\nsay = ["{SENTENCES[k]}"]\n' for k in SLOTS)
    return config.parse(f'[words]\nenabled = true\nlisten_for = "{listen_for}"\n{said}')


class Listener:
    """An engine, and the processor time it took for how much sound."""

    def __init__(self, listen_for: str) -> None:
        found = settings(listen_for)
        self.engine = load_recogniser(found.words, found.phrase)
        self.match = PhraseMatcher(found.phrase, is_spaced=True).match
        self.cpu_s = self.sound_s = 0.0

    def hear(self, samples: NDArray[np.float32]) -> str:
        """Return what was understood of one utterance."""
        start_s = time.process_time()
        for at in range(0, samples.size, STEP_SAMPLES):
            self.engine.hear(samples[at : at + STEP_SAMPLES])
        with self.engine.finish() as transcript:
            text = transcript.text()
        self.cpu_s += time.process_time() - start_s
        self.sound_s += samples.size / SAMPLE_RATE_HZ
        return text

    @property
    def ms_per_s(self) -> float:
        """Processor time for a second of sound."""
        return 1000.0 * self.cpu_s / max(self.sound_s, 1e-9)


def clips_of(data: Path, n_each: int) -> list[tuple[Path, str]]:
    """Return some clips of each sentence by the report speakers, spread over them."""
    found = []
    for key in SENTENCES:
        files = sorted(
            path
            for speaker in SPEAKERS
            for path in (data / "audio" / "crema-d").glob(f"{speaker}_{key}_*")
        )
        step = max(1, len(files) // n_each)
        found += [(path, key) for path in files[::step][:n_each]]
    return found


def spotting(listen_for: str, clips: list[tuple[Path, str]], meetings: list[Path]) -> None:
    """Print how many sayings are found, and found where nobody said them."""
    listener = Listener(listen_for)
    n_right = n_said = n_wrong = n_false = n_other = 0
    for path, key in clips:
        slots = listener.match(listener.hear(load(path)))
        told = {SLOTS[index] for index, is_heard in enumerate(slots) if is_heard}
        if key in SLOTS:
            n_said += 1
            n_right += key in told
            n_wrong += bool(told - {key})
        else:
            n_other += 1
            n_false += bool(told)
    n_meeting, meeting_s = 0, 0.0
    for path in meetings:
        samples = load(path)
        meeting_s += samples.size / SAMPLE_RATE_HZ
        for at in range(0, samples.size, UTTERANCE):
            n_meeting += sum(listener.match(listener.hear(samples[at : at + UTTERANCE])))
    print(
        f"{listen_for}: found {n_right} of {n_said}, taken for another {n_wrong}; false in "
        f"{n_false} of {n_other} clips of other sentences, {n_meeting} in {meeting_s:.0f} s of "
        f"meetings; {listener.ms_per_s:.0f} ms for a second of speech"
    )


Spoken = list[tuple[Path, str]]


def dictation(clips: Spoken, grid: Spoken, librivox: Spoken) -> None:
    """Print the word error rate on each corpus."""
    listener = Listener("dictation")
    for name, some in (("CREMA-D", clips), ("GRID", grid), ("LibriVox", librivox)):
        if some:
            wrong = words = 0
            for path, truth in some:
                heard = units(listener.hear(load(path)), is_spaced=True)
                expected = units(truth, is_spaced=True)
                wrong += edits(expected, heard)
                words += len(expected)
            print(f"dictation, {name}: word error rate {wrong / words:.2f} (n {len(some)} clips)")
    print(f"dictation: {listener.ms_per_s:.0f} ms for a second of speech")


def edits(first: list[str], second: list[str]) -> int:
    """Return the fewest words to put in, leave out or change."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row, before = [i], row
        for j, b in enumerate(second, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def grid_sentence(path: Path) -> str:
    """Return what a GRID file says, from its name of six signs."""
    return " ".join(table.get(sign, sign) for table, sign in zip(GRID, path.stem, strict=True))


def silence_ms() -> float:
    """Return the processor time in ms that a second of silence costs in the whole reader."""
    reader = build_words_reader(settings("phrases"))
    rng = np.random.default_rng(1)
    samples = rng.normal(0.0, 0.0003, 20 * SAMPLE_RATE_HZ).astype(np.float32)
    start_s = time.process_time()
    for at in range(0, samples.size, 1600):
        reader.feed(AudioBlock(samples[at : at + 1600].copy(), 0))
    return 1000.0 * (time.process_time() - start_s) / 20


def resident_mb() -> float:
    """Return the resident memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--clips", type=int, default=18, help="clips of each sentence")
    parser.add_argument("--librivox", type=Path, help="wav files with transcripts")
    args = parser.parse_args()
    clips = clips_of(args.data, args.clips)
    meetings = [
        path for path in sorted((args.data / "audio" / "ami-debug").glob("*.opus"))
        if path.stem != "empty"
    ]  # fmt: skip
    print(f"silence: {silence_ms():.1f} ms for a second")
    before_mb = resident_mb()
    Listener("phrases")
    print(f"memory: phrases add {resident_mb() - before_mb:.0f} MB")
    before_mb = resident_mb()
    Listener("dictation")
    print(f"memory: dictation adds {resident_mb() - before_mb:.0f} MB")
    for listen_for in ("phrases", "commands"):
        spotting(listen_for, clips, meetings)
    spoken = [(path, SENTENCES[key]) for path, key in clips[:: max(1, len(clips) // 24)]]
    grid = [(p, grid_sentence(p)) for p in sorted((args.data / "video" / "grid").glob("*.mpg"))]
    read = []
    if args.librivox is not None:
        read = [
            (path, path.with_suffix(".txt").read_text(encoding="utf-8").strip().lower())
            for path in sorted(args.librivox.glob("*.wav"))
        ]
    dictation(spoken, grid, read)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this benchmark: {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
