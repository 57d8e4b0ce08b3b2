"""Which learning rate: a short run in which it rises from step to step (Smith 2017, "learning rate range test")."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from core import recipes
from core.model import Recipe
from core.train.feed import Pictures

STEPS = 150
LOWEST, HIGHEST = 1e-5, 1.0
SMOOTH = 0.9  # share of the running mean in the next one
WORSE = 3.0  # times the lowest loss: from there on it only diverges
CLEAR = 4.0  # standard deviations of the loss at the lowest rates: a smaller fall is one between batch and batch


def find(
    recipe: Recipe, classes: Sequence[str], train: Pictures, val: Pictures, device: str = "auto", threads: int = 0,
    weights: Path | None = None, kept: Path | None = None,
) -> Generator[tuple[int, int], None, dict[str, Any]]:  # fmt: skip
    """A learning rate for the recipe on these pictures; nothing is kept of what it learns.

    Yields (done, total). Returns `rates` and `losses` (smoothed, of each step) and `rate`, where the loss falls most
    steeply: `None` where it does not clearly fall. Raises as `core.train.fit` does.
    """
    import numpy as np

    from core.device import device as where
    from core.train import check
    from core.train.sentences import sentences
    from core.train.training import Training

    recipes.check(recipe)
    check(recipe, classes, train, val)
    with tempfile.TemporaryDirectory() as folder, sentences(recipe, where(device)):
        training = Training(recipe, tuple(classes), train, val, Path(folder), where(device), threads, weights)
        training.resume()
        for row in training.prepare(kept):
            yield row["images"], row["of"]
        rates, losses, mean = [], [], 0.0
        for step, (rate, loss) in enumerate(training.rise(np.geomspace(LOWEST, HIGHEST, STEPS)), start=1):
            mean = SMOOTH * mean + (1 - SMOOTH) * loss
            smooth = mean / (1 - SMOOTH**step)
            if not np.isfinite(loss) or (losses and smooth > WORSE * min(losses)):
                break
            rates, losses = [*rates, float(rate)], [*losses, float(smooth)]
            yield step, STEPS
    return {"rates": rates, "losses": losses, "rate": steepest(rates, losses)}


def steepest(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate at which the loss falls fastest over log(rate), before it is lowest; None where it does not clearly fall."""
    import numpy as np

    if len(losses) < 10:
        return None
    first = losses[: len(losses) // 5]  # of the steps, in which hardly anything is learned
    if min(losses) > np.mean(first) - CLEAR * np.std(first):
        return None
    slope = np.gradient(np.asarray(losses), np.log(rates))[: int(np.argmin(losses)) + 1]
    return float(f"{rates[int(np.argmin(slope))]:.1e}")
