"""What became of keys of the configuration since the first version of it.

A file says in ``config_version`` for which version it was written; one that does not is of version
1, from before there was a number. ``edge-affect config migrate`` carries out, in order, the changes
that are newer than the file. To rename, drop or re-mean a key: raise ``CONFIG_VERSION`` and add a
``Change``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_affect.errors import ConfigError, shown

CONFIG_VERSION = 2
VERSION_KEY = "config_version"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one key.

    Attributes:
        version: The first ``config_version`` in which it holds, from 2 on.
        table: The table that the key stood in.
        key: Its name there.
        why: One clause for people, without a full stop.
        moved_to: New table and key, or None where it was not moved.
        old_default: For a key that stayed: the default that it had; a file that holds just this
            value got it from the example, and takes the new default instead.
    """

    version: int
    table: str
    key: str
    why: str
    moved_to: tuple[str, str] | None = None
    old_default: Any = None

    @property
    def stayed(self) -> bool:
        """Whether the key still exists under its name."""
        return self.old_default is not None

    def __str__(self) -> str:
        name = f"[{self.table}] {self.key}"
        if self.moved_to is not None:
            return f"{name} is now [{self.moved_to[0]}] {self.moved_to[1]}: {self.why}"
        return f"{name}: {self.why}" if self.stayed else f"{name} is gone: {self.why}"


CHANGES: tuple[Change, ...] = (
    Change(2, "sensing", "tick_hz", "sensing keeps pace with [publish] tick_hz by itself"),
    Change(2, "face", "min_size_px", "faces are read from 24 px on", old_default=40),
    Change(
        2,
        "voice",
        "min_speech_probability",
        "another speech detector brings a threshold of its own",
        old_default=0.5,
    ),
    Change(
        2,
        "video",
        "device",
        "numbers change at restarts; empty takes the only camera",
        old_default="/dev/video0",
    ),
    Change(2, "alerts", "event_end", "sensing itself says when an event ends", old_default=0.2),
    Change(
        2,
        "fusion",
        "smoothing_half_life_s",
        "it counts since the expression last changed",
        old_default=0.5,
    ),
    Change(
        2,
        "fusion",
        "smoothing_half_life_s",
        "it counts since the expression last changed",
        old_default=2.0,
    ),
)


def take_version(tables: dict[str, Any], name: str) -> int:
    """Take ``config_version`` out of a parsed file and return it; 1 where there is none.

    Raises:
        ConfigError: If it is no whole number from 1 on, or of a newer program than this one.
    """
    version = tables.pop(VERSION_KEY, 1)
    if type(version) is not int or version < 1:
        raise ConfigError(
            f"{name}: {VERSION_KEY} must be a whole number from 1 on, not {shown(version)}."
        )
    if version > CONFIG_VERSION:
        raise ConfigError(
            f"{name} was written for a newer edge-affect ({VERSION_KEY} = {version}, this one "
            f"knows {CONFIG_VERSION}); update edge-affect, or go back to an older file."
        )
    return version


def refuse_old_keys(tables: dict[str, Any], name: str) -> None:
    """Say what became of a key that no longer exists.

    Raises:
        ConfigError: If the file has one; it names the command that puts it right.
    """
    for change in CHANGES:
        values = tables.get(change.table)
        if not change.stayed and isinstance(values, dict) and change.key in values:
            raise ConfigError(f"{name}: {change}; run: edge-affect config migrate {name}")


def changes_for(tables: dict[str, Any], version: int) -> list[Change]:
    """Return the changes, in order, that concern a parsed file of a version."""
    found = []
    for change in CHANGES:
        values = tables.get(change.table)
        if change.version <= version or not isinstance(values, dict) or change.key not in values:
            continue
        value = values[change.key]
        is_old = type(value) is not bool and value == change.old_default
        if not change.stayed or is_old:
            found.append(change)
    return found
