"""Writing a file so that its name never stands for half of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge_affect.errors import CannotWriteError

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file, or leave what was there.

    Args:
        path: In a folder that is there.
        content: Of the file.
        mode: Who may do what with it, from its first byte on; less what the umask takes away.

    Raises:
        CannotWriteError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be written: {error.strerror}.") from None
