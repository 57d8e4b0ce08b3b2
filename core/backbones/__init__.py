"""Backbones by name. A new one is one file here and one line in `BACKBONES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backbones.vgg import vgg
from core.errors import BadInput

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Backbone:
    """What a network is and what it wants to see.

    `build(classes)` returns an `nn.Sequential` that takes (B, 3, size, size) float and returns (B, classes) logits.
    """

    build: Callable[[int], nn.Sequential]
    size: int  # px, the side of the square it sees
    mean: tuple[float, float, float]  # of pixels in 0..1, per channel
    std: tuple[float, float, float]
    last_conv: str  # name of the module whose output a class activation map looks at


def _vgg(size: int, batch_norm: bool) -> Backbone:
    half = (0.5, 0.5, 0.5)  # nets trained from scratch need no data set's own statistics: pixels come as -2..2
    return Backbone(lambda classes: vgg(size, classes, batch_norm), size, half, (0.25, 0.25, 0.25), "conv7")


BACKBONES: dict[str, Backbone] = {
    "vgg75": _vgg(75, batch_norm=False),
    "vgg100": _vgg(100, batch_norm=False),
    "vgg75-bn": _vgg(75, batch_norm=True),
    "vgg100-bn": _vgg(100, batch_norm=True),
}


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises BadInput where there is none."""
    if name not in BACKBONES:
        raise BadInput(f"Recipe {name!r} is not known: choose one of {', '.join(BACKBONES)}.")
    return BACKBONES[name]
