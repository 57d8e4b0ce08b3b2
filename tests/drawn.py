"""Drawn pictures that a network learns within seconds, and networks trained on them; test data, not a test."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from core.backbones import BACKBONES, Backbone, backbone
from core.checkpoint import Model, load
from core.model import Recipe
from core.train import Pictures, fit

CLASSES = ("red", "green", "blue")


def drawn(count: int, size: int, seed: int, classes: int = 3) -> Pictures:
    """(count, size, size, 3): noise, and in it a block in the colour of the class, anywhere."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    pixels = rng.integers(0, 200, (count, size, size, 3), dtype=np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        top, left = rng.integers(0, size // 2, 2)
        picture[top : top + size // 2, left : left + size // 2] = 40
        picture[top : top + size // 2, left : left + size // 2, label] = 230
    return Pictures(pixels, labels)


def tiny(classes: int, size: int) -> nn.Sequential:
    """A network of the same kinds of layers as the real ones, for tests of what is around it."""
    side = ((size - 2) // 2 - 2) // 2
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 16, 3, bias=False),
            norm1=nn.BatchNorm2d(16),
            pool1=nn.MaxPool2d(2),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 16, 3, bias=False),
            norm2=nn.BatchNorm2d(16),
            pool2=nn.MaxPool2d(2),
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(16 * side * side, 32),
            relu3=nn.ReLU(),
            logits=nn.Linear(32, classes),
        )  # fmt: skip
    )


TINY = {"tiny24": Backbone(tiny, 24, "conv2", 16), "tiny32": Backbone(tiny, 32, "conv2", 16)}


@contextmanager
def tiny_backbones() -> Iterator[None]:
    """The tiny networks stand among the backbones while this, or another one around it, is open."""
    new = TINY.keys() - BACKBONES.keys()
    BACKBONES.update(TINY)
    try:
        yield
    finally:
        for name in new:
            del BACKBONES[name]


def trained(name: str, folder: Path, epochs: int = 3, split: int = 1) -> Model:
    """A network that has learned the drawn pictures, well or badly."""
    size = backbone(name).size
    recipe = Recipe(name, epochs=epochs, batch=12, lr=1e-3, augment=())
    for _ in fit(recipe, CLASSES, drawn(48, size, 1), drawn(24, size, 2), folder, "cpu", threads=1, split=split):
        pass
    return load(folder)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
