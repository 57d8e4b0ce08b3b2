"""Tables of numbers, a row for each picture, that are too many for memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def stacked(blocks: Iterable[np.ndarray], folder: Path | None = None) -> np.ndarray:
    """(n, D) blocks of one type -> (N, D), read-only, one below the other in a file without a name in `folder` (None: the
    system's own for such files): the system keeps of it in memory what there is room for, and it is gone with the array.

    Without a block, (0, 0). Raises OSError where the disk is full.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    shape, dtype = [0, 0], np.dtype(np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)
            shape, dtype = [shape[0] + block.shape[0], block.shape[1]], block.dtype
        file.flush()
        return np.memmap(file, dtype, "r", shape=tuple(shape)) if shape[0] else np.empty(shape, dtype)
