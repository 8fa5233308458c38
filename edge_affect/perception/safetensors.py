"""Named float arrays out of a safetensors file, without any package for that format.

The format (huggingface.co/docs/safetensors, "Format"): eight bytes that say how long the header is,
little-endian; the header, JSON with type, shape and place of each array; the arrays themselves.
"""

from __future__ import annotations

import json
import struct
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTH = struct.Struct("<Q")


def read_arrays(content: bytes, name: str) -> dict[str, NDArray[np.float32]]:
    """Return the float32 arrays of a file by name, read-only.

    Args:
        content: The whole file.
        name: What to call it in an error.

    Raises:
        ModelError: If it is no safetensors file, or holds anything but float32.
    """
    try:
        (n_header,) = _LENGTH.unpack_from(content)
        (text,) = struct.unpack_from(f"<{n_header}s", content, _LENGTH.size)
        header = json.loads(text)
        header.pop("__metadata__", None)
        start = _LENGTH.size + n_header
        return {key: _array(content, start, entry) for key, entry in header.items()}
    except (struct.error, OverflowError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{name} is no safetensors file of float32 arrays: {error}.") from None


def _array(content: bytes, start: int, entry: dict[str, Any]) -> NDArray[np.float32]:
    if entry["dtype"] != "F32":
        raise ValueError(f"an array of type {entry['dtype']}")
    shape = [int(size) for size in entry["shape"]]
    first, after = (int(place) for place in entry["data_offsets"])
    if after - first != 4 * prod(shape):
        raise ValueError(f"an array of {after - first} bytes and shape {shape}")
    flat = np.frombuffer(content, dtype="<f4", count=prod(shape), offset=start + first)
    return flat.reshape(shape)
