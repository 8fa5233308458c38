"""``edge-affect publish``: the process that has the network."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect import config as configuration
from edge_affect import service
from edge_affect.commands.arguments import add_systemd_argument, port, seconds
from edge_affect.errors import ExitCode, UsageError
from edge_affect.publishing.daemon import Limits, Publisher
from edge_affect.publishing.inlet import inherited_socket

if TYPE_CHECKING:
    from types import FrameType

    from edge_affect.config import Config

EPILOG = """\
example:
  edge-affect publish --config box.toml --records-fd 5 --commands-fd 6

Usually `edge-affect run` starts this process and hands over both sockets.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "publish",
        help="send records to the MQTT broker (the process with the network)",
        description="Take affect records from a socket, stamp them and publish them over MQTT.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    add_systemd_argument(parser)
    parser.add_argument("--records-fd", type=int, help="inherited datagram socket of records")
    parser.add_argument(
        "--commands-fd", type=int, help="inherited datagram socket for commands towards sensing"
    )
    parser.add_argument("--seconds", type=seconds, help="end after this long")
    parser.add_argument(
        "--give-up",
        type=seconds,
        metavar="SECONDS",
        help="end with exit code 69 when the broker is away for this long; default: never",
    )
    parser.add_argument("--host", help="broker, instead of the one in the configuration")
    parser.add_argument(
        "--port", type=port, help="its port, instead of the one in the configuration"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Publish until SIGTERM, Ctrl-C or ``--seconds``."""
    logging.basicConfig(format="publish: %(message)s", level=logging.INFO)
    config = _with_broker(configuration.load(args.config), args.host, args.port)
    records, commands = _sockets(args)
    publisher = Publisher(config, records, commands, Limits(args.seconds, args.give_up))

    def stop(_number: int, _frame: FrameType | None) -> None:
        publisher.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    publisher.run()
    return ExitCode.DONE


def _sockets(args: argparse.Namespace) -> tuple[socket.socket, socket.socket | None]:
    """Return where records come from, and where commands go to if anywhere.

    Raises:
        UsageError: If nobody passed the socket of records.
        UnavailableError: If the socket of sensing is not there.
    """
    if args.systemd is not None:
        records = inherited_socket(service.passed_fd(service.RECORDS), "LISTEN_FDS: descriptor")
        return records, service.connected(args.systemd / service.COMMANDS)
    if args.records_fd is None:
        raise UsageError(
            "Publishing needs --records-fd from its launcher, or --systemd; use edge-affect run."
        )
    records = inherited_socket(args.records_fd, "--records-fd")
    if args.commands_fd is None:
        return records, None
    return records, inherited_socket(args.commands_fd, "--commands-fd")


def _with_broker(config: Config, host: str | None, port: int | None) -> Config:
    mqtt = config.mqtt
    if host is not None:
        mqtt = replace(mqtt, host=host)
    if port is not None:
        mqtt = replace(mqtt, port=port)
    return replace(config, mqtt=mqtt)
