"""Bringing a configuration file up to date, line by line, so that its comments stay.

Only lines that set a key which changed are touched: each becomes a comment that says why. The
result is what the program itself accepts, or nothing is written.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edge_affect import config
from edge_affect.config_changes import (
    CONFIG_VERSION,
    VERSION_KEY,
    Change,
    changes_for,
    take_version,
)
from edge_affect.errors import CannotWriteError, ConfigError
from edge_affect.keys import toml_value

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]\s*(#.*)?$")
_ANY_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*=\s*(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Migration:
    """A configuration file, brought up to date.

    Attributes:
        text: The new text.
        changes: What was done, in order; empty where the file was up to date.
        from_version: Version of the old text.
    """

    text: str
    changes: tuple[Change, ...]
    from_version: int


def migrate(text: str, name: str = "configuration") -> Migration:
    """Return a configuration brought up to date.

    Raises:
        ConfigError: If the text is not TOML, is written so that it cannot be changed line by line,
            or would not be valid even so.
    """
    tables = _tables(text, name)
    version = take_version(tables, name)
    done: list[Change] = []
    lines = text.splitlines()
    while found := changes_for(tables, version):
        change = found[0]
        lines = _carried_out(lines, change, tables, name)
        after = _tables("\n".join(lines), name)
        after.pop(VERSION_KEY, None)
        if change in changes_for(after, version):
            raise ConfigError(
                f"{name}: {change}; it is not written on a line of its own below [{change.table}], "
                "so please change it by hand."
            )
        tables = after
        done.append(change)
    if version < CONFIG_VERSION:
        lines = _with_version(lines)
    new = "\n".join(lines) + "\n"
    config.parse(new, name)
    return Migration(new if new != text else text, tuple(done), version)


def write(path: Path, text: str) -> Path:
    """Replace a file and return where its old content is kept.

    The file's mode and owner stay. At no moment is the file missing or half written.

    Raises:
        CannotWriteError: If the backup or the file cannot be written.
    """
    try:
        backup = next(
            candidate
            for number in range(1, 1000)
            if not (candidate := path.with_name(f"{path.name}.old-{number}")).exists()
        )
        shutil.copy2(path, backup)
        descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            status = path.stat()
            Path(partial).chmod(status.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(partial, status.st_uid, status.st_gid)
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWriteError(f"{path} cannot be replaced: {error.strerror}.") from None
    return backup


def _tables(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}.") from None


def _carried_out(lines: list[str], change: Change, tables: dict[str, Any], name: str) -> list[str]:
    """Return the lines with one change made where its key is set."""
    span = _lines_of(lines, change.table, change.key)
    if span is None:
        return lines
    start, end = span
    old = [f"# {line.strip()}" for line in lines[start:end]]
    if change.stayed:
        note = f"# Was {old[0].removeprefix('# ')}; {change.why}."
        default = _default_now(change.table, change.key)
        return [*lines[:start], note, f"{change.key} = {toml_value(default)}", *lines[end:]]
    note = f"# {str(change)[:1].upper()}{str(change)[1:]}."
    lines = [*lines[:start], note, *old, *lines[end:]]
    if change.moved_to is None:
        return lines
    table, key = change.moved_to
    if key in tables.get(table, {}):
        return lines  # what was set under the new name counts
    line = f"{key} = {toml_value(_plain(tables[change.table][change.key], name))}"
    header = next((i for i, text in enumerate(lines) if _header(text) == table), None)
    if header is None:
        return [*lines, "", f"[{table}]", line]
    return [*lines[: header + 1], line, *lines[header + 1 :]]


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return tuple(_plain(item, name) for item in value)
    if isinstance(value, str | int | float | bool):
        return value
    raise ConfigError(f"{name}: a value of the kind {type(value).__name__} cannot be moved.")


def _default_now(table: str, key: str) -> Any:
    return next(item.default for item in fields(config.SECTIONS[table]) if item.name == key)


def _header(line: str) -> str | None:
    match = _HEADER.match(line)
    return None if match is None else match.group(1)


def _lines_of(lines: list[str], table: str, key: str) -> tuple[int, int] | None:
    """Return the first line that sets a key, and the one behind its last."""
    current: str | None = None
    at = 0
    while at < len(lines):
        match = _KEY.match(lines[at])
        if match is None:
            if _ANY_HEADER.match(lines[at]):
                current = _header(lines[at])
            at += 1
            continue
        end = _end_of_value(lines, at, match.group(2))
        if current == table and match.group(1) == key:
            return at, end
        at = end
    return None


def _end_of_value(lines: list[str], start: int, first: str) -> int:
    """Return the line behind a value, which may be a list or text over several lines."""
    text = first
    for end in range(start + 1, len(lines) + 1):
        try:
            tomllib.loads(f"x = {text}")
        except tomllib.TOMLDecodeError:
            if end < len(lines):
                text += f"\n{lines[end]}"
            continue
        return end
    return start + 1


def _with_version(lines: list[str]) -> list[str]:
    """Return the lines with the number of this version, behind the comments at the top."""
    line = f"{VERSION_KEY} = {CONFIG_VERSION}"
    old = next(
        (i for i, text in enumerate(lines) if re.match(rf"\s*{VERSION_KEY}\s*=", text)), None
    )
    if old is not None:
        return [*lines[:old], line, *lines[old + 1 :]]
    top = 0
    while top < len(lines) and lines[top].startswith("#"):
        top += 1
    # A comment that stands right above a table belongs to it.
    if top < len(lines) and lines[top].strip():
        top = 0
    return [*lines[:top], line, *lines[top:]]
