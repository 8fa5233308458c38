"""The file of the spool: a ring of slots of one size that neither a power cut nor rot confuses.

A slot holds one stamped record and lies within one sector of the disk. It carries its own position
and a checksum, so that whatever a power cut leaves is either there or not. Two copies of the header
are written in turn. Space is filled with zeros before it is used: writing a slot then changes no
metadata, and costs one page.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from edge_affect.errors import CannotWriteError, RecordError
from edge_affect.publishing.outbox import PACKED_BYTES, Entry, unpack
from edge_affect.publishing.payload import Gap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOT_BYTES = 64
PAGE_BYTES = 4096
HEADER_BYTES = 2 * PAGE_BYTES
"""A page for each copy of the header; the slots follow."""
GROWTH_BYTES = 4 * PAGE_BYTES
_SCAN_BYTES = 1 << 16
_MAGIC = b"EASPOOL1"
_SLOT = struct.Struct(f">xII{PACKED_BYTES}sI6s6s")
_HEADER = struct.Struct(">8sQIIIIQ?I6s6s")
_CRC = struct.Struct(">I")
_UNKNOWN = 0xFFFFFFFF
_NO_TIME = b"\xff" * 6


class Disk(Protocol):
    """A file, so that tests can hold one that fills up, fails or loses power."""

    def read(self, n_bytes: int, offset: int) -> bytes:
        """Return up to ``n_bytes``; fewer at the end of the file."""

    def write(self, data: bytes, offset: int) -> None:
        """Write all of ``data``."""

    def sync(self) -> None:
        """Return when everything written is on the medium."""

    def size(self) -> int:
        """Return the size in bytes."""

    def truncate(self, n_bytes: int) -> None:
        """Cut the file."""

    def close(self) -> None:
        """Let go of the file."""


class FileDisk:
    """A real file, locked against every other process.

    Args:
        path: Of the file; it is made where it is missing, readable by its owner alone.

    Raises:
        CannotWriteError: If another process has it open.
        OSError: If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise CannotWriteError(
                f"Another process uses the spool {path}; stop it, or give this box another folder "
                "in [publish] spool_dir."
            ) from None

    def read(self, n_bytes: int, offset: int) -> bytes:
        """Return up to ``n_bytes``; fewer at the end of the file."""
        return os.pread(self._fd, n_bytes, offset)

    def write(self, data: bytes, offset: int) -> None:
        """Write all of ``data``."""
        while data:
            n_written = os.pwrite(self._fd, data, offset)
            data, offset = data[n_written:], offset + n_written

    def sync(self) -> None:
        """Return when data, and the size if it changed, are on the medium."""
        os.fdatasync(self._fd)

    def size(self) -> int:
        """Return the size in bytes."""
        return os.fstat(self._fd).st_size

    def truncate(self, n_bytes: int) -> None:
        """Cut the file."""
        os.ftruncate(self._fd, n_bytes)

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class Header:
    """What the file knows besides its slots.

    Attributes:
        counter: Grows with each write; the higher of two copies counts.
        generation: Grows when the ring is emptied; slots of another one are nothing.
        n_slots: Size of the ring.
        head: Position of the oldest entry that is not delivered.
        tail: Position after the newest entry, or less after a power cut.
        ceiling: No sequence number from here on was ever used.
        is_clean: Whether the last user closed the file.
        gap: What was dropped directly before the entry at ``head``.
    """

    counter: int = 0
    generation: int = 1
    n_slots: int = 1
    head: int = 0
    tail: int = 0
    ceiling: int = 0
    is_clean: bool = True
    gap: Gap | None = None


def _sealed(body: bytes) -> bytes:
    return body + _CRC.pack(zlib.crc32(body))


def _unsealed(data: bytes, n_bytes: int) -> bytes | None:
    """Return what ``_sealed`` was given, or None if it is not whole."""
    body, seal = data[:n_bytes], data[n_bytes : n_bytes + _CRC.size]
    is_whole = len(body) == n_bytes and seal == _CRC.pack(zlib.crc32(body))
    return body if is_whole else None


