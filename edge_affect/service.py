"""What a service manager hands a process: sockets by name, folders of sockets, secrets.

Under ``run`` the launcher passes descriptors on the command line; under systemd a ``.socket`` unit
owns a path that one user alone may write to, and passes the listening end in the environment.
Standard library only; both processes use it before anything else.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from edge_affect.errors import ConfigError, UnavailableError, UsageError

SOCKETS_FOLDER = Path("/run/edge-affect")
"""Where the ``.socket`` units put their sockets."""
RECORDS = "records"
COMMANDS = "commands"
SWITCHES = "switches"
"""File names below the folder, and ``FileDescriptorName=`` of the units."""
FIRST_PASSED_FD = 3
"""Where sd_listen_fds(3) begins to count."""


def passed_fd(name: str, environment: Mapping[str, str] | None = None) -> int:
    """Return the descriptor of the socket that systemd passed under ``name``.

    Args:
        name: Its ``FileDescriptorName=``.
        environment: Variables to read instead of the process's own.

    Raises:
        UsageError: If this process was passed no socket of that name.
    """
    variables = os.environ if environment is None else environment
    try:
        is_meant = int(variables.get("LISTEN_PID", "")) == os.getpid()
        n_passed = int(variables.get("LISTEN_FDS", ""))
    except ValueError:
        is_meant, n_passed = False, 0
    names = variables.get("LISTEN_FDNAMES", "").split(":")[:n_passed]
    if not is_meant or names.count(name) != 1:
        raise UsageError(
            f"systemd passed no socket called {name!r}; start this process by its .socket and "
            ".service units, or use edge-affect run."
        )
    return FIRST_PASSED_FD + names.index(name)


def connected(path: Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    """Return a Unix socket connected to a path of a ``.socket`` unit.

    Raises:
        UnavailableError: If nobody listens there, or this user may not send there.
    """
    sock = socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC)
    try:
        sock.connect(str(path))
    except OSError as error:
        sock.close()
        raise UnavailableError(
            f"The socket {path} cannot be reached ({error.strerror}); its .socket unit makes it."
        ) from None
    return sock


def credential(name: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the file of a secret that systemd passed (``LoadCredential=``), or None.

    An empty one counts as none: the unit needs a file, the broker may need no password.

    Raises:
        ConfigError: If it is there but cannot be read.
    """
    variables = os.environ if environment is None else environment
    folder = variables.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / name
    try:
        return path if folder and path.is_file() and path.stat().st_size else None
    except OSError as error:
        raise ConfigError(f"The credential {name} cannot be read: {error.strerror}.") from None
