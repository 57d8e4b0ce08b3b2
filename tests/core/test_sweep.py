"""A sweep: which recipes it tries, which runs it stops early, which it names best."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import BadInput
from core.model import Recipe, Run
from core.sweep import Halving, baselines, full, load, recipes, top

SPACE = {
    "recipe": ["mobilenetv2_100:train=head", "simplecnn"], "lr": [0.0005, 0.002, 0.008],
    "optimiser": ["adamw", "sgd"], "head": ["linear", "bn-dropout"], "epochs": 3,
}  # fmt: skip


def run(number: int, losses: list[float], status: str = "done") -> Run:
    rows = tuple({"epoch": i, "val_loss": loss} for i, loss in enumerate(losses, 1))
    result = {"val_loss": min(losses)}
    return Run(number, 1, Recipe("simplecnn"), 1, datetime.now(UTC), status, rows, result)  # type: ignore[arg-type]


def test_a_grid_holds_every_combination_once() -> None:
    found = recipes(SPACE)
    assert len(found) == len(set(found)) == 24
    assert {r.epochs for r in found} == {3}
    assert len({(r.backbone, r.lr, r.optimiser, r.head) for r in found}) == 24


def test_its_order_is_drawn_and_always_the_same() -> None:
    assert recipes(SPACE) == recipes(SPACE)
    assert recipes(SPACE) != recipes(SPACE | {"seed": 1})
    assert {r.backbone for r in recipes(SPACE)[:6]} == {"mobilenetv2_100", "simplecnn"}


def test_a_random_sweep_takes_so_many_of_them() -> None:
    found = recipes(SPACE | {"mode": "random", "trials": 7})
    assert len(set(found)) == 7 and set(found) < set(recipes(SPACE))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe": []}, "recipe = "),
        ({"recipe": ["nonsense"]}, "'nonsense'"),
        ({"mode": "all"}, "mode = 'all'"),
        ({"epochs": "3"}, "epochs = '3'"),
        ({"epochs": 1.5}, "epochs = 1.5"),
        ({"epochs": 0}, "epochs = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"trials": True}, "trials = True"),
        ({"recipe": [1]}, "recipe = "),
        ({"recipe": ["simplecnn:epochs=9"]}, "epochs of its own"),
        ({"lr": "fast"}, "lr = 'f"),
        ({"lr": ["0.001"]}, "lr = '0.001'.*a number"),
        ({"lr": [[0.1]]}, r"lr = \[0.1\].*a number"),
        ({"lr": [float("inf")]}, "lr = inf"),
        ({"head": 3}, "head = 3.*a word"),
        ({"size": 64.5}, "size = 64.5.*a whole number"),
        ({"gray": "no"}, "gray = 'no'.*true or false"),
        ({"augment": 5}, "augment = 5.*list"),
        ({"rate": [1]}, "no 'rate'"),
        ({"lr": []}, "lr = "),
        ({"lr": [-1]}, "lr = -1"),
        ({"lr": [i / 1000 for i in range(1, 200)]}, "1592 combinations"),
        ({"mode": "random", "trials": 0}, "0 runs"),
        ({"trials": 5}, 'trials = 5 counts with mode = "random" alone'),
        (
            {"recipe": ["mobilenetv2_100:train=head"], "head": ["linear", "knn"]},
            "head=knn is computed beside every sweep",
        ),
        ({"lr": [10**400]}, "lr = 1000.*a number"),
    ],
)
def test_what_it_cannot_try_is_one_sentence(change: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        recipes(SPACE | change)


def test_it_is_read_from_a_file_and_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('recipe = ["simplecnn"]\nlr = [0.1, 0.2]\n')
    assert len(recipes(load(file))) == 2
    file.write_text("recipe = [")
    with pytest.raises(BadInput, match=r"s\.toml"):
        load(file)
    with pytest.raises(BadInput, match=r"gone\.toml"):
        load(tmp_path / "gone.toml")


def test_the_worse_half_is_stopped_early_and_the_better_half_never() -> None:
    halving, stopped = Halving(), []
    for number, level in enumerate([5, 1, 8, 2, 7, 3, 6, 4] * 3):
        losses = [level + 0.5, level + 0.2, float(level)]
        seen, trial = [], halving.begin()
        for epoch, loss in enumerate(losses, 1):
            seen.append(loss)
            if trial.worse(epoch, loss):
                stopped.append(level)
                break
        trial.over(run(number, seen, "done" if len(seen) == 3 else "pruned"))
    assert len(stopped) >= 10 and 1 not in stopped and stopped.count(8) == 3


def test_after_a_stop_it_decides_as_if_there_had_been_none() -> None:
    runs = [run(i, [level, level - 0.1, level - 0.2]) for i, level in enumerate([3.0, 1.0, 2.0, 1.5])]
    one, two = Halving(), Halving()
    for each in runs:
        trial = one.begin()
        for row in each.epochs:
            trial.worse(row["epoch"], row["val_loss"])
        trial.over(each)
        two.begin().over(each)  # as they are read from the database
    for loss in (0.5, 1.2, 2.5):
        assert one.begin().worse(1, loss) == two.begin().worse(1, loss)


def test_runs_side_by_side_are_each_judged_by_their_own_losses() -> None:
    halving = Halving()
    good, bad = halving.begin(), halving.begin()
    assert not good.worse(1, 0.5)
    assert bad.worse(1, 3.0)
    assert not good.worse(2, 0.4)
    good.over(run(1, [0.5, 0.4]))
    bad.over(run(2, [3.0], "pruned"))
    assert halving.begin().worse(1, 2.0)


def test_the_best_are_those_with_the_lowest_loss_however_far_they_came_and_no_baselines() -> None:
    knn = replace(run(5, [0.1]), recipe=Recipe("resnet18", head="knn", train="head"))
    begun = replace(run(6, [0.2]), result={})
    runs = [run(1, [3.0]), run(2, [1.0]), run(3, [1.5], "pruned"), run(4, [2.0]), knn, begun]
    assert [each.id for each in top(runs, 3)] == [2, 3, 4]


def test_to_its_end_a_recipe_is_trained_as_long_as_is_usual_for_its_network() -> None:
    short = recipes(SPACE)
    for recipe in short:
        long = full(recipe)
        assert long.epochs > 3 and replace(long, epochs=3, patience=recipe.patience) == recipe


def test_the_baselines_stand_on_each_pretrained_network_of_the_sweep() -> None:
    found = baselines(recipes(SPACE))
    assert [r.name for r in found] == [f"mobilenetv2_100:head={h}" for h in ("logistic", "nearest-mean", "knn")]
    assert baselines([Recipe("simplecnn")]) == []
