"""Two models on the same pictures: paired tests by published figures, and words that do not promise too much."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.compare import differences, gain, mcnemar, sentence
from core.model import Paired


@pytest.mark.parametrize(("first", "second", "p"), [(6, 16, 0.0525), (0, 0, 1.0), (5, 5, 1.0), (0, 6, 0.03125)])
def test_mcnemars_test_is_the_exact_one(first: int, second: int, p: float) -> None:
    assert mcnemar(first, second) == pytest.approx(p, abs=5e-5)


def test_the_interval_of_a_gain_holds_the_true_one_in_nineteen_of_twenty_cases() -> None:
    rng, held = np.random.default_rng(0), 0
    for both, first, second, neither in rng.multinomial(80, (0.6, 0.15, 0.05, 0.2), 400):
        point, low, high = gain(Paired(int(both), int(first), int(second), int(neither)))
        assert low <= point <= high
        held += low <= 0.1 <= high
    assert 0.92 <= held / 400 <= 0.99


def test_a_gain_has_its_sign_and_stays_within_the_whole() -> None:
    assert gain(Paired(0, 10, 0, 0))[0] == 1 and gain(Paired(0, 10, 0, 0))[2] == 1
    point, low, high = gain(Paired(10, 0, 0, 0))
    assert point == 0 and low < 0 < high


PAIRS = {"coupe": Paired(10, 14, 1, 2), "suv": Paired(20, 3, 2, 1), "truck": Paired(9, 0, 0, 5)}


def test_each_class_is_corrected_for_the_number_of_classes_and_the_largest_gain_stands_first() -> None:
    overall, each = differences(PAIRS)
    assert [row.label for row in each] == ["coupe", "truck", "suv"] or [row.label for row in each] == [
        "coupe",
        "suv",
        "truck",
    ]
    by_class = {row.label: row for row in each}
    assert by_class["coupe"].p == pytest.approx(3 * mcnemar(14, 1)) and by_class["coupe"].sure
    assert not by_class["suv"].sure and by_class["truck"].p == 1
    assert overall.images == 67 and overall.gain == pytest.approx(14 / 67)


def test_the_sentence_names_the_classes_on_which_a_model_is_better() -> None:
    said = sentence("vgg100", "vgg75", *differences(PAIRS))
    assert said.startswith("vgg100 is better than vgg75 by 20.9 percentage points") and "better on coupe." in said
    turned = {label: Paired(one.both, one.second, one.first, one.neither) for label, one in PAIRS.items()}
    assert sentence("vgg100", "vgg75", *differences(turned)).endswith("vgg75 is better on coupe.")


def test_what_may_be_chance_is_called_so() -> None:
    said = sentence("a", "b", *differences({"suv": Paired(20, 3, 2, 1)}))
    assert "may be chance" in said and said.endswith("For no single class is the difference beyond chance.")
    assert sentence("a", "b", *differences({"suv": Paired(3, 0, 0, 1)})).startswith("Both have equally many")
    assert "no picture" in sentence("a", "b", *differences({}))
