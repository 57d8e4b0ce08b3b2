"""Explainers by name: which pixels spoke for a class. A new one is one file here and one line in `EXPLAINERS`.

shap.py            SHAP by DeepLIFT's rule: exact sums, for networks of plain layers
shap_gradient.py   SHAP by expected gradients: for every network with a gradient
shap_partition.py  SHAP by hiding rectangles: for every model
gradients.py       saliency, guided and rectified
cam.py             Grad-CAM, guided Grad-CAM, activation maps with the three ways back
occlusion.py       hide a square, see how far the score falls
network.py         the copy of a network they work on, its last map, and whether a method can be had for it
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.explainers import occlusion as hiding
from core.explainers import shap_partition as halving
from core.explainers.cam import activation, gradcam, guided_gradcam
from core.explainers.gradients import saliency
from core.explainers.network import has_map, last_map, only_relus
from core.explainers.shap import has_rules, shap
from core.explainers.shap_gradient import shap_gradient
from core.model import Explanation

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.checkpoint import Model

# (net, x (1, 3, S, S), targets, background (K, 3, S, S), layer) -> (targets, S, S) float32, and what each map has to sum
# to ((targets,) float32; nan where the method promises no sum). Inputs are normalised, outputs speak of logits; `layer` is
# the name of the network's last map, "" where it has none.
Maps = Callable[
    ["nn.Module", "torch.Tensor", Sequence[int], "torch.Tensor", str], tuple[np.ndarray, np.ndarray]
]  # fmt: skip


def _anything(net: nn.Module, layer: str) -> None:
    """Every network will do."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """A way to say which pixels spoke for a class."""

    maps: Maps
    title: str
    about: str  # what a pixel's value is, in words for who reads the map
    source: str  # who thought of it
    signed: bool = True  # values below 0 speak against the class; else there are none
    fits: Callable[[nn.Module, str], None] = _anything  # (net, layer); raises BadInput where it cannot be had for it
    cost: int = 4  # about so many looks of the network at one picture is what a map takes, a way back counted as two


def _both(net: nn.Module, layer: str) -> None:
    has_map(net, layer)
    only_relus(net, layer)


_MOVES = "How strongly the class's score moves when the pixel does"
_SAW = "What the last convolution saw there, times how much the class's score wants it"
EXPLAINERS: dict[str, Explainer] = {
    "shap": Explainer(
        shap, "SHAP", "How much the pixel adds to the class's score, compared with pictures of the training part. The values "
        "sum to the difference in score, exactly", "DeepLIFT: Shrikumar et al. 2017, Lundberg and Lee 2017", fits=has_rules,
        cost=200),
    "shap-gradient": Explainer(
        shap_gradient, "SHAP (gradients)", "How much the pixel adds to the class's score, compared with pictures of the "
        "training part, from gradients on the way between the two. The values sum to the difference in score, about",
        "Erion et al. 2021, Lundberg and Lee 2017", cost=300),
    "shap-partition": Explainer(
        halving.shap_partition, "SHAP (partitions)", "How much the rectangle around the pixel adds to the class's score, when parts "
        "of the picture are hidden behind the mean training picture. The values sum to the difference in score, exactly",
        "Owen 1977, Lundberg and Lee 2017", cost=halving.ASKS),
    "saliency": Explainer(
        saliency("plain"), "Saliency", f"{_MOVES}, for better or worse", "Simonyan et al. 2014", signed=False),
    "guided": Explainer(
        saliency("guided"), "Guided saliency", f"{_MOVES}; of what is in between, only what is seen and speaks for it counts. "
        "It draws edges, also of what the class does not need", "Springenberg et al. 2015", signed=False, fits=only_relus),
    "relu": Explainer(
        saliency("relu"), "Rectified saliency", f"{_MOVES}; of what is in between, only what speaks for it counts, seen or not",
        "deconvnet: Zeiler and Fergus 2014", signed=False, fits=only_relus),
    "gradcam": Explainer(
        gradcam, "Grad-CAM", "How much of what speaks for the class the last convolution saw there; coarse, drawn smooth",
        "Selvaraju et al. 2017", signed=False, fits=has_map),
    "guided-gradcam": Explainer(
        guided_gradcam, "Guided Grad-CAM", "Guided saliency where Grad-CAM looks", "Selvaraju et al. 2017", signed=False,
        fits=_both),
    "activation": Explainer(
        activation("plain"), "Activation", f"{_SAW}; coarse, drawn smooth", "HiResCAM: Draelos and Carin 2020", fits=has_map),
    "activation-guided": Explainer(
        activation("guided"), "Activation (guided)", f"{_SAW}; on the way back only what is seen and speaks for it counts",
        "Springenberg et al. 2015 on the last convolution", signed=False, fits=_both),
    "activation-relu": Explainer(
        activation("relu"), "Activation (rectified)", f"{_SAW}; on the way back only what speaks for it counts, seen or not",
        "Zeiler and Fergus 2014 on the last convolution", fits=_both),
    "occlusion": Explainer(
        hiding.occlusion, "Occlusion", "How far the class's score falls when a square around the pixel is hidden behind the mean "
        "training picture; where hiding helps, it rises", "Zeiler and Fergus 2014", cost=hiding.ASKS),
}  # fmt: skip
SAMPLES = 50  # background pictures shown at once; 200 refines (correlation with 2,000: .976, then .994)


def explain(
    model: Model, run: int, pixels: np.ndarray, labels: Sequence[str], explainer: str = "shap", samples: int = SAMPLES
) -> list[Explanation]:
    """Why `model` says each of `labels` of the picture `pixels`, (S, S, 3) uint8 as `core.pixels.squares` gives it.

    `samples` pictures of the train part (at most as many as the checkpoint keeps, 200) are what SHAP compares with, and
    occlusion hides with. Raises BadInput for an unknown explainer or label, a picture of another size, or an explainer
    that cannot be had for this network.
    """
    from core.device import use_free_cores
    from core.pixels import tensor

    how = known(explainer)
    unknown = [label for label in labels if label not in model.classes]
    if unknown or not labels:
        raise BadInput(f"Class {', '.join(unknown) or '(none)'} is not one of {', '.join(model.classes)}.")
    if pixels.shape != (model.size, model.size, 3):
        raise BadInput(f"{model.recipe.name} wants a ({model.size}, {model.size}, 3) picture, got {pixels.shape}.")
    layer = last(model)
    how.fits(model.net, layer)
    start = time.perf_counter()
    targets = [model.classes.index(label) for label in labels]
    x = tensor(np.array(pixels)[None], model.mean, model.std, model.device)
    background = tensor(model.background[: max(1, samples)], model.mean, model.std, model.device)
    use_free_cores()
    heats, sums = how.maps(model.net, x, targets, background, layer)
    seconds = (time.perf_counter() - start) / len(labels)
    return [
        Explanation(run, label, heat, pixels, _off(heat, float(total)), seconds, explainer)
        for label, heat, total in zip(labels, heats, sums, strict=True)
    ]


def _off(heat: np.ndarray, total: float) -> float:
    """How far the map's sum is from the one it promises, as a share of that; nan where it promises none."""
    return float(abs(heat.sum(dtype=np.float64) - total) / max(abs(total), 1e-12))


