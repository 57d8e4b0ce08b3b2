"""SHAP values by halving the picture again and again, `shap.PartitionExplainer`: for every model, gradient or not.

Owen values (Owen 1977; Lundberg and Lee 2017) of a tree of rectangles: it asks only what the model says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

ASKS, AT_ONCE = 500, 50  # pictures with parts hidden that the network is asked about: shap's own number


def shap_partition(
    net: nn.Module, x: torch.Tensor, targets: Sequence[int], background: torch.Tensor, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Heat maps of (1, 3, S, S) `x` for the logits `targets`; what is hidden shows the mean of the background pictures.

    Returns (T, S, S) float32, summed over the colour channels, and (T,) f(x) - f(mean background), which each sums to.
    """
    import torch
    from shap import PartitionExplainer
    from shap.maskers import Image

    def ask(pictures: np.ndarray, target: int) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.as_tensor(pictures, dtype=torch.float32, device=x.device).permute(0, 3, 1, 2)
            return net(batch)[:, target].cpu().numpy()

    picture, mean = (part.permute(0, 2, 3, 1).cpu().numpy() for part in (x, background.mean(dim=0, keepdim=True)))
    hidden, heats, state = Image(mean[0]), [], np.random.get_state()
    try:
        for (
            target
        ) in targets:  # one after the other: asked for together they would be halved where another one needs it
            explainer = PartitionExplainer(lambda some, target=target: ask(some, target), hidden)
            found: Any = explainer(picture, max_evals=ASKS, batch_size=AT_ONCE, silent=True)
            heats.append(np.asarray(found.values, np.float32).reshape(picture.shape)[0].sum(axis=2))
    finally:
        np.random.set_state(state)  # shap seeds numpy for the whole process
    return np.stack(heats), np.concatenate([ask(picture, target) - ask(mean, target) for target in targets])
