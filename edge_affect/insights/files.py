"""Which recordings a command line means: files, and folders with all that lies below."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from edge_affect.errors import ExitCode
from edge_affect.insights.wire import Failure, one_line

_SOUND = (
    "wav wave w64 flac mp3 mp2 aac m4a m4b ogg oga opus wma amr awb aif aiff aifc au caf gsm ac3 "
    "mka ape spx"
)
_FILM = "mp4 m4v mov mkv webm avi mpg mpeg mpe ts mts m2ts 3gp 3g2 wmv flv ogv vob"
ENDINGS = frozenset(f".{ending}" for ending in f"{_SOUND} {_FILM}".split())
"""What counts as a recording in a folder; a file that is named itself may end as it likes."""
_ID_STEM_CHARS = 40


@dataclass(frozen=True, slots=True)
class Found:
    """One recording, or a place that should hold some.

    Attributes:
        path: Absolute, without symbolic links where it could be resolved.
        size_bytes: Of the file.
        mtime_ns: When it was last changed.
        failure: Why it cannot even be looked at, or None.
    """

    path: Path
    size_bytes: int = 0
    mtime_ns: int = 0
    failure: Failure | None = None

    @property
    def shown_path(self) -> str:
        """The path as one printable line."""
        return one_line(str(self.path))

    @property
    def recording(self) -> str:
        """What the recording is called in tables and file names: its name and part of a hash."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.path.stem).strip("-")[:_ID_STEM_CHARS]
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:10]
        return f"{stem or 'recording'}-{digest}"


@dataclass(frozen=True, slots=True)
class Finding:
    """All that was found, sorted by path, each once; and how many other files were passed over."""

    found: tuple[Found, ...]
    n_passed_over: int


def find(paths: list[Path], leave_out: Path) -> Finding:
    """Return the recordings of some files and folders.

    Folders are searched to any depth, through symbolic links as well, but each only once. Files and
    folders whose names begin with a point are passed over.

    Args:
        paths: As on the command line.
        leave_out: A folder that is not searched: the one the results go to.
    """
    search = _Search(leave_out.absolute().resolve())
    for path in paths:
        search.name(path.absolute())
    found = sorted(search.found.values(), key=lambda item: os.fsencode(item.path))
    return Finding(tuple(found), search.n_passed_over)


class _Search:
    def __init__(self, leave_out: Path) -> None:
        self.found: dict[Path, Found] = {}
        self.n_passed_over = 0
        self._leave_out = leave_out
        self._seen: set[tuple[int, int]] = set()

    def name(self, path: Path) -> None:
        """Take what stands on the command line."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            self._fail(path, ExitCode.INPUT_MISSING, f"There is no {path}: {error.strerror}.")
            return
        if stat.S_ISDIR(mode):
            self._folder(path)
        else:
            self._file(path)

    def _folder(self, start: Path) -> None:
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            try:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in self._seen:
                    continue
                self._seen.add((status.st_dev, status.st_ino))
                if folder.resolve() == self._leave_out:
                    continue
                entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
            except OSError as error:
                self._fail(
                    folder, ExitCode.INPUT_MISSING, f"{folder} cannot be read: {error.strerror}."
                )
                continue
            waiting += [path for path in (self._entry(e) for e in entries) if path is not None]

    def _entry(self, entry: os.DirEntry[str]) -> Path | None:
        """Take what lies in a folder; return it where it is a folder itself."""
        path = Path(entry.path)
        if entry.name.startswith("."):
            return None
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False
        if is_folder:
            return path
        if path.suffix.lower() in ENDINGS:
            self._file(path)
        else:
            self.n_passed_over += 1
        return None

    def _file(self, path: Path) -> None:
        try:
            real = path.resolve(strict=True)
            status = real.stat()
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else "its links go round in circles"
            self._fail(path, ExitCode.INPUT_MISSING, f"{path} cannot be read: {why}.")
            return
        if not stat.S_ISREG(status.st_mode):
            self._fail(path, ExitCode.BAD_DATA, f"{path} is no ordinary file.")
            return
        self.found[real] = Found(real, status.st_size, status.st_mtime_ns)

    def _fail(self, path: Path, code: ExitCode, sentence: str) -> None:
        self.found[path] = Found(path, failure=Failure(code, one_line(sentence)))
