"""Which ``Host`` a request may name.

A page of somebody else may let its own name point at this machine and then read what a browser
here gets to see (DNS rebinding). Such a request names the stranger's host; an address cannot be
made to point elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from edge_affect.errors import UsageError

LOOPBACK = "127.0.0.1"


def is_loopback_address(address: str) -> bool:
    """Return whether only this machine can reach ``address``."""
    return ipaddress.ip_address(address).is_loopback


def listen_address(text: str) -> str:
    """Return an address to listen on.

    Raises:
        UsageError: If it is no IP address.

    >>> listen_address("localhost"), listen_address("::1")
    ('127.0.0.1', '::1')
    """
    if text == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise UsageError(
            f"--listen {text!r} is no IP address; 0.0.0.0 stands for all of this machine's."
        ) from None


def own_names() -> frozenset[str]:
    """Return the names this machine is called by on its network."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name}.local"}) if name else frozenset({"localhost"})


def is_allowed(header: str | None, names: frozenset[str]) -> bool:
    """Return whether a request with this ``Host`` is for us.

    Args:
        header: As received, with or without a port; None where there is none.
        names: Names, in lower case, that are ours; addresses always are.

    >>> ours = frozenset({"localhost", "box.local"})
    >>> [is_allowed(h, ours) for h in ("127.0.0.1:80", "[::1]:80", "box.LOCAL", "evil.example")]
    [True, True, True, False]
    """
    if not header:
        return False
    try:
        host = urlsplit(f"//{header}").hostname
    except ValueError:
        return False
    if not host:
        return False
    if host.rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
