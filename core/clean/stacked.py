"""Tables of numbers, a row for each picture, that are too many for memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def stacked(blocks: Iterable[np.ndarray], folder: Path | None = None) -> np.ndarray:
    """(n, D) blocks -> (N, D), read-only, one below the other in a file without a name in `folder` (None: the system's own
    for such files): the system keeps of it in memory what there is room for, and it is gone with the array.

    Without a block, (0, 0). Raises ValueError for a block of another width or type than the first, OSError where the
    disk is full.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    first, height = np.empty((0, 0), np.float32), 0
    with tempfile.TemporaryFile(dir=folder) as file:
        for block in blocks:
            first = first if height else block
            if (block.shape[1], block.dtype) != (first.shape[1], first.dtype):
                raise ValueError(
                    f"{block.dtype} {block.shape} does not fit below {first.dtype} rows of {first.shape[1]}"
                )
            file.write(np.ascontiguousarray(block).data)
            height += len(block)
        file.flush()
        shape = height, first.shape[1]
        return np.memmap(file, first.dtype, "r", shape=shape) if all(shape) else np.empty(shape, first.dtype)
