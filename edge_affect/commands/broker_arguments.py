"""Arguments of commands that read at a broker: which one, and which box."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.broker_settings import Mqtt
from edge_affect.errors import UsageError
from edge_affect.subscriber.fleet import split_topic, topic_filter


def add_reader_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, ``--broker``, ``--box`` and ``--wait``."""
    parser.add_argument("--config", type=Path, help="configuration file; its [mqtt] is used")
    parser.add_argument(
        "--broker", metavar="HOST[:PORT]", help="broker, instead of the one in the configuration"
    )
    parser.add_argument("--box", metavar="SITE/DEVICE", help="show this box only; default: all")
    parser.add_argument(
        "--wait", action="store_true", help="start even while the broker is away, and wait for it"
    )


def topic_of(box: str | None) -> str:
    """Return the filter of one box, or of all.

    Raises:
        UsageError: If ``box`` is no site and device.
    """
    if box is None:
        return topic_filter()
    site, _, device = box.partition("/")
    is_name = split_topic(topic_filter(site, device)) is not None and not set(box) & set("+#")
    if not is_name or "/" in device:
        raise UsageError(f"--box {box!r} is no SITE/DEVICE, as in [device] site and name.")
    return topic_filter(site, device)


def mqtt_of(path: Path | None, broker: str | None) -> Mqtt:
    """Return which broker is meant.

    Raises:
        UsageError: If ``broker`` is no name with or without a port.
        ConfigError: If the configuration is wrong.
    """
    mqtt = Mqtt() if path is None else configuration.load(path).mqtt
    if broker is None:
        return mqtt
    host, colon, digits = ("", "", "") if broker.endswith("]") else broker.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, digits = broker, str(mqtt.port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not digits.isdecimal() or not 0 < int(digits) <= 65_535:
        raise UsageError(f"--broker {broker!r} is no HOST or HOST:PORT.")
    return replace(mqtt, host=host, port=int(digits))
