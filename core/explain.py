"""Which pixels spoke for a class: the command line's answer, and the picture that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import Refused

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.model import Explanation


def files(
    model: Model, name: str, run: int, paths: Sequence[str], explainer: str, label: str, to: Path
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Explain one class (default: the predicted one) of each image file; the pictures are written into the folder `to`."""
    from PIL import Image

    from core.explainers import explain
    from core.pixels import squares
    from core.predict import listed
    from core.scrape import read

    to.mkdir(parents=True, exist_ok=True)
    for path in listed(paths):
        try:
            pixels = squares(read(str(path)), [model.size])[0]
        except Refused as error:
            yield {"image": str(path), "error": str(error)}
            continue
        probabilities = model.probabilities(np.array(pixels)[None])[0]
        said = label or model.classes[probabilities.argmax()]
        [found] = explain(model, run, pixels, [said], explainer)
        target = to / f"{path.stem}-{name}-{explainer}.png"
        Image.fromarray(overlay(found)).save(target)
        yield {"image": str(path), "label": said, "probability": float(probabilities[model.classes.index(said)]),
               "additivity_error": found.additivity, "seconds": found.seconds, "picture": str(target)}  # fmt: skip


def overlay(found: Explanation, scale: int = 4) -> np.ndarray:
    """The picture in grey with its heat on it: red spoke for the class, blue against. (scale*S, 2*scale*S, 3) uint8,
    the plain picture to the left."""
    grey = np.asarray(found.pixels, np.float32).mean(axis=2, keepdims=True) * 0.6 + 90
    heat = found.heat / max(float(np.quantile(np.abs(found.heat), 0.995)), 1e-12)  # a few peaks must not hide the rest
    strength = np.clip(np.abs(heat), 0, 1)[..., None] ** 0.7
    colour = np.where(heat[..., None] > 0, np.array([200, 30, 60]), np.array([30, 90, 210]))
    painted = (grey * (1 - strength) + colour * strength).clip(0, 255).astype(np.uint8)
    pair = np.concatenate([np.asarray(found.pixels), painted], axis=1)
    return pair.repeat(scale, axis=0).repeat(scale, axis=1)
