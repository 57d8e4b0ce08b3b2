"""How faithful a map is: deletion and insertion (Petsiuk et al. 2018, RISE), and what a random order would have scored.

Deletion: the pixels that the map holds for the most important are blurred away first; the faster the class's probability
falls, the better the map. Insertion: the blurred picture gets them back first; the faster it rises, the better.
What is deleted is blurred as well, not painted over: pixels painted over here and there are noise that no network has
seen, and a random order then scores better than most maps do (measured: tests/bench/README.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.model import Explanation

STEPS = 20  # equal shares of the pixels that go or come; 128 move a score by .004 (mean), .016 at most, of 84
LOOKS = 2 * STEPS  # pictures that the network is asked about for both scores
BLUR = 20  # the side by the blur's standard deviation: so strong that colours stay and shapes go
RANDOM = "random"  # the order that everything is compared with


def scored(model: Model, found: Sequence[Explanation]) -> list[Explanation]:
    """The explanations with the deletion and insertion of their maps, by the calibrated probability of their class."""
    return [
        replace(one, deletion=deletion, insertion=insertion)
        for one in found
        for deletion, insertion in [scores(model, one.pixels, one.heat, one.label)]
    ]


def scores(model: Model, pixels: np.ndarray, heat: np.ndarray, label: str) -> tuple[float, float]:
    """(deletion, insertion), each the area under the probability of `label`, 0..1, over the share of pixels.

    `pixels` is (S, S, 3) uint8, `heat` (S, S); all steps of both are asked about in one go.
    """
    going, coming = frames(pixels, heat)
    said = model.probabilities(np.concatenate([going, coming[1:-1]]))[:, model.classes.index(label)]
    falls, rises = said[: STEPS + 1], [said[STEPS], *said[STEPS + 1 :], said[0]]  # both begin where the other one ends
    return float(np.trapezoid(falls, dx=1 / STEPS)), float(np.trapezoid(rises, dx=1 / STEPS))


def at_random(pixels: np.ndarray) -> np.ndarray:
    """A map (S, S) that names pixels in random order, the same one for the same picture."""
    return np.random.default_rng(int(pixels.sum(dtype=np.int64))).random(pixels.shape[:2], np.float32)


def frames(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """(2, STEPS + 1, S, S, 3) uint8: the picture going, and coming, in the order of the map."""
    from PIL import Image, ImageFilter

    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(pixels.shape[0] / BLUR)))
    order = np.argsort(-heat, axis=None, kind="stable")
    place = np.empty(heat.size)
    place[order] = (np.arange(heat.size) + 0.5) / heat.size
    taken = place.reshape(heat.shape) < np.linspace(0, 1, STEPS + 1)[:, None, None]  # (STEPS + 1, S, S)
    return np.stack([np.where(taken[..., None], a, b) for a, b in ((blurred, pixels), (pixels, blurred))])


def mean(values: Sequence[float] | np.ndarray, least: float = 0.0, most: float = 1.0) -> dict[str, float]:
    """The mean of a figure over pictures with its 95 % interval (Student's t), within `least`..`most`: {mean, low, high}.

    One picture tells nothing of others: then the interval is all there is.
    """
    from scipy.stats import t

    middle, count = float(np.mean(values)), len(values)
    if count < 2:
        return {"mean": middle, "low": least, "high": most}
    half = float(t.ppf(0.975, count - 1) * np.std(values, ddof=1) / count**0.5)
    return {"mean": middle, "low": max(least, middle - half), "high": min(most, middle + half)}
