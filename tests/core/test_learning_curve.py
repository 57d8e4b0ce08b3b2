"""Shares of the pictures that lie within each other, and an honest word on what twice as many would bring."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core import learning_curve as curve
from core.evaluate import wilson
from core.model import Recipe, Run, Split
from core.recipes import read

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALIDATION = 5000


def split(seed: int = 0, each: int = 80) -> Split:
    members = [(n, label) for n, label in enumerate(["sedan"] * each + ["coupe"] * (each // 2))]
    parts = {"train": tuple(members), "val": tuple((10_000 + n, "sedan") for n in range(VALIDATION)), "test": ()}
    return Split(1, seed, NOW, parts, ("sedan", "coupe"), {}, 0)


def run(number: int, recipe: Recipe, accuracy: float, validation: int = VALIDATION, **more: object) -> Run:
    between = wilson(round(accuracy * validation), validation)
    result = {"val_accuracy": accuracy, "val_accuracy_interval": list(between), **more}
    return Run(number, 1, recipe, 1, NOW, "done", result=result)


def following(errors: dict[float, float], seeds: int = 1, validation: int = VALIDATION) -> list[curve.Point]:
    """The points of runs with those errors at each share."""
    recipe = read("simplecnn")
    made = [curve.part_of(replace(recipe, seed=seed), share) for share in errors for seed in range(seeds)]
    runs = [run(n, one, 1 - errors[one.share], validation) for n, one in enumerate(made)]
    return curve.points(runs, split())


def test_a_share_takes_as_much_of_each_class_and_lies_within_a_larger_one() -> None:
    frozen, before = split(), set(range(1000))
    for share in (0.5, 0.25, 0.125):
        left = {image for image, _ in frozen.parts["train"]} - curve.left_out(frozen, share)
        assert left < before
        counts = Counter(dict(frozen.parts["train"])[image] for image in left)
        assert counts == {"sedan": 80 * share, "coupe": 40 * share}
        assert len(left) == curve.learned(frozen, share)
        before = left
    assert curve.left_out(frozen, 1.0) == set()


def test_a_share_is_the_same_for_all_recipes_of_a_split_and_another_one_on_another_split() -> None:
    assert curve.left_out(split(), 0.5) == curve.left_out(split(), 0.5) != curve.left_out(split(seed=1), 0.5)


def test_of_each_class_at_least_one_picture_stays() -> None:
    assert curve.learned(split(), 0.001) == 2


@pytest.mark.parametrize(
    "text", ["vgg75-bn", "simplecnn:epochs=12,patience=5", "resnet18:train=head", "resnet18:head=knn"]
)
@pytest.mark.parametrize("share", curve.SHARES)
def test_a_part_gets_as_many_steps_and_belongs_to_the_curve_of_the_whole(text: str, share: float) -> None:
    recipe = read(text, seed=3)
    part = curve.part_of(recipe, share)
    assert curve.whole_of(part) == replace(recipe, seed=0)
    assert part.share == share and part.epochs * share == (recipe.epochs if part.epochs > 1 else share)


def test_runs_are_one_curve_where_they_differ_in_share_and_seed_alone_and_one_knows_all_pictures() -> None:
    recipe = read("simplecnn")
    runs = [
        run(1, recipe, 0.8), run(2, curve.part_of(recipe, 0.5), 0.7), run(3, replace(recipe, seed=1), 0.8),
        run(4, replace(recipe, lr=0.1), 0.8), run(5, curve.part_of(read("vgg75"), 0.5), 0.8),
    ]  # fmt: skip
    found = curve.curves([*runs, replace(runs[0], id=6, split=2), replace(runs[0], id=7, status="pruned")])
    assert [[one.id for one in of] for of in found.values()] == [[1, 2, 3], [4], [6]]


def test_what_is_missing_is_every_share_of_every_seed() -> None:
    recipe = read("simplecnn")
    runs = [run(1, recipe, 0.8), run(2, replace(recipe, seed=1), 0.8), run(3, curve.part_of(recipe, 0.25), 0.7)]
    wanted = curve.missing(runs, 2)
    assert {(one.share, one.seed) for one in wanted} == {(0.125, 0), (0.125, 1), (0.25, 1), (0.5, 0), (0.5, 1)}
    assert curve.missing([run(4, one, 0.5) for one in wanted] + runs, 2) == []
    assert [(one.share, one.seed) for one in curve.missing(runs)] == [(0.125, 0), (0.5, 0)]
    third = curve.missing([run(4, one, 0.5) for one in wanted] + runs, 3)
    assert [(one.share, one.seed) for one in third] == [(0.125, 2), (0.25, 2), (0.5, 2), (1, 2)]
    assert {curve.whole_of(one) for one in (*wanted, *third)} == {recipe}


def test_an_error_that_falls_as_a_power_is_foretold_and_the_interval_holds_the_truth() -> None:
    for power, end in ((0.3, 0.02), (0.5, 0.05), (0.4, 0.1)):
        errors = {share: end + 0.2 * share**-power for share in (0.125, 0.25, 0.5, 1.0)}
        told = curve.outlook(following(errors, 3), VALIDATION, 10)
        assert told and told.sure
        truth = 0.2 * (1 - 2**-power)
        assert told.low < truth < told.high and told.gain == pytest.approx(truth, rel=0.3)
        assert told.accuracy == pytest.approx(0.8 - end, abs=0.01) and told.images == 120
        assert told.then[0] < 1 - end - 0.2 * 2**-power < told.then[1]
        assert told.foretold and told.foretold[1] < 0.8 - end < told.foretold[2]
        assert told.foretold[3] == pytest.approx(0.8 - end)
        assert "with twice as many, 240, it would name about" in curve.sentence(told)
        images, accuracy = zip(*told.line, strict=True)
        assert (images[0], images[-1]) == pytest.approx((15, 240)) and accuracy == tuple(sorted(accuracy))


def test_a_curve_that_has_come_to_its_end_is_not_drawn_on() -> None:
    told = curve.outlook(following({0.125: 0.40, 0.25: 0.27, 0.5: 0.22, 1.0: 0.20}, 3), VALIDATION, 10)
    assert told and 0 < told.gain < 0.025, "a straight line would bring five points more"


def test_few_validation_pictures_and_scattered_runs_make_the_interval_wider() -> None:
    errors = {share: 0.2 * share**-0.3 for share in (0.125, 0.25, 0.5, 1.0)}
    sharp, few = (curve.outlook(following(errors, validation=n), n, 10) for n in (VALIDATION, 40))
    scattered = {share: error * (1.15 if share in (0.25, 1.0) else 1 / 1.15) for share, error in errors.items()}
    beside = curve.outlook(following(scattered), VALIDATION, 10)
    assert sharp and few and beside
    width = sharp.high - sharp.low
    assert few.high - few.low > 1.3 * width and beside.high - beside.low > 1.3 * width
    assert not few.sure and "It cannot be told" in curve.sentence(few)


def test_more_seeds_make_it_surer() -> None:
    errors = {0.125: 0.40, 0.25: 0.34, 0.5: 0.33, 1.0: 0.27}
    one, three = (curve.outlook(following(errors, seeds), 1000, 10) for seeds in (1, 3))
    assert one and three and three.high - three.low < one.high - one.low
    assert three.then[1] - three.then[0] < (one.then[1] - one.then[0]) / 1.3


def test_where_fewer_pictures_were_no_worse_more_are_not_promised() -> None:
    told = curve.outlook(following({0.125: 0.2, 0.25: 0.2, 0.5: 0.2, 1.0: 0.2}), VALIDATION, 10)
    assert told and not told.sure and told.gain == pytest.approx(0, abs=0.002)
    worse = curve.outlook(following({0.125: 0.10, 0.25: 0.14, 0.5: 0.19, 1.0: 0.26}), VALIDATION, 10)
    assert worse and worse.high < 0 and "would hardly help" in curve.sentence(worse)


def test_a_flat_end_is_said_to_bring_little() -> None:
    errors = {share: 0.02 * share**-0.1 for share in (0.125, 0.25, 0.5, 1.0)}
    told = curve.outlook(following(errors, 3, 200_000), 200_000, 10)
    assert told and told.sure and "would help little" in curve.sentence(told)


def test_too_few_points_and_points_no_better_than_guessing_tell_nothing() -> None:
    assert curve.outlook(following({0.5: 0.3, 1.0: 0.2}), VALIDATION, 10) is None
    assert curve.outlook(following({0.125: 0.9, 0.25: 0.9, 0.5: 0.3, 1.0: 0.2}), VALIDATION, 10) is None
    assert "are wanted" in curve.sentence(None)


def test_a_model_without_a_mistake_is_no_division_by_nothing() -> None:
    told = curve.outlook(following({0.25: 0.0, 0.5: 0.0, 1.0: 0.0}), VALIDATION, 10)
    assert told and math.isfinite(told.gain) and math.isfinite(told.high) and not told.sure


def test_the_class_that_gained_most_by_the_last_doubling_stands_first() -> None:
    recipe = read("simplecnn")
    runs = [
        run(1, recipe, 0.8, val_found=[[80, 100], [70, 100], [0, 0]]),
        run(2, replace(recipe, seed=1), 0.8, val_found=[[84, 100], [90, 100], [0, 0]]),
        run(3, curve.part_of(recipe, 0.5), 0.8, val_found=[[80, 100], [60, 100], [0, 0]]), run(4, curve.part_of(recipe, 0.25), 0.8),
    ]  # fmt: skip
    rows = curve.by_class(runs, ("sedan", "coupe", "suv"))
    assert [(row["class"], row["found"], row["support"]) for row in rows] == [
        ("coupe", {0.5: 0.6, 1.0: 0.8}, 100), ("sedan", {0.5: 0.8, 1.0: 0.82}, 100),
    ]  # fmt: skip
    assert rows[0]["gain"] == pytest.approx(0.2) and curve.by_class(runs[:2], ("sedan", "coupe", "suv")) == []
