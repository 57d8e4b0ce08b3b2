"""Scores against scikit-learn and by hand; calibration and ensembles learn on validation alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from torch import nn

from core.errors import BadInput
from core.evaluate import Ensemble, gap, logits, score, softmax, temperature, wilson

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
    assert got["macro_f1"] == pytest.approx(f1.mean())
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


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(right: int, total: int, low: float, high: float) -> None:
    # 81 of 263: Newcombe 1998, table I, method 3
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


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


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_temperature_finds_the_one_that_made_the_labels(true: float) -> None:
    rng = np.random.default_rng(0)
    said = rng.normal(size=(20_000, 3)) * 3
    chances = softmax(said, true).cumsum(1)
    labels = (rng.random((20_000, 1)) > chances[:, :2]).sum(1)
    assert temperature(said, labels) == pytest.approx(true, rel=0.05)


def test_probabilities_of_huge_logits_are_still_probabilities() -> None:
    assert softmax(np.array([[1e4, -1e4, 0.0]])).tolist() == [[1.0, 0.0, 0.0]]


def member(chances: np.ndarray, labels: np.ndarray, classes=CLASSES, split: int = 1) -> SimpleNamespace:
    """As much of a model as an ensemble looks at: what it said on validation."""
    return SimpleNamespace(classes=classes, val_labels=labels, val_logits=np.log(chances), temperature=1.0, split=split)


def says(*classes: int, sure: float = 0.8) -> np.ndarray:
    return np.where(np.eye(3)[list(classes)] > 0, sure, (1 - sure) / 2)


LABELS = np.array([0, 0, 1, 1, 2, 2])
KNOWS_SEDANS = member(says(0, 0, 2, 2, 2, 2), LABELS)  # F1 1, 0, 2/3
KNOWS_COUPES = member(says(0, 2, 1, 1, 2, 0), LABELS)  # F1 1/2, 1, 1/2


def test_priority_lets_the_model_speak_that_was_better_on_the_class_it_names() -> None:
    together = Ensemble({"a": KNOWS_SEDANS, "b": KNOWS_COUPES})
    a, b = says(0, 2, 2, sure=0.5), says(1, 1, 0, sure=0.6)
    priority = together.combine(np.stack([a, b]))["priority"]
    assert together.f1 == pytest.approx(np.array([[1, 0, 2 / 3], [0.5, 1, 0.5]]))
    # sedan (1) against coupe (1): equal, so the model with the higher validation accuracy; both have 4 of 6: the first
    assert priority[0].tolist() == a[0].tolist()
    assert priority[1].tolist() == b[1].tolist()  # suv (2/3) against coupe (1)
    assert priority[2].tolist() == a[2].tolist()  # suv (2/3) against sedan (1/2)


def test_average_is_the_mean_of_the_calibrated_probabilities() -> None:
    a, b = random(5, 1)[1], random(5, 2)[1]
    average = Ensemble({"a": KNOWS_SEDANS, "b": KNOWS_COUPES}).combine(np.stack([a, b]))["average"]
    assert average == pytest.approx((a + b) / 2) and average.sum(1) == pytest.approx(1)


def test_with_one_model_both_ensembles_equal_it() -> None:
    chances = random(7, 3)[1]
    together = Ensemble({"a": KNOWS_SEDANS}).combine(chances[None])
    assert np.array_equal(together["average"], chances) and np.array_equal(together["priority"], chances)


def test_ninety_five_percent_of_validation_is_known() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    one, two = (member(softmax(rng.normal(size=(400, 3))), labels) for _ in range(2))
    together = Ensemble({"one": one, "two": two})
    said = together.combine(np.stack([softmax(m.val_logits) for m in (one, two)]))
    for name, chances in said.items():
        assert (chances.max(1) >= together.thresholds[name]).mean() == pytest.approx(0.95, abs=0.01)


def test_models_of_different_splits_or_classes_do_not_mix() -> None:
    with pytest.raises(BadInput, match="different splits"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(0, 0, 0), LABELS[:3], split=2)})
    with pytest.raises(BadInput, match="b and a were validated on different pictures"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(0, 0, 0), LABELS[:3])})
    with pytest.raises(BadInput, match="different classes"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(*LABELS), LABELS, ("x", "y", "z"))})
    with pytest.raises(BadInput, match="train one first"):
        Ensemble({})


@pytest.mark.parametrize(("size", "most"), [(24, 128), (75, 128), (224, 41), (2000, 1)])
def test_fewer_large_pictures_are_looked_at_at_once_and_what_is_said_is_the_same(size: int, most: int) -> None:
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2)).eval()
    seen: list[int] = []
    net.register_forward_hook(lambda _net, args, _out: seen.append(len(args[0])))
    pixels = np.broadcast_to(np.arange(most + 3, dtype=np.uint8)[:, None, None, None], (most + 3, size, size, 3))
    said = logits(net, pixels, (0.5,) * 3, (0.25,) * 3, torch.device("cpu"))
    assert seen == [most, 3] if most > 3 else set(seen) == {most}
    one_by_one = [logits(net, pixels[i : i + 1], (0.5,) * 3, (0.25,) * 3, torch.device("cpu")) for i in (0, most + 2)]
    assert np.allclose(said[[0, -1]], np.concatenate(one_by_one), atol=1e-5)


def test_where_memory_does_not_suffice_fewer_are_looked_at_and_what_is_said_is_the_same() -> None:
    class Cramped(nn.Module):
        def __init__(self, room: int) -> None:
            super().__init__()
            self.room, self.line = room, nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.line(x.mean((2, 3)))

    net, pixels = Cramped(1000).eval(), np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)
    said = [logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu"))]
    net.room = 5
    said.append(logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu")))
    np.testing.assert_allclose(*said, rtol=1e-5, atol=1e-6)
    net.room = 0
    with pytest.raises(torch.OutOfMemoryError):
        logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu"))
