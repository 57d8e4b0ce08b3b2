"""Many recipes tried in short runs, the worse half stopped early, the best ones found: successive halving.

A sweep as TOML, and as the page makes it:

    mode = "grid"                       # every combination, or "random": `trials` of them
    recipe = ["mobilenetv2_100:train=head", "simplecnn"]
    lr = [0.001, 0.003, 0.01]           # any field of a recipe, with the values to try
    optimiser = ["adamw", "sgd"]
    head = ["linear", "bn-dropout"]
    epochs = 3                          # of each short run
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.backbones import pretrained_start
from core.errors import BadInput
from core.model import Recipe, Run
from core.recipes import BASELINES, read

if TYPE_CHECKING:
    import optuna

EPOCHS = 3  # of a short run
MOST = 500  # combinations: a grid grows faster than one thinks
TOP = 10
PLAIN = ("mode", "trials", "seed", "epochs")  # what is one value for the whole sweep


def load(file: Path) -> dict[str, Any]:
    """The sweep in a TOML file. Raises BadInput where it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"The sweep {str(file)!r} cannot be read: {error}.") from None


def recipes(space: Mapping[str, Any]) -> list[Recipe]:
    """The recipes that a sweep tries, each once, in an order drawn by its seed: halving compares with those before.

    Raises BadInput for a key, a value or a combination that cannot be.
    """
    mode, epochs, seed = space.get("mode", "grid"), space.get("epochs", EPOCHS), space.get("seed", 0)
    for key, value in (("epochs", epochs), ("seed", seed), ("trials", space.get("trials", 1))):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadInput(f"{key} = {value!r} does not fit: one whole number was wanted.")
    if mode not in ("grid", "random"):
        raise BadInput(f"mode = {mode!r} does not fit: grid or random was wanted.")
    if mode == "grid" and "trials" in space:
        raise BadInput(f'trials = {space["trials"]} counts with mode = "random" alone: a grid has every combination.')
    known = {field.name for field in fields(Recipe)} - {"backbone", "epochs", "seed"}
    axes = {key: _values(key, value) for key, value in space.items() if key not in PLAIN}
    unknown = [key for key in axes if key not in known | {"recipe"}]
    if unknown:
        raise BadInput(f"A sweep has no {unknown[0]!r}: wanted recipe, {', '.join(PLAIN)} or a field of a recipe.")
    if not axes.get("recipe") or not all(isinstance(text, str) for text in axes["recipe"]):
        raise BadInput('A sweep wants recipe = ["...", ...]: the recipes that it begins with.')
    for key, why in (("epochs", "for all short runs"), ("seed", "so that they differ in nothing else")):
        if any(f"{key}=" in text.replace(" ", "") for text in axes["recipe"]):
            raise BadInput(f"A recipe of a sweep cannot have {key} of its own: write {key} once, {why}.")
    count = math.prod(len(values) for values in axes.values())
    wanted = space.get("trials", count) if mode == "random" else count
    if not isinstance(wanted, int) or not 1 <= wanted <= MOST or count > 10**6:
        raise BadInput(
            f"The sweep has {wanted} runs out of {count} combinations: 1 to {MOST} runs were wanted. Leave values out, or"
            ' draw some with mode = "random" and trials = 50.'
        )
    import numpy as np

    chosen, tried = [], set()
    for at in np.random.default_rng(seed).permutation(count):
        combination = dict(zip(axes, _at(int(at), list(axes.values())), strict=True))
        recipe = read(combination.pop("recipe"), **combination, epochs=epochs, seed=seed)
        if recipe.head in BASELINES:
            raise BadInput(f"head={recipe.head} is computed beside every sweep, to compare with: leave it out.")
        if recipe not in tried:
            tried.add(recipe)
            chosen.append(recipe)
        if len(chosen) == wanted:
            break
    return chosen


def full(recipe: Recipe) -> Recipe:
    """The recipe of a short run, to be trained to its end: as long as is usual for its network."""
    return replace(recipe, epochs=read(recipe.name).epochs)


def baselines(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The three baselines on each pretrained network among the recipes, at each of its sizes and shares of the pictures."""
    seen = dict.fromkeys((r.backbone, r.size, r.gray, r.share, r.seed) for r in recipes if pretrained_start(r))
    return [
        read(backbone, head=head, size=size, gray=gray, share=share, seed=seed)
        for backbone, size, gray, share, seed in seen
        for head in BASELINES
    ]


def top(runs: Iterable[Run], most: int = TOP) -> list[Run]:
    """The best runs, the lowest validation loss first, baselines apart; one that was stopped early counts as far as it
    came, one that broke not at all."""
    ended = [
        run
        for run in runs
        if "val_loss" in run.result and "error" not in run.result and run.recipe.head not in BASELINES
    ]
    return sorted(ended, key=lambda run: run.result["val_loss"])[:most]


def told_apart(space: Mapping[str, Any]) -> list[str]:
    """The fields of a sweep's space in which its runs may differ and of which a recipe's name tells nothing."""
    return [key for key in space if key not in ("recipe", *Recipe.NAMED, *PLAIN)]


class Halving:
    """Which short run is worth its next epoch: asynchronous successive halving (Li et al. 2020), by Optuna."""

    def __init__(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
        self._study = optuna.create_study(direction="minimize", pruner=pruner)

    def begin(self) -> Short:
        """A short run that begins, beside others or alone."""
        return Short(self._study)


class Short:
    """A short run of a sweep."""

    def __init__(self, study: optuna.Study) -> None:
        self._study, self._trial = study, study.ask()

    def worse(self, epoch: int, loss: float) -> bool:
        """Note its validation loss after `epoch` (from 1): is it among the worse half?"""
        self._trial.report(loss, epoch)
        return self._trial.should_prune()

    def over(self, run: Run) -> None:
        """It is at its end; or, where nothing was noted of it, it ended before a stop and is repeated."""
        from optuna.trial import TrialState

        noted = self._study.trials[self._trial.number].intermediate_values
        for row in run.epochs:
            if row["epoch"] not in noted:
                self.worse(int(row["epoch"]), float(row["val_loss"]))
        if run.status == "done":
            self._study.tell(self._trial, float(run.result["val_loss"]))
        else:
            self._study.tell(self._trial, state=TrialState.PRUNED)


def _values(key: str, value: Any) -> list[Any]:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise BadInput(f"{key} = [] leaves nothing to try: one value or more was wanted.")
    return values


def _at(number: int, axes: Sequence[Sequence[Any]]) -> Iterable[Any]:
    """The combination of that number."""
    for axis in axes:
        number, at = divmod(number, len(axis))
        yield axis[at]
