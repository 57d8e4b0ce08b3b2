"""SHAP values by expected gradients (Erion et al. 2021): for every network that has a gradient.

The numbers of `shap.GradientExplainer`, which the tests compare with: the same points are drawn. Here they stay in
channels-last memory, few at a time, and all classes come of one pass, so a map costs about two thirds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

TIMES = 2  # points for each background picture
AT_ONCE = 10  # points in one pass: a fifth faster than 50, whose maps do not stay in the processor's cache


def shap_gradient(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Heat maps of (1, 3, S, S) `x` for the logits `targets`: the gradient at points drawn between the picture and
    pictures of (K, 3, S, S) `background`, times the way between the two. The same points at each call.

    Returns (T, S, S) float32, summed over the colour channels, and (T,) f(x) - mean f(background), which each map sums to
    the more closely, the more points there are.
    """
    import torch

    which, share = _points(TIMES * len(background), len(background))
    total = x.new_zeros((len(targets), *x.shape[2:]))
    for at in range(0, len(which), AT_ONCE):
        other = background[which[at : at + AT_ONCE]]
        weight = torch.as_tensor(share[at : at + AT_ONCE], dtype=x.dtype, device=x.device).view(-1, 1, 1, 1)
        point = (weight * x + (1 - weight) * other).contiguous(memory_format=torch.channels_last).requires_grad_()
        out = net(point)
        for i, target in enumerate(targets):
            [slope] = torch.autograd.grad(out[:, target].sum(), point, retain_graph=i < len(targets) - 1)
            total[i] += (slope * (x - other)).sum(dim=(0, 1))
    with torch.no_grad():
        sums = net(x)[0] - torch.cat([net(some) for some in background.split(AT_ONCE)]).mean(dim=0)
    return (total / len(which)).cpu().numpy(), sums[list(targets)].cpu().numpy()


def _points(count: int, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """(count,) of which background picture each point has something, and (count,) how much of the picture itself."""
    rng = np.random.RandomState(0)  # shap's own generator, asked in shap's order
    drawn = [(rng.choice(pictures), rng.uniform()) for _ in range(count)]
    which, share = zip(*drawn, strict=True)
    return np.array(which), np.array(share)
