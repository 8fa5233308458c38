"""The table ``[mqtt]``: which broker, and how to be let in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_affect.errors import ConfigError, shown
from edge_affect.keys import key

BROKER_HOST = r"[A-Za-z0-9._:%-]{1,253}"
"""A name, or an address of either kind, with its zone; no URL and no brackets."""


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The broker."""

    host: str = key("localhost", "name or address of the broker")
    port: int = key(1883, "TCP port", low=1, high=65_535)
    username: str = key("", "empty for none")
    password_file: str = key("", "file that holds the password, readable by the publisher only")
    tls: bool = key(False, "TLS; where ca_file is empty, with the authorities of this system")  # noqa: FBT003 (the default comes first for every key)
    ca_file: str = key("", "certificate authority; switches TLS on")
    cert_file: str = key("", "certificate of this box, where the broker asks for one")
    key_file: str = key("", "its private key, readable by the publisher only")
    allow_cleartext_password: bool = key(
        False,  # noqa: FBT003 (as above)
        "send the password without TLS even to another machine",
    )
    keepalive_s: int = key(30, "MQTT keep-alive", unit="s", low=5, high=3600)


def check_mqtt(mqtt: Mqtt) -> None:
    """Check what no single key shows.

    Raises:
        ConfigError: If the host is no name and no address, or a private key has no certificate.
    """
    if not re.fullmatch(BROKER_HOST, mqtt.host):
        raise ConfigError(
            f"[mqtt] host is {shown(mqtt.host)}; it must be a name or an address alone, such as "
            '"broker.local"; the port stands under port, TLS under tls.'
        )
    if mqtt.key_file and not mqtt.cert_file:
        raise ConfigError("[mqtt] key_file is set and cert_file is not; set both, or neither.")
