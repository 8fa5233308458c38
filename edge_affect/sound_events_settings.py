"""What the configuration says about sound events: the table ``[events]``."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.keys import key


@dataclass(frozen=True, slots=True)
class Events:
    """Sound events: laughter, applause and crying; by a rule of thumb cheering and screaming."""

    enabled: bool = key(True, "sense laughter, applause and crying")  # noqa: FBT003 (the default comes first for every key)
    experimental: bool = key(
        False,  # noqa: FBT003 (as above)
        "also sense cheering and screaming; nothing vouches for cheering yet",
    )
