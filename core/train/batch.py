"""How many pictures at once train fastest on a device."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from core.device import out_of_memory
from core.train import optimise

if TYPE_CHECKING:
    import torch
    from torch import nn

SMALLEST, LARGEST = 16, 512
STEPS = 20  # an epoch has to have so many
FASTER = 1.1  # times: what gains less ends the search


def fastest(net: nn.Module, size: int, where: torch.device, dtype: torch.dtype | None, images: int) -> int:
    """The number, a power of two, for training `net` on pictures of `size` px in autocast to `dtype`.

    The step after which it is hardly faster ends the search, and so does one that would leave an epoch over `images`
    less than 20 steps, or that does not fit into memory.
    """
    best, speed, count = SMALLEST, 0.0, SMALLEST
    while count <= LARGEST and (count == best or count * STEPS <= images):
        try:
            now = _speed(net, count, size, where, dtype)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            break
        if now < FASTER * speed:
            break
        best, speed, count = count, now, count * 2
    return best


def _speed(net: nn.Module, count: int, size: int, where: torch.device, dtype: torch.dtype | None) -> float:
    """Pictures/s, forward and backward, of random pictures on a copy; the best of three."""
    import torch

    net = copy.deepcopy(net)
    optimise.learning(net)
    x = torch.randn(count, 3, size, size, device=where).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        with torch.autocast(where.type, dtype, enabled=dtype is not None):
            out = net(x)
        out.float().sum().backward()
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        times.append(time.perf_counter() - began)
    return count / min(times)