def _packed_gap(gap: Gap | None) -> tuple[int, bytes, bytes]:
    if gap is None:
        return 0, b"", b""
    n_messages = _UNKNOWN if gap.n_messages is None else min(gap.n_messages, _UNKNOWN - 1)
    since = _NO_TIME if gap.since_ms is None else gap.since_ms.to_bytes(6, "big")
    return n_messages, since, gap.until_ms.to_bytes(6, "big")


def _unpacked_gap(n_messages: int, since: bytes, until: bytes) -> Gap | None:
    if n_messages == 0:
        return None
    return Gap(
        None if n_messages == _UNKNOWN else n_messages,
        None if since == _NO_TIME else int.from_bytes(since, "big"),
        int.from_bytes(until, "big"),
    )


class Ring:
    """The entries of one file, by position; whoever owns it keeps within ``capacity``.

    Positions grow by one with each entry; ``head`` to ``tail - 1`` are in the ring.

    Args:
        disk: The file.
        n_slots: Entries it may hold, >= 1.

    Raises:
        OSError: If the file cannot be read.
    """

    def __init__(self, disk: Disk, n_slots: int) -> None:
        self._disk = disk
        self._size = disk.size()
        self.capacity = n_slots
        found = self._headers()
        self.is_damaged = found is None and self._size > 0
        header = found or Header(n_slots=n_slots, is_clean=self._size == 0)
        self.first_sequence = header.ceiling
        extents = self._scan(header.n_slots, header.head)
        if self.is_damaged and extents:
            header = replace(header, generation=max(extents), tail=0)
        self._header = header
        self.head, self.tail, self.gap = header.head, header.tail, header.gap
        if header.generation in extents:
            first, last, n_whole = extents[header.generation]
            self.tail = max(self.tail, last + 1)
            if self.is_damaged:
                self.head = first
        else:
            n_whole = 0
        self.head = max(self.head, self.tail - header.n_slots)
        self.n_bad = max(0, self.tail - self.head - n_whole)
        self.was_clean = header.is_clean
        self.capacity = min(n_slots, header.n_slots)
        self._wanted_slots = n_slots

    def _headers(self) -> Header | None:
        """Return the newer of the copies that are whole, or None."""
        found = []
        for offset in (0, PAGE_BYTES):
            body = _unsealed(self._disk.read(_HEADER.size + _CRC.size, offset), _HEADER.size)
            if body is not None and body.startswith(_MAGIC):
                _, counter, generation, n_slots, head, tail, ceiling, is_clean, *gap = (
                    _HEADER.unpack(body)
                )
                found.append(
                    Header(
                        counter, generation, n_slots, head, tail, ceiling, is_clean,
                        _unpacked_gap(*gap),
                    )
                )  # fmt: skip
        return max(found, key=lambda header: header.counter, default=None)

    def _scan(self, n_slots: int, head: int) -> dict[int, tuple[int, int, int]]:
        """Return the lowest and highest position of each generation, and how many from ``head`` on.

        The highest sequence number is noted, too.
        """
        extents: dict[int, tuple[int, int, int]] = {}
        for index, data in self._slots():
            body = _unsealed(data, _SLOT.size)
            if body is None:
                continue
            generation, at, packed, *_ = _SLOT.unpack(body)
            if at % n_slots != index:
                continue
            first, last, n_whole = extents.get(generation, (at, at, 0))
            extents[generation] = (min(first, at), max(last, at), n_whole + (at >= head))
            sequence = int.from_bytes(packed[8:16], "big")
            self.first_sequence = max(self.first_sequence, sequence + 1)
        return extents

    def _slots(self) -> Iterator[tuple[int, bytes]]:
        for start in range(HEADER_BYTES, self._size, _SCAN_BYTES):
            block = self._disk.read(_SCAN_BYTES, start)
            for offset in range(0, len(block), SLOT_BYTES):
                index = (start - HEADER_BYTES + offset) // SLOT_BYTES
                yield index, block[offset : offset + SLOT_BYTES]

    @property
    def is_blank(self) -> bool:
        """Whether the file holds no slots at all, used or not."""
        return self._size <= HEADER_BYTES

    def _offset(self, at: int) -> int:
        return HEADER_BYTES + at % self._header.n_slots * SLOT_BYTES

    def append(self, entry: Entry) -> int:
        """Write an entry and return its position; there must be room.

        Raises:
            OSError: If it cannot be written; nothing has changed then.
        """
        offset = self.extend()
        body = _SLOT.pack(self._header.generation, self.tail, entry.packed, *_packed_gap(entry.gap))
        self._disk.write(_sealed(body), offset)
        self.tail += 1
        return self.tail - 1

    def extend(self) -> int:
        """Make sure that the next slot has its space on disk, and return where it begins.

        Raises:
            OSError: If there is no space; nothing has changed then.
        """
        offset = self._offset(self.tail)
        if offset + SLOT_BYTES > self._size:
            whole = HEADER_BYTES + self._header.n_slots * SLOT_BYTES
            start = max(self._size, HEADER_BYTES)
            end = min(max(offset + SLOT_BYTES, start + GROWTH_BYTES), max(whole, offset))
            # Page by page: of a larger piece in the cache the kernel may count, and a file system
            # write, the whole whenever 64 bytes of it change.
            for page in range(start, end, PAGE_BYTES):
                self._disk.write(bytes(min(PAGE_BYTES, end - page)), page)
            self._size = end
        return offset

    def read(self, at: int) -> Entry | None:
        """Return the entry at a position, or None if it cannot be read."""
        try:
            body = _unsealed(self._disk.read(SLOT_BYTES, self._offset(at)), _SLOT.size)
            if body is None:
                return None
            generation, found, packed, *gap = _SLOT.unpack(body)
            if (generation, found) != (self._header.generation, at):
                return None
            unpack(packed)
            return Entry(packed, _unpacked_gap(*gap), is_late=True)
        except (OSError, RecordError, ValueError):
            # A rotten sector, or a whole slot of something that is no record of ours.
            return None

    def save(self, ceiling: int, *, is_clean: bool = False) -> None:
        """Write the header.

        Raises:
            OSError: If it cannot be written.
        """
        self._write(self._header, ceiling, is_clean=is_clean)

    def _write(self, base: Header, ceiling: int, *, is_clean: bool) -> None:
        header = replace(
            base, counter=base.counter + 1, head=self.head, tail=self.tail, ceiling=ceiling,
            is_clean=is_clean, gap=self.gap,
        )  # fmt: skip
        body = _HEADER.pack(
            _MAGIC, header.counter, header.generation, header.n_slots, header.head, header.tail,
            header.ceiling, header.is_clean, *_packed_gap(header.gap),
        )  # fmt: skip
        self._disk.write(_sealed(body), header.counter % 2 * PAGE_BYTES)
        self._header = header
        self._size = max(self._size, self._disk.size())

    def reset(self, ceiling: int, *, is_clean: bool = False) -> None:
        """Empty the file, so that nothing delivered stays on the disk.

        Raises:
            OSError: If it cannot be written.
        """
        header = replace(
            self._header, generation=self._header.generation + 1, n_slots=self._wanted_slots
        )
        self.head = self.tail = 0
        self.gap = None
        self._write(header, ceiling, is_clean=is_clean)
        self.capacity = self._wanted_slots
        self.sync()
        self._disk.truncate(HEADER_BYTES)
        self._size = HEADER_BYTES

    def sync(self) -> None:
        """Return when everything written is on the medium.

        Raises:
            OSError: If the medium says that it is not.
        """
        self._disk.sync()

    def close(self) -> None:
        """Let go of the file."""
        self._disk.close()
