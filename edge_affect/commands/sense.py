"""``edge-affect sense``: the sensing process alone; first its cage, then everything else."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge_affect import config as configuration
from edge_affect import service
from edge_affect.clock import Clock, MonotonicClock
from edge_affect.commands.arguments import add_systemd_argument, seconds
from edge_affect.errors import DeviceError, ExitCode, InputMissingError, UsageError
from edge_affect.privacy import policy
from edge_affect.privacy.permission import AllowedHours, Permission
from edge_affect.sdnotify import Notifier
from edge_affect.sensing import cage, memory
from edge_affect.sensing.allowance import Allowance
from edge_affect.sensing.on_air import FreeAir, SwitchedAir
from edge_affect.sensing.outlet import CommandInlet, DatagramOutlet, PrintingOutlet
from edge_affect.switch_line import SwitchLine
from edge_affect.wall_clock import SystemWallClock

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.sensing.daemon import Ports, SensingDaemon
    from edge_affect.sensing.on_air import Air
    from edge_affect.sensing.source_worker import Source

log = logging.getLogger("edge_affect.sensing")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "sense",
        help="the sensing process alone (used by run, demo and systemd)",
        description="Senses inside a cage without network. It proves the cage at start and ends "
        "with code 77 if anything gets out.",
        epilog="example:\n  edge-affect sense --config box.toml --allow-unsandboxed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="configuration file; default: all defaults")
    add_media_arguments(parser)
    parser.add_argument("--seconds", type=seconds, help="end after this long")
    parser.add_argument("--cage", action="store_true", help="build the cage before sensing")
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="sense without a cage and print records here; they reach nobody else",
    )
    add_systemd_argument(parser)
    parser.add_argument("--records-fd", type=int, help="inherited socket for records")
    parser.add_argument("--commands-fd", type=int, help="inherited socket for commands")
    parser.add_argument(
        "--switches-fd", type=int, help="inherited line to the process that reads the switches"
    )
    parser.set_defaults(run=run)


def add_media_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that put a recording in the place of the devices."""
    parser.add_argument("--audio", type=Path, help="a sound file instead of the microphone")
    parser.add_argument("--video", type=Path, help="a video file instead of the camera")
    parser.add_argument("--loop", action="store_true", help="play the recording round and round")


def sense_options(audio: Path | None, video: Path | None, *, is_looped: bool) -> list[str]:
    """Return the options that make sensing play a recording.

    Raises:
        InputMissingError: If a file is not there.
        UsageError: If there is nothing to play round and round.
    """
    options: list[str] = []
    for option, path in (("--audio", audio), ("--video", video)):
        if path is not None:
            if not path.is_file():
                raise InputMissingError(f"There is no file {path} to replay.")
            options += [option, str(path.resolve())]
    if is_looped:
        if not options:
            raise UsageError("--loop needs --audio or --video to play round and round.")
        options.append("--loop")
    return options


def run(args: argparse.Namespace) -> int:
    """Build and prove the cage, then sense until told to stop."""
    logging.basicConfig(level=logging.INFO, format="sense: %(message)s", stream=sys.stderr)
    settings = configuration.load(args.config) if args.config else configuration.Config()
    if settings.words.enabled:
        memory.use_c_allocator()
    # Relative paths mean nothing inside the cage.
    args.audio, args.video = (p and p.resolve() for p in (args.audio, args.video))
    if not _is_replay(args):
        policy.check_live(settings)
    notifier = Notifier()
    if args.systemd is not None:
        _take_sockets(args, needs_line=needs_switches(args, settings))
    clock = MonotonicClock()
    oversight = _oversight(args, settings, notifier, clock)
    # Before the cage, inside which control groups have no names.
    allowance = Allowance.here()
    locked = memory.lock()
    ports = _ports(args, settings, oversight)
    daemon = _daemon(args, settings, ports, _Around(oversight.air, allowance), clock)
    log.info("memory: %s, %s", memory.overwrite_freed(), locked)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: daemon.stop())
    notifier.ready()
    run_to_the_end(daemon)
    notifier.stopping()
    return ExitCode.DONE


def run_to_the_end(daemon: SensingDaemon) -> None:
    """Run the daemon; where a device does not close, the process ends here."""
    try:
        daemon.run()
    except DeviceError as error:
        if daemon.is_stuck:
            _end_at_once(error)
        raise


