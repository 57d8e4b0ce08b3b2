"""Ensembles learn on validation alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import BadInput
from core.evaluate import Ensemble, softmax
from core.evaluate.ensemble import weights
from core.evaluate.strange import energy

CLASSES = ("sedan", "coupe", "suv")


def random(count: int, seed: int) -> np.ndarray:
    return softmax(np.random.default_rng(seed).normal(size=(count, 3)) * 2)


def member(chances: np.ndarray, labels: np.ndarray, classes=CLASSES, split: int = 1) -> SimpleNamespace:
    """As much of a model as an ensemble looks at: what it said on validation."""
    return SimpleNamespace(
        classes=classes, val_labels=labels, val_logits=np.log(chances), temperature=1.0, split=split, familiar=None
    )


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
    a, b = random(5, 1), random(5, 2)
    average = Ensemble({"a": KNOWS_SEDANS, "b": KNOWS_COUPES}).combine(np.stack([a, b]))["average"]
    assert average == pytest.approx((a + b) / 2) and average.sum(1) == pytest.approx(1)


def test_with_one_model_every_ensemble_equals_it() -> None:
    chances = random(7, 3)
    together = Ensemble({"a": KNOWS_SEDANS}).combine(chances[None])
    assert set(together) == {"average", "priority", "weighted"}
    assert all(np.array_equal(said, chances) for said in together.values())


def test_ninety_five_percent_of_validation_is_known() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    logits = [rng.normal(size=(400, 3)) * 3 for _ in range(2)]
    one, two = (SimpleNamespace(**{**vars(member(softmax(of), labels)), "val_logits": of}) for of in logits)
    strange = Ensemble({"one": one, "two": two}).strange
    values = strange.together(np.stack([energy(of) for of in logits]))
    assert (values <= strange.limit).mean() == pytest.approx(381 / 400)
    assert strange.share(np.array([strange.limit]))[0] == pytest.approx(0.953, abs=0.005)


def test_models_of_different_splits_or_classes_do_not_mix() -> None:
    with pytest.raises(BadInput, match="different splits"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(0, 0, 0), LABELS[:3], split=2)})
    with pytest.raises(BadInput, match="b and a were validated on different pictures"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(0, 0, 0), LABELS[:3])})
    with pytest.raises(BadInput, match="different classes"):
        Ensemble({"a": KNOWS_SEDANS, "b": member(says(*LABELS), LABELS, ("x", "y", "z"))})
    with pytest.raises(BadInput, match="train one first"):
        Ensemble({})


def test_the_weights_are_those_that_make_the_true_classes_likeliest() -> None:
    truth = np.random.default_rng(0).uniform(0.05, 0.95, (2, 300))
    truth[0] = truth[0] ** 0.6  # the first is better
    found = weights(truth)
    loss = [-np.log(w * truth[0] + (1 - w) * truth[1]).mean() for w in np.linspace(0, 1, 1001)]
    assert found.sum() == pytest.approx(1) and found[0] == pytest.approx(np.argmin(loss) / 1000, abs=0.005)


def test_a_model_that_adds_nothing_gets_no_weight() -> None:
    assert weights(np.stack([np.full(50, 0.9), np.full(50, 0.1)]))[0] > 0.999
    assert weights(np.empty((2, 0))).tolist() == [0.5, 0.5]


def test_weighted_is_the_mean_with_those_weights() -> None:
    together = Ensemble({"a": KNOWS_SEDANS, "b": KNOWS_COUPES})
    a, b = random(4, 1), random(4, 2)
    w = together.weights
    assert together.combine(np.stack([a, b]))["weighted"] == pytest.approx(w[0] * a + w[1] * b)
