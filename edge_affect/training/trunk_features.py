"""What the published part of the trunk makes of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

CHUNK = 64


@torch.no_grad()
def lower_features(lower: nn.Module, windows: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return what ``lower`` makes of windows ``(n, n_frames, n_mels)``."""
    lower.eval()
    parts = []
    for start in range(0, windows.shape[0], CHUNK):
        part = torch.from_numpy(windows[start : start + CHUNK, None])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = lower(part.to(memory_format=torch.channels_last))
        parts.append(features.half().numpy())
    return np.ascontiguousarray(np.concatenate(parts))
