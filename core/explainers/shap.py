"""SHAP values by DeepLIFT's rescale rule (Lundberg and Lee 2017; Shrikumar et al. 2017).

The same numbers as `shap.DeepExplainer`, which the tests compare with. It works on pairs, a copy of the picture beside
each background picture; here the picture goes through the net once beside many of them, so a map costs about a third,
and nothing waits for shap's import of several seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BadInput

AT_ONCE = 16  # background pictures in one pass: their maps stay in the processor's cache, a quarter faster than 50

if TYPE_CHECKING:
    import torch
    from torch import nn


def shap(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Heat maps of (1, 3, S, S) `x` for the logits `targets`, against the mean of (K, 3, S, S) `background`.

    Returns (T, S, S) float32, summed over the colour channels, and (T,) f(x) - mean f(background), which each map sums
    to. Each activation and pool of the net has to be a module of its own, used once and not in place, and the net in
    evaluation mode. Raises BadInput for a layer that has no rule here.
    """
    import torch

    layers = [(module, _rule(module)) for module in net.modules() if not list(module.children())]
    pieces = max(1, round(len(background) / AT_ONCE))
    rules = [module.register_forward_hook(rule) for module, rule in layers]
    try:
        parts = [_part(net, x, targets, some) for some in background.tensor_split(pieces)]
    finally:
        for rule in rules:
            rule.remove()
    heats, sums = (torch.stack(each).sum(dim=0) / len(background) for each in zip(*parts, strict=True))
    return heats.cpu().numpy(), sums.cpu().numpy()


def has_rules(net: nn.Module, layer: str = "") -> None:
    """Raises BadInput for a layer that has no rule here."""
    for module in net.modules():
        if not list(module.children()):
            _rule(module)


def _part(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(T, S, S) heat and (T,) f(x) - f(background), both summed over the (K, 3, S, S) background; the hooks are in."""
    import torch

    joint = torch.cat([x, background]).contiguous(memory_format=torch.channels_last).requires_grad_()
    out = net(joint)  # (1 + K, C), the picture itself in row 0
    slopes = [  # one pass backwards for each class, so only the asked ones
        torch.autograd.grad(out[1:, target].sum(), joint, retain_graph=i < len(targets) - 1)[0][1:]
        for i, target in enumerate(targets)
    ]
    with torch.no_grad():
        distance = joint[:1] - joint[1:]
        heat = torch.stack([(slope * distance).sum(dim=(0, 1)) for slope in slopes])
        return heat, (out[:1] - out[1:]).sum(dim=0)[list(targets)]


def _rule(module: nn.Module) -> Any:
    """The forward hook of a layer: none does anything for a linear one, whose gradient is its slope."""
    from torch import nn

    if isinstance(module, nn.ReLU) and not module.inplace:
        return lambda _module, inputs, output: _relu().apply(inputs[0], output.detach())
    if isinstance(module, nn.MaxPool2d):
        return lambda module, inputs, _output: _max_pool().apply(inputs[0], module)
    linear = (nn.Conv2d, nn.Linear, nn.Flatten, nn.Identity, nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d, nn.AvgPool2d)
    if isinstance(module, (*linear, nn.AdaptiveAvgPool2d)):
        return lambda _module, _inputs, _output: None
    raise BadInput(
        f"SHAP by DeepLIFT has no rule for a {type(module).__name__} layer: choose SHAP by expected gradients"
        " (shap-gradient) or by partitions (shap-partition)."
    )


def _relu() -> Any:
    """ReLU whose gradient in rows 1.. is the slope from that background row to row 0; row 0 gets none."""
    import torch

    class Rescale(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x, y)
            return y.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
            x, y = ctx.saved_tensors
            step = x[:1] - x[1:]
            slope = (y[:1] - y[1:]).div_(step)
            near = step.abs_() < 1e-6  # there the quotient is noise, and the plain gradient its limit
            out = torch.empty_like(x)
            out[0] = 0
            torch.mul(grad[1:], torch.where(near, x[1:] > 0, slope), out=out[1:])
            return out, None

    return Rescale


def _max_pool() -> Any:
    """Max-pool: what the maximum gained over the background's goes to where the picture has it, the rest to where the
    background had it (shap's rule; each place divides by its own step)."""
    import torch
    from torch.nn.functional import max_pool2d, max_unpool2d

    class Rescale(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, pool: nn.MaxPool2d) -> torch.Tensor:
            ctx.shape = (pool.kernel_size, pool.stride, pool.padding)
            y, places = max_pool2d(x, *ctx.shape, pool.dilation, pool.ceil_mode, True)
            ctx.save_for_backward(x, y, places)
            return y

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
            x, y, places = ctx.saved_tensors
            step, here, there = x[:1] - x[1:], y[:1], y[1:]
            higher = torch.maximum(here, there)
            (kernel, stride, padding), size = ctx.shape, list(step.shape)
            gain = max_unpool2d(grad[1:] * (higher - there), places[:1].expand_as(there), kernel, stride, padding, size)
            gain += max_unpool2d(grad[1:] * (here - higher), places[1:], kernel, stride, padding, size)
            gain.div_(step)
            out = torch.empty_like(x)
            out[0] = 0
            out[1:] = gain.masked_fill_(step.abs_() < 1e-7, 0.0)
            return out, None

    return Rescale
