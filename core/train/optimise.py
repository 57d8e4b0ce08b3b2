"""Which weights learn, by which optimiser, and at which rate at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.model import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim.swa_utils import AveragedModel

WARMUP = 0.05  # share of all steps in which the rate rises from 0
MOMENTUM = 0.9
ONE_CYCLE = (0.3, 25.0)  # share of the steps in which it rises, from the highest rate divided by this (Smith 2018)
PLATEAU = 0.1  # by which the rate is multiplied


def freeze(net: nn.Sequential, recipe: Recipe) -> None:
    """Let only that part of the network learn that the recipe says: the head, and of a timm trunk its upper layers."""
    trunk = getattr(net, "trunk", None)
    if trunk is None or recipe.train == "all":
        return
    if recipe.train == "head":
        trunk.requires_grad_(False)
        return
    from core.backbones.pretrained import depths

    layers = depths(trunk)
    top = max(layers.values())
    lowest = {"last-block": top, "half": (top + 1) // 2}[recipe.train]
    for name, weight in trunk.named_parameters():
        weight.requires_grad_(layers.get(name, 0) >= lowest)


def learning(net: nn.Module) -> None:
    """Training mode for what learns. A norm in a frozen part stays as it is: its statistics belong to its weights."""
    net.train()
    for module in net.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(weight.requires_grad for weight in own):
            module.eval()


def groups(net: nn.Sequential, recipe: Recipe) -> list[dict[str, Any]]:
    """What learns, in groups of the same rate (`scale`: its share of the recipe's) and weight decay.

    Each layer of a trunk learns at `layer_decay` of the rate of the one above it; biases and norms do not decay.
    """
    depth: dict[str, int] = {}
    if recipe.layer_decay < 1 and hasattr(net, "trunk"):
        from core.backbones.pretrained import depths

        depth = {f"trunk.{name}": layer for name, layer in depths(net.trunk).items()}  # type: ignore[arg-type]
    top = max(depth.values(), default=-1) + 1
    found: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, weight in net.named_parameters():
        if weight.requires_grad:
            found.setdefault((depth.get(name, top), weight.ndim > 1), []).append(weight)
    return [
        {
            "params": weights,
            "scale": recipe.layer_decay ** (top - layer),
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (layer, decays), weights in found.items()
    ]


def optimiser(net: nn.Sequential, recipe: Recipe, where: torch.device) -> torch.optim.Optimizer:
    """The recipe's optimiser over what learns."""
    import torch

    some, fused = groups(net, recipe), where.type in ("cpu", "cuda")
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(some, lr=recipe.lr, momentum=MOMENTUM, nesterov=True, fused=fused)
    if recipe.optimiser == "rmsprop":
        return torch.optim.RMSprop(some, lr=recipe.lr, momentum=MOMENTUM, foreach=True)
    kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
    return kind(some, lr=recipe.lr, fused=fused)


def average(mean: AveragedModel, net: nn.Module, ema: float) -> None:
    """Take the weights into their running mean, of which the share `ema` stays; less of it in the first steps, whose
    weights have learned little: (1 + n) / (10 + n) (as TensorFlow's ExponentialMovingAverage with `num_updates`)."""
    from torch.optim.swa_utils import get_ema_multi_avg_fn

    steps = int(mean.n_averaged)  # on the CPU, whatever the network is on
    mean.multi_avg_fn = get_ema_multi_avg_fn(min(ema, (1 + steps) / (10 + steps)))
    mean.update_parameters(net)


def share(recipe: Recipe, step: int, batches: int, values: Sequence[float]) -> float:
    """The share of the recipe's rate at `step` (from 0): a function of the step, and for "plateau" of what was watched
    in the epochs so far (`values`, the lower the better)."""
    total = batches * recipe.epochs
    if recipe.schedule == "one-cycle":
        rise, divided = max(1, round(total * ONE_CYCLE[0])), ONE_CYCLE[1]
        if step < rise:
            return 1 / divided + (1 - 1 / divided) * _half_cosine(1 - step / rise)
        return _half_cosine((step - rise) / max(1, total - rise))
    warm = max(1, round(total * WARMUP))
    if step < warm:
        return (step + 1) / warm
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "plateau":
        return PLATEAU ** _plateaus(values, max(1, recipe.patience // 2))
    return _half_cosine((step - warm) / max(1, total - warm))  # Loshchilov and Hutter 2017, without restarts


def _half_cosine(done: float) -> float:
    """1 at 0, 0 at 1."""
    return 0.5 * (1 + math.cos(math.pi * done))


def _plateaus(values: Sequence[float], patience: int) -> int:
    """How often `patience` values in a row were no better than the best before them."""
    best, since, count = math.inf, 0, 0
    for value in values:
        best, since = (value, 0) if value < best else (best, since + 1)
        if since >= patience:
            count, since = count + 1, 0
    return count
