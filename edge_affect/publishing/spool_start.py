"""The start of a spool: what an earlier run has left, and whether its disk can be used at all."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from edge_affect.publishing.payload import Gap

if TYPE_CHECKING:
    from edge_affect.publishing.ring import Ring

LOG = logging.getLogger("edge_affect.publishing")
_STATES = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EROFS: "read-only",
}


def disk_state(error: OSError) -> str:
    """Return what an error says of the disk: full, read-only or failed.

    >>> disk_state(OSError(errno.ENOSPC, "")), disk_state(OSError(errno.EIO, ""))
    ('full', 'failed')
    """
    return _STATES.get(error.errno or 0, "failed")


def is_disk_trouble(error: OSError) -> bool:
    """Return whether the disk is at fault, and not the configuration: memory can stand in."""
    return error.errno in (*_STATES, errno.EIO)


def recover(ring: Ring, ceiling: int) -> Gap | None:
    """Say what an earlier run has left, and mark the file as in use.

    Args:
        ring: As it was found; an empty one is emptied for good.
        ceiling: Sequence numbers up to this are set aside for this run.

    Returns:
        What the first record of this run tells: a loss that nobody has told or can know.

    Raises:
        OSError: If the file cannot be written.
    """
    if ring.is_damaged:
        LOG.warning("the spool is damaged; read what could be: %d", ring.tail - ring.head)
    elif ring.n_bad:
        LOG.warning("the spool has entries that cannot be read: %d", ring.n_bad)
    orphan = None if ring.was_clean else Gap(None, None, 0)
    if ring.head == ring.tail:
        orphan = ring.gap if orphan is None else orphan
        ring.reset(ceiling)
    else:
        LOG.info("unsent records of an earlier run: %d", ring.tail - ring.head)
        ring.save(ceiling)
    ring.sync()
    return orphan
