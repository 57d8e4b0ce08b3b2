"""Runs of a job: pictures decoded once for all of them, epochs stored as they end, checkpoints left in their folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from core.errors import WinnowError
from core.model import Progress, Recipe, Run, Split
from core.runs import cache_folder, left, run_folder
from core.train.events import Note, events

if TYPE_CHECKING:
    from core.steps import Context
    from core.train.feed import Pictures

EVENTS = "events"  # folder in a run's own
TOLD = ("epoch", "images", "of", "images_per_second", "left", "parts", "warning")  # of a training under way


class Runner:
    """Trains runs of one split, one after the other."""

    def __init__(self, ctx: Context, split: Split, recipes: Sequence[Recipe]) -> None:
        """`recipes` are those of all runs to come, in order: how far the job is, is told in their epochs.

        Raises BadInput where one of them has no network, or its size does not fit, and Missing where its weights cannot
        be had: before anything is trained.
        """
        from core.backbones import look, pretrained_start
        from core.cache import views_of
        from core.weights import timm_file

        for name in dict.fromkeys(r.backbone for r in recipes if pretrained_start(r)):
            timm_file(name, ctx.settings.weights)
        self.ctx, self.split = ctx, split
        self.sizes = sorted({look(recipe).size for recipe in recipes})
        self.views = {part: views_of(ctx.store, ctx.project.id, split, part) for part in ("train", "val")}
        self.folder = cache_folder(ctx.settings, split.id)
        self.before, self.total = 0, sum(recipe.epochs for recipe in recipes)

    def decode(self) -> Iterator[Progress]:
        """Decode every picture once, for every size."""
        from core.cache import cache

        for views in self.views.values():
            yield from cache(self.ctx.blobs.get, views, self.sizes, self.folder, self.ctx.engine.map)

    def train(self, run: Run, worse: Callable[[int, float], bool] | None = None) -> Iterator[Progress]:
        """Train the run to its end, from where it stands; nothing where it is at its end.

        `worse(epoch, validation loss)` says after each epoch whether it is to be stopped for good. A person's stop keeps
        what was best so far.
        """
        store, claim, settings = self.ctx.store, self.ctx.claim, self.ctx.settings
        if run.status in ("started", "stopped"):
            # What an attempt before this one noted counts again, and perhaps it was killed before it could stop.
            known = [(row["epoch"], row["val_loss"]) for row in run.epochs]
            pruned = worse is not None and any([worse(*row) and row[0] < run.recipe.epochs for row in known])
            try:
                if not pruned:
                    log = events(run_folder(settings, run.id) / EVENTS, settings.tensorboard, len(run.epochs))
                    with closing(self._rows(run)) as rows, log as note:
                        pruned = yield from self._told(run, rows, note, worse)
            except BaseException as ended:
                if not isinstance(ended, Exception) and store.job(self.ctx.job.id).cancel:
                    self._stopped(run)
                raise
            if pruned:
                self._prune(run, {})
            else:
                store.finish_run(claim, run.id, left(settings, run.id))
        self.before += run.recipe.epochs

    def give_up(self, run: Run, error: Exception) -> None:
        """Write down why a run of a sweep did not train; it counts as one of the worse."""
        self._prune(run, {"error": str(error)})
        self.before += run.recipe.epochs

    def _prune(self, run: Run, told: dict[str, Any]) -> None:
        """A run ends for good with the figures it has; its files go first, so that a kill in between leaves none."""
        shutil.rmtree(run_folder(self.ctx.settings, run.id), ignore_errors=True)
        best = _best(self.ctx.store.run(self.ctx.project.id, run.id))
        self.ctx.store.finish_run(self.ctx.claim, run.id, best | told, "pruned")

    def find_rate(self, recipe: Recipe) -> Generator[Progress, None, dict[str, Any]]:
        """A learning rate for the recipe: see `core.train.finder.find`."""
        from core.train.finder import find

        settings = self.ctx.settings
        train, val, _ = self._pictures(recipe)
        tries = find(
            recipe, self.split.classes, train, val, settings.device, settings.threads, settings.weights, self.folder
        )  # fmt: skip
        while True:
            try:
                done, total = next(tries)
            except StopIteration as end:
                return end.value
            yield Progress(done, total, f"{recipe.name}: the learning rate rises")

    def _pictures(self, recipe: Recipe) -> tuple[Pictures, Pictures, list[int]]:
        """Of train and validation, and which images those of validation are."""
        from core.backbones import look
        from core.cache import pictures

        size, parts, classes = look(recipe).size, self.split.parts, self.split.classes
        train, _ = pictures(self.views["train"], size, self.folder, parts["train"], classes)
        val, images = pictures(self.views["val"], size, self.folder, parts["val"], classes)
        return train, val, images

    def _rows(self, run: Run) -> Generator[dict[str, Any], None, None]:
        """The rows of `core.train.fit`, with the images that the worst ones of an epoch are."""
        from core.train import fit

        settings, classes = self.ctx.settings, self.split.classes
        train, val, images = self._pictures(run.recipe)
        rows = fit(
            run.recipe, classes, train, val, run_folder(settings, run.id), settings.device, settings.threads,
            self.split.id, self.split.crop, settings.weights, self.folder, len(run.epochs),
        )  # fmt: skip
        with closing(rows):
            for row in rows:
                worst = [
                    {"image": images[one["row"]], "label": classes[val.labels[one["row"]]], **one}
                    for one in row.get("worst", ())
                ]
                yield row | ({"worst": worst} if worst else {})

    def _told(
        self, run: Run, rows: Iterator[dict[str, Any]], note: Note, worse: Callable[[int, float], bool] | None
    ) -> Generator[Progress, None, bool]:
        """Store each epoch and tell how far it is; returns whether the run was one of the worse."""
        from core.device import describe, device

        where, recipe = describe(device(self.ctx.settings.device)), run.recipe
        count = len(self.split.parts["train"])
        for row in rows:
            epoch, ended = row["epoch"], "val_loss" in row
            said = f"{recipe.name} on {where}: epoch {epoch} of at most {recipe.epochs}"
            if ended:
                note(row)  # before the row is stored: one that is noted twice counts once
                self.ctx.store.add_epoch(self.ctx.claim, run.id, epoch, row)
                said += f", validation accuracy {row['val_accuracy']:.1%}"
            elif epoch:
                said += f", {row['images']} of {row['of']} images"
            else:
                said = f"{recipe.name} on {where}: looking at every picture once, {row['images']} of {row['of']}"
            yield Progress(
                self.before + max(0, epoch - (not ended)), self.total, f"{said} {row.get('warning', '')}".rstrip(),
                {"run": run.id, "images": count, "of": count} | {key: row[key] for key in TOLD if key in row},
            )  # fmt: skip
            if worse and ended and worse(epoch, row["val_loss"]) and epoch < recipe.epochs:
                return True
        return False

    def _stopped(self, run: Run) -> None:
        """A person stopped it: the best epoch so far is there to be used, where there was one."""
        try:
            result = left(self.ctx.settings, run.id)
        except WinnowError:  # stopped within the first epoch
            return
        self.ctx.store.finish_run(self.ctx.claim, run.id, result, "stopped")


def _best(run: Run) -> dict[str, Any]:
    """What is kept of a run that was stopped for good: the figures of its best epoch, where it has one."""
    if not run.epochs:
        return {}
    best = min(run.epochs, key=lambda row: row["val_loss"])
    kept = {key: value for key, value in best.items() if key != "worst"}
    return kept | {
        "best_epoch": best["epoch"],
        "epochs": len(run.epochs),
        "seconds": sum(r["seconds"] for r in run.epochs),
    }