def _end_at_once(error: DeviceError) -> NoReturn:
    """End without what libraries do at the end: they would wait for the device that hangs."""
    print(f"edge-affect: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)


def needs_switches(args: argparse.Namespace, settings: Config) -> bool:
    """Return whether switches or light must be minded: a recording opens no device."""
    return settings.switches.are_used and not _is_replay(args)


def _take_sockets(args: argparse.Namespace, *, needs_line: bool) -> None:
    """Put the sockets of the systemd units in the place of a launcher's.

    Raises:
        UsageError: If systemd passed none.
        UnavailableError: If the one of the publisher is not there.
    """
    args.commands_fd = service.passed_fd(service.COMMANDS)
    args.records_fd = service.connected(args.systemd / service.RECORDS).detach()
    if needs_line:
        line = service.connected(args.systemd / service.SWITCHES, socket.SOCK_SEQPACKET)
        args.switches_fd = line.detach()


def _is_replay(args: argparse.Namespace) -> bool:
    return args.audio is not None or args.video is not None


@dataclass(frozen=True, slots=True)
class _Oversight:
    """Whom sensing answers to."""

    notifier: Notifier
    permission: Permission
    air: Air


def _oversight(
    args: argparse.Namespace, settings: Config, notifier: Notifier, clock: Clock
) -> _Oversight:
    """Return who may mute; a recording needs nobody's consent.

    Raises:
        UsageError: If the box has switches or a light, and nobody minds them.
    """
    if _is_replay(args):
        return _Oversight(notifier, Permission(), FreeAir())
    allowed_hours = AllowedHours(settings.consent, SystemWallClock(), clock)
    if not settings.switches.are_used:
        return _Oversight(notifier, Permission(allowed_hours), FreeAir())
    if args.switches_fd is None:
        raise UsageError(
            "[switches] needs the process that reads them, and --switches-fd to it; "
            "use edge-affect run, or the systemd units."
        )
    air = SwitchedAir(SwitchLine.adopt(args.switches_fd), clock)
    return _Oversight(notifier, Permission(allowed_hours, air), air)


def _ports(args: argparse.Namespace, settings: Config, oversight: _Oversight) -> Ports:
    """Return the ends of the slit; real ones only behind a proven cage."""
    if args.allow_unsandboxed:
        log.warning("no cage: records are printed here and reach nobody else")
        return _make_ports(PrintingOutlet(sys.stdout), None, oversight)
    if args.records_fd is None or args.commands_fd is None:
        raise UsageError(
            "Sensing needs --records-fd and --commands-fd from its launcher; "
            "use edge-affect run, or --allow-unsandboxed to only print."
        )
    walls = _cage_policy(args, settings, oversight.notifier)
    if args.cage:
        cage.enter(walls)
    else:
        cage.close_other_descriptors(walls.keep_fds)
        cage.seal(walls)
    proof = cage.prove()
    log.info("cage proven: %d ways out tried, none works", len(proof.refused))
    outlet = DatagramOutlet(args.records_fd, proof)
    return _make_ports(outlet, CommandInlet(args.commands_fd), oversight)


def _make_ports(
    outlet: DatagramOutlet | PrintingOutlet, commands: CommandInlet | None, oversight: _Oversight
) -> Ports:
    # Imported only now: sensing.daemon brings numpy, whose threads must start inside the cage.
    from edge_affect.sensing.daemon import Ports

    return Ports(outlet, commands, oversight.permission, oversight.notifier)


def _cage_policy(args: argparse.Namespace, settings: Config, notifier: Notifier) -> cage.CagePolicy:
    from edge_affect.own_models import own_models_dirs
    from edge_affect.perception.model_store import user_models_dirs

    media = [path for path in (args.audio, args.video) if path is not None and path.exists()]
    folders = (*user_models_dirs(), *own_models_dirs())
    models = [path for path in folders if path.is_dir()]
    words = settings.words
    models += [Path(p).resolve() for p in (words.model, words.lexicon) if words.enabled and p]
    devices: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    line = () if args.switches_fd is None else (args.switches_fd,)
    if not _is_replay(args) and settings.audio.source == "microphone":
        devices += cage.MICROPHONE_DEVICES
        preload += ("sounddevice",)
    if not _is_replay(args) and settings.video.source in {"camera", "picamera2", "jetson"}:
        devices += cage.CAMERA_DEVICES
        preload += ("picamera2",) if settings.video.source == "picamera2" else ()
    return cage.CagePolicy(
        readable=(*media, *models),
        devices=devices,
        keep_fds=(args.records_fd, args.commands_fd, *line, *notifier.fds),
        preload=preload,
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What the daemon's surroundings allow: the open devices, and how much processor."""

    air: Air
    allowance: Allowance


def _daemon(
    args: argparse.Namespace, settings: Config, ports: Ports, around: _Around, clock: Clock
) -> SensingDaemon:
    from edge_affect.sensing.assembly import build_governor, build_pipeline
    from edge_affect.sensing.daemon import (
        RECORDS_PER_TICK,
        Schedule,
        SensingDaemon,
        workers_over,
    )

    audio, video = _sources(args, settings, clock)
    pipeline = build_pipeline(
        settings, clock, has_sound=audio is not None, has_pictures=video is not None
    )
    schedule = Schedule(
        RECORDS_PER_TICK * settings.publish.tick_hz,
        settings.sensing.no_source_timeout_s,
        args.seconds,
        follows_frames=True,
    )
    is_live = not _is_replay(args)
    workers = workers_over(audio, video, pipeline, clock, around.air, are_live=is_live)
    governor = None
    if is_live:
        governor = build_governor(settings, clock, around.allowance, pipeline, video)
    return SensingDaemon(pipeline, workers, ports, schedule, clock, governor)


def _sources(
    args: argparse.Namespace, settings: Config, clock: Clock
) -> tuple[Source | None, Source | None]:
    if not _is_replay(args):
        from edge_affect.capture.devices import open_audio, open_video

        return open_audio(settings.audio, clock), open_video(settings.video, clock)
    from edge_affect.capture.recording import Playing, recording

    playing = Playing(
        is_paced=True,
        is_looped=args.loop,
        channel=settings.audio.channel,
        frame_rate_hz=settings.video.frame_rate_hz,
    )
    media = recording(args.audio, args.video, clock, playing)
    if media.audio is not None:
        policy.check_channel(settings)
        policy.check_words(settings)
    return media.audio, media.video
