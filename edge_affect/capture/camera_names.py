"""Cameras by names that last: udev's links, or what the driver calls them; never by number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEV = Path("/dev")
SYS = Path("/sys/class/video4linux")
LINK_FOLDERS = ("v4l/by-id", "v4l/by-path")
"""By maker, product and serial number, and by the plug it is in; udev makes both."""
FIRST = "-video-index0"
"""Cameras have further nodes for metadata, which deliver no pictures."""


@dataclass(frozen=True, slots=True)
class NamedCamera:
    """One camera.

    Attributes:
        handle: What opens it: the path of its node, or what a library takes. It may be another one
            after the next start.
        names: Names that last, the best one first, at least one.
    """

    handle: str
    names: tuple[str, ...]


def v4l2_cameras(dev: Path = DEV, sys_class: Path = SYS) -> list[NamedCamera]:
    """Return the V4L2 cameras of this machine in the order of their names."""
    names: dict[str, list[str]] = {}
    for folder in LINK_FOLDERS:
        for link in sorted((dev / folder).glob(f"*{FIRST}")):
            names.setdefault(str(link.resolve()), []).append(link.name.removesuffix(FIRST))
    if not names:
        # Without udev: a container, or a camera that it knows nothing of.
        for node in sorted(dev.glob("video*")):
            if _text(sys_class / node.name / "index") in ("", "0"):
                names[str(node)] = [_text(sys_class / node.name / "name") or "unnamed camera"]
    cameras = [NamedCamera(node, tuple(own)) for node, own in names.items()]
    return sorted(cameras, key=lambda camera: camera.names)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def find_camera(wanted: str, cameras: Sequence[NamedCamera], kind: str = "camera") -> NamedCamera:
    """Return the camera that is meant.

    Args:
        wanted: Part of one of its names, upper and lower case alike, or a link in ``/dev/v4l``;
            empty means the only one there is.
        cameras: All there are.
        kind: What to call it in messages.

    Raises:
        DeviceError: If there is none, or more than one.
    """
    part = wanted.rsplit("/", 1)[-1] if wanted.startswith("/dev/") else wanted
    part = part.removesuffix(FIRST).lower()
    found = [c for c in cameras if any(part in name.lower() for name in c.names)]
    whole = [c for c in found if part in (name.lower() for name in c.names)]
    if len(whole or found) == 1:
        return (whole or found)[0]
    listed = "; ".join(camera.names[0] for camera in (found or cameras))
    if not cameras:
        named = f", so none named {wanted!r}" if wanted else ""
        raise DeviceError(f"There is no {kind}{named}; plug one in.")
    if not found:
        raise DeviceError(
            f"There is no {kind} named {wanted!r}; plug it in, or set [video] device to part of: "
            f"{listed}."
        )
    which = f"named {wanted!r} " if wanted else ""
    raise DeviceError(
        f"There are {len(found)} {kind}s {which}here; set [video] device to part of one name of: "
        f"{listed}."
    )
