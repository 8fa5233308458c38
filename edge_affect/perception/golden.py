"""Answers that a model gave once, kept to tell later whether it still gives them.

A file is a ``.npz`` with ``input_0``, ... and ``output_0``, ... in the order of the manifest, each
with one more axis in front, and of the tensor's own shape and dtype.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.interpreter import TfliteModel
    from edge_affect.perception.manifest import Manifest, TensorSpec

N_RECORDED = 4


def made_up_inputs(manifest: Manifest) -> list[list[NDArray[Any]]]:
    """Return inputs of random values, over the whole range of their types; always the same ones."""
    generator = np.random.default_rng(1)
    return [[_made_up(spec, generator) for spec in manifest.inputs] for _ in range(N_RECORDED)]


def _made_up(spec: TensorSpec, generator: np.random.Generator) -> NDArray[Any]:
    """Return an input of random values over the whole range of its type."""
    if spec.dtype.startswith(("float", "bool")):
        return np.asarray(generator.standard_normal(spec.shape)).astype(spec.dtype)
    info = np.iinfo(spec.dtype)
    codes: NDArray[Any] = generator.integers(info.min, info.max, spec.shape, spec.dtype)
    return codes


def packed(
    inputs: Sequence[Sequence[NDArray[Any]]], outputs: Sequence[Sequence[NDArray[Any]]]
) -> bytes:
    """Return a file of inputs and the answers to them, one row for each case."""
    kept = io.BytesIO()
    arrays = {
        f"{name}_{number}": np.stack(column)
        for name, rows in (("input", inputs), ("output", outputs))
        for number, column in enumerate(zip(*rows, strict=True))
    }
    np.savez_compressed(kept, allow_pickle=False, **arrays)
    return kept.getvalue()


def compare_golden(model: TfliteModel, manifest: Manifest, path: Path) -> dict[str, int]:
    """Hold a model's answers against kept ones and return how many numbers were compared.

    Quantised answers may
    differ by one step, since runtimes round differently; others by a thousandth of the largest.

    Raises:
        ModelError: If the file does not fit, or an answer is another one.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs = [file[f"input_{n}"] for n in range(len(manifest.inputs))]
            outputs = [file[f"output_{n}"] for n in range(len(manifest.outputs))]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise ModelError(
            f"The kept answers {path.name} cannot be read: {str(error).strip()[:80] or 'empty'}."
        ) from None
    n_cases = len(inputs[0]) if inputs[0].ndim else 0
    pairs = [
        *zip(manifest.inputs, inputs, strict=True),
        *zip(manifest.outputs, outputs, strict=True),
    ]
    for spec, array in pairs:
        if not n_cases or array.shape != (n_cases, *spec.shape) or array.dtype != spec.dtype:
            raise ModelError(
                f"The kept answers {path.name} have {array.dtype} of shape {array.shape} for the "
                f"tensor {spec.name!r}, which is {spec.dtype} of shape {spec.shape}."
            )
    n_values = 0
    for number in range(n_cases):
        found = model.run(*(array[number] for array in inputs))
        for spec, is_now, kept in zip(manifest.outputs, found, outputs, strict=True):
            wanted = kept[number].astype(np.float64)
            allowed = 1.0 if spec.is_quantised else 1e-3 * max(1.0, float(np.abs(wanted).max()))
            off = np.abs(is_now.astype(np.float64) - wanted)
            if not (off <= allowed).all():
                raise ModelError(
                    f"The model {manifest.name} does not give the kept answers: {spec.name!r} of "
                    f"case {number + 1} is off by {float(off.max()):.4g}, at most {allowed:.4g} is "
                    "allowed."
                )
            n_values += wanted.size
    return {"cases": n_cases, "values": n_values}
