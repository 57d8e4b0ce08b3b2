"""Which pixels spoke for a class: the command line's answer, and the picture that shows it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BadInput, Refused

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.model import Box, Explanation


def files(
    model: Model, name: str, run: int, folder: Path, paths: Sequence[str], explainers: Sequence[str], label: str, to: Path,
    samples: int, crop: Callable[[bytes], Box | None] | None = None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Explain one class (default: the predicted one) of each image file by each explainer; the pictures are written into
    the folder `to`. One row for each image and explainer, or for an image that cannot be read.

    `folder` is the run's, which keeps the maps; `samples`: see `core.explainers.explain`; `crop`: `core.predict.cropper`.
    Raises BadInput where a path does not exist, the label is no class, an explainer cannot be had for the network, or the
    folder takes no pictures.
    """
    from PIL import Image

    from core.explained import ask
    from core.pixels import squares
    from core.predict import listed
    from core.scrape import read

    images = list(listed(paths))
    with _written(to):
        to.mkdir(parents=True, exist_ok=True)
    for path, stem in zip(images, _stems(images), strict=True):
        try:
            data = read(str(path))
            pixels = squares(data, [model.size], crop(data) if crop else None)[0]
        except Refused as error:
            yield {"image": str(path), "error": str(error)}
            continue
        probabilities = model.probabilities(np.array(pixels)[None])[0]
        said = label or model.classes[probabilities.argmax()]
        for explainer in explainers:
            [found] = ask(model, run, folder, pixels, [said], explainer, samples)
            target = to / f"{stem}-{name}-{explainer}-{said}.png"
            with _written(to):
                Image.fromarray(overlay(found)).save(target)
            yield {
                "image": str(path), "explainer": explainer, "label": said,
                "probability": float(probabilities[model.classes.index(said)]),
                "additivity_error": None if math.isnan(found.additivity) else found.additivity,
                "deletion": found.deletion, "insertion": found.insertion, "seconds": found.seconds, "picture": str(target),
            }  # fmt: skip


def _stems(paths: Sequence[Path]) -> list[str]:
    """How the picture of each path begins: as the file is named, and its position (from 1) where a name repeats.

    Where a file is named like another one with its position, all get theirs.
    """
    plain = [path.stem for path in paths]
    numbered = [f"{stem}-{position}" for position, stem in enumerate(plain, 1)]
    often = Counter(stem.casefold() for stem in plain)  # some disks hold A.png and a.png for the same file
    stems = [n if often[stem.casefold()] > 1 else stem for stem, n in zip(plain, numbered, strict=True)]
    return stems if len({stem.casefold() for stem in stems}) == len(stems) else numbered


@contextmanager
def _written(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"--to {str(to)!r} takes no pictures: {error.strerror or error}.") from None


def overlay(found: Explanation, scale: int = 4) -> np.ndarray:
    """The picture in grey with its heat on it: red spoke for the class (or mattered, of a map without a sign), blue
    against. (scale*S, 2*scale*S, 3) uint8, the plain picture to the left."""
    grey = np.asarray(found.pixels, np.float32).mean(axis=2, keepdims=True) * 0.6 + 90
    heat = found.heat / max(float(np.quantile(np.abs(found.heat), 0.995)), 1e-12)  # a few peaks must not hide the rest
    strength = np.clip(np.abs(heat), 0, 1)[..., None] ** 0.7
    colour = np.where(heat[..., None] > 0, np.array([200, 30, 60]), np.array([30, 90, 210]))
    painted = (grey * (1 - strength) + colour * strength).clip(0, 255).astype(np.uint8)
    pair = np.concatenate([np.asarray(found.pixels), painted], axis=1)
    return pair.repeat(scale, axis=0).repeat(scale, axis=1)
