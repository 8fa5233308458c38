"""Which way up the camera hangs: a caged process looks through it, and tells that alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from edge_affect.diagnosis.check import Finding, Subject, ok, warn
from edge_affect.errors import UnavailableError, errors_by_code

TIMEOUT_S = 90.0
QUARTER_DEG = 90


def upright(subject: Subject) -> Finding:
    """Look through the configured camera, where nothing but the configuration decides over it."""
    video = subject.config.video
    if video.source == "none" or subject.path is None:
        return ok("No camera is configured that could be looked through.")
    if subject.config.switches.are_used:
        return warn(
            "Switches decide over this camera, so the doctor does not open it.",
            "Look at a face yourself when you set it up.",
        )
    return finding_of(_ask(subject), video.rotation_deg)


def finding_of(answer: dict[str, Any], rotation_deg: int) -> Finding:
    """Return what the look means.

    Args:
        answer: Of ``edge_affect.camera_trial``.
        rotation_deg: As configured.
    """
    quarters = answer["quarters"]
    if not answer["pictures"]:
        raise UnavailableError("The camera was opened and delivered no picture.")
    if quarters is None:
        return warn(
            f"None of {answer['pictures']} pictures shows a face plainly, whichever way up.",
            "Stand before the camera, look into it, and run this again.",
        )
    if not quarters:
        return ok(f"Faces are upright at rotation_deg = {rotation_deg}, as configured.")
    right_deg = (rotation_deg + quarters * QUARTER_DEG) % 360
    return warn(
        f"Faces are upright at rotation_deg = {right_deg}, not at {rotation_deg}.",
        f"Set [video] rotation_deg = {right_deg}.",
        rotation_deg=right_deg,
    )


def _ask(subject: Subject) -> dict[str, Any]:
    command = [sys.executable, "-m", "edge_affect.camera_trial"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps({"config": str(subject.path)}),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"The camera did not answer within {TIMEOUT_S:.0f} s.") from None
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"The look through the camera failed: {last[:200]}.") from None
    if "error" in answer:
        raise errors_by_code(answer["exit_code"])(str(answer["error"]))
    return answer
