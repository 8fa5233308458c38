"""An unknown model, tried in a process of its own: caged, bounded in memory and time, then gone.

``edge-affect models add`` starts ``python -m edge_affect.model_trial`` and reads one JSON object.
A model file is a program for the runtime: one that crashes it, or never ends, ends this process
and nothing else.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import config as configuration
from edge_affect.errors import EdgeAffectError, ExitCode, ModelError
from edge_affect.sensing import cage

if TYPE_CHECKING:
    from edge_affect.perception.interpreter import TfliteModel
    from edge_affect.perception.manifest import Manifest

MAX_CPU_S = 600
MORE_MEMORY_BYTES = 1_500_000_000
"""Address space beyond what the interpreter and its libraries take themselves."""
MAX_GROWTH_MB = 200.0
"""Resident memory that one model may add; sensing has 400 MB in all."""
MAX_INFERENCE_MS = 1000.0
N_TIMED = 20


def main() -> int:
    """Try the model that the request on standard input names; answer on standard output."""
    request = json.load(sys.stdin)
    try:
        answer = try_model(request)
    except EdgeAffectError as error:
        print(json.dumps({"error": str(error), "exit_code": int(error.exit_code)}))  # noqa: T201
        return int(error.exit_code)
    print(json.dumps(answer))  # noqa: T201 (the answer of this process)
    return ExitCode.DONE


def try_model(request: dict[str, Any]) -> dict[str, Any]:
    """Return what a trial found.

    Args:
        request: Paths ``manifest``, ``golden`` (or None), ``audio``, ``video``, ``config`` (each
            may be None), ``readable`` and the truth value ``caged``.

    Raises:
        EdgeAffectError: Saying in one sentence why the model cannot be used.
    """
    settings = configuration.Config()
    if request["config"]:
        settings = configuration.load(Path(request["config"]))
    _bound()
    if request["caged"]:
        cage.enter(cage.CagePolicy(readable=tuple(map(Path, request["readable"]))))
        cage.prove()
    # Only now: these bring numpy, whose threads must start inside the walls.
    from edge_affect.perception.manifest import load_manifest

    manifest = load_manifest(Path(request["manifest"]))
    model = _opened(manifest)
    growth_mb, inference_ms, recorded = _run(model, manifest)
    answer: dict[str, Any] = {
        "inference_ms": round(inference_ms, 3),
        "memory_mb": round(growth_mb, 1),
        "recorded": base64.b64encode(recorded).decode("ascii"),
        "golden": None,
    }
    if request["golden"]:
        from edge_affect.perception.golden import compare_golden

        answer["golden"] = compare_golden(model, manifest, Path(request["golden"]))
    media = [Path(request[name]) if request[name] else None for name in ("audio", "video")]
    own = replace(settings.models, **{manifest.kind: ""})
    answer["before"] = _vectors(replace(settings, models=own), media, None)
    answer["after"] = _vectors(replace(settings, models=own), media, manifest)
    return answer


def _bound() -> None:
    """Limit this process before anything unknown is read."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MORE_MEMORY_BYTES
    for kind, limit in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _opened(manifest: Manifest) -> TfliteModel:
    """Return the model, opened the way the product opens one of its kind."""
    from edge_affect.perception.expression_model import FaceExpressionModel, VoiceExpressionModel
    from edge_affect.perception.interpreter import TfliteModel
    from edge_affect.perception.model_store import read_model_file
    from edge_affect.perception.sound_events import SoundEventModel

    model = TfliteModel(manifest, read_model_file(manifest))
    kinds = {
        "face_expression": FaceExpressionModel,
        "voice_expression": VoiceExpressionModel,
        "sound_events": SoundEventModel,
    }
    kinds[manifest.kind](model)
    return model


def _run(model: TfliteModel, manifest: Manifest) -> tuple[float, float, bytes]:
    """Run a model on made-up inputs; return growth in MB, milliseconds, and its answers."""
    import numpy as np

    from edge_affect.perception.golden import made_up_inputs, packed

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    inputs = made_up_inputs(manifest)
    outputs = [model.run(*arrays) for arrays in inputs]
    again = [model.run(*arrays) for arrays in inputs]
    for one, other in zip(outputs, again, strict=True):
        for spec, a, b in zip(manifest.outputs, one, other, strict=True):
            if not np.isfinite(a.astype(np.float64)).all():
                raise ModelError(f"The model {manifest.name} answers {spec.name!r} with no number.")
            if not np.array_equal(a, b):
                raise ModelError(
                    f"The model {manifest.name} answers the same question differently each time."
                )
    times_ms = []
    for number in range(N_TIMED):
        start_ns = time.perf_counter_ns()
        model.run(*inputs[number % len(inputs)])
        times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
    inference_ms = float(np.median(times_ms))
    growth_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    most_ms = MAX_INFERENCE_MS
    if manifest.window is not None:
        most_ms = min(most_ms, manifest.window.hop_s * 1000)
    if inference_ms > most_ms:
        raise ModelError(
            f"The model {manifest.name} takes {inference_ms:.0f} ms on this machine, which is more "
            f"than the {most_ms:.0f} ms that it may."
        )
    if growth_mb > MAX_GROWTH_MB:
        raise ModelError(
            f"The model {manifest.name} takes {growth_mb:.0f} MB of memory, which is more than the "
            f"{MAX_GROWTH_MB:.0f} MB that it may."
        )
    return growth_mb, inference_ms, packed(inputs, outputs)


def _vectors(
    settings: configuration.Config, media: list[Path | None], own: Manifest | None
) -> list[dict[str, Any]]:
    """Return the vectors that a clip gives, with or without the model."""
    from edge_affect.publishing.payload import Stamp, affect_payload
    from edge_affect.sensing.fast_replay import replay_files

    audio, video = media
    found: list[dict[str, Any]] = []

    def show(record: Any, _media_time_s: float) -> None:
        found.append(affect_payload(record, Stamp(0, False, len(found))))  # noqa: FBT003 (a field)

    replay_files((audio, video), settings, show, own={} if own is None else {own.kind: own.path})
    return found


if __name__ == "__main__":
    sys.exit(main())
