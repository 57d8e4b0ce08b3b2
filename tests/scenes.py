"""Drawn pictures with shapes of their own, for tests that want many that differ; test data, not a test."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageDraw


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    to = io.BytesIO()
    image.convert("RGB").save(to, "JPEG", quality=quality)
    return to.getvalue()


def scene(seed: int, width: int = 320, height: int = 220) -> Image.Image:
    """A drawn picture with shapes of its own on a background of its own."""
    rng = random.Random(seed)
    noise = np.random.default_rng(seed).integers(60, 200, (5, 7, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.randrange(width), rng.randrange(height)
        colour = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((x - 40, y - 25, x + rng.randrange(40), y + rng.randrange(40)), fill=colour)
    return image
