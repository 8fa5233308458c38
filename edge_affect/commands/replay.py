"""``edge-affect replay``: recordings in, one JSON vector per tick out; for scripts, no broker."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect import config as configuration
from edge_affect.clock import ManualClock, MonotonicClock
from edge_affect.errors import ExitCode
from edge_affect.privacy import policy
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.publishing.screen import line, look_of
from edge_affect.publishing.stamping import Stamper

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.capture.recording import Recording
    from edge_affect.config import Config
    from edge_affect.record import AffectRecord
    from edge_affect.sensing.pipeline import Pipeline


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "replay",
        help="recordings in, one JSON vector per tick out",
        description="Runs recordings through the live path and prints what the box would say. "
        "A video alone brings its own sound. Nothing is sent anywhere.",
        epilog="example:\n  edge-affect replay --video talk.mp4 --fast --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--audio", type=Path, help="a sound file, or a video's sound")
    parser.add_argument("--video", type=Path, help="a video file")
    parser.add_argument("--config", type=Path, help="configuration file; default: all defaults")
    parser.add_argument("--fast", action="store_true", help="as fast as possible, nothing dropped")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run)


@dataclass
class _Printer:
    """Prints records with the time they stand for."""

    as_json: bool
    started: Stamp
    n_printed: int = 0

    def show(self, record: AffectRecord, media_time_s: float) -> None:
        """Print one record."""
        unix_ms = self.started.unix_ms + round(media_time_s * 1000)
        stamp = replace(self.started, unix_ms=unix_ms, sequence=self.n_printed)
        payload = affect_payload(record, stamp, media_time_s)
        print(to_json(payload) if self.as_json else line(payload, look_of(sys.stdout)), flush=True)
        self.n_printed += 1


def run(args: argparse.Namespace) -> int:
    """Replay."""
    from edge_affect.capture.recording import Playing, recording
    from edge_affect.sensing.assembly import build_pipeline
    from edge_affect.sensing.fast_replay import replay_fast

    settings = configuration.load(args.config) if args.config else configuration.Config()
    clock = ManualClock() if args.fast else MonotonicClock()
    playing = Playing(
        is_paced=not args.fast,
        is_looped=False,
        channel=settings.audio.channel,
        frame_rate_hz=settings.video.frame_rate_hz,
    )
    media = recording(args.audio, args.video, clock, playing)
    if media.audio is not None:
        policy.check_channel(settings)
        policy.check_words(settings)
    pipeline = build_pipeline(
        settings,
        clock,
        has_sound=media.audio is not None,
        has_pictures=media.video is not None,
        # Fast means offline: the same answers on every machine. Paced shows what a box would do.
        is_unhurried=args.fast,
    )
    printer = _Printer(args.json, Stamper().peek())
    if args.fast:
        replay_fast(pipeline, media, settings.publish.tick_hz, printer.show)
    else:
        _replay_paced(pipeline, media, settings, printer.show)
    return ExitCode.DONE


def _replay_paced(
    pipeline: Pipeline,
    media: Recording,
    settings: Config,
    show: Callable[[AffectRecord, float], None],
) -> None:
    """Run the live daemon on the recording, with an outlet that prints."""
    from edge_affect.sensing.daemon import Ports, Schedule, SensingDaemon, workers_over

    clock = media.time.clock

    class Outlet:
        def send(self, record: AffectRecord) -> None:
            show(record, max(0.0, media.time.media_s(clock.now_ns())))

    schedule = Schedule(settings.publish.tick_hz, settings.sensing.no_source_timeout_s)
    workers = workers_over(media.audio, media.video, pipeline, clock, are_live=False)
    SensingDaemon(pipeline, workers, Ports(Outlet(), None), schedule, clock).run()
