"""``edge-affect watch``: what boxes say, in a terminal."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from edge_affect.commands.arguments import seconds
from edge_affect.commands.broker_arguments import add_reader_arguments, mqtt_of, topic_of
from edge_affect.errors import ExitCode
from edge_affect.publishing.access import broker_access
from edge_affect.publishing.screen import look_of
from edge_affect.stop_flag import StopFlag
from edge_affect.subscriber.feed import Feed
from edge_affect.subscriber.fleet import Fleet
from edge_affect.terminal.lines import LineFleet
from edge_affect.terminal.screen import Screen
from edge_affect.terminal.viewer import Viewer

if TYPE_CHECKING:
    from edge_affect.publishing.access import BrokerAccess

EPILOG = """\
examples:
  edge-affect watch --broker broker.lan
  edge-affect watch --config box.toml --box hall/one
  edge-affect watch --broker broker.lan | tee log.txt

It only reads. The broker's user, password and certificates come from [mqtt] in --config. Where
standard output is no terminal, or with --lines, it prints a line for each thing that is said.
NO_COLOR=1 switches colours off.
"""
LOOK_AROUND_S = 0.5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "watch",
        help="show what boxes say, in a terminal",
        description="Shows one box or a whole fleet: mood, expressions over time, states, events, "
        "alerts and health, and plainly when nothing is known. A plain MQTT subscriber.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_reader_arguments(parser)
    parser.add_argument("--lines", action="store_true", help="print lines, even on a terminal")
    parser.add_argument("--seconds", type=seconds, help="end by itself after this long")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show until Ctrl-C, SIGTERM, ``q`` or ``--seconds``."""
    topic = topic_of(args.box)
    access = broker_access(mqtt_of(args.config, args.broker))
    is_over = StopFlag()
    is_dumb = os.environ.get("TERM", "dumb") == "dumb"
    if args.lines or is_dumb or not sys.stdout.isatty():
        return _print_lines(args, access, topic, is_over)
    fleet = Fleet()
    feed = Feed(access, fleet, topic)
    if not args.wait:
        feed.connect()
    look = look_of(sys.stdout)
    viewer = Viewer(fleet, access.address, args.box, look)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: viewer.stop())
    feed.start()
    try:
        viewer.run(Screen(sys.stdout, look), args.seconds)
    finally:
        feed.stop()
    return ExitCode.DONE


def _print_lines(
    args: argparse.Namespace, access: BrokerAccess, topic: str, is_over: StopFlag
) -> int:
    lock = threading.Lock()
    failures: list[OSError] = []

    def say(text: str) -> None:
        with lock:
            try:
                print(text, flush=True)
            except OSError as error:
                # In the thread of the feed nobody would see it: the reader of our output is gone.
                failures.append(error)
                is_over.set()

    fleet = LineFleet(say, look_of(sys.stdout))
    feed = Feed(access, fleet, topic)
    if not args.wait:
        feed.connect()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, is_over.set)
    feed.start()
    ends_s = None if args.seconds is None else time.monotonic() + args.seconds
    try:
        while not is_over.wait(LOOK_AROUND_S):
            now_s = time.monotonic()
            fleet.look_around(now_s)
            if ends_s is not None and now_s >= ends_s:
                break
    finally:
        feed.stop()
    if failures:
        raise failures[0]
    return ExitCode.DONE
