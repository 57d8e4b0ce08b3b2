"""Small VGG-like networks for training from scratch (after Simonyan and Zisserman 2015).

Seven 3x3 convolutions without padding, max-pooling after 2, 4 and 7, then three linear layers. The sides of the maps:
75 -> 73 71 | 35 33 31 | 15 13 11 9 | 4, and 100 -> 98 96 | 48 46 44 | 22 20 18 16 | 8.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import nn

CHANNELS = (32, 32, 64, 64, 128, 128, 128)
POOL_AFTER = (2, 4, 7)
HIDDEN = (514, 128)


def vgg(size: int, classes: int, batch_norm: bool) -> nn.Sequential:
    """A network that takes (B, 3, size, size) and returns (B, classes) logits.

    Every ReLU is a module of its own and not in place: SHAP's DeepExplainer hooks each one. It stands after the pool
    (max and ReLU commute, and there it works on a quarter of the pixels).
    """
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, side = 3, size
    for i, width in enumerate(CHANNELS, start=1):
        layers[f"conv{i}"] = nn.Conv2d(channels, width, 3, bias=not batch_norm)
        channels, side = width, side - 2
        if batch_norm:
            layers[f"norm{i}"] = nn.BatchNorm2d(width)
        if i in POOL_AFTER:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
            side //= 2
        layers[f"relu{i}"] = nn.ReLU(inplace=False)
    layers["flatten"] = nn.Flatten()
    features = channels * side * side
    for i, width in enumerate(HIDDEN, start=len(CHANNELS) + 1):
        layers[f"linear{i}"] = nn.Linear(features, width, bias=not batch_norm)
        features = width
        if batch_norm:
            layers[f"norm{i}"] = nn.BatchNorm1d(width)
        layers[f"relu{i}"] = nn.ReLU(inplace=False)
    layers["logits"] = nn.Linear(features, classes)
    net = nn.Sequential(layers)
    initialise(net)
    return net


def initialise(net: nn.Sequential) -> None:
    """He et al. 2015: without batch norm nine layers of PyTorch's default start do not learn for many epochs."""
    from torch import nn

    for module in net:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    last = cast(nn.Linear, net.logits)
    nn.init.normal_(last.weight, std=0.01)  # starts at equal chances: the first loss is log(classes)