def pace(model: Model) -> float:
    """Seconds that the network looks at one picture of several, measured now: times `cost` it tells how long a map takes."""
    import torch

    from core.device import use_free_cores
    from core.pixels import tensor

    use_free_cores()
    some = tensor(model.background[:8], model.mean, model.std, model.device)
    seconds = 0.0
    with torch.inference_mode():
        for _ in range(2):  # the first one plans
            start = time.perf_counter()
            model.net(some).cpu()
            seconds = time.perf_counter() - start
    return seconds / len(some)


def known(explainer: str) -> Explainer:
    """The explainer of that name. Raises BadInput where there is none."""
    if explainer not in EXPLAINERS:
        raise BadInput(f"Explainer {explainer!r} is not known: choose one of {', '.join(EXPLAINERS)}.")
    return EXPLAINERS[explainer]


def last(model: Model) -> str:
    """Name of the layer whose map a class activation map looks at; "" where the network has none."""
    from core.backbones import BACKBONES

    own = BACKBONES.get(model.recipe.backbone)
    return own.last_conv if own else last_map(model.net, model.size)


def lacking(model: Model) -> dict[str, str]:
    """The explainers that cannot be had for this network, each with the sentence that says why."""
    layer, found = last(model), {}
    for name, how in EXPLAINERS.items():
        try:
            how.fits(model.net, layer)
        except BadInput as error:
            found[name] = str(error)
    return found
