"""How to reach the broker: address, credentials, encryption; checked before anything is sent."""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.errors import ConfigError, InputMissingError
from edge_affect.publishing.secret_file import check_private
from edge_affect.publishing.tls import tls_context
from edge_affect.service import credential

if TYPE_CHECKING:
    import ssl

    from edge_affect.broker_settings import Mqtt

LOG = logging.getLogger("edge_affect.publishing")
PASSWORD_CREDENTIAL = "edge-affect.mqtt-password"  # noqa: S105 (the name of a systemd credential)
"""Used where ``[mqtt] username`` is set and ``password_file`` is not."""


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Everything a client needs to connect.

    Attributes:
        host: Name or address of the broker.
        port: TCP port, 1 to 65535.
        username: Empty for none.
        password: Empty for none; never shown.
        tls: Context that checks the broker's certificate and name, or None for plain TCP.
        keepalive_s: MQTT keep-alive, >= 5.
        is_clear_allowed: Whether the password may go to another machine without TLS.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    keepalive_s: int = 30
    is_clear_allowed: bool = False

    def __post_init__(self) -> None:
        if self.is_password_in_clear and not self.is_clear_allowed:
            raise ConfigError(
                f"The password would travel in clear to {self.host}; set [mqtt] ca_file for TLS, "
                "use a broker on this machine, or say allow_cleartext_password = true."
            )

    @property
    def is_password_in_clear(self) -> bool:
        """Whether others on the network could read the password."""
        return bool(self.password) and self.tls is None and not is_loopback(self.host)

    @property
    def address(self) -> str:
        """Return host and port as people write them."""
        return f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is surely this machine; other names are not looked up.

    >>> is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("broker.lan")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def broker_access(mqtt: Mqtt) -> BrokerAccess:
    """Return the access that a configuration describes, files read and checked.

    Raises:
        InputMissingError: If the password or a certificate's file is not there.
        ConfigError: If one of them cannot be used, or the password would travel in clear.
    """
    secret = credential(PASSWORD_CREDENTIAL) if mqtt.username else None
    if mqtt.password_file:
        password = _password(Path(mqtt.password_file))
    else:
        # systemd itself lets nobody else see it, by an access list that looks like a wide mode
        password = "" if secret is None else _first_line(secret)
    access = BrokerAccess(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=password,
        tls=tls_context(mqtt),
        keepalive_s=mqtt.keepalive_s,
        is_clear_allowed=mqtt.allow_cleartext_password,
    )
    if access.is_password_in_clear:
        LOG.warning("the password travels in clear to %s, as the configuration allows", access.host)
    return access


def _password(path: Path) -> str:
    """Return the first line of the password file, which nobody else may read."""
    check_private(path, "password file")
    return _first_line(path)


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputMissingError(
            f"There is no password file {path} ([mqtt] password_file)."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The password file {path} cannot be read: {_reason(error)}.") from None
    if not lines or not lines[0]:
        raise ConfigError(
            f"The password file {path} is empty; write the password into its first line."
        )
    return lines[0]


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
