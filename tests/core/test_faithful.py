"""Deletion and insertion: a map that knows what the network looks at scores better than chance, one that is wrong worse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.faithful import STEPS, at_random, frames, mean, scores

PICTURE = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)


def looking_at(part: np.ndarray) -> Any:
    """A model whose probability of "a" is the share of the pixels of `part` that are as in the picture."""

    def probabilities(pixels: np.ndarray) -> np.ndarray:
        same = (pixels == PICTURE).all(axis=3)[:, part].mean(axis=1)
        return np.stack([same, 1 - same], axis=1)

    return SimpleNamespace(probabilities=probabilities, classes=("a", "b"))


CORNER = np.zeros((40, 40), bool)
CORNER[:10, :10] = True  # a sixteenth of it


def test_the_areas_are_those_of_a_model_that_can_be_worked_out() -> None:
    """With the corner first all is lost within a sixteenth of the pixels: after one step of a twentieth .2 is left."""
    area = (1 + 0.2 + 0.2) / 2 / STEPS
    assert scores(looking_at(CORNER), PICTURE, CORNER.astype(float), "a") == pytest.approx((area, 1 - area), abs=0.005)
    assert scores(looking_at(CORNER), PICTURE, 1 - CORNER, "a") == pytest.approx((1 - area, area), abs=0.005)


def test_another_class_is_measured_by_its_own_probability() -> None:
    for_a = scores(looking_at(CORNER), PICTURE, CORNER.astype(np.float32), "a")
    for_b = scores(looking_at(CORNER), PICTURE, CORNER.astype(np.float32), "b")
    assert for_b == pytest.approx((1 - for_a[0], 1 - for_a[1]))


def test_a_random_order_lies_between_and_is_the_same_each_time() -> None:
    heat = at_random(PICTURE)
    assert np.array_equal(heat, at_random(PICTURE.copy()))
    assert not np.array_equal(heat, at_random(255 - PICTURE))
    deletion, insertion = scores(looking_at(CORNER), PICTURE, heat, "a")
    assert deletion == pytest.approx(0.5, abs=0.06) and insertion == pytest.approx(0.5, abs=0.06)


def test_the_frames_go_from_the_picture_to_its_blur_and_back() -> None:
    going, coming = frames(PICTURE, at_random(PICTURE))
    assert going.shape == coming.shape == (STEPS + 1, 40, 40, 3) and going.dtype == np.uint8
    assert np.array_equal(going[0], PICTURE) and np.array_equal(coming[-1], PICTURE)
    assert np.array_equal(going[-1], coming[0]) and coming[0].std() < PICTURE.std() / 3
    changed = [(frame != PICTURE).any(axis=2).mean() for frame in going]
    assert changed == pytest.approx(np.linspace(0, 1, STEPS + 1), abs=0.02)
    blurred_colour = np.abs(coming[0].mean(axis=(0, 1)) - PICTURE.mean(axis=(0, 1)))
    assert blurred_colour.max() < 3


def test_a_map_that_says_nothing_is_scored_as_well() -> None:
    assert all(0 <= value <= 1 for value in scores(looking_at(CORNER), PICTURE, np.zeros((40, 40)), "a"))


def test_the_interval_holds_the_true_mean_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(4)
    held = [told["low"] <= 0.4 <= told["high"] for told in (mean(rng.normal(0.4, 0.1, 8)) for _ in range(600))]
    assert 0.92 < np.mean(held) < 0.98


def test_an_interval_stays_where_values_can_be() -> None:
    assert mean([0.3]) == {"mean": 0.3, "low": 0.0, "high": 1.0}
    assert mean([-0.2], -1.0) == {"mean": -0.2, "low": -1.0, "high": 1.0}
    assert mean([0.0, 0.0, 1.0])["low"] == 0.0
