"""A TFLite file rewritten so that the quantiser can read it, with the same answers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = tuple[int, ...]


def without_prelu(content: bytes) -> bytes:
    """Return a float model with each PReLU written as ``a x + (1 - a) relu(x)``.

    A rectifier of its own would leave the fast kernels in int8; as part of a multiplication by 1
    it stays there. The file also gets the signature and the numbers of operations that older files
    lack, and without which the quantiser takes every operation for an addition.
    """
    import flatbuffers  # type: ignore[import-untyped]  # it has no annotations
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    graph = model.subgraphs[0]
    writer = _Rewriter(schema, model)
    for operation in graph.operators:
        kind = model.operatorCodes[operation.opcodeIndex].builtinCode
        if kind == schema.BuiltinOperator.PRELU:
            writer.add_prelu(operation)
        else:
            writer.operations.append(operation)
    graph.operators = writer.operations
    model.signatureDefs = [_signature(schema, graph)]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Rewriter:
    """Collects the operations of a new graph."""

    def __init__(self, schema: Any, model: Any) -> None:
        self._schema, self._model, self._graph = schema, model, model.subgraphs[0]
        self._numbers: dict[int, int] = {}
        self.operations: list[Any] = []

    def add_prelu(self, operation: Any) -> None:
        """Write one PReLU anew."""
        source, slope = operation.inputs
        [sink] = operation.outputs
        kept = self._model.buffers[self._graph.tensors[slope].buffer].data
        slopes = np.frombuffer(bytes(kept), dtype=np.float32).reshape(1, 1, 1, -1)
        below = self._multiplied(source, slopes, sink, "below")
        rectified = self._multiplied(source, np.ones_like(slopes), sink, "rectified", is_relu=True)
        above = self._multiplied(rectified, 1 - slopes, sink, "above")
        options = self._schema.AddOptionsT()
        self._add("ADD", "AddOptions", options, [below, above], sink)

    def _multiplied(
        self, source: int, by: NDArray[np.float32], like: int, name: str, *, is_relu: bool = False
    ) -> int:
        options = self._schema.MulOptionsT()
        if is_relu:
            options.fusedActivationFunction = self._schema.ActivationFunctionType.RELU
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(by.astype(np.float32).tobytes(), dtype=np.uint8)
        self._model.buffers.append(buffer)
        factor = self._tensor(like, f"{name}/factor", by.shape, len(self._model.buffers) - 1)
        product = self._tensor(like, name)
        self._add("MUL", "MulOptions", options, [source, factor], product)
        return product

    def _tensor(
        self, like: int, name: str, shape: Shape | None = None, buffer: int | None = None
    ) -> int:
        tensor = copy.deepcopy(self._graph.tensors[like])
        tensor.name = bytes(tensor.name) + b"/" + name.encode()
        if shape is not None:
            tensor.shape = np.array(shape, dtype=np.int32)
        if buffer is not None:
            tensor.buffer = buffer
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _add(
        self, kind: str, options_kind: str, options: Any, sources: list[int], sink: int
    ) -> None:
        operation = self._schema.OperatorT()
        operation.opcodeIndex = self._code(getattr(self._schema.BuiltinOperator, kind))
        operation.inputs, operation.outputs = sources, [sink]
        operation.builtinOptionsType = getattr(self._schema.BuiltinOptions, options_kind)
        operation.builtinOptions = options
        self.operations.append(operation)

    def _code(self, kind: int) -> int:
        if kind not in self._numbers:
            code = self._schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = kind
            code.version = 1
            self._model.operatorCodes.append(code)
            self._numbers[kind] = len(self._model.operatorCodes) - 1
        return self._numbers[kind]


def _signature(schema: Any, graph: Any) -> Any:
    found = schema.SignatureDefT()
    found.signatureKey, found.subgraphIndex = b"serving_default", 0
    for side in ("inputs", "outputs"):
        ends = []
        for number in getattr(graph, side):
            end = schema.TensorMapT()
            end.name, end.tensorIndex = graph.tensors[number].name, int(number)
            ends.append(end)
        setattr(found, side, ends)
    return found
