"""Trained runs: where they lie, which are meant, what they tell, how they are loaded."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, Busy, Missing
from core.model import Recipe, Run
from core.recipes import BASELINES

if TYPE_CHECKING:
    from core.settings import Settings
    from db.store import Store


def run_folder(settings: Settings, run: int) -> Path:
    """Where a run's checkpoint lies."""
    return settings.home.absolute() / "runs" / str(run)


def cache_folder(settings: Settings, split: int) -> Path:
    """Decoded pixels of a split; may be deleted at any time, it is made again."""
    return settings.home.absolute() / "cache" / str(split)


def evaluation_folder(settings: Settings, job: int) -> Path:
    """What every model said in the evaluation of that job: see core.evaluate.kept."""
    return settings.home.absolute() / "evaluations" / str(job)


def left(settings: Settings, run: int) -> dict[str, Any]:
    """What a training left behind: the figures of its checkpoint, and `bytes`, the size of its files.

    Raises Missing where there is no checkpoint, and Damaged where it is not whole.
    """
    from core.checkpoint import metrics

    folder = run_folder(settings, run)
    facts = {key: value for key, value in metrics(folder).items() if key != "history"}
    return facts | {"bytes": size(folder)}


def choose(store: Store, project: int, runs: Sequence[int] = ()) -> list[Run]:
    """The runs asked for, or the newest one that can be asked of each recipe among those of the newest split that has any.

    A run that learned from a share of the pictures counts only where none knows all of them. Where only a sweep's short
    runs are there, the best one of each recipe that is no baseline.
    Raises BadInput where there is none, for one without a model, and where they come from different splits.
    """
    if runs:
        chosen = [store.run(project, run) for run in dict.fromkeys(runs)]
        for run in chosen:
            if run.deleted:
                raise BadInput(_gone(run))
            if not run.kept:
                why = "was stopped early by its sweep" if run.status == "pruned" else "is not trained to its end yet"
                raise BadInput(f"Run {run.id} ({run.name}) {why}: there is no model of it to ask.")
            if run.split != chosen[0].split:
                raise BadInput(
                    f"Run {run.id} was trained on split {run.split}, run {chosen[0].id} on {chosen[0].split}: choose runs of one split."
                )
        return chosen
    every = store.runs(project, done=True)
    if not every:
        raise BadInput("There is no trained model yet: train one on the page Train, or with `train`.")
    every = [run for run in every if run.recipe.share == 1] or every
    every = [run for run in every if run.split == every[0].split]
    trials = {job.id for job in store.jobs(project, "sweep", limit=1000)}
    done = [run for run in every if run.job not in trials]
    if not done:  # of short runs the best ones
        own = [run for run in every if run.recipe.head not in BASELINES] or every
        done = sorted(own, key=lambda run: run.result["val_loss"])
    first: dict[str, Run] = {}
    for run in done:
        first.setdefault(run.recipe.name, run)
    return sorted(first.values(), key=lambda run: run.id)


FIGURES = (
    "epochs", "best_epoch", "val_accuracy", "val_accuracy_interval", "val_macro_f1", "images_per_second", "waiting", "seconds",
    "device", "precision", "parameters", "bytes", "latency", "error",
)  # fmt: skip


def summary(run: Run) -> dict[str, Any]:
    """What a training tells of itself: its figures, as far as it has them, without the single epochs; `error`: why it
    could not be trained."""
    figures = {name: run.result[name] for name in FIGURES if name in run.result}
    return {"run": run.id, "name": run.name, "recipe": run.recipe.name, "status": run.status, **figures}


def interval(run: Run, validation: int) -> tuple[float, float] | None:
    """The 95 % interval of its validation accuracy, (low, high), 0..1; None where it has none yet.

    `validation` is the number of validation pictures of its split: early runs kept no interval of their own.
    """
    if "val_accuracy_interval" in run.result:
        low, high = run.result["val_accuracy_interval"]
        return low, high
    if "val_accuracy" not in run.result:
        return None
    from core.evaluate import wilson

    return wilson(round(run.result["val_accuracy"] * validation), validation)


def names(runs: Sequence[Run]) -> list[str]:
    """What each of them is called among the others: its name, with its number where several are called alike."""
    every = [run.name for run in runs]
    return [run.name if every.count(run.name) == 1 else f"{run.name} (run {run.id})" for run in runs]


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Which parts of their recipes differ: field -> its value for each run, in their order."""
    found = {field.name: [getattr(run.recipe, field.name) for run in runs] for field in dataclasses.fields(Recipe)}
    return {field: values for field, values in found.items() if any(value != values[0] for value in values)}


def delete_files(store: Store, settings: Settings, project: int, run: int) -> int:
    """Delete a run's folder and never its record: name, note, curves and figures stay. Returns the bytes that were freed.

    It is marked first, so that nobody asks for a model that is half there; called again it takes what a kill left over.
    Raises BadInput while a job needs the files, Busy where the disk refuses.
    """
    store.mark_deleted(project, run)
    folder = run_folder(settings, run)
    freed = size(folder)
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Busy(f"The files of run {run} in {folder} cannot be deleted: {error.strerror}. Try again.") from error
    return freed


def size(folder: Path) -> int:
    """Bytes of all files in it; 0 where there is no such folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def load_models(settings: Settings, runs: Sequence[Run]) -> dict[str, Any]:
    """name -> core.checkpoint.Model; see `names`. Raises Missing for a run whose files were deleted."""
    from core.checkpoint import load
    from core.device import limit_threads

    for run in runs:
        if run.deleted:
            raise Missing(_gone(run))
    limit_threads(settings.threads)
    return {
        name: load(run_folder(settings, run.id), settings.device) for name, run in zip(names(runs), runs, strict=True)
    }


def _gone(run: Run) -> str:
    return f"The files of run {run.id} ({run.name}) were deleted on {run.deleted:%Y-%m-%d}: its figures stay, but it cannot be asked any more."
