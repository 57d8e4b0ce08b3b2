"""What processes that train as one run in test_together.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.errors import BadInput
from tests.drawn import CLASSES, drawn


def ranks(config: dict) -> Iterator[tuple]:
    """What each of several processes adds up with the others."""
    import torch

    from core.train.together import Together

    together = Together(torch.device("cpu"))
    if config.get("fails") == together.rank:
        raise BadInput(f"process {together.rank} has no memory left")
    total = together.total(torch.tensor([1.0, float(together.rank)])).tolist()
    share = together.share(torch.arange(5)).tolist()
    agreed = together.agree(lambda: together.rank)
    rows = together.all_rows(np.full((together.rank + 1, 2), together.rank, np.float32)).tolist()
    weight = torch.ones(2, 2, requires_grad=True)
    weight.grad = torch.full((2, 2), 1.0 + together.rank)
    together.add_gradients([weight])
    buffer = torch.full((2,), float(together.rank))
    together.take_first([buffer])
    yield total, share, agreed, rows, weight.grad.tolist(), buffer.tolist()


def trained(config: dict) -> Iterator[dict[str, Any]]:
    """A training of `recipe` in `folder`, in fp32 and without dropout: what is left does not depend on how many share it."""
    import torch

    from core import device
    from core.train import fit

    device.precision = lambda where, net, size: "fp32"
    torch.nn.Dropout.forward = lambda self, x: x  # type: ignore[method-assign]
    if "hungry" in config:  # this process finds no memory for its first batch
        from core.train.together import Together
        from core.train.training import Training

        if Together(torch.device("cpu")).rank == config["hungry"]:
            accumulate, told = Training._accumulate, []

            def once(self: Training, *batch: Any) -> Any:
                if not told:
                    told.append(True)
                    raise torch.OutOfMemoryError
                return accumulate(self, *batch)

            Training._accumulate = once  # type: ignore[method-assign]
    size = config["recipe"].size
    train, val = drawn(50, size, 1), drawn(19, size, 2)
    yield from fit(config["recipe"], CLASSES, train, val, config["folder"], "cpu", 1)
