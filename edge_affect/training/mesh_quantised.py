"""The mesh and the iris model as they are, in int8: the trial that needs no training.

python -m edge_affect.training.mesh_quantised --data DATA/face --work build/training/mesh

Ranges come from pictures to learn from, errors from pictures held out. Prints one JSON object:
for each model, as it is, rewritten (see ``plain_operations``) and in int8, the least milliseconds
of an inference and the mean distance of its points from those of the model as it is; for the mesh
in distances of the eyes, for an eye in widths of the eye.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.perception.face_alignment import EYE_CORNERS
from edge_affect.perception.face_gaze import eye_square
from edge_affect.perception.face_landmarks import N_POINTS, FaceLandmarker
from edge_affect.perception.face_landmarks import face_square as square_of
from edge_affect.perception.face_search import FaceSearch
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.model_store import read_model_file
from edge_affect.perception.picture import cut
from edge_affect.training.command import training_parser
from edge_affect.training.mesh_lessons import (
    EYE_SCALE,
    FACE_SCALE,
    MIN_PRESENCE,
    TEACHER_EYE_PX,
    TEACHER_MESH_PX,
)
from edge_affect.training.mesh_split import learned_and_held_out
from edge_affect.training.mesh_student import pictures_of
from edge_affect.training.plain_operations import without_prelu

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_RANGES, N_ERRORS, N_REPEATS = 50, 60, 100


def crops_of(data: Path, names: list[str]) -> dict[str, NDArray[np.float32]]:
    """Return what both models see of some pictures, [0, 1], shape ``(n, size, size, 3)`` each."""
    search = FaceSearch(load_model("face_detection_near"), load_model("face_detection_far"), 1)
    landmarker = FaceLandmarker(load_model("face_landmark"))
    faces, eyes = [], []
    for pixels in pictures_of(data, names):
        for face in search.find(pixels):
            mesh = landmarker.locate(pixels, face)
            if mesh.presence < MIN_PRESENCE:
                continue
            faces.append(cut(pixels, square_of(face, FACE_SCALE), TEACHER_MESH_PX))
            outer, inner = mesh.points_px[list(EYE_CORNERS[0])]
            eyes.append(cut(pixels, eye_square(outer, inner, EYE_SCALE), TEACHER_EYE_PX))
    return {
        "face_landmark": np.stack(faces).astype(np.float32) / np.float32(255),
        "iris_landmark": np.stack(eyes).astype(np.float32) / np.float32(255),
    }


def in_int8(content: bytes, inputs: NDArray[np.float32]) -> bytes:
    """Return a float model with int8 weights and activations; it still takes and gives float."""
    from ai_edge_quantizer import quantizer, recipe

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        path.write_bytes(content)
        [(key, ends)] = interpreter(content).get_signature_list().items()
        work = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
        samples = {key: [{ends["inputs"][0]: row[np.newaxis]} for row in inputs]}
        return bytes(work.quantize(work.calibrate(samples, num_threads=1)).quantized_model)


def interpreter(content: bytes) -> Any:
    """Return a runtime of one thread."""
    from ai_edge_litert.interpreter import Interpreter

    found = Interpreter(model_content=content, num_threads=1)
    found.allocate_tensors()
    return found


def points_of(runtime: Any, row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the most numerous output for one input, shape ``(n, 3)``."""
    [source] = runtime.get_input_details()
    runtime.set_tensor(source["index"], codes(row[np.newaxis], source))
    runtime.invoke()
    sink = max(runtime.get_output_details(), key=lambda detail: int(np.prod(detail["shape"])))
    values = runtime.get_tensor(sink["index"])
    if values.dtype == np.int8:
        scale, zero_point = sink["quantization"]
        values = (values.astype(np.float32) - zero_point) * scale
    return np.asarray(values, dtype=np.float32).reshape(-1, 3)


def codes(row: NDArray[np.float32], source: dict[str, Any]) -> NDArray[Any]:
    """Return an input as its tensor wants it."""
    if source["dtype"] is not np.int8:
        return row
    scale, zero_point = source["quantization"]
    return np.clip(np.rint(row / scale) + zero_point, -128, 127).astype(np.int8)


def unit_of(points: NDArray[np.float32]) -> float:
    """Return what distances of points are measured in, in pixels of the input."""
    if len(points) != N_POINTS:
        return TEACHER_EYE_PX / EYE_SCALE
    right, left = [points[list(corners), :2].mean(axis=0) for corners in EYE_CORNERS]
    return float(np.linalg.norm(left - right))


def main() -> None:
    """Quantise, measure, print."""
    parser = training_parser(
        __doc__.splitlines()[0], "mesh", "folder with fairface.csv", "nothing: this is a trial"
    )
    args = parser.parse_args()
    with (args.data / "fairface.csv").open(encoding="utf-8", newline="") as file:
        learned, held_out = learned_and_held_out([row["path"] for row in csv.DictReader(file)])
    ranges = crops_of(args.data, learned[:N_RANGES])
    shown = crops_of(args.data, held_out[:N_ERRORS])
    args.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name, inputs in shown.items():
        as_it_is = read_model_file(load_model(name).manifest)
        rewritten = without_prelu(as_it_is)
        int8 = in_int8(rewritten, ranges[name])
        (args.work / f"{name}_int8.tflite").write_bytes(int8)
        contents = {"as it is": as_it_is, "rewritten": rewritten, "int8": int8}
        runtimes = {way: interpreter(content) for way, content in contents.items()}
        least = least_ms(runtimes)
        wanted = [points_of(runtimes["as it is"], row) for row in inputs]
        found[name] = {"n": len(inputs)}
        for way, runtime in runtimes.items():
            off = [
                np.linalg.norm((points_of(runtime, row) - points)[:, :2], axis=1).mean()
                / unit_of(points)
                for row, points in zip(inputs, wanted, strict=True)
            ]
            found[name][way] = {
                "ms": round(least[way], 3),
                "error": round(float(np.mean(off)), 4),
                "bytes": len(contents[way]),
            }
    print(json.dumps(found, indent=1), flush=True)


def least_ms(runtimes: dict[str, Any]) -> dict[str, float]:
    """Return the least wall time of an inference of each, interleaved."""
    least = dict.fromkeys(runtimes, float("inf"))
    for _ in range(N_REPEATS):
        for way, runtime in runtimes.items():
            started_ns = time.perf_counter_ns()
            runtime.invoke()
            least[way] = min(least[way], (time.perf_counter_ns() - started_ns) / 1e6)
    return least


if __name__ == "__main__":
    main()
