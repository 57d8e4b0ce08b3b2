"""Explainers by name: which pixels spoke for a class. A new one is one file here and one line in `EXPLAINERS`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.explainers.shap import shap
from core.model import Explanation

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.checkpoint import Model

# (net, x (1, 3, S, S), targets, background (K, 3, S, S)) -> (targets, S, S) float32, and what each map has to sum to
# ((targets,) float32; nan where the method promises no sum). Inputs are normalised, outputs speak of logits.
Explainer = Callable[["nn.Module", "torch.Tensor", Sequence[int], "torch.Tensor"], tuple[np.ndarray, np.ndarray]]

EXPLAINERS: dict[str, Explainer] = {"shap": shap}
SAMPLES = 50  # background pictures shown at once; 200 refines (correlation with 2,000: .976, then .994)


def explain(
    model: Model, run: int, pixels: np.ndarray, labels: Sequence[str], explainer: str = "shap", samples: int = SAMPLES
) -> list[Explanation]:
    """Why `model` says each of `labels` of the picture `pixels`, (S, S, 3) uint8 as `core.pixels.squares` gives it.

    `samples` pictures of the train part (at most as many as the checkpoint keeps, 200) are what SHAP compares with.
    Raises BadInput for an unknown explainer, label or a picture of another size.
    """
    from core.device import use_free_cores
    from core.pixels import tensor

    if explainer not in EXPLAINERS:
        raise BadInput(f"Explainer {explainer!r} is not known: choose one of {', '.join(EXPLAINERS)}.")
    unknown = [label for label in labels if label not in model.classes]
    if unknown or not labels:
        raise BadInput(f"Class {', '.join(unknown) or '(none)'} is not one of {', '.join(model.classes)}.")
    if pixels.shape != (model.size, model.size, 3):
        raise BadInput(f"{model.recipe.name} wants a ({model.size}, {model.size}, 3) picture, got {pixels.shape}.")
    start = time.perf_counter()
    targets = [model.classes.index(label) for label in labels]
    x = tensor(np.array(pixels)[None], model.mean, model.std, model.device)
    background = tensor(model.background[: max(1, samples)], model.mean, model.std, model.device)
    use_free_cores()
    heats, sums = EXPLAINERS[explainer](model.net, x, targets, background)
    seconds = (time.perf_counter() - start) / len(labels)
    return [
        Explanation(run, label, heat, pixels, float(abs(heat.sum(dtype=np.float64) - total) / abs(total)), seconds)
        for label, heat, total in zip(labels, heats, sums, strict=True)
    ]
