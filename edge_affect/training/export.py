"""From a trained net to a full-int8 TFLite file: int8 in, int8 out, nothing in float between."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from edge_affect.errors import ModelError
from edge_affect.perception.interpreter import dequantise, quantise
from edge_affect.perception.manifest import TensorSpec
from edge_affect.training.tensor_names import without_inner_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    Decisions = Callable[[NDArray[np.float32]], NDArray[np.int64]]

MAX_BYTES = 1_000_000
MIN_AGREEMENT = 0.9


def _classes(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray(logits.argmax(axis=1), dtype=np.int64)


def to_int8(net: nn.Module, calibration: torch.Tensor, decisions: Decisions = _classes) -> bytes:
    """Return the net as a ``.tflite`` file.

    Args:
        net: Takes ``(n, 1, height, width)``; in the file the channel comes last. Of several answers
            the first one decides.
        calibration: Typical inputs ``(n, 1, height, width)``; their ranges set the scales.
        decisions: What float and int8 must agree on, of outputs with the item first.

    Raises:
        ModelError: If a float tensor is left, the file is larger than `MAX_BYTES`, or its answers
            are not those of the net.
    """
    import litert_torch
    from ai_edge_quantizer import quantizer, recipe

    # The converter writes weights as they lie in memory: anything but this order garbles them.
    net = net.to(memory_format=torch.contiguous_format).eval()
    samples = calibration.permute(0, 2, 3, 1).contiguous()
    channel_last = litert_torch.to_channel_last_io(net, args=[0])
    with tempfile.TemporaryDirectory() as folder:
        floating = Path(folder) / "float.tflite"
        litert_torch.convert(channel_last, (samples[:1],)).export(str(floating))
        signature, name = _signature(floating)
        work = quantizer.Quantizer(str(floating), recipe.static_wi8_ai8())
        ranges = _extremes(
            [
                work.calibrate({signature: [{name: row[np.newaxis]}]}, num_threads=1)
                for row in samples.numpy()
            ]
        )
        content = without_inner_names(bytes(work.quantize(ranges).quantized_model))
    _check(content)
    _check_agreement(net, calibration, content, decisions)
    return content


def _extremes(observed: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the widest range of every tensor; the quantizer's own running mean cuts off peaks."""
    widest = {tensor: dict(values) for tensor, values in observed[0].items()}
    for ranges in observed[1:]:
        for tensor, values in ranges.items():
            widest[tensor]["min"] = np.minimum(widest[tensor]["min"], values["min"])
            widest[tensor]["max"] = np.maximum(widest[tensor]["max"], values["max"])
    return widest


def _signature(path: Path) -> tuple[str, str]:
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(model_path=str(path)).get_signature_list()
    [(name, ends)] = signatures.items()
    [input_name] = ends["inputs"]
    return name, input_name


def _check(content: bytes) -> None:
    interpreter = _interpreter(content)
    floats = [
        detail["name"]
        for detail in interpreter.get_tensor_details()
        if np.dtype(detail["dtype"]).kind == "f"
    ]
    if floats:
        raise ModelError(f"The converted model keeps float tensors: {', '.join(floats[:5])}.")
    if len(content) > MAX_BYTES:
        raise ModelError(f"The converted model has {len(content)} bytes, over {MAX_BYTES}.")


def _interpreter(content: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


@torch.no_grad()
def _check_agreement(
    net: nn.Module, inputs: torch.Tensor, content: bytes, decisions: Decisions
) -> None:
    interpreter = _interpreter(content)
    [source], sinks = interpreter.get_input_details(), interpreter.get_output_details()
    sink = min(sinks, key=lambda detail: str(detail["name"]))
    found = net(inputs)
    wanted = decisions((found[0] if isinstance(found, tuple) else found).numpy())
    answers = []
    for row in inputs.permute(0, 2, 3, 1).contiguous().numpy():
        interpreter.set_tensor(source["index"], quantise(row[np.newaxis], _spec(source)))
        interpreter.invoke()
        answers.append(dequantise(interpreter.get_tensor(sink["index"]), _spec(sink)))
    share = float(np.mean(decisions(np.concatenate(answers)) == wanted))
    print(f"int8 and float decide the same in {100 * share:.1f} % of cases", flush=True)
    if share < MIN_AGREEMENT:
        raise ModelError(f"The int8 model agrees with the float net for only {100 * share:.1f} %.")


def tensor_specs(content: bytes) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Return the inputs and the outputs of a ``.tflite`` file."""
    interpreter = _interpreter(content)
    return (
        tuple(_spec(detail) for detail in interpreter.get_input_details()),
        tuple(
            sorted(
                (_spec(detail) for detail in interpreter.get_output_details()),
                key=lambda spec: spec.name,
            )
        ),
    )


def _spec(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    return TensorSpec(
        name=detail["name"],
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(scale),
        zero_point=int(zero_point),
    )


def sha256_of(content: bytes) -> str:
    """Return the checksum as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
