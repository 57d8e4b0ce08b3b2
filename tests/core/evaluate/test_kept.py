"""What was said of each picture is kept whole or not at all."""

from __future__ import annotations

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
