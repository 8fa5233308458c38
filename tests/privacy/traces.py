"""Where a process might leave something: files, shared mappings, its own memory."""

import os
import stat
from pathlib import Path

import numpy as np

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MAX_FILE_BYTES = 64 << 20
EVERYWHERE = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log", "/var/lib")


def files_changed_since(start_s, folders, apart_from):
    """Return the regular files below some folders that were written after a moment."""
    found = []
    for folder in folders:
        for place, below, names in os.walk(folder):
            # What the kernel shows of processes is no file, not even in somebody's chroot.
            below[:] = [name for name in below if not os.path.ismount(Path(place) / name)]
            if any(Path(place).is_relative_to(path) for path in apart_from):
                continue
            for name in names:
                path = Path(place) / name
                try:
                    state = path.lstat()
                except OSError:  # it belongs to somebody else, who removed it
                    continue
                is_file = stat.S_ISREG(state.st_mode)
                if is_file and state.st_ctime >= start_s and state.st_size <= MAX_FILE_BYTES:
                    found.append(path)
    return found


def mappings(pid, is_wanted):
    """Yield the content of those mappings of a process that ``is_wanted(permissions, path)``."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with (
        Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory,
        Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pages,
    ):
        for line in lines:
            words = line.split(maxsplit=5)
            if not is_wanted(words[1], words[5] if len(words) > 5 else ""):
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            yield from _present(memory, pages, start, end)


def _present(memory, pages, start, end):
    """Yield runs of pages that exist; the others of a large empty mapping are left out."""
    pages.seek(start // PAGE_BYTES * 8)
    entries = np.frombuffer(pages.read((end - start) // PAGE_BYTES * 8), np.uint64)
    exists = ((entries >> np.uint64(62)) > 0).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], exists, [0]))))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        memory.seek(start + int(first) * PAGE_BYTES)
        try:
            yield memory.read(int(last - first) * PAGE_BYTES)
        except OSError:  # it was unmapped meanwhile
            continue


def is_shared_file(permissions, path):
    return permissions.startswith("rw") and permissions[3] == "s" and path.startswith("/")


def is_own_memory(permissions, path):
    return permissions.startswith("rw") and permissions[3] == "p" and path != "[vvar]"
