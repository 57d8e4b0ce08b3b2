"""The training pictures that a network finds most like a picture: evidence for what it says, and where a mistake comes from.

Alike is the direction of what the network sees before its last layer (cosine). Of every run the vectors of its training and
validation pictures lie beside its checkpoint, as `neighbours.safetensors`, and what "none of these" is judged by as
`familiar.safetensors`; both may be deleted at any time and are made again when the run is evaluated.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import Missing
from core.evaluate.strange import Familiar, learn
from core.model import Part, Progress

if TYPE_CHECKING:
    from torch import nn

    from core.checkpoint import Model
    from core.model import Run, Split
    from core.steps import Context

FILE, FAMILIAR = "neighbours.safetensors", "familiar.safetensors"
AT_ONCE = 256  # pictures between two words on how far it is
BLOCK = 4096  # training pictures compared at once: vectors are kept in half precision and widened a block at a time


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a run's pictures are to its network. Vectors have length one."""

    images: np.ndarray  # (N,) int64, of the train part
    labels: np.ndarray  # (N,) int64, index into the model's classes, as they were when the split was frozen
    vectors: np.ndarray  # (N, D) float16
    validation: np.ndarray  # (V, D) float16, of the validation part

    def nearest(self, vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(B, D) float32 of length one -> (B, K) rows of `images`, the most alike first, and their (B, K) likeness, -1..1;
        K is `count`, or N where that is less."""
        count = min(count, len(self.images))
        likeness, rows = np.empty((len(vectors), 0), np.float32), np.empty((len(vectors), 0), np.int64)
        for start in range(0, len(self.images), BLOCK):
            block = vectors @ self.vectors[start : start + BLOCK].astype(np.float32).T
            at = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
            likeness, rows = np.hstack([likeness, block]), np.hstack([rows, at])
            best = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
            likeness, rows = np.take_along_axis(likeness, best, axis=1), np.take_along_axis(rows, best, axis=1)
        return rows, likeness


def features(model: Model, pixels: np.ndarray) -> np.ndarray:
    """(B, S, S, 3) uint8 -> (B, D) float32: what the network sees before its last layer."""
    from core.evaluate import logits

    return logits(_front(model), pixels, model.mean, model.std, model.device)


def vectors(model: Model, pixels: np.ndarray) -> np.ndarray:
    """The same with length one."""
    return unit(features(model, pixels))


def unit(seen: np.ndarray) -> np.ndarray:
    return seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-12)


def familiar(model: Model, folder: Path) -> Familiar | None:
    """Where the run whose `folder` it is has its training pictures; None as of `load`, and where other validation pictures
    were looked at than in training."""
    found = _kept(model, folder / FAMILIAR)
    return Familiar(**found) if found and len(found["validation"]) == len(model.val_labels) else None


def load(model: Model, folder: Path) -> Neighbours | None:
    """Those of the run whose `folder` it is; None where they were not made yet, or are of an earlier state of the run."""
    found = _kept(model, folder / FILE)
    return Neighbours(**found) if found else None


def _kept(model: Model, path: Path) -> dict[str, np.ndarray] | None:
    from core.explained import read

    found = read(path)
    return found[0] if found and found[1].get("of") == _of(model) else None


def remember(
    ctx: Context, split: Split, runs: Mapping[str, Run], models: Mapping[str, Model]
) -> Generator[Progress, None, dict[str, Model]]:
    """Look at every training and validation picture once by each model, where that was not done, and keep what it sees.

    `runs` and `models` have the same names; the runs are of that split. Returns the models, familiar with these pictures;
    where none of a part can be read they stay as they are, and what they judge by then is said (`Strange.by_logits`).
    """
    from core.runs import run_folder

    yield from _look(ctx, split, runs, models)
    known = {}
    for name, model in models.items():
        folder = run_folder(ctx.settings, runs[name].id)
        known[name] = model
        if model.familiar is None and (seen := load(model, folder)) is not None:
            yield Progress(0, None, f"where {name} has the pictures it learned from")
            _write(folder / FAMILIAR, model, learn(seen.vectors, seen.labels, seen.validation))
            known[name] = replace(model, familiar=familiar(model, folder))
    return known


def _look(ctx: Context, split: Split, runs: Mapping[str, Run], models: Mapping[str, Model]) -> Iterator[Progress]:
    from core.cache import cache, cached, pictures, views_of
    from core.runs import cache_folder, run_folder

    missing = [name for name, run in runs.items() if load(models[name], run_folder(ctx.settings, run.id)) is None]
    if not missing:
        return
    folder, sizes = cache_folder(ctx.settings, split.id), sorted({models[name].size for name in missing})
    parts: tuple[Part, ...] = ("train", "val")
    views = {part: views_of(ctx.store, ctx.project.id, split, part) for part in parts}
    try:
        for part in parts:
            yield from cache(ctx.blobs.get, views[part], sizes, folder, ctx.engine.map)
    except Missing:  # of all of a part
        return
    if not all(cached(views[part], sizes[0], folder)[1].any() for part in parts):
        return
    for name in missing:
        model, seen, images, labels = models[name], {}, {}, {}
        for part in parts:
            there, images[part] = pictures(views[part], model.size, folder, split.parts[part], split.classes)
            labels[part], seen[part] = there.labels, []
            for start in range(0, len(there), AT_ONCE):
                seen[part].append(vectors(model, there.pixels[start : start + AT_ONCE]).astype(np.float16))
                done = min(start + AT_ONCE, len(there))
                yield Progress(done, len(there), f"{name} looks at the pictures it learned from")
        _write(
            run_folder(ctx.settings, runs[name].id) / FILE, model,
            Neighbours(np.array(images["train"]), labels["train"], *(np.concatenate(seen[part]) for part in parts)),
        )  # fmt: skip


def _write(path: Path, model: Model, made: Neighbours | Familiar) -> None:
    from safetensors.numpy import save

    from core.whole import write

    arrays = {name: np.ascontiguousarray(getattr(made, name)) for name in made.__dataclass_fields__}
    write(path, save(arrays, {"of": _of(model)}))


def _of(model: Model) -> str:
    from core.explained import identity, key

    return key(*identity(model))


def _front(model: Model) -> nn.Sequential:
    """The network without its last layer, which makes logits of what it sees."""
    from collections import OrderedDict

    from torch import nn

    return nn.Sequential(OrderedDict(list(model.net.named_children())[:-1])).eval()
