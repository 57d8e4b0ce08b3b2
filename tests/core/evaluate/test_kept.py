"""What was said of each picture is kept whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from core.evaluate.kept import keep, precision_recall, read


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    with keep(tmp_path / "7", np.array([5, 9]), np.array([1, -1]), models=2, classes=3) as table:
        table[:] = np.arange(12).reshape(2, 2, 3)
    found = read(tmp_path / "7")
    assert found is not None and found.images.tolist() == [5, 9] and found.labels.tolist() == [1, -1]
    assert found.probabilities.ravel().tolist() == list(range(12))
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


def test_a_job_that_fails_half_way_leaves_nothing_and_one_that_is_run_again_takes_its_place(tmp_path: Path) -> None:
    with pytest.raises(KeyError), keep(tmp_path / "7", np.array([5]), np.array([0]), 1, 2):
        raise KeyError
    assert read(tmp_path / "7") is None and not list(tmp_path.iterdir())
    for value in (0.25, 0.75):
        with keep(tmp_path / "7", np.array([5]), np.array([0]), 1, 2) as table:
            table[:] = value
    found = read(tmp_path / "7")
    assert found is not None and found.probabilities.tolist() == [[[0.75, 0.75]]]


def test_what_is_damaged_counts_as_gone(tmp_path: Path) -> None:
    with keep(tmp_path / "7", np.array([5]), np.array([0]), 1, 2):
        pass
    (tmp_path / "7" / "probabilities.npy").write_bytes(b"no array")
    assert read(tmp_path / "7") is None


def test_precision_and_recall_equal_scikit_learns_and_long_curves_are_thinned() -> None:
    rng = np.random.default_rng(0)
    of = rng.random(5000) < 0.3
    scores = np.clip(of * 0.3 + rng.random(5000) * 0.7, 0, 1)
    precision, recall, thresholds, area = precision_recall(scores, of)
    assert len(precision) == len(recall) == len(thresholds) <= 200 and recall[0] == 1
    assert area == pytest.approx(metrics.average_precision_score(of, scores))
    for p, r, threshold in zip(precision[::20], recall[::20], thresholds[::20], strict=True):
        taken = scores >= threshold
        assert p == pytest.approx(of[taken].mean()) and r == pytest.approx(taken[of].mean())


def test_a_class_without_a_picture_has_no_curve() -> None:
    precision, _, _, area = precision_recall(np.array([0.5]), np.array([False]))
    assert not len(precision) and np.isnan(area)


def test_what_a_killed_job_was_writing_goes_with_the_next_evaluation_once_nobody_writes_it(tmp_path: Path) -> None:
    old, fresh = (tmp_path / f"{job}.{digit * 32}.part" for job, digit in ((5, "a"), (6, "b")))
    for part in (old, fresh):
        part.mkdir()
        (part / "images.npy").write_bytes(b"half")
    os.utime(old, (0, 0))
    with keep(tmp_path / "7", np.array([5]), np.array([0]), 1, 2):
        pass
    assert not old.exists() and fresh.exists()


def test_a_curve_of_many_points_keeps_the_best_precision_of_each_recall() -> None:
    scores, of = np.linspace(0, 1, 1000), np.arange(1000) >= 900
    precision, recall, threshold, area = precision_recall(scores, of)
    assert len(recall) <= 200 and area == 1
    assert precision[recall == 1] == pytest.approx(1), "the class is told apart from all others: no point lies below"
    assert threshold[recall == 1] == pytest.approx(scores[900])
