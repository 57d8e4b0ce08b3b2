"""Pictures through a network, a few at a time: logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.device import out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import nn

PIECE = 128 * 128**2  # pixels of the pictures that a CPU looks at at once, and never more than 128 pictures


def logits(
    net: nn.Module, pixels: np.ndarray, mean: Sequence[float], std: Sequence[float], device: torch.device,
    dtype: torch.dtype | None = None,
) -> np.ndarray:  # fmt: skip
    """(N, S, S, 3) uint8 -> (N, C) float32, 128 pictures at a time, on a CPU fewer of large ones, and half as many
    where memory does not suffice: it does not grow with N, and little with S.

    `net` has to be in evaluation mode; `dtype` is what autocast computes in, None for that of the net's weights.
    """
    import torch

    from core.pixels import tensor

    own, batch = next(net.parameters()).dtype, 128
    if device.type == "cpu":  # 128 of 224 px would hold a gigabyte more
        batch = max(1, min(batch, PIECE // (pixels.shape[1] * pixels.shape[2])))
    out, start = [], 0
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype is not None):
        while start < len(pixels):
            try:
                x = tensor(np.array(pixels[start : start + batch]), mean, std, device)
                out.append(net(x.to(own)).float().cpu().numpy())
            except RuntimeError as error:
                if batch == 1 or not out_of_memory(error):
                    raise
                batch //= 2
            else:
                start += batch
    return np.concatenate(out) if out else np.empty((0, 0), np.float32)
