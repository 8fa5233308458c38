"""Show that every model gives the same answers on tflite-runtime as on LiteRT.

``make check-tflite-runtime`` runs this twice: with ``--keep`` in the product's environment, which
writes inputs and LiteRT's answers, and with ``--compare`` in an environment that has
tflite-runtime 2.14.0, as 32-bit boards do. Float outputs may differ by 1/256 of their range.

The two runtimes round int8 layers differently, and a deep net adds that up: 99 of 100 int8 outputs
must lie within one step of 256, none may be off by more than two, and the top class must be the
same wherever it leads by more than two steps.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from edge_affect.errors import InputMissingError  # noqa: E402  path first
from edge_affect.perception.interpreter import load_model, quantise  # noqa: E402  path first
from edge_affect.perception.model_store import shipped_manifests  # noqa: E402  path first

if TYPE_CHECKING:
    from edge_affect.perception.manifest import TensorSpec

N_RANDOM = 32
TOLERANCE = 1 / 256
MIN_WITHIN_ONE_STEP = 0.99
MAX_STEPS = 2


def random_input(spec: TensorSpec, generator: np.random.Generator) -> np.ndarray:
    """Return a smooth random picture or window in the tensor's range."""
    coarse = generator.standard_normal(tuple(-(-size // 6) for size in spec.shape))
    values = coarse
    for axis, size in enumerate(spec.shape):
        values = np.take(values, np.arange(size) // 6, axis=axis)
    values = 0.5 * values + 0.2 * generator.standard_normal(spec.shape)
    if spec.is_quantised:
        return quantise(values, spec)
    return np.clip(0.5 + 0.5 * values, 0.0, 1.0).astype(spec.dtype)


def kept_inputs(name: str) -> list[np.ndarray]:
    """Return the golden inputs of a model, or none."""
    path = ROOT / "tests" / "golden" / f"{name}.npz"
    if not path.is_file():
        return []
    with np.load(path) as archive:
        return list(archive["inputs"])


def keep(path: Path) -> int:
    """Write inputs and answers of this environment's runtime."""
    generator = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for manifest in shipped_manifests():
        if not manifest.file.endswith(".tflite"):
            # Computed with numpy; no runtime of these is asked.
            continue
        try:
            model = load_model(manifest.name)
        except InputMissingError:
            print(f"{manifest.name:24s} left out: not fetched (edge-affect models fetch)")
            continue
        inputs = kept_inputs(manifest.name)
        inputs += [random_input(manifest.inputs[0], generator) for _ in range(N_RANDOM)]
        arrays[f"{manifest.name}/inputs"] = np.stack(inputs)
        answers = [model.run(tensor) for tensor in inputs]
        for number in range(len(manifest.outputs)):
            arrays[f"{manifest.name}/{number}"] = np.stack([row[number] for row in answers])
    np.savez(path, **arrays)
    return 0


def compare(path: Path) -> int:
    """Return 0 if this environment's runtime gives the answers kept in ``path``."""
    import tflite_runtime

    print(f"tflite-runtime {tflite_runtime.__version__}, numpy {np.__version__}")
    if "ai_edge_litert" in sys.modules:
        raise SystemExit("This environment has LiteRT; nothing would be compared.")
    n_wrong = n_models = 0
    with np.load(path) as kept:
        for manifest in shipped_manifests():
            if f"{manifest.name}/inputs" not in kept:
                continue
            model = load_model(manifest.name)
            inputs = kept[f"{manifest.name}/inputs"]
            answers = [model.run(tensor) for tensor in inputs]
            n_models += 1
            is_same = True
            for number, spec in enumerate(manifest.outputs):
                made = np.stack([row[number] for row in answers]).astype(np.float64)
                want = kept[f"{manifest.name}/{number}"].astype(np.float64)
                judge = judge_codes if spec.is_quantised else judge_reals
                is_right, text = judge(made, want)
                is_same = is_same and is_right
                print(f"{manifest.name:22s} {len(inputs):3d} inputs  {text}")
            n_wrong += not is_same
    print(f"{n_models - n_wrong} of {n_models} models give the same answers")
    return int(n_wrong > 0 or n_models == 0)


def judge_reals(made: np.ndarray, want: np.ndarray) -> tuple[bool, str]:
    """Return whether float outputs agree, and how well in words."""
    worst = float(np.abs(made - want).max()) / max(float(np.ptp(want)), 1e-9)
    return worst <= TOLERANCE, f"worst difference {worst:.6f} of the range"


def judge_codes(made: np.ndarray, want: np.ndarray) -> tuple[bool, str]:
    """Return whether int8 outputs agree, and how well in words."""
    steps = np.abs(made - want)
    within_one = float(np.mean(steps <= 1))
    rows = want.reshape(len(want), -1)
    ordered = np.sort(rows, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > MAX_STEPS
    same_top = made.reshape(rows.shape).argmax(axis=1) == rows.argmax(axis=1)
    is_right = (
        within_one >= MIN_WITHIN_ONE_STEP
        and float(steps.max()) <= MAX_STEPS
        and bool(same_top[is_clear].all())
    )
    return is_right, (
        f"{100 * within_one:.1f} % within 1/256, worst {int(steps.max())}/256, "
        f"same top class in {int(same_top.sum())} of {len(rows)}"
    )


def main() -> int:
    """Keep or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--keep", type=Path, metavar="FILE.npz")
    what.add_argument("--compare", type=Path, metavar="FILE.npz")
    options = parser.parse_args()
    return keep(options.keep) if options.keep else compare(options.compare)


if __name__ == "__main__":
    sys.exit(main())
