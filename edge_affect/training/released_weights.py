"""The weights inside a released voice model, as a start for training its trunk further.

What training leaves behind is the int8 file; its weights, read back, are those of the float net to
within half a step. Convolutions stand in the file in the order in which they are computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from edge_affect.training.speech_trunk import N_LOWER, ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.training.voice_net import StatisticsHead, TrunkNet

    Array = NDArray[np.float32]

FILE_IDENTIFIER = b"TFL3"


class Layer(NamedTuple):
    """One convolution or linear layer: weights as torch lays them out, and bias."""

    weight: Array
    bias: Array


class Released(NamedTuple):
    """What a released voice model holds, each part in the order of computing.

    Attributes:
        convolutions: Of the residual net, then of the trunk.
        linear: The residual net's head, the trunk's bands, then the layers of the trunk's head.
        scales: Factor and summand before each layer of the trunk's head.
    """

    convolutions: tuple[Layer, ...]
    linear: tuple[Layer, ...]
    scales: tuple[tuple[Array, Array], ...]


def read_released(path: Path) -> Released:
    """Return the weights of a released ``.tflite`` file.

    Raises:
        SystemExit: If it cannot be read, or is no such file.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        content = path.read_bytes()
    except OSError as error:
        raise SystemExit(f"{path} cannot be read: {error.strerror}.") from None
    if content[4:8] != FILE_IDENTIFIER:
        raise SystemExit(f"{path} is no .tflite file.")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    convolutions, linear, factors = [], [], []

    def constant(number: int) -> Array | None:
        return None if number < 0 else _constant(model, graph.tensors[number])

    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if kind == "CONV_2D":
            weight, bias = (constant(number) for number in operator.inputs[1:3])
            convolutions.append(_layer(_present(weight).transpose(0, 3, 1, 2), bias))
        elif kind == "DEPTHWISE_CONV_2D":
            weight, bias = (constant(number) for number in operator.inputs[1:3])
            convolutions.append(_layer(_present(weight).transpose(3, 0, 1, 2), bias))
        elif kind == "FULLY_CONNECTED":
            weight, bias = (constant(number) for number in operator.inputs[1:3])
            linear.append(_layer(_present(weight), bias))
        elif kind in ("MUL", "ADD"):
            value = constant(operator.inputs[1])
            if value is not None and value.ndim == 2:
                factors.append(value.reshape(-1))
    return Released(
        tuple(convolutions), tuple(linear), tuple(zip(factors[::2], factors[1::2], strict=True))
    )


def _present(values: Array | None) -> Array:
    if values is None:
        raise SystemExit("The released model has a layer without constant weights.")
    return values


def _layer(weight: Array, bias: Array | None) -> Layer:
    return Layer(weight, np.zeros(weight.shape[0], np.float32) if bias is None else bias)


def _constant(model: Any, tensor: Any) -> Array | None:
    """Return the real numbers of a constant tensor, or None for one that is computed."""
    data = model.buffers[tensor.buffer].data
    if data is None:
        return None
    dtype = {9: np.int8, 2: np.int32}[tensor.type]
    codes = np.frombuffer(bytes(data), dtype).reshape(tensor.shape)
    scales = np.asarray(tensor.quantization.scale, np.float32)
    zeros = np.asarray(tensor.quantization.zeroPoint, np.float32)
    shape = [1] * codes.ndim
    if scales.size > 1:
        shape[tensor.quantization.quantizedDimension] = scales.size
    real = (codes.astype(np.float32) - zeros.reshape(shape)) * scales.reshape(shape)
    return np.asarray(real, dtype=np.float32)


def _put(parameter: torch.Tensor, values: Array) -> None:
    if tuple(parameter.shape) != values.shape:
        raise SystemExit(
            f"The released model has a layer of {values.shape} where {tuple(parameter.shape)} is "
            "wanted; it is no model of this kind."
        )
    parameter.copy_(torch.from_numpy(values.copy()))


@torch.no_grad()
def start_upper(net: TrunkNet, released: Released) -> None:
    """Fill the upper trunk and its head; the lower trunk is as it was published."""
    n_upper = sum(len(row.numbers) for row in ROWS[N_LOWER:])
    layers = iter(released.convolutions[-n_upper:])
    for block in net.upper.trunk:
        for layer in block.layers:
            wanted = next(layers)
            _put(layer.weight, wanted.weight)
            _put(layer.bias, wanted.bias)
    _fill_head(net.upper.head, released)


def _fill_head(head: StatisticsHead, released: Released) -> None:
    for scale, layer, wanted, (factor, summand) in zip(
        head.scales, head.layers, released.linear[2:], released.scales, strict=True
    ):
        scale.running_mean.copy_(torch.from_numpy(-summand / factor))
        scale.running_var.copy_(torch.from_numpy(factor**-2.0) - scale.eps)
        _put(layer.weight, wanted.weight)
        if layer.bias is not None:
            _put(layer.bias, wanted.bias)
