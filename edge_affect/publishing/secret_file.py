"""Files that hold a secret: nobody but their owner may touch them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from edge_affect.errors import ConfigError, InputMissingError

if TYPE_CHECKING:
    from pathlib import Path


def check_private(path: Path, what: str) -> None:
    """Refuse a secret that is not there or that others can read or write.

    Args:
        path: The file.
        what: What it is, for the message, such as "password file".

    Raises:
        InputMissingError: If there is no such file.
        ConfigError: If others can touch it, or it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputMissingError(f"There is no {what} {path} (see [mqtt]).") from None
    except OSError as error:
        raise ConfigError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"Others can read the {what} {path}; run: chmod 600 {path}")
