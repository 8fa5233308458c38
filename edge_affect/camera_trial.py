"""A few pictures of the configured camera, looked at in a caged process that tells which way up.

``edge-affect doctor --look`` starts ``python -m edge_affect.camera_trial`` and reads one JSON
object: a number of quarters. No picture is kept, and nothing else of it is told.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import config as configuration
from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.errors import EdgeAffectError, ExitCode, UnavailableError
from edge_affect.privacy import policy
from edge_affect.privacy.permission import AllowedHours
from edge_affect.sensing import cage
from edge_affect.wall_clock import SystemWallClock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.capture.source import VideoSource
    from edge_affect.clock import Clock
    from edge_affect.config import Config

N_PICTURES = 8
EVERY_S = 0.3
"""Between pictures; heads move."""
PATIENCE_S = 15.0


def main() -> int:
    """Look through the camera of the configuration that the request on standard input names."""
    request = json.load(sys.stdin)
    try:
        answer = _answer(configuration.load(Path(request["config"])))
    except EdgeAffectError as error:
        print(json.dumps({"error": str(error), "exit_code": int(error.exit_code)}))  # noqa: T201
        return int(error.exit_code)
    print(json.dumps(answer))  # noqa: T201 (the answer of this process)
    return ExitCode.DONE


def _answer(settings: Config) -> dict[str, Any]:
    from edge_affect.perception.model_store import user_models_dirs

    policy.check_live(settings)
    clock = MonotonicClock()
    mute = AllowedHours(settings.consent, SystemWallClock(), clock).mute()
    if mute is not None:
        raise UnavailableError(f"The camera may not be opened now: {mute.value}.")
    is_pi = settings.video.source == "picamera2"
    walls = cage.CagePolicy(
        readable=tuple(path for path in user_models_dirs() if path.is_dir()),
        devices=cage.CAMERA_DEVICES,
        preload=("picamera2",) if is_pi else (),
    )
    cage.enter(walls)
    cage.prove()
    # Only now: these bring numpy, whose threads must start inside the walls.
    from edge_affect.capture.devices import open_video

    source = open_video(settings.video, clock)
    if source is None:
        raise UnavailableError("[video] source is none: there is no camera to look through.")
    return look(source, settings, clock)


def look(source: VideoSource, settings: Config, clock: Clock) -> dict[str, Any]:
    """Return how many pictures were seen, and which turn makes the faces in them upright.

    Args:
        source: Of pictures, not open; closed afterwards.
        settings: How faces are read.
        clock: That the source runs on.

    Raises:
        DeviceError: If the camera cannot be opened, or goes.
    """
    from edge_affect.perception.face import FaceModels, FaceReader
    from edge_affect.perception.uprightness import best_turn, turns
    from edge_affect.sensing.memory import overwrite

    reader = FaceReader(FaceModels.load(), settings.face)
    found: list[NDArray[np.float64]] = []
    try:
        source.open()
        end_ns = clock.now_ns() + round(PATIENCE_S * NS_PER_S)
        due_ns = 0
        while len(found) < N_PICTURES and clock.now_ns() < end_ns:
            frame = source.read(1.0)
            if frame is None:
                continue
            if frame.captured_ns >= due_ns:
                found.append(turns(frame.pixels, reader))
                due_ns = frame.captured_ns + round(EVERY_S * NS_PER_S)
            overwrite(frame.pixels)
    finally:
        source.close()
    return {"pictures": len(found), "quarters": best_turn(found)}


if __name__ == "__main__":
    sys.exit(main())
