"""Decoded pictures -> batches on the device."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

RESIDENT = 0.25  # of the GPU's free memory may be filled with the pictures themselves
AHEAD = 3  # batches that are read ahead of a GPU


@dataclass(frozen=True, slots=True)
class Pictures:
    """Decoded pictures and what they show; `pixels` may be mapped from disk."""

    pixels: np.ndarray  # (N, S, S, 3) uint8
    labels: np.ndarray  # (N,) int64, index into the classes
    key: str = ""  # the name of these pixels in a cache; what is computed of them may be kept under it

    def __len__(self) -> int:
        return len(self.labels)


class Feed:
    """The rows of an array, batch by batch, on the device; a GPU does not wait for them.

    What fits into a quarter of a GPU's free memory is put there once; else a thread reads ahead into pinned memory.
    """

    def __init__(self, rows: np.ndarray, where: torch.device) -> None:
        """`rows`: (N, ...) of any kind, may be mapped from disk."""
        import torch

        self._rows, self._where = rows, where
        self._resident: torch.Tensor | None = None
        if where.type == "cuda" and rows.nbytes < RESIDENT * torch.cuda.mem_get_info(where)[0]:
            self._resident = torch.from_numpy(rows[:]).to(where)

    def __call__(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """`order`: (B,) row numbers of each batch."""
        if self._resident is not None:
            yield from (self._resident[at.to(self._where)] for at in order)
        elif self._where.type == "cuda":
            yield from (batch.to(self._where, non_blocking=True) for batch in self._ahead(order))
        else:
            yield from (self._read(at).to(self._where) for at in order)

    def _read(self, at: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.from_numpy(self._rows[at.numpy()])

    def _ahead(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        ready: queue.Queue[torch.Tensor | Exception] = queue.Queue(AHEAD)
        left = False

        def read() -> None:
            try:
                for at in order:
                    if left:
                        return
                    ready.put(self._read(at).pin_memory())
            except (OSError, RuntimeError, MemoryError) as error:  # raised again where it is waited for
                ready.put(error)

        thread = Thread(target=read, name="feed", daemon=True)
        thread.start()
        try:
            for _ in order:
                batch = ready.get()
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        finally:
            left = True
            while thread.is_alive():  # it may wait for room
                try:
                    ready.get(timeout=0.1)
                except queue.Empty:
                    continue
