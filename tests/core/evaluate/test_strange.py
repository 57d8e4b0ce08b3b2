"""When a picture is "none of these": the energy, the limit from validation, and how well it tells."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core.evaluate import strange
from core.evaluate.strange import FALSE_ALARMS, Familiar, Strange, auroc, caught, energy, exported, learn, limit


def test_the_energy_is_high_where_no_class_draws_the_picture() -> None:
    drawn, torn, indifferent = np.array([[9.0, 0, 0]]), np.array([[9.0, 9, 0]]), np.array([[0.1, 0, 0]])
    assert energy(drawn)[0] == pytest.approx(-np.log(np.exp(9) + 2))
    assert energy(torn)[0] < energy(drawn)[0] < energy(indifferent)[0], "torn between two classes is not strange"
    assert np.isfinite(energy(np.array([[4000.0, 3000]]))).all()


def test_of_further_pictures_that_belong_at_most_the_promised_share_is_above_the_limit() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        validation, further = np.sort(rng.exponential(size=99)), rng.exponential(size=500)
        shares.append((further > limit(validation)).mean())
    assert 0.03 < np.mean(shares) <= FALSE_ALARMS


@pytest.mark.parametrize("count", [1, 2, 14, 19, 20, 21, 101, 252])
def test_no_validation_picture_lies_on_the_limit(count: int) -> None:
    validation = np.sort(np.random.default_rng(count).normal(size=count))
    found = limit(validation)
    assert found not in validation or count == 1
    assert (validation > found).sum() == max(0, count - int(np.ceil((count + 1) * 0.95)))


def rule(*validation: np.ndarray) -> Strange:
    """Of models that measured these values on validation."""
    known = [Familiar(np.eye(2), np.eye(2), values) for values in validation]
    return Strange({f"model {n}": SimpleNamespace(familiar=one) for n, one in enumerate(known)})  # type: ignore[misc]


def test_without_validation_pictures_nothing_is_strange() -> None:
    nobody = rule(np.empty(0), np.empty(0))
    assert nobody.together(np.full((2, 3), 99.0)).max() <= nobody.limit == float("inf")
    assert exported(nobody)["limit"] is None


def test_models_are_heard_alike_whatever_the_size_of_what_they_measure() -> None:
    rng = np.random.default_rng(1)
    both = rule(rng.normal(size=200), 1000 * rng.normal(size=200) + 5)
    one = both.together(np.array([[3.0, 0.0], [5.0, 3005.0]]))
    assert one[0] == pytest.approx(one[1], rel=0.3)


def test_strangeness_is_the_share_of_validation_pictures_that_are_less_strange() -> None:
    one = rule(np.linspace(0, 1, 201))
    assert one.share(one.together(np.array([[-5.0, 0.25, 0.5, 9.0]]))) == pytest.approx([0, 0.25, 0.5, 1])


def test_the_words_say_what_is_judged_by_the_logits_alone() -> None:
    looked = rule(np.linspace(0, 1, 201))
    assert looked.why(99.0).startswith(
        "It is stranger to the models than all validation pictures. Of the pictures that"
    )
    assert "5 of 100" in looked.why(99.0) and "5 of 100" not in looked.why(-99.0) and "logits" not in looked.why(99.0)
    old = SimpleNamespace(familiar=None, val_logits=np.random.default_rng(0).normal(size=(50, 3)))
    assert "old is judged by the logits alone" in Strange({"old": old}).why(0.0)  # type: ignore[dict-item]


def test_the_distance_is_that_of_mahalanobis_from_the_nearest_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.spatial.distance import mahalanobis

    monkeypatch.setattr(strange, "RIDGE", 1e-9)
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 9000)
    train = np.eye(3, 5)[labels] * 4 + rng.normal(size=(9000, 5)) @ rng.normal(size=(5, 5))
    asked = rng.normal(size=(20, 5)) * 3
    found = learn(train, labels * 2, train[:50])  # a class without pictures in between
    means = np.stack([train[labels == c].mean(axis=0) for c in range(3)])
    inverse = np.linalg.inv(np.cov((train - means[labels]).T))
    expected = [min(mahalanobis(one, mean, inverse) for mean in means) for one in asked]
    assert found.distance(asked.astype(np.float32)) == pytest.approx(expected, rel=5e-3)
    assert found.validation == pytest.approx(found.distance(train[:50].astype(np.float32)), rel=1e-5)


def test_a_direction_in_which_nothing_varies_does_not_break_it() -> None:
    rng = np.random.default_rng(5)
    train = np.c_[rng.normal(size=(80, 3)), np.zeros((80, 2))]
    found = learn(train, np.zeros(80, int), train[:9])
    assert np.isfinite(found.whitening).all() and found.validation.max() < 10
    assert found.distance(np.array([[0, 0, 0, 1.0, 0]], np.float32))[0] > 10


def test_the_area_under_the_curve_is_that_of_scikit_learn_with_ties_and_weights() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    values, other = rng.integers(0, 9, 120).astype(float), rng.random(120) < 0.4
    weights = np.stack([np.ones(120), rng.integers(0, 3, 120).astype(float)])
    expected = [roc_auc_score(other, values, sample_weight=row) for row in weights]
    assert auroc(values, other, weights) == pytest.approx(expected)
    assert np.isnan(auroc(values, other, np.where(other, 0.0, 1.0)[None])).all()


def test_what_is_caught_stands_with_intervals() -> None:
    rng = np.random.default_rng(3)
    own, others = rng.normal(size=300), rng.normal(2, 1, size=200)
    told = caught(own, others, 1.645, np.arange(500))
    assert told["auroc"] == pytest.approx(0.92, abs=0.03)
    for name in ("auroc", "false_alarms", "caught"):
        low, high = told[f"{name}_interval"]
        assert low < told[name] < high and high - low < 0.2
    copies = np.repeat(others[:10], 20)
    every, ten = (
        caught(own, copies, 1.645, np.r_[np.arange(300), 300 + of]) for of in (np.arange(200), np.arange(200) // 20)
    )
    assert np.diff(ten["auroc_interval"]) > np.diff(every["auroc_interval"]), "ten photos say less than 200"
