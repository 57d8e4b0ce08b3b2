"""What models look at, over many pictures: the mean map of each class, and how faithful each explainer is.

Of each run and explainer one file grows, `runs/<id>/explained/<32 hex>/<explainer>.safetensors`: the sums of the maps of
each class, (C, S, S), and the figures of each picture, (N, 3): deletion, insertion, seconds; nan = still to do. It is
written every two seconds, so a job that was killed goes on where it was, and one that asks the same finds it done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import faithful
from core.errors import BadInput, Missing, Refused
from core.explained import FOLDER, fresh, identity, key, read, write
from core.faithful import RANDOM
from core.model import Progress

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.model import Box, Split

USUAL = ("shap", "saliency", "guided", "gradcam", "activation")  # quick ones, one of each kind
EACH, MOST = 10, 1000  # pictures of a class; pictures of one job, which are held in memory
SMOOTH = 25  # the side by the standard deviation of what smooths mean maps
EVERY = 2.0  # seconds between two times that it is written


@dataclass(frozen=True, slots=True)
class Picked:
    """The pictures of a set, as they are in the split, and what of each counts."""

    images: tuple[int, ...]
    labels: tuple[str, ...]  # of each, in the order of the classes
    classes: tuple[str, ...]
    boxes: Mapping[int, Box]


def check(explainers: Sequence[str], part: str, each: int) -> None:
    """Raises BadInput for what no job should be queued for."""
    from core.explainers import known

    if part not in ("train", "val"):
        raise BadInput(f"Part {part!r} is not explained: train or val was wanted, as test stays closed until the end.")
    if each < 1:
        raise BadInput(f"{each} pictures of a class were asked for: a number from 1 up was wanted.")
    if not explainers:
        raise BadInput("There is no explainer to ask: choose one or more.")
    for name in explainers:
        known(name)


def pick(split: Split, part: str, classes: Sequence[str], each: int) -> Picked:
    """`each` pictures, or all there are, of each of the classes (of all where none is named): the same at each call.

    Raises BadInput for a class that is not in the split, and where these are more than MOST pictures, or none.
    """
    unknown = [label for label in classes if label not in split.classes]
    if unknown:
        raise BadInput(f"Class {', '.join(unknown)} is not one of {', '.join(split.classes)}.")
    wanted = [label for label in split.classes if not classes or label in classes]
    images, labels = [], []
    for label in wanted:
        members = sorted(image for image, said in split.parts[part] if said == label)
        chosen = random.Random(0).sample(members, min(each, len(members)))
        images += chosen
        labels += [label] * len(chosen)
    if not images:
        raise BadInput(f"The part {part!r} of split {split.id} holds no picture of {', '.join(wanted)}.")
    if len(images) > MOST:
        raise BadInput(f"These are {len(images):,} pictures; at most {MOST:,} are explained by one job: choose fewer.")
    boxes = {image: split.boxes[image] for image in images if image in split.boxes}
    return Picked(tuple(images), tuple(labels), tuple(wanted), boxes)


class Work:
    """What a job does, in stages: read the pictures; of each model score the random order, then each explainer."""

    def __init__(
        self, models: Mapping[str, Model], runs: Mapping[str, int], folders: Mapping[str, Path], picked: Picked, samples: int
    ) -> None:  # fmt: skip
        """`runs` and `folders` (of the runs) are by the names of the models, as they are shown."""
        from core.explainers import lacking

        self.models, self.runs, self.picked, self.samples = models, runs, picked, samples
        self.folders = {name: place(folder, models[name], picked, samples) for name, folder in folders.items()}
        self.lacking = {name: lacking(model) for name, model in models.items()}
        self.pixels: dict[int, np.ndarray] = {}  # size -> (N, S, S, 3) uint8; black where a picture could not be read
        self.failed: dict[int, str] = {}  # row -> why
        self.figures: dict[tuple[str, str], np.ndarray] = {}  # (model, explainer) -> (rows read, 3)

    @property
    def rows(self) -> list[int]:
        """Those of the pictures that could be read."""
        return [row for row in range(len(self.picked.images)) if row not in self.failed]

    def read(self, data: Callable[[int], bytes]) -> Generator[Progress]:
        """Decode every picture; `data` gives the bytes of an image. Raises BadInput where none can be read."""
        from core.pixels import squares

        sizes, images = sorted({model.size for model in self.models.values()}), self.picked.images
        self.pixels = {size: np.zeros((len(images), size, size, 3), np.uint8) for size in sizes}
        for row, image in enumerate(images):
            yield Progress(row, len(images), "reading the pictures")
            try:
                for size, square in zip(sizes, squares(data(image), sizes, self.picked.boxes.get(image)), strict=True):
                    self.pixels[size][row] = square
            except (Refused, Missing) as error:
                self.failed[row] = str(error)
        if not self.rows:
            raise BadInput(f"None of the {len(images):,} pictures can be read: {self.failed[0]}")
        for name, model in self.models.items():
            keep_pictures(self.folders[name], self.pixels[model.size], self.picked, self.rows)

    def look(self, name: str, explainer: str) -> Generator[Progress]:
        """Explain the true class of every picture by the model of that name; see `RANDOM` for what else there is.

        What was done before is read. It is written every EVERY seconds, and when it is stopped.
        """
        if explainer in self.lacking[name]:
            return
        model, labels, classes = self.models[name], self.picked.labels, self.picked.classes
        note = f"{name}: {title(explainer)}"
        file, count = self.folders[name] / f"{explainer}.safetensors", len(self.picked.images)
        there = read(file)
        sums = np.zeros((len(classes), model.size, model.size), np.float32) if there is None else there[0]["sums"]
        figures = np.full((count, 3), np.nan, np.float32) if there is None else there[0]["figures"]
        written = time.monotonic()
        try:
            for done, row in enumerate(self.rows):
                yield Progress(done, len(self.rows), note)
                if np.isnan(figures[row, 0]):
                    pixels, label = self.pixels[model.size][row], labels[row]
                    [found] = fresh(model, self.runs[name], pixels, [label], explainer, self.samples)
                    sums[classes.index(label)] += evened(found.heat)
                    figures[row] = found.deletion, found.insertion, found.seconds
                if time.monotonic() - written > EVERY:
                    write(file, {"sums": sums, "figures": figures}, {})
                    written = time.monotonic()
        finally:
            write(file, {"sums": sums, "figures": figures}, {})
        self.figures[name, explainer] = figures[self.rows]

    def together(self, explainers: Sequence[str]) -> Generator[Progress, None, dict[str, Any]]:
        """What it came to: of each model and explainer its figures, or the sentence why it cannot be had."""
        yield Progress(0, None, "putting it together")
        models = {}
        for name in self.models:
            random = self.figures[name, RANDOM]
            rows = {
                explainer: {"why": self.lacking[name][explainer]}
                if explainer in self.lacking[name]
                else told(self.figures[name, explainer], random)
                for explainer in (*explainers, RANDOM)
            }
            models[name] = {"run": self.runs[name], "set": self.folders[name].name, "explainers": rows}
        reasons = sorted(set(self.failed.values()))
        return {
            "models": models, "classes": list(self.picked.classes), "images": len(self.rows),
            "unreadable": len(self.failed), "reasons": reasons[:3], "samples": self.samples,
        }  # fmt: skip


def place(folder: Path, model: Model, picked: Picked, samples: int) -> Path:
    """Where the files lie that tell what a model, whose run has that folder, looks at in these pictures."""
    return folder / FOLDER / key(*identity(model), picked, samples, "set")


def title(explainer: str) -> str:
    """As a person reads it."""
    from core.explainers import EXPLAINERS

    return "random order" if explainer == RANDOM else EXPLAINERS[explainer].title


def evened(heat: np.ndarray) -> np.ndarray:
    """-1..1: maps of one scale, so that no picture counts for more than another one in a mean of them."""
    return np.clip(heat / max(float(np.quantile(np.abs(heat), 0.995)), 1e-12), -1, 1).astype(np.float32)


def told(figures: np.ndarray, random: np.ndarray) -> dict[str, Any]:
    """What an explainer's figures (N, 3) come to, beside those of the random order: means with 95 % intervals.

    `both` is insertion less deletion, and `gain` how much more of it than the random order has, picture by picture.
    """
    both, other = figures[:, 1] - figures[:, 0], random[:, 1] - random[:, 0]
    return {
        "deletion": faithful.mean(figures[:, 0]), "insertion": faithful.mean(figures[:, 1]),
        "both": faithful.mean(both, -1.0), "gain": faithful.mean(both - other, -2.0, 2.0),
        "seconds": float(np.median(figures[:, 2])),
    }  # fmt: skip


def keep_pictures(folder: Path, pixels: np.ndarray, picked: Picked, rows: Sequence[int]) -> None:
    """Write what the pictures of each class show on average, (C, S, S, 3) uint8, and how many they are, beside the maps."""
    means, counts = [], []
    for label in picked.classes:
        of = [row for row in rows if picked.labels[row] == label]
        means.append(pixels[of].mean(axis=0).round().astype(np.uint8) if of else np.zeros_like(pixels[0]))
        counts.append(len(of))
    write(folder / "pictures.safetensors", {"means": np.stack(means), "counts": np.array(counts)}, {})


def means(folder: Path, explainers: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """The mean pictures of the classes, (C, S, S, 3) uint8, and of each explainer the mean maps, (C, S, S) in -1..1.

    The maps are smoothed by a Gaussian of a 25th of the side: what differs from pixel to pixel is the single pictures'.
    None where the files are gone, as those of a run that was deleted.
    """
    from scipy.ndimage import gaussian_filter

    pictures = read(folder / "pictures.safetensors")
    if pictures is None:
        return None
    counts = np.maximum(pictures[0]["counts"], 1)[:, None, None]
    sums = {name: there[0]["sums"] for name in explainers if (there := read(folder / f"{name}.safetensors"))}
    wide = pictures[0]["means"].shape[1] / SMOOTH
    return pictures[0]["means"], {
        name: gaussian_filter(one / counts, (0, wide, wide), mode="nearest") for name, one in sums.items()
    }
