"""Calibration learns on validation alone; how far off it is, is told bin by bin."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate import softmax, temperature
from core.evaluate.calibration import BINS, bins, reliability


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_temperature_finds_the_one_that_made_the_labels(true: float) -> None:
    rng = np.random.default_rng(0)
    said = rng.normal(size=(20_000, 3)) * 3
    chances = softmax(said, true).cumsum(1)
    labels = (rng.random((20_000, 1)) > chances[:, :2]).sum(1)
    assert temperature(said, labels) == pytest.approx(true, rel=0.05)


def test_probabilities_of_huge_logits_are_still_probabilities() -> None:
    assert softmax(np.array([[1e4, -1e4, 0.0]])).tolist() == [[1.0, 0.0, 0.0]]


def test_a_bin_holds_its_upper_end() -> None:
    assert bins(np.array([0.0, 1 / BINS, 1 / BINS + 1e-9, 1.0])).tolist() == [0, 0, 1, BINS - 1]


def test_the_reliability_diagram_has_a_row_for_each_bin_with_pictures() -> None:
    rows = reliability(np.array([0.95, 0.99, 0.5]), np.array([True, False, True]))
    assert [row["images"] for row in rows] == [1, 2]
    assert rows[1]["confidence"] == pytest.approx(0.97) and rows[1]["accuracy"] == 0.5
    assert all(row["interval"][0] <= row["accuracy"] <= row["interval"][1] for row in rows)
