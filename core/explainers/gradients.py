"""Saliency: how much the class's score moves with each pixel, with three ways of passing a ReLU on the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.explainers.network import Rule, prepared

if TYPE_CHECKING:
    import torch
    from torch import nn


def saliency(rule: Rule) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The explainer whose map is |gradient| of the class's logit, the largest of the three colours (Simonyan et al. 2014)."""

    def maps(
        net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
    ) -> tuple[np.ndarray, np.ndarray]:
        from captum.attr import Saliency

        way, same = Saliency(prepared(net, rule)), x.expand(len(targets), -1, -1, -1)  # a row for each class
        heat = way.attribute(same.clone().requires_grad_(), target=list(targets)).amax(dim=1)
        return heat.cpu().numpy(), np.full(len(targets), np.nan, np.float32)

    return maps
