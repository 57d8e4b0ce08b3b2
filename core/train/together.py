"""Processes that train as one, each with a share of every batch; Accelerate connects them, under torchrun or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch

T = TypeVar("T")
Rows = TypeVar("Rows", "torch.Tensor", "np.ndarray")


class Together:
    """This process and those beside it. `rank` is its number, `count` how many they are; one alone asks nobody.

    Every method but `share` has to be called by all of them, in the same order.
    """

    def __init__(self, where: torch.device) -> None:
        self.rank, self.count = 0, 1
        if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun's; others set RANK as well, and mean something else
            from accelerate import PartialState

            # The first one waits without limit for its parent, say while the disk is full; that one of them died is seen
            # by its parent.
            state = PartialState(cpu=where.type == "cpu", timeout=timedelta(days=7))
            self.rank, self.count = state.process_index, state.num_processes

    def share(self, rows: Rows) -> Rows:
        """This process's part of (N, ...), as even as can be; what is mapped from disk stays so."""
        start, stop = (-(-len(rows) * each // self.count) for each in (self.rank, self.rank + 1))
        return rows[start:stop]

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        if self.count == 1:
            return value
        from accelerate.utils import reduce

        return reduce(value, "sum")  # type: ignore[return-value]

    def add_gradients(self, weights: Sequence[torch.Tensor]) -> None:
        """Give each weight the sum of its gradients.

        Once a step, after the backward pass: a process that cut its part of the batch for want of memory, and so goes
        through it more often than the others, leaves none of them waiting.
        """
        if self.count == 1:
            return
        import torch

        gradients = [weight.grad for weight in weights if weight.grad is not None]
        summed = self.total(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, of_all in zip(gradients, summed.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(of_all.view(gradient.shape))

    def agree(self, find: Callable[[], T]) -> T:
        """What `find` gives the first process: a measurement would differ from one to the other."""
        if self.count == 1:
            return find()
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([find() if self.rank == 0 else None])[0]  # type: ignore[index]

    def all_rows(self, own: np.ndarray) -> np.ndarray:
        """What each has of its share, (n, ...), put together again as (N, ...)."""
        if self.count == 1:
            return own
        import numpy as np
        from accelerate.utils import gather_object

        return np.concatenate([rows for rows in gather_object([own]) if len(rows)])

    def take_first(self, tensors: Iterable[torch.Tensor]) -> None:
        """Overwrite tensors by those of the first process."""
        if self.count > 1:
            from accelerate.utils import broadcast

            for tensor in tensors:
                tensor.copy_(broadcast(tensor.contiguous(), 0))  # type: ignore[arg-type]
