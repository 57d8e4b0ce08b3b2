"""The smallest networks, for training from scratch: what a larger one has to be better than."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.backbones.vgg import initialise

if TYPE_CHECKING:
    from torch import nn

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as Pillow makes grey
DROPOUT = 0.5


def simple(classes: int, size: int) -> nn.Sequential:
    """Two 3x3 convolutions with a pool after each, then 128: (B, 3, size, size) -> (B, classes) logits."""
    return _network(3, (32, 64), size, classes, dropout=False)


def without_colour(classes: int, size: int, convolutions: int) -> nn.Sequential:
    """`convolutions` (3 or 5) 3x3 convolutions with a pool after each on brightness alone, dropout, then 128."""
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict(gray=grayscale((0.5,) * 3, (0.25,) * 3, 1))
    net = _network(1, (32, 64, 128, 128, 128)[:convolutions], size, classes, dropout=True)
    layers.update(net.named_children())
    return nn.Sequential(layers)


def grayscale(mean: Sequence[float], std: Sequence[float], channels: int) -> nn.Conv2d:
    """A fixed layer: (B, 3, S, S) normalised -> (B, channels, S, S), the brightness, normalised as each channel was.

    As a layer it goes wherever the network goes: into its checkpoint, its explanation, its export.
    """
    import torch
    from torch import nn

    layer = nn.Conv2d(3, channels, 1)
    with torch.no_grad():
        for out in range(channels):
            for colour, share in enumerate(LUMA):
                layer.weight[out, colour] = share * std[colour] / std[out]
        middle = sum(share * m for share, m in zip(LUMA, mean, strict=True))
        layer.bias.copy_(torch.tensor([(middle - mean[out]) / std[out] for out in range(channels)]))  # type: ignore[union-attr]
    return layer.requires_grad_(False)


def _network(channels: int, widths: Sequence[int], size: int, classes: int, dropout: bool) -> nn.Sequential:
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    side = size
    for i, width in enumerate(widths, start=1):
        layers[f"conv{i}"] = nn.Conv2d(channels, width, 3)
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        layers[f"relu{i}"] = nn.ReLU(inplace=False)
        channels, side = width, (side - 2) // 2
    layers["flatten"] = nn.Flatten()
    if dropout:
        layers["dropout"] = nn.Dropout(DROPOUT)
    layers["linear1"] = nn.Linear(channels * side * side, 128)
    layers[f"relu{len(widths) + 1}"] = nn.ReLU(inplace=False)
    layers["logits"] = nn.Linear(128, classes)
    net = nn.Sequential(layers)
    initialise(net)
    return net
