"""What turns pictures into vectors, whichever way it does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Embedder:
    """Pictures -> vectors of length one: the nearer two vectors, the more alike the pictures (their product is 1.0 for
    the same picture). Vectors of different embedders cannot be compared: keep `key` beside them.

    A picture's vector does not depend on which others it is embedded with (to 1e-4).
    """

    name: str  # "mobilenetv2_100", "plain"
    key: str  # the name and the version of the weights: "mobilenetv2_100@1a2b3c4d"
    size: int  # px, the side of the square it sees; see core.pixels.squares
    dims: int
    about: str  # for the screen: what the comparison stands on, and what to do where it could be better
    batch: int  # pictures that are computed at once; more of them bring nothing
    features: Callable[[np.ndarray], np.ndarray]  # (B, size, size, 3) uint8, B at most `batch`, -> (B, dims) float

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """(B, size, size, 3) uint8 -> (B, dims) float32, finite, of length 1 (or 0 where nothing tells it from others)."""
        out = np.zeros((len(pixels), self.dims), np.float32)
        for start in range(0, len(pixels), self.batch):
            part = slice(start, start + self.batch)
            out[part] = self.features(pixels[part])
        out = np.nan_to_num(out, copy=False, posinf=0.0, neginf=0.0)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
