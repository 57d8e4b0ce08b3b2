"""A network of timm as the trunk of ours: without its classifier, with features for a head, and its layers in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.weights import known, timm_network

if TYPE_CHECKING:
    from torch import nn

LEAST = 32  # px: what smaller pictures become halves away to nothing


def look(name: str, size: int) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """(size in px, mean, std) of what the network sees; `size` 0 is its own. Raises BadInput."""
    cfg = known(name)
    channels, height, width = cfg.input_size
    if channels != 3 or height != width:
        raise BadInput(f"The network {name!r} does not look at square colour pictures: choose another one.")
    if size and size < LEAST:
        raise BadInput(f"size = {size} is too small for {name}: at least {LEAST} px was wanted.")
    return size or width, tuple(cfg.mean), tuple(cfg.std)


def trunk(name: str, size: int, file: Path | None) -> nn.Module:
    """(B, 3, size, size) -> (B, D) pooled features; with the weights of the file, or ones that have learned nothing.

    Raises Damaged where the file does not fit the network, and BadInput where the size does not.
    """
    import timm

    fixed = bool(known(name).fixed_input_size) and size != known(name).input_size[1]
    shape: dict[str, Any] = {"img_size": size} if fixed else {}
    try:
        if file is None:
            net = timm.create_model(name, pretrained=False, num_classes=0, **shape)
        else:
            net = timm_network(name, file, **shape)
    except (AssertionError, TypeError) as error:  # patches that do not fill the size, a network of one size alone
        raise BadInput(f"The network {name!r} cannot be built for {size} px: {error}") from None
    if size != known(name).input_size[1]:
        import torch

        try:
            with torch.inference_mode():
                net.eval()(torch.zeros(1, 3, size, size))
        except (RuntimeError, AssertionError, ValueError, IndexError):
            own = known(name).input_size[1]
            raise BadInput(
                f"size = {size} does not fit {name}: leave it out for its own {own} px, or choose another."
            ) from None
    return net.requires_grad_(True)


def features(trunk: nn.Module) -> int:
    """D, the length of the vector that a trunk makes of a picture."""
    return int(getattr(trunk, "head_hidden_size", None) or trunk.num_features)  # type: ignore[arg-type]


def depths(trunk: nn.Module) -> dict[str, int]:
    """Name of each parameter -> its layer, 0 = the lowest. The last one counts as part of the layer before it where it
    holds nothing but a norm."""
    from timm.models import group_parameters

    shapes = dict(trunk.named_parameters())
    if hasattr(trunk, "group_matcher"):
        layers: Any = group_parameters(trunk, trunk.group_matcher(coarse=False), reverse=True)  # type: ignore[operator]
    else:  # some families name no layers: then their large pieces, in the order they were built
        pieces = list(dict.fromkeys(".".join(name.split(".")[:2]) for name in shapes))
        layers = {name: pieces.index(".".join(name.split(".")[:2])) for name in shapes}
    layers = {name: layer for name, layer in layers.items() if name in shapes}
    top = max(layers.values())
    if all(shapes[name].ndim < 2 for name, layer in layers.items() if layer == top):
        layers = {name: min(layer, top - 1) for name, layer in layers.items()}
    return layers
