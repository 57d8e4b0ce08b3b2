"""Runs of a job: pictures decoded once for all of them, epochs stored as they end, checkpoints left in their folders."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import WinnowError
from core.learning_curve import learned, left_out
from core.model import Part, Progress, Recipe, Run, Split
from core.runs import cache_folder, left, run_folder
from core.train.events import Note, check, events
from core.whole import write

if TYPE_CHECKING:
    from core.steps import Context
    from core.train.feed import Pictures

EVENTS = "events"  # folder in a run's own
UNREADABLE = "unreadable.json"  # file there: the images that could not be read when it began, where there were any
TOLD = ("epoch", "images", "of", "images_per_second", "left", "parts", "warning")  # of a training under way
LEAST = 16  # pictures of a batch for a GPU: with fewer several are slower than one
TURN = 0.02  # seconds until the next look at trainings side by side, where none of them had anything to tell


@dataclass(frozen=True, slots=True)
class Work:
    """All that a training needs, so that another process can do it."""

    recipe: Recipe
    split: Split
    views: Mapping[Part, Sequence[str]]
    cache: Path
    folder: Path
    device: str
    threads: int
    weights: Path | None
    known: int

    def begin(self) -> None:
        """Write down which pictures cannot be read where it begins: they stay out of it, also when it goes on and they can."""
        from core.backbones import look
        from core.cache import cached
        from core.checkpoint import begun

        if begun(self.folder):
            return
        size, out = look(self.recipe).size, []
        for part in ("train", "val"):
            good = cached(self.views[part], size, self.cache)[1]
            out += [image for (image, _), fine in zip(self.split.parts[part], good, strict=True) if not fine]
        if out:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(self.folder / UNREADABLE, json.dumps(out).encode())
        else:
            (self.folder / UNREADABLE).unlink(missing_ok=True)

    def pictures(self, part: Part) -> tuple[Pictures, list[int]]:
        """What it learns from, or is validated on, and the image of each."""
        from core.backbones import look
        from core.cache import pictures

        split, file = self.split, self.folder / UNREADABLE
        without = set(json.loads(file.read_text())) if file.exists() else set()
        if part == "train":
            without |= left_out(split, self.recipe.share)
        return pictures(self.views[part], look(self.recipe).size, self.cache, split.parts[part], split.classes, without)


def rows(work: Work) -> Generator[dict[str, Any], None, None]:
    """The rows of `core.train.fit`, with the images that the worst ones of an epoch are."""
    from core.train import fit

    (train, _), (val, images) = work.pictures("train"), work.pictures("val")
    classes = work.split.classes
    told = fit(
        work.recipe, classes, train, val, work.folder, work.device, work.threads,
        work.split.id, work.split.crop, work.weights, work.cache, work.known,
    )  # fmt: skip
    with closing(told):
        for row in told:
            if "worst" in row:
                row["worst"] = [
                    {"image": images[one["row"]], "label": classes[val.labels[one["row"]]], **one}
                    for one in row["worst"]
                ]
            yield row


class Runner:
    """Trains runs of one split, one after the other or side by side."""

    def __init__(self, ctx: Context, split: Split, recipes: Sequence[Recipe]) -> None:
        """`recipes` are those of all runs to come, in order: how far the job is, is told in their epochs.

        Raises BadInput where one of them has no network, or its size does not fit, Missing where its weights cannot be
        had, and BadSetting where TensorBoard's figures are wanted and cannot be written: before anything is trained.
        """
        from core.backbones import look, pretrained_start
        from core.cache import views_of
        from core.weights import timm_file

        check(ctx.settings.tensorboard)
        for name in dict.fromkeys(r.backbone for r in recipes if pretrained_start(r)):
            timm_file(name, ctx.settings.weights)
        self.ctx, self.split = ctx, split
        self.sizes = sorted({look(recipe).size for recipe in recipes})
        parts: tuple[Part, ...] = ("train", "val")
        self.views: dict[Part, list[str]] = {part: views_of(ctx.store, ctx.project.id, split, part) for part in parts}
        self.folder = cache_folder(ctx.settings, split.id)
        self.total = sum(recipe.epochs for recipe in recipes)  # and fewer for each run that ended early
        self.done: dict[int, int] = {}  # epochs of each run
        self.began = 0.0  # when the first training did, in seconds of the system's clock

    def decode(self) -> Iterator[Progress]:
        """Decode every picture once, for every size."""
        from core.cache import cache

        for views in self.views.values():
            yield from cache(self.ctx.blobs.get, views, self.sizes, self.folder, self.ctx.engine.map)

    def unreadable(self) -> int:
        """Pictures of both parts that could not be read, so that no run knows them."""
        from core.cache import cached

        return sum(int((~cached(views, self.sizes[0], self.folder)[1]).sum()) for views in self.views.values())

    def train(
        self, run: Run, worse: Callable[[int, float], bool] | None = None, gpu: int | None = None
    ) -> Generator[Progress | None]:
        """Train the run to its end, from where it stands; nothing where it is at its end.

        `worse(epoch, validation loss)` says after each epoch whether it is to be stopped for good. A person's stop keeps
        what was best so far. With `gpu` it trains on that one alone, beside others, and gives None while there is nothing
        to tell; else on as many GPUs as its batch is worth.
        """
        store, claim, settings = self.ctx.store, self.ctx.claim, self.ctx.settings
        self.began = self.began or time.time()
        if run.status in ("started", "stopped"):
            yield Progress(sum(self.done.values()), self.total, f"{run.recipe.name}: getting ready", {})
            # What an attempt before this one noted counts again, and perhaps it was killed before it could stop.
            known = [(row["epoch"], row["val_loss"]) for row in run.epochs]
            pruned = worse is not None and any([worse(*row) and row[0] < run.recipe.epochs for row in known])
            try:
                if not pruned:
                    log = events(run_folder(settings, run.id) / EVENTS, settings.tensorboard, len(run.epochs))
                    with closing(self._rows(run, gpu)) as rows, log as note:
                        pruned = yield from self._told(run, rows, note, worse)
            except BaseException as ended:
                if not isinstance(ended, Exception) and store.job(self.ctx.job.id).cancel:
                    self._stopped(run)
                raise
            if pruned:
                self._prune(run, {})
            else:
                store.finish_run(claim, run.id, left(settings, run.id))
        self._over(run)

    def side_by_side(
        self, work: Callable[[int, int | None], Generator[Progress | None]], count: int
    ) -> Iterator[Progress]:
        """`work(position, gpu)` for so many: as many at once as there are GPUs, each on one of its own; where there is one
        device, or one to do, one after the other, and `gpu` is None. What each of several tells carries, as `beside`, what
        the others told last."""
        from core.device import gpus

        there = gpus(self.ctx.settings.device)
        places: list[int | None] = list(range(there)) if there > 1 and count > 1 else [None]
        waiting = list(range(count))
        running: dict[int | None, Generator[Progress | None]] = {}
        details: dict[int | None, Mapping[str, Any]] = {}
        try:
            while waiting or running:
                quiet = True
                for gpu in places:
                    if waiting and gpu not in running:
                        running[gpu] = work(waiting.pop(0), gpu)
                    if gpu not in running:
                        continue
                    try:
                        told = next(running[gpu])
                    except StopIteration:
                        del running[gpu]
                        details.pop(gpu, None)
                        quiet = False
                        continue
                    if told is not None:
                        quiet = False
                        others = [detail for at, detail in details.items() if at != gpu]
                        details[gpu] = told.detail or {}
                        yield replace(told, detail={**details[gpu], "beside": others}) if others else told
                if quiet:
                    time.sleep(TURN)
        finally:
            with ExitStack() as ends:  # all of them, also where one fails
                ends.callback(self.ctx.engine.close)
                for steps in running.values():
                    ends.callback(steps.close)

    def broke(self, run: Run, error: Exception) -> None:
        """Write down why the run did not come to its end; what was best until then is there to be used, where there was
        anything."""
        self._stopped(run)
        now = self.ctx.store.run(self.ctx.project.id, run.id)
        self.ctx.store.finish_run(self.ctx.claim, run.id, {**now.result, "error": str(error)}, now.status)
        self._over(run)

    def _over(self, run: Run) -> None:
        """The epochs that it did not need are not waited for."""
        epochs = int(self.ctx.store.run(self.ctx.project.id, run.id).result.get("epochs", 0))
        self.total -= run.recipe.epochs - epochs
        self.done[run.id] = epochs

    def give_up(self, run: Run, error: Exception) -> None:
        """Write down why a run of a sweep did not train; it counts as one of the worse."""
        self._prune(run, {"error": str(error)})
        self._over(run)

    def _prune(self, run: Run, told: dict[str, Any]) -> None:
        """A run ends for good with the figures it has; its files go first, so that a kill in between leaves none."""
        shutil.rmtree(run_folder(self.ctx.settings, run.id), ignore_errors=True)
        best = _best(self.ctx.store.run(self.ctx.project.id, run.id))
        self.ctx.store.finish_run(self.ctx.claim, run.id, best | told, "pruned")

    def find_rate(self, recipe: Recipe) -> Generator[Progress, None, dict[str, Any]]:
        """A learning rate for the recipe: see `core.train.finder.find`."""
        from core.train.finder import find

        settings, work = self.ctx.settings, self._work(recipe, Path(), 0)
        (train, _), (val, _) = work.pictures("train"), work.pictures("val")
        tries = find(
            recipe, self.split.classes, train, val, settings.device, settings.threads, settings.weights, self.folder
        )  # fmt: skip
        while True:
            try:
                done, total = next(tries)
            except StopIteration as end:
                return end.value
            yield Progress(done, total, f"{recipe.name}: the learning rate rises")

    def _work(self, recipe: Recipe, folder: Path, known: int) -> Work:
        settings = self.ctx.settings
        return Work(
            recipe, self.split, self.views, self.folder, folder, settings.device, settings.threads, settings.weights, known
        )  # fmt: skip

    def _rows(self, run: Run, gpu: int | None) -> Generator[dict[str, Any] | None, None, None]:
        """The rows of a training: here, on the GPU that is named, or on as many as its batch is worth."""
        from core.device import gpus

        work = self._work(run.recipe, run_folder(self.ctx.settings, run.id), len(run.epochs))
        work.begin()
        there, workers = gpus(work.device), 1
        if there > 1:
            # Here first: processes that copy the readable ones at once would be in each other's way.
            (train, _), _ = work.pictures("train"), work.pictures("val")
            if gpu is None and run.recipe.train != "head":  # a head is trained in seconds: several would only wait
                batch = run.recipe.batch or LEAST * there
                workers = max(1, min(there, batch // LEAST, len(train) // LEAST))
        return self.ctx.engine.train(rows, work, workers, gpu, None if gpu is None else 0.0)

    def _told(
        self, run: Run, rows: Iterator[dict[str, Any] | None], note: Note, worse: Callable[[int, float], bool] | None
    ) -> Generator[Progress | None, None, bool]:
        """Store each epoch and tell how far it is; returns whether the run was one of the worse."""
        from core.device import describe, device

        where, recipe = describe(device(self.ctx.settings.device)), run.recipe
        count, left = learned(self.split, recipe.share), {}
        for row in rows:
            if row is None:
                yield None
                continue
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
            self.done[run.id] = max(0, epoch - (not ended))
            left = {"left": row["left"]} if "left" in row else left  # while it validates it stands as it was told last
            yield Progress(
                sum(self.done.values()), self.total, f"{said} {row.get('warning', '')}".rstrip(),
                {"run": run.id, "images": count, "of": count, "began": self.began} | left | {key: row[key] for key in TOLD if key in row},
            )  # fmt: skip
            if worse and ended and worse(epoch, row["val_loss"]) and epoch < recipe.epochs:
                return True
        return False

    def _stopped(self, run: Run) -> None:
        """It did not come to its end: the best epoch so far is there to be used, where there was one."""
        try:
            result = left(self.ctx.settings, run.id)
        except WinnowError:  # within the first epoch
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
