"""Would more pictures help? Accuracy on validation against the number of pictures that a recipe learned from.

A recipe's `share` takes some of the training pictures: of each class as many, the smaller share within the larger one, and
the same ones for every recipe of a split. The error falls with the number of pictures as a power of it (Hestness et al.
2017), down to an end that is not known. What the curves that fit say of the next doubling is told with an interval. No
more than one doubling is foretold: from few runs further ones are told too high (Mahmood et al. 2022).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.model import Recipe, Run, Split
from core.recipes import BASELINES, MOST_EPOCHS
from core.runs import interval

if TYPE_CHECKING:
    import numpy as np

SHARES = (0.125, 0.25, 0.5)  # beside all pictures: three doublings
FEWEST = 3  # numbers of pictures that a curve needs
LITTLE = 0.01  # a gain of accuracy that is not worth the search
POWERS = tuple(step / 20 for step in range(1, 21))  # .05 to 1: of the number of pictures, by which the error may fall
DRAWS = 20_000
BEFORE = 4  # runs' worth of what the validation pictures alone would make runs differ by


# which pictures a share is ------------------------------------------------------------------------------------------


def left_out(split: Split, share: float) -> set[int]:
    """The images of the train part that a recipe with this share (0..1) does not learn from; of each class one stays."""
    if share == 1:
        return set()
    of: dict[str, list[int]] = {}
    for image, label in sorted(split.parts["train"]):
        of.setdefault(label, []).append(image)
    out: set[int] = set()
    for label, images in of.items():
        random.Random(f"{split.seed} {label}").shuffle(images)  # one order for every share, so that they are nested
        out.update(images[max(1, round(share * len(images))) :])
    return out


def learned(split: Split, share: float) -> int:
    """How many pictures of the train part a recipe with this share (0..1) learns from."""
    return len(split.parts["train"]) - len(left_out(split, share))


# runs of one curve --------------------------------------------------------------------------------------------------


def part_of(recipe: Recipe, share: float) -> Recipe:
    """The recipe with this share (0..1) of the pictures, and as many steps as with all: so many more epochs. With few steps
    a network has learned little from few pictures, and more of them would seem to be worth more than they are."""
    if recipe.head in BASELINES:
        return replace(recipe, share=share)
    longer = {key: min(MOST_EPOCHS, round(getattr(recipe, key) / share)) for key in ("epochs", "patience")}
    return replace(recipe, share=share, **longer)


def whole_of(recipe: Recipe) -> Recipe:
    """What `part_of` made it from, with no seed of its own: the same for all runs of one curve."""
    if recipe.head in BASELINES:
        return replace(recipe, share=1.0, seed=0)
    fewer = {key: max(1, round(getattr(recipe, key) * recipe.share)) for key in ("epochs", "patience")}
    return replace(recipe, share=1.0, seed=0, **fewer)


def curves(runs: Sequence[Run]) -> dict[tuple[int, Recipe], list[Run]]:
    """(split, recipe) -> the trained runs of one curve, where at least one knows all pictures; `runs`: the newest first."""
    found: dict[tuple[int, Recipe], list[Run]] = {}
    for run in runs:
        if run.status == "done" and "val_accuracy" in run.result and "error" not in run.result:
            found.setdefault((run.split, whole_of(run.recipe)), []).append(run)
    return {key: of for key, of in found.items() if any(run.recipe.share == 1 for run in of)}


def missing(runs: Sequence[Run], seeds: int = 1) -> list[Recipe]:
    """The recipes that a curve still wants, the smallest share first: of so many seeds, which its runs of all pictures have
    or which are new, every one of SHARES and all pictures."""
    there = {(run.recipe.share, run.recipe.seed) for run in runs}
    whole = {run.recipe.seed: run.recipe for run in runs if run.recipe.share == 1}
    some = next(iter(whole.values()))
    for seed in range(seeds):
        whole.setdefault(seed, replace(some, seed=seed))
    wanted = sorted(whole, key=lambda seed: ((1.0, seed) not in there, seed))[:seeds]
    return [
        part_of(whole[seed], share) for share in (*SHARES, 1.0) for seed in wanted if (share, seed) not in there
    ]  # fmt: skip


# what they say ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a curve."""

    run: int
    share: float
    images: int  # it learned from
    accuracy: float  # on validation, 0..1
    low: float  # its 95 % interval
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What twice the pictures would bring, as a curve's points have it."""

    images: int  # the most that a run learned from
    accuracy: float  # there, by the curve, 0..1
    gain: float  # of accuracy by as many pictures again
    low: float  # the 95 % interval of the gain; below 0 where fewer pictures may be no worse
    high: float
    then: tuple[float, float]  # the 95 % interval of the accuracy with twice the pictures
    line: tuple[tuple[float, float], ...]  # (images, accuracy) along the curve, up to twice the pictures
    # Accuracy with all pictures: what the smaller shares alone would have foretold, its 95 % interval, and what it is.
    foretold: tuple[float, float, float, float] | None = None

    @property
    def sure(self) -> bool:
        return self.low > 0


