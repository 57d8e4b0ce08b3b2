"""Train a recipe on decoded pictures: `fit`.

training.py    one training: its epochs
sentences.py   what torch raises, as what a person can act on
state.py       where it stands, to go on from; end.py: what it leaves
together.py    one training by several processes
optimise.py    which weights learn, by which optimiser, at which rate
feed.py        decoded pictures -> batches on the device
batch.py       how many pictures at once
features.py    what a frozen trunk sees, computed once and kept
baselines.py   heads that are solved at once: logistic regression, nearest class mean, nearest neighbours
runner.py      runs of a job: their pictures, their rows in the database, their end
events.py      its figures for TensorBoard, for who asks for them
finder.py      which learning rate: a short run in which it rises
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from core import checkpoint, recipes
from core.backbones import look
from core.errors import BadInput
from core.model import Cropping, Recipe
from core.train.feed import Pictures

__all__ = ["Pictures", "check", "fit"]


def fit(
    recipe: Recipe, classes: Sequence[str], train: Pictures, val: Pictures, folder: Path,
    device: str = "auto", threads: int = 0, split: int | None = None, crop: Cropping = Cropping(),
    weights: Path | None = None, kept: Path | None = None, known: int | None = None,
) -> Generator[dict[str, Any], None, None]:  # fmt: skip
    """Train `recipe` and leave a checkpoint in `folder` (see `core.checkpoint.load`).

    A generator. After each epoch it yields a row with `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy`,
    `val_macro_f1`, `lr`, `seconds` (of the epoch), `images_per_second` (of its training pass), `waiting` (share of that
    pass spent waiting for data, 0..1), `best` (whether it is the best epoch so far), `worst` (the validation pictures
    with the highest loss: `row`, `said`, `chance` of the true class) and on CUDA `gpu_memory` (bytes) and `gpu_use`
    (0..1). Between them, about once a second: `epoch`, `images`, `of`, and no `val_loss`; with epoch 0 what comes before
    the first one. A row may carry `warning`, a sentence to show.

    Where the folder holds the checkpoint of this recipe already there is nothing to do, and no row comes. Closed, it
    keeps the best epoch so far as a checkpoint, and a state from which a later `fit` on the same folder goes on.
    The same recipe, pictures, device, precision and number of threads give the same model, stopped and resumed or not.

    `threads` is the number of CPU threads, 0 = what is faster just now (see `core.device.Pace`). `split` and `crop` are
    written down with the model: where its pictures came from, and how what it is asked about has to be cropped.
    `known`: so many epochs of an earlier attempt were told before; the rows of further ones that it finished come first.
    `weights` is the folder of WINNOW_WEIGHTS; `kept` one where what a frozen network sees may stay for other trainings.
    Raises BadInput for pictures that cannot be learned from, a loss that is no number, or memory that does not suffice
    for a sixteenth of a batch; BadSetting for the device; Missing or Damaged for pretrained weights.
    """
    from core.device import device as find
    from core.train.baselines import solve
    from core.train.sentences import sentences
    from core.train.training import Training

    recipes.check(recipe)
    check(recipe, classes, train, val)
    if checkpoint.finished(Path(folder), recipe, classes):
        checkpoint.tidy(Path(folder))
        return
    training, where = None, find(device)
    try:
        with sentences(recipe, where, lambda: training.done if training else 0):
            training = Training(recipe, tuple(classes), train, val, Path(folder), where, threads, weights)
            warnings = training.resume()
            yield from training.prepare(kept)
            if known is not None:  # it was stopped between the end of an epoch and the telling of it
                yield from (dict(row) for row in training.history[known:])
            rows = solve(training) if recipe.head in recipes.BASELINES else training.epochs()
            for row in rows:
                if warnings:
                    row["warning"] = " ".join([*warnings, *filter(None, [row.get("warning")])])
                    warnings = []
                yield row
            training.close(split, crop)
    except BaseException as ended:
        # Closed, interrupted, or no number any more: what was best until then is a model.
        if training and (not isinstance(ended, Exception) or isinstance(ended, BadInput)):
            training.keep(split, crop)
        raise


def check(recipe: Recipe, classes: Sequence[str], train: Pictures, val: Pictures) -> None:
    """Raises BadInput for pictures that the recipe cannot learn from."""
    import numpy as np

    if len(classes) < 2:
        raise BadInput(
            f"Training needs at least two classes, but there is {len(classes)}: keep pictures of a second one."
        )
    for name, pictures in (("train", train), ("validation", val)):
        counts = np.bincount(pictures.labels, minlength=len(classes)) if len(pictures) else np.zeros(len(classes))
        empty = [label for label, count in zip(classes, counts, strict=True) if not count]
        if not len(pictures):
            raise BadInput(f"The {name} part has no picture: keep some and split again.")
        if empty and name == "train":
            raise BadInput(f"No picture to train on for {', '.join(empty)}: keep more of it, or split without it.")
    size = look(recipe).size
    for pictures in (train, val):
        if pictures.pixels.shape != (len(pictures), size, size, 3):
            raise BadInput(
                f"{recipe.backbone} wants ({len(pictures)}, {size}, {size}, 3), got {pictures.pixels.shape}."
            )
    unknown = [label for label in recipe.fixed_sides if label not in classes]
    if unknown:
        raise BadInput(f"fixed_sides names {', '.join(unknown)}, which is none of the classes {', '.join(classes)}.")
