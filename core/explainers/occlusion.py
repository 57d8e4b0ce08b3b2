"""Occlusion (Zeiler and Fergus 2014): how far the class's score falls where a part of the picture is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

SHARE, AT_ONCE = 6, 36  # the square that hides is a sixth of the side, and moves by half of itself
ASKS = 144  # squares, or a few more


def occlusion(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Heat maps of (1, 3, S, S) `x` for the logits `targets`; what is hidden shows the mean of the background pictures.

    Returns (T, S, S) float32, the mean fall of the logit over the squares that hide a pixel, and (T,) nan: no sum.
    """
    import torch
    from captum.attr import Occlusion

    side = max(1, x.shape[2] // SHARE)
    step = max(1, side // 2)
    way, mean = Occlusion(net), background.mean(dim=0, keepdim=True)
    with torch.no_grad():
        heat = [
            way.attribute(x, (3, side, side), (3, step, step), mean, target=target, perturbations_per_eval=AT_ONCE)
            for target in targets
        ]
    return torch.cat(heat).mean(dim=1).cpu().numpy(), np.full(len(targets), np.nan, np.float32)
