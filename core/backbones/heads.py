"""What stands on a trunk's features, (B, D) -> (B, classes) logits, as layers by name.

A baseline's head (logistic, nearest-mean, knn) is not trained in epochs: `core.train.baselines` computes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import BadInput

if TYPE_CHECKING:
    from torch import nn

HIDDEN, DROPOUT = 512, 0.5
NEIGHBOURS, WARMTH = 20, 0.07  # as in DINO (Caron et al. 2021)


def head(kind: str, features: int, classes: int) -> list[tuple[str, nn.Module]]:
    """The layers of the head of that kind, in order. Raises BadInput for an unknown one."""
    from torch import nn

    if kind in ("linear", "logistic"):
        return [("logits", _last(features, classes))]
    if kind == "bn-dropout":
        return [
            ("neck", nn.Linear(features, HIDDEN, bias=False)), ("neck_norm", nn.BatchNorm1d(HIDDEN)),
            ("neck_relu", nn.ReLU(inplace=False)), ("neck_dropout", nn.Dropout(DROPOUT)), ("logits", _last(HIDDEN, classes)),
        ]  # fmt: skip
    if kind == "nearest-mean":
        return [("unit", _unit()), ("logits", _last(features, classes))]
    if kind == "knn":
        return [("unit", _unit()), ("logits", _neighbours(features, classes))]
    raise BadInput(f"head = {kind!r} is not known.")


def _last(features: int, classes: int) -> nn.Linear:
    from torch import nn

    layer = nn.Linear(features, classes)
    nn.init.normal_(layer.weight, std=0.01)  # starts at equal chances: the first loss is log(classes)
    nn.init.zeros_(layer.bias)
    return layer


def _unit() -> nn.Module:
    """Vectors of length one: what is compared is their direction."""
    import torch
    from torch import nn

    class Unit(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(x, dim=1)

    return Unit()


def _neighbours(features: int, classes: int) -> nn.Module:
    import torch
    from torch import nn

    class Neighbours(nn.Module):
        """Log of the share that each class has among the nearest training pictures, the nearer ones counting more."""

        def __init__(self) -> None:
            super().__init__()
            self.vectors: torch.Tensor
            self.labels: torch.Tensor
            self.register_buffer("vectors", torch.zeros(1, features))  # (N, D), each of length one
            self.register_buffer("labels", torch.zeros(1, dtype=torch.long))  # (N,)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            near, at = (x @ self.vectors.to(x.dtype).T).topk(min(NEIGHBOURS, len(self.vectors)), dim=1)
            weight = ((near.float() - 1) / WARMTH).exp()
            votes = x.new_zeros((len(x), classes), dtype=torch.float32)
            votes = votes.scatter_add(1, self.labels[at], weight)
            return (votes / votes.sum(dim=1, keepdim=True) + 0.5 / NEIGHBOURS / classes).log()

        def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
            for name in ("vectors", "labels"):  # as many as were learned from
                if f"{prefix}{name}" in state:
                    setattr(self, name, torch.empty_like(state[f"{prefix}{name}"]))
            super()._load_from_state_dict(state, prefix, *rest)

    return Neighbours()
