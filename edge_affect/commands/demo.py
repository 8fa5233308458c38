"""``edge-affect demo``: the whole box on a clip, with a broker of its own."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import config as configuration
from edge_affect.broker import LocalBroker
from edge_affect.commands.arguments import port, seconds
from edge_affect.commands.demo_page import DemoPage
from edge_affect.commands.sense import add_media_arguments, sense_options
from edge_affect.dashboard.opening import open_page
from edge_affect.errors import ExitCode, UsageError
from edge_affect.launcher import ProcessPair
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.payload import to_json
from edge_affect.publishing.screen import line, look_of
from edge_affect.publishing.subscriber import watch
from edge_affect.record import bits_per_record
from edge_affect.stop_flag import StopFlag

if TYPE_CHECKING:
    from types import FrameType

CONFIG = """[device]
site = "demo"
name = "box"
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "demo",
        help="show the whole box on a clip",
        description="Starts an MQTT broker, both processes, a reader and a web page. Plays a clip "
        "made from public-domain recordings, or your own files, or live devices.",
        epilog="examples:\n  edge-affect demo --seconds 20\n"
        "  edge-affect demo --video talk.mp4\n"
        "  edge-affect demo --live --config box.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_media_arguments(parser)
    parser.add_argument("--seconds", type=seconds, help="end by itself after this long")
    parser.add_argument("--live", action="store_true", help="microphone and camera, from --config")
    parser.add_argument(
        "--config", type=Path, help="configuration file; the demo brings its own broker"
    )
    parser.add_argument(
        "--port", type=port, default=0, help="port of the broker; default: a free one"
    )
    parser.add_argument("--no-dashboard", action="store_true", help="without the page")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo until its end, Ctrl-C or a failure."""
    logging.basicConfig(level=logging.WARNING, format="demo: %(message)s", stream=sys.stderr)
    for number in _ends():
        signal.signal(number, _unwind)
    if args.live and args.config is None:
        raise UsageError(
            "Live devices need a declared deployment; write one with "
            "edge-affect config init box.toml and add --config box.toml."
        )
    if not args.live and args.video is None and args.audio is None:
        from edge_affect import demo_clip

        args.video, args.audio = demo_clip.ensure(_say)
        args.loop = True
    with LocalBroker(args.port) as broker, tempfile.TemporaryDirectory(prefix="edge-affect-") as d:
        path = args.config
        if path is None:
            path = Path(d) / "demo.toml"
            path.write_text(CONFIG, encoding="utf-8")
        settings = configuration.load(path)
        if settings.mqtt.ca_file or settings.mqtt.tls or settings.mqtt.username:
            raise UsageError(
                f"{path} asks for a broker with TLS or a password, which the demo's own has not; "
                "use edge-affect run for yours."
            )
        _say(f"MQTT broker on 127.0.0.1 port {broker.port}; in another terminal:")
        _say(f"  mosquitto_sub -h 127.0.0.1 -p {broker.port} -t 'edge-affect/#' -v")
        _say(
            f"At most {bits_per_record():.1f} bits leave the cage in a tick, "
            f"at {settings.publish.tick_hz:g} Hz. Ctrl-C ends."
        )
        with nullcontext() if args.no_dashboard else DemoPage(broker.port) as page:
            if page is not None and page.url:
                _say(f"The room as a page: {page.url}")
                open_page(page.url)
            return _show(args, path.resolve(), settings.base_topic, broker.port)


def _ends() -> list[signal.Signals]:
    """Return the signals that end the demo.

    SIGHUP comes when the terminal is closed, which the broker must not outlive; nohup ignores it.
    """
    is_kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([] if is_kept else [signal.SIGHUP])]


def _unwind(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that whatever was started is ended on the way out."""
    raise KeyboardInterrupt


def _show(args: argparse.Namespace, path: Path, base: str, broker_port: int) -> int:
    """Start both processes, print a line per tick, and take everything down."""
    is_over = StopFlag()
    for number in _ends():
        signal.signal(number, is_over.set)
    ends_s = None if args.seconds is None else time.monotonic() + args.seconds
    pair = ProcessPair()
    look = look_of(sys.stdout)
    n_seen = 0
    is_vector_shown = False

    def show(payload: dict[str, Any]) -> None:
        nonlocal n_seen, is_vector_shown
        n_seen += 1
        print(line(payload, look), flush=True)
        if payload["abstained"] is None and not is_vector_shown:
            is_vector_shown = True
            _say(f"This is what one message on {base}/affect says:\n{to_json(payload)}")

    def has_ended() -> bool:
        is_late = ends_s is not None and time.monotonic() >= ends_s
        return is_over.is_set or is_late or pair.poll() is not None

    options = sense_options(args.audio, args.video, is_looped=args.loop)
    broker = ["--host", "127.0.0.1", "--port", str(broker_port)]
    is_live = args.audio is None and args.video is None
    needs_switches = is_live and configuration.load(path).switches.are_used
    pair.start(
        ["--config", str(path), *options],
        ["--config", str(path), *broker],
        ["--config", str(path)] if needs_switches else None,
    )
    try:
        watch(BrokerAccess("127.0.0.1", broker_port), f"{base}/affect", show, has_ended)
    finally:
        code = pair.stop()
    _say(f"{n_seen} messages.")
    return code or ExitCode.DONE


def _say(text: str) -> None:
    print(f"== {text}", flush=True)
