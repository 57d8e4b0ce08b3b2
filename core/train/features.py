"""What a frozen trunk sees, computed once for every picture and kept: its head then learns in a fraction of the time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.backbones import Look

BATCH = 32


def features(
    front: nn.Module, seen: Look, pixels: np.ndarray, where: torch.device, file: Path | None
) -> Generator[int, None, np.ndarray]:
    """(N, S, S, 3) uint8 -> (N, D) float32 of `front`, kept in `file` where one is given; mapped from there.

    Yields how many pictures are done. A file that is there and whole is taken as it is.
    """
    import torch

    from core.cache import mapped
    from core.device import out_of_memory
    from core.pixels import tensor

    if file is not None and (found := _kept(file, len(pixels))) is not None:
        return found
    part = file.with_name(f"{file.name}.{uuid.uuid4().hex}.part") if file else None
    out: np.ndarray | None = None
    front.eval()
    try:
        start, batch = 0, BATCH
        while start < len(pixels):
            try:
                x = tensor(np.array(pixels[start : start + batch]), seen.mean, seen.std, where)
                with torch.inference_mode():
                    vectors = front(x).float().cpu().numpy()
            except RuntimeError as error:
                if batch == 1 or not out_of_memory(error):
                    raise
                batch //= 2
                continue
            if out is None:
                shape = (len(pixels), vectors.shape[1])
                if part is None:
                    out = np.empty(shape, np.float32)
                else:
                    part.parent.mkdir(parents=True, exist_ok=True)
                    out = mapped(part, np.dtype(np.float32), shape)
            out[start : start + batch] = vectors
            start = min(start + batch, len(pixels))
            yield start
        assert out is not None  # a part without pictures is refused before
        if part is not None and file is not None and isinstance(out, np.memmap):
            out.flush()
            os.replace(part, file)
            return np.load(file, mmap_mode="r", allow_pickle=False)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return out


def _kept(file: Path, count: int) -> np.ndarray | None:
    from core.cache import opened

    found = opened(file)
    fits = found is not None and found.dtype == np.float32 and found.ndim == 2 and len(found) == count
    return found if fits else None