def points(runs: Sequence[Run], split: Split) -> list[Point]:
    """The points of one curve, the fewest pictures first."""
    validation = len(split.parts["val"])
    images = {share: learned(split, share) for share in {run.recipe.share for run in runs}}
    found = []
    for run in runs:
        low, high = interval(run, validation) or (0.0, 1.0)
        share = run.recipe.share
        found.append(Point(run.id, share, images[share], float(run.result["val_accuracy"]), low, high))
    return sorted(found, key=lambda one: (one.images, one.run))


def outlook(found: Sequence[Point], validation: int, classes: int) -> Outlook | None:
    """What twice the pictures would bring; None where the points lie at fewer than FEWEST numbers of pictures.

    `validation` is the number of validation pictures, by which the errors are measured. Points that are no better than
    guessing among `classes` are left out: the power law begins later (Hestness et al. 2017, the small data region).
    """
    import numpy as np

    beyond = [one for one in found if one.low > 1 / classes]
    drawn = _drawn(beyond, validation)
    if drawn is None:
        return None
    most = max(one.images for one in beyond)
    at = np.geomspace(min(one.images for one in beyond), 2 * most, 40)
    line = tuple((float(n), float(1 - np.median(_error(drawn, n / most)))) for n in at)
    low, high = _between(drawn[1])
    then = _between(1 - _error(drawn, 2.0))
    fewer = [one for one in beyond if one.images < most]
    before, foretold = _drawn(fewer, validation), None
    if before is not None:
        said = 1 - _error(before, most / max(one.images for one in fewer))
        now = [one.accuracy for one in beyond if one.images == most]
        foretold = (float(np.median(said)), *_between(said), sum(now) / len(now))
    return Outlook(
        most, float(1 - np.median(drawn[0])), float(np.median(drawn[1])), low, high, then, line, foretold
    )  # fmt: skip


