"""From a sound to its MQTT message: laughter and applause, both real processes, real mosquitto.

Usage: python benchmarks/event_latency.py --data DATA [--clips 12] [--tick-hz 5]

Clips that the model never learned from are put 4 s apart into near-silence and played in real
time to `edge-affect sense` in its cage; `edge-affect publish` sends at the tick, a real broker
passes on, and the time of every message is taken here on the same clock. Three times are told for
every clip in which the event was found:

- recognition: from its first sound to the end of the window with which the event starts, in a run
  within one process: what the model needs to be sure;
- whole: from its first sound to the first message that says the event is going on;
- added: the second less the first, which is what processes, ticks and the broker take.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

AS_SENSE = "--as-sense"
FIRST_BLOCK = "first sample at"
NS_PER_S = 1_000_000_000
RATE_HZ = 16_000
LEAD_S = 6.0
APART_S = 4.0
LONGEST_S = 5.0
QUIET = 1e-4
GOING_ON = 0.5
CONFIG = """
[device]
site = "latency"
name = "box"
[publish]
tick_hz = {tick_hz}
"""


def sense_and_tell_the_start() -> int:
    """Run `edge-affect sense`, and say when its first sample was played."""
    from edge_affect.cli import main
    from edge_affect.commands import sense

    build = vars(sense)["_daemon"]

    def with_start(*arguments: Any) -> Any:
        from edge_affect.sensing.pipeline import Pipeline

        take = Pipeline.on_block
        told: list[int] = []

        def on_block(self: Pipeline, block: Any) -> None:
            if not told:
                told.append(block.start_ns)
                print(FIRST_BLOCK, block.start_ns, file=sys.stderr, flush=True)
            take(self, block)

        Pipeline.on_block = on_block  # type: ignore[method-assign]
        return build(*arguments)

    vars(sense)["_daemon"] = with_start
    return main(["sense", *sys.argv[2:]])


@dataclass(frozen=True, slots=True)
class Placed:
    """One clip in the stream: which event, and when it begins and ends in seconds."""

    event: str
    start_s: float
    end_s: float


def composed(data: Path, n_clips: int) -> tuple[Any, list[Placed]]:
    """Return the stream and where the clips are in it."""
    import numpy as np

    from edge_affect.evaluation.event_clips import read_event_clips
    from edge_affect.evaluation.event_streams import onset_of
    from edge_affect.evaluation.recordings import read_samples

    audio = data / "audio"
    chosen = []
    for event in ("laughter", "applause"):
        clips = [
            clip
            for clip in read_event_clips(audio / "index.csv", audio)
            if clip.event == event and clip.part != "fit"
        ]
        chosen += clips[:: max(1, len(clips) // (n_clips // 2))][: n_clips // 2]
    generator = np.random.default_rng(0)

    def quiet(seconds: float) -> Any:
        samples = QUIET * generator.standard_normal(round(seconds * RATE_HZ))
        return samples.astype(np.float32)

    parts, placed = [quiet(LEAD_S)], []
    n_samples = parts[0].size
    for clip in chosen:
        samples = read_samples(clip.path)
        samples = samples[onset_of(samples) :][: round(LONGEST_S * RATE_HZ)]
        start_s = n_samples / RATE_HZ
        placed.append(Placed(clip.event, start_s, start_s + samples.size / RATE_HZ))
        # Pauses differ, so that sounds begin anywhere within a hop and a tick.
        parts += [samples, quiet(APART_S + float(generator.uniform(0.0, 1.0)))]
        n_samples += parts[-2].size + parts[-1].size
    return np.concatenate(parts), placed


def recognised_s(samples: Any, placed: list[Placed]) -> list[float | None]:
    """Return when the window ends with which each event starts, in s of the stream."""
    from edge_affect.config import Voice
    from edge_affect.evaluation.event_streams import EventStream
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
    from edge_affect.perception.speech_net import SpeechModel
    from edge_affect.record import EVENTS

    host = VoiceExpressionModel.load().acoustic
    reader = SoundEventReader(SoundEventModel.load(), host, Voice().min_level_db)
    starts = [
        (EVENTS[place], known_s)
        for known_s, observation in EventStream(reader, host, SpeechModel.load()).feed(samples)
        for place in range(len(EVENTS))
        if observation.started[place]
    ]
    return [
        next((s for event, s in starts if event == p.event and p.start_s < s < p.end_s + 2.0), None)
        for p in placed
    ]


def write_wave(path: Path, samples: Any) -> None:
    """Write mono 16-bit sound."""
    import numpy as np

    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.rint(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())


@dataclass(frozen=True, slots=True)
class Message:
    """One message: when it came, on the monotonic clock, and its sound events."""

    at_ns: int
    events: dict[str, float | None]


def played(folder: Path, sound: Path, tick_hz: float, length_s: float) -> tuple[int, list[Message]]:
    """Return when the first sample was played, and every message."""
    import paho.mqtt.client as mqtt

    from edge_affect.broker import LocalBroker
    from edge_affect.launcher import LaunchSettings, ProcessPair

    config = folder / "box.toml"
    config.write_text(CONFIG.format(tick_hz=tick_hz))
    messages: list[Message] = []
    settings = LaunchSettings(sense_program=(sys.executable, __file__, AS_SENSE))
    log = folder / "log"
    kept = os.dup(2)
    with LocalBroker() as broker, log.open("wb") as lines:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.on_message = lambda _client, _data, message: messages.append(
            Message(time.monotonic_ns(), json.loads(message.payload)["events"])
        )
        client.connect(broker.host, broker.port)
        client.subscribe("edge-affect/latency/box/affect")
        client.loop_start()
        pair = ProcessPair(settings)
        os.dup2(lines.fileno(), 2)
        try:
            pair.start(
                ["--config", str(config), "--audio", str(sound)],
                ["--config", str(config), "--host", broker.host, "--port", str(broker.port)],
            )
            deadline_s = time.monotonic() + length_s + 30.0
            while pair.poll() is None and time.monotonic() < deadline_s:
                time.sleep(0.2)
        finally:
            pair.stop()
            os.dup2(kept, 2)
            client.loop_stop()
            client.disconnect()
    text = log.read_text(errors="replace")
    found = re.search(rf"{FIRST_BLOCK} (\d+)", text)
    if found is None or "cage proven" not in text:
        raise SystemExit(f"The processes did not run as they should:\n{text}")
    return int(found[1]), messages


def told_s(place: Placed, start_ns: int, messages: list[Message]) -> float | None:
    """Return when the first message says that the event is going on, in s of the stream."""
    for message in messages:
        at_s = (message.at_ns - start_ns) / NS_PER_S
        if place.start_s < at_s < place.end_s + 3.0:
            level = message.events[place.event]
            if level is not None and level >= GOING_ON:
                return at_s
    return None


def summary(values_s: list[float]) -> str:
    """Return median, 90th percentile and largest in ms."""
    ordered = sorted(values_s)
    p90 = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
    return (
        f"median {1e3 * statistics.median(ordered):5.0f} ms, p90 {1e3 * p90:5.0f}, "
        f"most {1e3 * ordered[-1]:5.0f}"
    )


def main() -> None:
    """Compose, play, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with audio/index.csv")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--tick-hz", type=float, default=5.0)
    options = parser.parse_args()
    samples, placed = composed(options.data, options.clips)
    known_s = recognised_s(samples, placed)
    with tempfile.TemporaryDirectory(prefix="edge-affect-") as name:
        folder = Path(name)
        write_wave(folder / "stream.wav", samples)
        length_s = samples.size / RATE_HZ
        print(f"Playing {length_s:.0f} s in real time, {len(placed)} clips.", flush=True)
        start_ns, messages = played(folder, folder / "stream.wav", options.tick_hz, length_s)
    print(f"{len(messages)} messages at {options.tick_hz:g} Hz")
    for event in ("laughter", "applause", "both"):
        rows = [
            (place, known, told_s(place, start_ns, messages))
            for place, known in zip(placed, known_s, strict=True)
            if event in (place.event, "both")
        ]
        both = [(p, known, told) for p, known, told in rows if known is not None and told]
        print(f"{event}: {len(rows)} clips, started in {len(both)}")
        if both:
            print("  recognition  " + summary([known - p.start_s for p, known, _ in both]))
            print("  whole        " + summary([told - p.start_s for p, _, told in both]))
            print("  added        " + summary([told - known for _, known, told in both]))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == AS_SENSE:
        sys.exit(sense_and_tell_the_start())
    main()
