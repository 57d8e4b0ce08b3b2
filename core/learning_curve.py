"""Would more pictures help? Accuracy on validation against the number of pictures that a recipe learned from.

A recipe's `share` takes some of the training pictures: of each class as many, the smaller share within the larger one, and
the same ones for every recipe of a split. The error falls with the number of pictures as a power of it (Hestness et al.
2017), so its logarithm is a straight line over the number of doublings. What that line says of the next doubling is told
with an interval. No more than one doubling is foretold: from few runs further ones are told too high (Mahmood et al. 2022).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.model import Recipe, Run, Split
from core.recipes import BASELINES, MOST_EPOCHS
from core.runs import interval

SHARES = (0.125, 0.25, 0.5)  # beside all pictures: three doublings
FEWEST = 3  # numbers of pictures that a line needs
LITTLE = 0.01  # a gain of accuracy that is not worth the search


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


def missing(runs: Sequence[Run]) -> list[Recipe]:
    """The recipes that a curve still wants, the smallest share first: of each seed there is, every one of SHARES."""
    there = {(run.recipe.share, run.recipe.seed) for run in runs}
    seeds = {run.recipe.seed: run.recipe for run in runs if run.recipe.share == 1}
    return [
        part_of(recipe, share) for share in SHARES for seed, recipe in sorted(seeds.items(), key=lambda one: one[0])
        if (share, seed) not in there
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
    """What twice the pictures would bring, as the line through a curve's points has it."""

    images: int  # the most that a run learned from
    accuracy: float  # there, by the line, 0..1
    gain: float  # of accuracy by as many pictures again
    low: float  # the 95 % interval of the gain; below 0 where fewer pictures were no worse
    high: float
    foretold: tuple[float, float] | None = (
        None  # accuracy with all pictures: from the smaller shares alone, and as it is
    )

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
    beyond = [one for one in found if one.low > 1 / classes]
    line = _line(beyond, validation)
    if line is None:
        return None
    most = max(one.images for one in beyond)
    error, slope, half = line
    gain, low, high = (error * (1 - math.exp(each)) for each in (slope, slope + half, slope - half))
    fewer = [one for one in beyond if one.images < most]
    before, foretold = _line(fewer, validation), None
    if before is not None:
        doublings = math.log2(most / max(one.images for one in fewer))
        now = [one.accuracy for one in beyond if one.images == most]
        foretold = (1 - before[0] * math.exp(before[1] * doublings), sum(now) / len(now))
    return Outlook(most, 1 - error, gain, low, high, foretold)


def _line(found: Sequence[Point], validation: int) -> tuple[float, float, float] | None:
    """(error at the most pictures, change of its logarithm by a doubling, half the 95 % interval of that); None where the
    points lie at too few numbers of pictures.

    Least squares. The interval is that of a slope (Student's t), from how far the runs lie beside the line: the validation
    pictures are the same for all, so that an easy or hard choice of them shifts the line and does not tilt it. With few
    runs they may lie on a line by luck: it is never narrower than the number of validation pictures allows.
    """
    import numpy as np
    from scipy.stats import t

    if len({one.images for one in found}) < FEWEST:
        return None
    x = np.log2([one.images for one in found])
    error = np.maximum(1 - np.array([one.accuracy for one in found]), 0.5 / max(validation, 1))
    y, middle = np.log(error), x.mean()
    spread = float(((x - middle) ** 2).sum())
    slope = float(((x - middle) * y).sum() / spread)
    beside = y - y.mean() - slope * (x - middle)
    free = len(found) - 2
    scattered = t.ppf(0.975, free) * math.sqrt(float((beside**2).sum()) / free / spread)
    by_chance = ((1 - error) / (error * max(validation, 1))).mean()  # variance of the logarithm of a share
    sampled = 1.959963984540054 * math.sqrt(float(by_chance) / spread)
    at_most = math.exp(float(y.mean()) + slope * (float(x.max()) - middle))
    return at_most, slope, float(max(scattered, sampled))


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
