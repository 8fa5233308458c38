"""Microphone, camera and GPIO chip: is there one to open? Nothing is opened here."""

from __future__ import annotations

import grp
import os
from importlib.util import find_spec
from pathlib import Path

from edge_affect.capture.camera_names import NamedCamera, find_camera, v4l2_cameras
from edge_affect.capture.pi_camera import pi_cameras
from edge_affect.capture.sound_cards import sound_cards
from edge_affect.diagnosis.check import Finding, Subject, fail, ok, warn
from edge_affect.errors import ConfigError, DeviceError

SOUND_CARDS = Path("/proc/asound")
DEVICES = Path("/dev")
SOUND_SERVERS = ("/run/user/*/pulse/native", "/run/user/*/pipewire-0")


def microphone(subject: Subject) -> Finding:
    """Say whether the kernel knows a sound card, or a sound server runs."""
    if subject.config.audio.source != "microphone":
        return ok(f"[audio] source is {subject.config.audio.source}: no microphone is needed.")
    cards = sound_cards(SOUND_CARDS)
    if cards:
        named = ", ".join(f"{card.name} ({', '.join(card.identities)})" for card in cards)
        return ok(f"The kernel knows {len(cards)} sound cards: {named}.")
    if any(found for pattern in SOUND_SERVERS for found in Path("/").glob(pattern[1:])):
        return ok("The kernel knows no sound card, but a sound server runs.")
    return warn(
        "The kernel knows no sound card, and no sound server runs.",
        'Plug a microphone in, or set [audio] source to "none".',
    )


def camera(subject: Subject) -> Finding:
    """Say whether the configured camera is there, by the names that last."""
    video = subject.config.video
    if video.source not in ("camera", "picamera2"):
        return ok(f"[video] source is {video.source}: no camera is looked for.")
    cameras = v4l2_cameras()
    kind = "camera"
    if video.source == "picamera2":
        found = _pi_cameras()
        if found is None:
            return warn(
                "The picamera2 library is missing.",
                "Run: sudo apt install python3-picamera2; the virtual environment needs "
                "--system-site-packages.",
            )
        cameras, kind = found, "Pi camera"
    try:
        name = find_camera(video.device, cameras, kind).names[0]
    except DeviceError as error:
        return warn(str(error), 'Follow the sentence, or set [video] source to "none".')
    return ok(f"The {kind} is {name}.", cameras=[camera.names[0] for camera in cameras])


def _pi_cameras() -> list[NamedCamera] | None:
    try:
        from picamera2 import Picamera2  # type: ignore[import-not-found]  # only on a Pi
    except ImportError:
        return None
    return pi_cameras(Picamera2.global_camera_info())


def permissions(subject: Subject, devices: Path = DEVICES) -> Finding:
    """Say whether this user may open what is there; the service has users of its own."""
    patterns = ["gpiochip*"] if subject.config.switches.are_used else []
    patterns += ["snd/pcm*c"] if subject.config.audio.source == "microphone" else []
    patterns += ["video*"] if subject.config.video.source == "camera" else []
    nodes = sorted(path for pattern in patterns for path in devices.glob(pattern))
    shut = [path for path in nodes if not os.access(path, os.R_OK | os.W_OK, effective_ids=True)]
    if shut:
        groups = sorted({_group(path) for path in shut})
        return warn(
            f"This user may not open {', '.join(str(path) for path in shut)}.",
            f"Run: sudo usermod -aG {','.join(groups)} $USER; then log in again. The service has "
            "users of its own.",
        )
    return ok(f"This user may open all {len(nodes)} device nodes that are asked for.")


def _group(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def switches(subject: Subject) -> Finding:
    """Say whether the switches and the light could be had: without them nothing is sensed."""
    if not subject.config.switches.are_used:
        return ok("[switches] names no pin: the box has no switch and no light.")
    missing = [name for name in ("gpiozero", "lgpio") if find_spec(name) is None]
    if missing:
        return fail(
            ConfigError(f"[switches] needs {' and '.join(missing)}, which cannot be imported."),
            "Run: pip install 'edge-affect[pi]'",
        )
    chips = sorted(path.name for path in DEVICES.glob("gpiochip*"))
    if not chips:
        return fail(
            DeviceError(f"[switches] names pins, but there is no GPIO chip in {DEVICES}."),
            "Run on a board that has one, or set the pins to -1: until then nothing is sensed.",
        )
    return ok(f"There are GPIO chips ({', '.join(chips)}); whether the pins are wired is not seen.")
