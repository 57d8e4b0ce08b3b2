"""Trained runs: where they lie, which are meant, what they tell, how they are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.model import Run

if TYPE_CHECKING:
    from core.settings import Settings
    from db.store import Store


def run_folder(settings: Settings, run: int) -> Path:
    """Where a run's checkpoint lies."""
    return settings.home.absolute() / "runs" / str(run)


def cache_folder(settings: Settings, split: int) -> Path:
    """Decoded pixels of a split; may be deleted at any time, it is made again."""
    return settings.home.absolute() / "cache" / str(split)


def left(settings: Settings, run: int) -> dict[str, Any]:
    """What a training left behind: the figures of its checkpoint, and `bytes`, the size of its files.

    Raises Missing where there is no checkpoint, and Damaged where it is not whole.
    """
    from core.checkpoint import load

    folder = run_folder(settings, run)
    facts = {key: value for key, value in load(folder).metrics.items() if key != "history"}
    return facts | {"bytes": sum(file.stat().st_size for file in folder.iterdir())}


def choose(store: Store, project: int, runs: Sequence[int] = ()) -> list[Run]:
    """The runs asked for, or the newest finished run of each recipe among those of the newest split that has any.

    Raises BadInput where there is none, or they come from different splits.
    """
    if runs:
        chosen = [store.run(project, run) for run in dict.fromkeys(runs)]
        for run in chosen:
            if run.status != "done":
                raise BadInput(f"Run {run.id} ({run.recipe.name}) is not trained to its end yet.")
            if run.split != chosen[0].split:
                raise BadInput(
                    f"Run {run.id} was trained on split {run.split}, run {chosen[0].id} on {chosen[0].split}: choose runs of one split."
                )
        return chosen
    done = store.runs(project, done=True)
    if not done:
        raise BadInput("There is no trained model yet: train one on the page Train, or with `train`.")
    newest: dict[str, Run] = {}
    for run in done:
        if run.split == done[0].split:
            newest.setdefault(run.recipe.name, run)
    return sorted(newest.values(), key=lambda run: run.id)


def summary(run: Run) -> dict[str, Any]:
    """What a finished training tells of itself: its figures, without the single epochs."""
    names = (
        "epochs", "best_epoch", "val_accuracy", "val_accuracy_interval", "val_macro_f1", "images_per_second", "waiting", "seconds",
        "device", "precision", "parameters", "latency",
    )  # fmt: skip
    return {
        "run": run.id,
        "recipe": run.recipe.name,
        **{name: run.result[name] for name in names if name in run.result},
    }


def load_models(settings: Settings, runs: Sequence[Run]) -> dict[str, Any]:
    """name -> core.checkpoint.Model; the name is the recipe's, with the run's number where a recipe is there twice."""
    from core.checkpoint import load
    from core.device import limit_threads

    limit_threads(settings.threads)
    names = [run.recipe.name for run in runs]
    return {
        name if names.count(name) == 1 else f"{name} (run {run.id})": load(
            run_folder(settings, run.id), settings.device
        )
        for name, run in zip(names, runs, strict=True)
    }