def _between(drawn: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of (D,) draws."""
    import numpy as np

    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _error(drawn: np.ndarray, times: float) -> np.ndarray:
    """(3, D) draws -> (D,) error with so many times the most pictures."""
    error, gain, power = drawn
    return error - gain * (1 - times**-power) / (1 - 2**-power)


def _drawn(found: Sequence[Point], validation: int) -> np.ndarray | None:
    """Curves that the points allow: (3, D) error at the most pictures, its fall by a doubling, and the power; None where
    the points lie at too few numbers of pictures.

    The error is a + b n^-c, a from 0 on. A power near 0 lets each doubling bring as much, a large one lets the curve end
    soon: no one of them is chosen, for few points do not tell which, and that is most of what is not known (Mahmood et al.
    2022). For each c the rest is a linear regression, whose posterior under flat priors is known (Gelman et al., Bayesian
    Data Analysis, 14.2). How far runs lie beside their curve is learned from them, and begins with what so few validation
    pictures alone would make it.
    """
    import numpy as np

    if len({one.images for one in found}) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    y = 1 - np.array([one.accuracy for one in found])
    n = np.array([one.images for one in found], float)
    free = BEFORE + len(y) - 2
    beforehand = BEFORE * float(np.maximum(y * (1 - y), 0.5 / max(validation, 1)).mean()) / max(validation, 1)
    weights, parts = [], []
    for c in POWERS:
        x = np.stack([np.ones_like(n), ((n / n.max()) ** -c - 1) / (1 - 2**-c)], axis=1)  # error = x @ (error, gain)
        cross = np.linalg.inv(x.T @ x)
        best = cross @ x.T @ y
        spread = beforehand + float(((y - x @ best) ** 2).sum())
        weights.append(-free / 2 * math.log(spread) + 0.5 * math.log(np.linalg.det(cross)))
        sigma = np.sqrt(spread / rng.chisquare(free, DRAWS))
        parts.append(np.stack([*(best[:, None] + np.linalg.cholesky(cross) @ rng.standard_normal((2, DRAWS)) * sigma), np.full(DRAWS, c)]))  # fmt: skip
    likely = np.exp(np.array(weights) - max(weights))
    chosen = rng.choice(len(POWERS), DRAWS, p=likely / likely.sum())
    drawn = np.stack(parts)[chosen, :, np.arange(DRAWS)].T
    error, gain, power = drawn
    possible = error - gain / (1 - 2**-power) >= 0  # no end of the curve lies below an error of 0
    return drawn[:, possible] if possible.sum() > DRAWS // 100 else drawn


def sentence(told: Outlook | None) -> str:
    """What the curve comes to, in words a reader can act on."""
    if told is None:
        return f"Runs with {FEWEST} different numbers of pictures, better than guessing, are wanted to tell."
    now = f"about {told.accuracy:.0%}"
    if not told.sure:
        if told.high < LITTLE:
            return f"More pictures of the same kind would hardly help: with {told.images:,} it names {now} rightly, and with fewer it was no worse."
        return (
            f"It cannot be told whether more pictures would help: twice as many would bring {_points(told.gain)}, but by chance"
            f" alone it may be anything from {_points(told.low)} to {_points(told.high)}. More seeds, or more validation"
            " pictures, would tell."
        )  # fmt: skip
    if told.high < LITTLE:
        return f"More pictures would help little: twice as many would bring less than {_points(LITTLE)}."
    return (
        f"More pictures would probably help: with twice as many, {2 * told.images:,}, it would name about"
        f" {told.accuracy + told.gain:.0%} rightly instead of {now}. That is {_points(told.gain)} more"
        f" ({100 * told.low:.1f} to {100 * told.high:.1f})."
    )  # fmt: skip


def _points(share: float) -> str:
    return f"{100 * share:+.1f} percentage points" if share < 0 else f"{100 * share:.1f} percentage points"


# class by class -----------------------------------------------------------------------------------------------------


def by_class(runs: Sequence[Run], classes: Sequence[str]) -> list[dict[str, Any]]:
    """What share of each class is found at each share of the pictures: `class`, `found` {share: 0..1}, `support`, `gain` by
    the last doubling; the largest gain first. Runs of one share count together; early runs, which kept no counts, not."""
    known: dict[float, list[Sequence[Sequence[int]]]] = {}
    for run in runs:
        counts = run.result.get("val_found", ())
        if len(counts) == len(classes):
            known.setdefault(run.recipe.share, []).append(counts)
    shares = sorted(known)
    if len(shares) < 2:
        return []
    rows = []
    for at, label in enumerate(classes):
        found: Mapping[float, float] = {
            share: sum(of[at][0] for of in known[share]) / max(sum(of[at][1] for of in known[share]), 1) for share in shares
        }  # fmt: skip
        support = max(of[at][1] for of in known[shares[-1]])
        rows.append({"class": label, "found": found, "support": support, "gain": found[shares[-1]] - found[shares[-2]]})
    return sorted((row for row in rows if row["support"]), key=lambda row: -row["gain"])
