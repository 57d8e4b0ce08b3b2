"""Scores against scikit-learn and by hand; each with an interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from core.errors import BadInput
from core.evaluate import Answers, gap, score, scored, softmax

CLASSES = ("sedan", "coupe", "suv")


def random(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, count), softmax(rng.normal(size=(count, 3)) * 2)


@given(st.integers(1, 60), st.integers(0, 10_000))
def test_scores_equal_scikit_learns(count: int, seed: int) -> None:
    labels, chances = random(count, seed)
    got, guess = score(labels, chances, CLASSES), chances.argmax(1)
    options = {"labels": [0, 1, 2], "zero_division": 0}
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, guess, **options)
    assert got["accuracy"] == pytest.approx(metrics.accuracy_score(labels, guess))
    macro = metrics.precision_recall_fscore_support(labels, guess, average="macro", zero_division=0)
    assert (got["macro_precision"], got["macro_recall"], got["macro_f1"]) == pytest.approx(macro[:3])
    assert got["balanced_accuracy"] == pytest.approx(np.mean([r for r, s in zip(recall, support, strict=True) if s]))
    assert got["log_loss"] == pytest.approx(metrics.log_loss(labels, chances, labels=[0, 1, 2]))
    assert got["weighted_f1"] == pytest.approx(metrics.f1_score(labels, guess, average="weighted", **options))
    assert got["confusion"] == metrics.confusion_matrix(labels, guess, labels=[0, 1, 2]).tolist()
    rows = [got["per_class"][label] for label in CLASSES]
    assert [row["precision"] for row in rows] == pytest.approx(precision)
    assert [row["recall"] for row in rows] == pytest.approx(recall)
    assert [row["f1"] for row in rows] == pytest.approx(f1)
    assert [row["support"] for row in rows] == support.tolist()
    assert got["accuracy_interval"][0] <= got["accuracy"] <= got["accuracy_interval"][1]


def test_a_row_of_the_confusion_is_a_true_class() -> None:
    got = score(np.array([0, 0, 0]), np.eye(3)[[0, 1, 1]], CLASSES)
    assert got["confusion"] == [[1, 2, 0], [0, 0, 0], [0, 0, 0]]


def test_nothing_to_evaluate_is_a_sentence() -> None:
    with pytest.raises(BadInput, match="the part is empty"):
        score(np.array([], dtype=int), np.empty((0, 3)), CLASSES)


def test_gap_is_the_mean_of_precision_where_right_surest_first() -> None:
    sure = np.array([0.9, 0.8, 0.7, 0.6])
    chances = np.stack([sure, 1 - sure], axis=1)
    assert gap(np.array([0, 1, 0, 0]), chances) == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 4)


def test_a_distractor_that_is_sure_costs_gap_and_nothing_else() -> None:
    labels, chances = np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]])
    with_one = np.array([-1, 0, 1]), np.array([[0.95, 0.05], *chances])
    assert score(labels, chances, CLASSES[:2])["gap"] == 1
    got = score(*with_one, CLASSES[:2])
    assert got["accuracy"] == 1 and got["gap"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_top_5_counts_a_class_among_the_five_likeliest() -> None:
    chances = np.tile([0.05, 0.1, 0.15, 0.2, 0.22, 0.28], (6, 1))
    got = score(np.arange(6), chances, tuple("abcdef"))
    assert got["top5"] == pytest.approx(5 / 6) and got["accuracy"] == pytest.approx(1 / 6)


def test_every_figure_lies_in_its_interval() -> None:
    labels, chances = random(80, 4)
    got = score(labels, chances, CLASSES)
    assert set(got["intervals"]) >= {"accuracy", "top5", "balanced_accuracy", "macro_f1", "log_loss", "ece", "gap"}
    for name, (low, high) in got["intervals"].items():
        assert low <= got[name] <= high, name
    assert got["intervals"]["macro_f1"][0] < got["macro_f1"] < got["intervals"]["macro_f1"][1]


def test_near_duplicates_are_no_further_evidence() -> None:
    labels, chances = random(50, 1)
    alone = scored(Answers.of(labels, chances), CLASSES)["intervals"]
    often = Answers.of(labels.repeat(4), chances.repeat(4, axis=0))
    as_photos = scored(often, CLASSES, np.arange(50).repeat(4))["intervals"]
    as_evidence = scored(often, CLASSES)["intervals"]

    def width(of: dict, name: str) -> float:
        return of[name][1] - of[name][0]

    for name in ("accuracy", "macro_f1", "log_loss"):
        assert width(as_photos, name) == pytest.approx(width(alone, name), rel=0.1)
        assert width(as_evidence, name) < 0.7 * width(alone, name)


def test_a_class_without_a_picture_does_not_pull_the_means_down() -> None:
    got = score(np.array([0, 0, 1]), np.eye(3)[[0, 0, 1]], CLASSES)
    assert got["balanced_accuracy"] == got["macro_f1"] == 1
    assert got["per_class"]["suv"]["support"] == 0 and got["per_class"]["suv"]["recall_interval"] == [0, 1]


def test_each_source_has_its_accuracy() -> None:
    answers = Answers.of(np.array([0, 1, 1, -1]), np.eye(3)[[0, 1, 2, 2]])
    got = scored(answers, CLASSES, sources=["web", "web", "disk", "disk"])["per_source"]
    assert {name: (of["images"], of["accuracy"]) for name, of in got.items()} == {"web": (2, 1.0), "disk": (1, 0.0)}


def test_a_threshold_tells_how_many_get_an_answer_and_how_many_of_these_are_right() -> None:
    sure = np.array([0.6, 0.7, 0.8, 0.9])
    got = score(np.array([1, 0, 0, 0]), np.stack([sure, 1 - sure], axis=1), CLASSES[:2])["thresholds"]
    at = {round(row["threshold"], 2): (row["answered"], row["accuracy"]) for row in got}
    assert at[0.0] == (1.0, 0.75) and at[0.66] == (0.75, 1.0) and at[0.84] == (0.25, 1.0) and max(at) == 0.9
