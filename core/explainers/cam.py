"""What the last convolution saw: class activation maps, small maps drawn as large as the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from core.explainers.gradients import saliency
from core.explainers.network import Rule, prepared

if TYPE_CHECKING:
    import torch
    from torch import nn


def gradcam(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM (Selvaraju et al. 2017): the last maps weighed by their mean gradient, what is below 0 left out.

    Returns (T, S, S) float32 and (T,) nan: it promises no sum.
    """
    from captum.attr import LayerGradCam

    same, made = x.expand(len(targets), -1, -1, -1), prepared(net)
    way = LayerGradCam(made, made.get_submodule(layer))
    heat = cast("torch.Tensor", way.attribute(same.clone(), target=list(targets), relu_attributions=True))
    return _large(heat, x), np.full(len(targets), np.nan, np.float32)


def guided_gradcam(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """The product of both maps (Selvaraju et al. 2017): where Grad-CAM looks, as finely as guided saliency draws."""
    coarse, nothing = gradcam(net, x, targets, background, layer)
    return coarse * saliency("guided")(net, x, targets, background, layer)[0], nothing


def activation(rule: Rule) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The explainer whose map is gradient times activation of the last maps, place by place, summed over the channels.

    With the plain way back that is HiResCAM (Draelos and Carin 2020).
    """

    def maps(
        net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
    ) -> tuple[np.ndarray, np.ndarray]:
        from captum.attr import LayerGradientXActivation
        from torch import nn

        same, made = x.expand(len(targets), -1, -1, -1), prepared(net, rule)
        last = made.get_submodule(layer)
        way, before = LayerGradientXActivation(made, last), not isinstance(last, nn.Conv2d)  # a ReLU's rule counts, too
        heat = cast("torch.Tensor", way.attribute(same.clone(), target=list(targets), attribute_to_layer_input=before))
        return _large(heat.sum(dim=1, keepdim=True), x), np.full(len(targets), np.nan, np.float32)

    return maps


def _large(heat: torch.Tensor, x: torch.Tensor) -> np.ndarray:
    """(T, 1, h, w) -> (T, S, S), bilinear."""
    from torch.nn.functional import interpolate

    large = interpolate(heat.detach(), x.shape[2:], mode="bilinear", align_corners=False)
    return large[:, 0].cpu().numpy()
