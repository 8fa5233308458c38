"""``edge-affect dashboard``: the page that shows what boxes say."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.commands.arguments import seconds
from edge_affect.config import Mqtt
from edge_affect.dashboard.assets import load_assets
from edge_affect.dashboard.hosts import LOOPBACK, is_loopback_address, listen_address, own_names
from edge_affect.dashboard.opening import open_page
from edge_affect.dashboard.server import PageServer, Site
from edge_affect.errors import ExitCode, UsageError
from edge_affect.publishing.access import broker_access
from edge_affect.subscriber.feed import Feed
from edge_affect.subscriber.fleet import Fleet, split_topic, topic_filter

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
    parser.add_argument("--config", type=Path, help="configuration file; its [mqtt] is used")
    parser.add_argument(
        "--broker", metavar="HOST[:PORT]", help="broker, instead of the one in the configuration"
    )
    parser.add_argument("--box", metavar="SITE/DEVICE", help="show this box only; default: all")
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
    parser.add_argument(
        "--wait", action="store_true", help="start even while the broker is away, and wait for it"
    )
    parser.add_argument("--seconds", type=seconds, help="end by itself after this long")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, SIGTERM or ``--seconds``."""
    logging.basicConfig(level=logging.WARNING, format="dashboard: %(message)s", stream=sys.stderr)
    address = listen_address(args.listen)
    if not 0 <= args.port <= 65_535:
        raise UsageError(f"--port {args.port} is no port; use 0 to 65535.")
    topic = _topic(args.box)
    access = broker_access(_mqtt(args.config, args.broker))
    assets = load_assets()
    is_over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: is_over.set())
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


def _topic(box: str | None) -> str:
    if box is None:
        return topic_filter()
    site, _, device = box.partition("/")
    is_name = split_topic(topic_filter(site, device)) is not None and not set(box) & set("+#")
    if not is_name or "/" in device:
        raise UsageError(f"--box {box!r} is no SITE/DEVICE, as in [device] site and name.")
    return topic_filter(site, device)


def _mqtt(path: Path | None, broker: str | None) -> Mqtt:
    """Return which broker is meant.

    Raises:
        UsageError: If ``broker`` is no name with or without a port.
        ConfigError: If the configuration is wrong.
    """
    mqtt = Mqtt() if path is None else configuration.load(path).mqtt
    if broker is None:
        return mqtt
    host, colon, digits = broker.rpartition(":") if not broker.endswith("]") else (broker, "", "")
    if not colon or (":" in host and not host.endswith("]")):
        host, digits = broker, str(mqtt.port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not digits.isdecimal() or not 0 < int(digits) <= 65_535:
        raise UsageError(f"--broker {broker!r} is no HOST or HOST:PORT.")
    return replace(mqtt, host=host, port=int(digits))
