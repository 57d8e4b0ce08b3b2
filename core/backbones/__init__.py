"""Networks by name: our own small ones, and every network of timm under its timm name.

vgg.py          seven convolutions, for 75 and 100 px, plain and with batch norm
plain.py        the smallest ones: two convolutions; three or five without colour
pretrained.py   a timm network without its classifier, and which of its layers learn
heads.py        what stands on top of a timm network

A new network of our own is one file here and one line in `BACKBONES`.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.backbones import pretrained
from core.backbones.heads import head
from core.backbones.plain import grayscale, simple, without_colour
from core.backbones.vgg import vgg
from core.errors import BadInput
from core.model import Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Look:
    """What a network wants to see: (B, 3, size, size), (pixels in 0..1 - mean) / std for each channel."""

    size: int  # px
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network of our own: trained from the start, its head included.

    `build(classes, size)` returns an `nn.Sequential` that takes (B, 3, size, size) float and returns (B, classes) logits.
    """

    build: Callable[[int, int], nn.Sequential]
    size: int  # px, unless a recipe says otherwise
    last_conv: str  # name of the module whose output a class activation map looks at
    least: int = 32  # px, the smallest side that leaves something to look at
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # needs no data set's own statistics: pixels come as -2..2
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)


BACKBONES: dict[str, Backbone] = {
    "vgg75": Backbone(lambda classes, size: vgg(size, classes, batch_norm=False), 75, "conv7", 44),
    "vgg100": Backbone(lambda classes, size: vgg(size, classes, batch_norm=False), 100, "conv7", 44),
    "vgg75-bn": Backbone(lambda classes, size: vgg(size, classes, batch_norm=True), 75, "conv7", 44),
    "vgg100-bn": Backbone(lambda classes, size: vgg(size, classes, batch_norm=True), 100, "conv7", 44),
    "simplecnn": Backbone(simple, 75, "conv2"),
    "cnn-gray-224": Backbone(lambda classes, size: without_colour(classes, size, 3), 224, "conv3", 96),
    "cnn-gray-224-deep": Backbone(lambda classes, size: without_colour(classes, size, 5), 224, "conv5", 96),
}


def backbone(name: str) -> Backbone:
    """The network of our own of that name. Raises BadInput, with near names, where there is none."""
    if name not in BACKBONES:
        near = difflib.get_close_matches(name, BACKBONES, 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(BACKBONES)}."
        raise BadInput(f"Recipe {name!r} is not known: {hint}")
    return BACKBONES[name]


def look(recipe: Recipe) -> Look:
    """What the recipe's network sees. Raises BadInput where there is no such network, or the size does not fit it."""
    if _theirs(recipe):
        return Look(*pretrained.look(recipe.backbone, recipe.size))
    own = backbone(recipe.backbone)
    size = recipe.size or own.size
    if size < own.least:
        raise BadInput(f"size = {size} is too small for {recipe.backbone}: at least {own.least} px was wanted.")
    return Look(size, own.mean, own.std)


def build(recipe: Recipe, classes: int) -> nn.Sequential:
    """The recipe's network with weights that have learned nothing: to be trained, or to be given a checkpoint's."""
    return _network(recipe, classes, None)


def start(recipe: Recipe, classes: int, weights: Path | None) -> nn.Sequential:
    """The recipe's network as its training begins; `weights` is the folder that WINNOW_WEIGHTS names.

    Raises Missing where pretrained weights cannot be had, and Damaged where their file does not fit.
    """
    from core.weights import timm_file

    return _network(recipe, classes, timm_file(recipe.backbone, weights) if pretrained_start(recipe) else None)


def _network(recipe: Recipe, classes: int, file: Path | None) -> nn.Sequential:
    from torch import nn

    seen, own = look(recipe), BACKBONES.get(recipe.backbone)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if recipe.gray:
        layers["gray"] = grayscale(seen.mean, seen.std, 3)
    if own is None:
        layers["trunk"] = pretrained.trunk(recipe.backbone, seen.size, file)
        layers.update(head(recipe.head or "linear", pretrained.features(layers["trunk"]), classes))
        return nn.Sequential(layers)
    made = list(own.build(classes, seen.size).named_children())
    if recipe.head:  # in the place of what follows the last map
        at = [name for name, _ in made].index("flatten") + 1
        width = next(module.in_features for _, module in made[at:] if isinstance(module, nn.Linear))
        made = [*made[:at], *head(recipe.head, width, classes)]
    layers.update(made)
    return nn.Sequential(layers)


def pretrained_start(recipe: Recipe) -> bool:
    """Whether its training begins with weights that were learned elsewhere."""
    return _theirs(recipe) and not recipe.scratch


def _theirs(recipe: Recipe) -> bool:
    return recipe.backbone not in BACKBONES
