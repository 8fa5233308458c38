"""The tensors inside an ONNX file, read without any package for that format.

An ONNX file is a protocol buffer (protobuf.dev, "Encoding"): fields of a number and a kind. Tensors
are field 5 of the graph, which is field 7 of the model (onnx.proto, version 1.13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MODEL_GRAPH = 7
GRAPH_TENSOR = 5
TENSOR_SIZES, TENSOR_KIND, TENSOR_NAME, TENSOR_BYTES = 1, 2, 8, 9
FLOAT32 = 1
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def read_tensors(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the float32 tensors of a model by name; others are left out.

    Raises:
        ValueError: If the content is no protocol buffer.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for number, graph in _fields(content):
        if number != MODEL_GRAPH or isinstance(graph, int):
            continue
        for inner, tensor in _fields(graph):
            if inner == GRAPH_TENSOR and not isinstance(tensor, int):
                name, values = _tensor(tensor)
                if values is not None:
                    found[name] = values
    return found


def _tensor(content: bytes) -> tuple[str, NDArray[np.float32] | None]:
    sizes: list[int] = []
    kind, name, raw = 0, "", b""
    for number, value in _fields(content):
        if number == TENSOR_SIZES:
            sizes += [value] if isinstance(value, int) else list(_varints(value))
        elif number == TENSOR_KIND and isinstance(value, int):
            kind = value
        elif number == TENSOR_NAME and isinstance(value, bytes):
            name = value.decode()
        elif number == TENSOR_BYTES and isinstance(value, bytes):
            raw = value
    if kind != FLOAT32 or not raw:
        return name, None
    return name, np.frombuffer(raw, dtype="<f4").reshape(sizes).astype(np.float32)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(content):
            raise ValueError("This is no ONNX file: it ends inside a number.")
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _varints(content: bytes) -> Iterator[int]:
    place = 0
    while place < len(content):
        value, place = _varint(content, place)
        yield value


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of every field: a whole number, or bytes."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield key >> 3, value
            continue
        if kind == _LENGTH:
            size, place = _varint(content, place)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"This is no ONNX file: a field of kind {kind}.")
        if place + size > len(content):
            raise ValueError("This is no ONNX file: it ends inside a field.")
        yield key >> 3, content[place : place + size]
        place += size
