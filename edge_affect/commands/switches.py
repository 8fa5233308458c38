"""``edge-affect switches``: the process that reads the switches and drives the on-air light."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

from edge_affect import config as configuration
from edge_affect import service
from edge_affect.clock import MonotonicClock
from edge_affect.commands.arguments import add_systemd_argument
from edge_affect.errors import ConfigError, ExitCode, UnavailableError, UsageError
from edge_affect.sdnotify import Notifier
from edge_affect.sensing import namespaces
from edge_affect.switch_line import SwitchLine
from edge_affect.switching.daemon import SwitchDaemon
from edge_affect.switching.pins import BoxPins

WAIT_FOR_SENSING_S = 5.0
"""Below the watchdog's period; sensing has called already when systemd starts this process."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "switches",
        help="the process that reads the switches and drives the on-air light",
        description="Reads the mute and consent switches of [switches] and tells sensing; lights "
        "the on-air light before a device opens. Started by run and by systemd.",
        epilog="example:\n  edge-affect switches --config box.toml --line-fd 5",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    add_systemd_argument(parser)
    parser.add_argument("--line-fd", type=int, help="inherited line to sensing")
    parser.add_argument(
        "--cage", action="store_true", help="give up network and capabilities before anything"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Mind switches and light until told to stop, or until sensing has gone."""
    logging.basicConfig(level=logging.INFO, format="switches: %(message)s", stream=sys.stderr)
    settings = configuration.load(args.config)
    if not settings.switches.are_used:
        raise ConfigError(f"{args.config} names no pin in [switches]; there is nothing to mind.")
    if args.cage:
        namespaces.unshare_all()
        namespaces.drop_capabilities()
    notifier = Notifier()
    notifier.ready()
    with tempfile.TemporaryDirectory(prefix="edge-affect-switches-") as folder:
        # lgpio makes named pipes in the folder that this names, else in the working folder.
        os.environ.setdefault("LG_WD", folder)
        line = SwitchLine.adopt(_line_fd(args))
        daemon = SwitchDaemon(lambda: BoxPins(settings.switches), line, MonotonicClock(), notifier)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: daemon.stop())
        daemon.run()
    notifier.stopping()
    return ExitCode.DONE


def _line_fd(args: argparse.Namespace) -> int:
    """Return the line to sensing, waiting for its call where systemd passed the socket.

    Raises:
        UsageError: If nobody passed one.
        UnavailableError: If sensing does not call.
    """
    if args.systemd is None:
        if args.line_fd is None:
            raise UsageError("This process needs --line-fd from its launcher, or --systemd.")
        fd: int = args.line_fd
        return fd
    with socket.socket(fileno=service.passed_fd(service.SWITCHES)) as listener:
        listener.settimeout(WAIT_FOR_SENSING_S)
        try:
            return listener.accept()[0].detach()
        except TimeoutError:
            raise UnavailableError(
                f"Sensing did not call within {WAIT_FOR_SENSING_S:.0f} s; its call starts this "
                "process, nobody else needs to."
            ) from None
