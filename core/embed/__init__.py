"""One vector for every picture, so that what looks alike lies near: for duplicates, labels that disagree, and review.

embedder.py   what every way promises
network.py    a pretrained timm network: through onnxruntime on a CPU, through torch on a GPU
kept.py       networks exported once
plain.py      colours and edges, where no network's weights can be had
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.embed.embedder import Embedder
from core.embed.plain import plain
from core.errors import Missing

if TYPE_CHECKING:
    import torch

__all__ = ["CPU", "GPU", "PLAIN", "Embedder", "embedder"]

GPU, CPU, PLAIN = "vit_small_patch14_dinov2.lvd142m", "mobilenetv2_100", "plain"


def embedder(
    choice: str, weights: Path | None, where: torch.device | str, threads: int = 0, folder: Path | None = None
) -> Embedder:
    """The embedder of that name: "auto", "plain", or one of timm's networks.

    "auto" takes GPU on a GPU, else CPU; where weights cannot be had it takes the next one, at last "plain", and `about`
    says what is missing. `weights` is the folder of WINNOW_WEIGHTS, `threads` the most on a CPU (0 = as many as torch
    takes), `folder` a place where an exported network may be kept.
    Raises BadInput for an unknown name, Missing for a named network without weights, Damaged for a file that is wrong.
    """
    if choice == PLAIN:
        return plain()
    import torch

    from core.embed.network import network

    where = torch.device(where)
    if choice != "auto":
        return network(choice, weights, where, threads, folder)
    missing = ""
    for name in (CPU,) if where.type == "cpu" else (GPU, CPU):
        try:
            found = network(name, weights, where, threads, folder)
        except Missing as error:
            missing = missing or f" {error}"
        else:
            return replace(found, about=found.about + missing)
    return replace(plain(), about=plain().about + missing)
