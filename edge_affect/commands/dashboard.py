"""``edge-affect dashboard``: the page that shows what boxes say."""

from __future__ import annotations

import argparse
import logging
import signal
import sys

from edge_affect.commands.arguments import seconds
from edge_affect.commands.broker_arguments import add_reader_arguments, mqtt_of, topic_of
from edge_affect.dashboard.assets import load_assets
from edge_affect.dashboard.hosts import LOOPBACK, is_loopback_address, listen_address, own_names
from edge_affect.dashboard.opening import open_page
from edge_affect.dashboard.server import PageServer, Site
from edge_affect.errors import ExitCode, UsageError
from edge_affect.publishing.access import broker_access
from edge_affect.stop_flag import StopFlag
from edge_affect.subscriber.feed import Feed
from edge_affect.subscriber.fleet import Fleet

PORT = 8770
EPILOG = """\
examples:
  edge-affect dashboard --broker broker.lan
  edge-affect dashboard --config box.toml --box hall/one --open
  edge-affect dashboard --broker broker.lan --listen 0.0.0.0

The page only reads. On 127.0.0.1 nobody but this machine can open it; with --listen anybody who
can reach that address can: there is no password, and what is shown travels in clear. The broker's
user, password and certificates come from [mqtt] in --config.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "dashboard",
        help="a web page that shows what boxes say",
        description="Serves a page that shows one box or a whole fleet: mood, expressions, states, "
        "events, alerts, health and the transparency card. A plain MQTT subscriber.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_reader_arguments(parser)
    parser.add_argument(
        "--listen", metavar="ADDRESS", default=LOOPBACK, help=f"default: {LOOPBACK}"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"of the page; 0: a free one; default: {PORT}"
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="another host name under which browsers may ask for the page",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--seconds", type=seconds, help="end by itself after this long")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, SIGTERM or ``--seconds``."""
    logging.basicConfig(level=logging.WARNING, format="dashboard: %(message)s", stream=sys.stderr)
    address = listen_address(args.listen)
    if not 0 <= args.port <= 65_535:
        raise UsageError(f"--port {args.port} is no port; use 0 to 65535.")
    topic = topic_of(args.box)
    access = broker_access(mqtt_of(args.config, args.broker))
    assets = load_assets()
    is_over = StopFlag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, is_over.set)
    fleet = Fleet()
    names = own_names() | {name.lower() for name in args.name}
    server = PageServer(Site(fleet, assets, access.address, names), address, args.port)
    feed = Feed(access, fleet, topic)
    try:
        if not args.wait:
            feed.connect()
        feed.start()
    except BaseException:
        server.server_close()
        raise
    server.start()
    try:
        _greet(server.url, address)
        if args.open:
            open_page(server.url)
        is_over.wait(args.seconds)
    finally:
        server.stop()
        feed.stop()
    return ExitCode.DONE


def _greet(url: str, address: str) -> None:
    print(f"The page is at {url}  Ctrl-C ends.", flush=True)
    if not is_loopback_address(address):
        print(
            "Anybody who can reach this machine's network can open it: it has no password, and "
            "what it shows travels in clear.",
            file=sys.stderr,
            flush=True,
        )
