"""Which outbox a configuration asks for: memory, a spool on disk, or memory in its stead."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.config import SPOOL_BYTES_PER_RECORD
from edge_affect.errors import CannotWriteError
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.ring import FileDisk
from edge_affect.publishing.spool import Spool
from edge_affect.publishing.spool_start import disk_state, is_disk_trouble

if TYPE_CHECKING:
    from edge_affect.config import Publish
    from edge_affect.publishing.ring import Disk

LOG = logging.getLogger("edge_affect.publishing")
FILE_NAME = "unsent.spool"


class MemoryOnly(Outbox):
    """An outbox in memory because the disk of the spool could not be used at the start.

    Args:
        capacity: Entries held at most, >= 1.
        state: What is wrong with the disk.
    """

    def __init__(self, capacity: int, state: str) -> None:
        super().__init__(capacity)
        self._state = state

    @property
    def spool(self) -> str:
        """How the disk is doing."""
        return self._state


def outbox_for(publish: Publish) -> Outbox:
    """Return the outbox that a configuration asks for.

    Raises:
        CannotWriteError: If the folder is not there or not this process's own, or another process
            uses it.
    """
    if not publish.spool_dir:
        return Outbox(publish.queue_size)
    path = Path(publish.spool_dir) / FILE_NAME
    n_slots = publish.spool_max_mb * 1_000_000 // SPOOL_BYTES_PER_RECORD
    try:
        return _opened(FileDisk(path), n_slots, publish.queue_size)
    except CannotWriteError:
        raise
    except OSError as error:
        if not is_disk_trouble(error):
            raise CannotWriteError(
                f"The spool {path} cannot be used ({error.strerror}); make the folder for this "
                "user, or change [publish] spool_dir."
            ) from None
        LOG.warning(
            "the spool cannot be used (%s); unsent records wait in memory until the next start",
            error.strerror,
        )
        return MemoryOnly(publish.queue_size, disk_state(error))


def _opened(disk: Disk, n_slots: int, capacity: int) -> Spool:
    try:
        return Spool(disk, n_slots, capacity)
    except BaseException:
        disk.close()
        raise
