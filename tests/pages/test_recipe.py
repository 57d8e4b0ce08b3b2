"""On the page Train: one recipe with every part open to change, a learning rate, a sweep and its ten best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from streamlit.testing.v1 import AppTest

from core.model import Project, Recipe
from core.recipes import PRESETS, read
from db.store import Store
from tests.pages import filled
from tests.pages.conftest import button, plain

Screen = Callable[..., AppTest]


def said(shown: AppTest) -> str:
    """The page's one error, as a person reads it."""
    assert not shown.exception
    [error] = shown.error
    return error.value.replace("\\", "")


def queued(store: Store, project: Project, verb: str) -> dict:
    [job] = store.jobs(project.id, verb)
    return dict(job.params)


def tried(store: Store, project: Project, space: dict, results: list[tuple[Recipe, str, float]]) -> None:
    """A sweep that is over."""
    job, claim = filled.begin(store, project, "sweep", space=space)
    split = store.split(project.id).id
    for position, (recipe, status, loss) in enumerate(results):
        run = store.start_run(claim, project.id, split, recipe, position)
        figures = {
            "val_loss": loss,
            "val_accuracy": 0.75,
            "epochs": 1 if status == "pruned" else recipe.epochs,
            "best_epoch": 1,
        }
        store.finish_run(claim, run.id, figures | {"val_accuracy_interval": [0.6, 0.85]}, status)  # type: ignore[arg-type]
    store.finish(claim, "done", {"top": []})


def test_every_preset_can_be_chosen_and_its_own_numbers_stand_there(project: Project, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    for name in ("simplecnn", "mobilenetv2_100"):
        assert name in PRESETS
        shown.selectbox(key="preset").select(name).run()
        assert not shown.exception
        usual = read(name) if name == "simplecnn" else read(f"{name}:train=head")
        [lr] = [one for one in shown.number_input if one.label == "Learning rate"]
        [epochs] = [one for one in shown.number_input if one.label == "Epochs at most"]
        assert (lr.value, epochs.value) == (usual.lr, usual.epochs)


def test_what_is_changed_is_what_the_training_is_told(project: Project, store: Store, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.selectbox(key="preset").select("mobilenetv2_100").run()
    shown.selectbox(key="train-mobilenetv2_100").select("half").run()
    change = {one.label: one for one in [*shown.selectbox, *shown.number_input]}
    change["Optimiser"].select("sgd")
    change["Best by"].select("macro-f1")
    change["Learning rate"].set_value(0.01)
    change["Size, px"].set_value(128)
    shown.run()
    button(shown, "Train it").click().run()
    [told] = queued(store, project, "train")["recipes"]
    recipe = Recipe.stored(told)
    assert (recipe.train, recipe.optimiser, recipe.watch, recipe.lr, recipe.size) == (
        "half",
        "sgd",
        "macro-f1",
        0.01,
        128,
    )


def test_an_unknown_network_is_one_sentence_with_near_names(project: Project, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.multiselect(key="sweep-recipes").set_value(["vgg57-bn"]).run()
    assert "There is no backbone 'vgg57-bn': did you mean vgg75-bn" in said(shown)


def test_a_baseline_leaves_nothing_else_to_choose(project: Project, store: Store, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.selectbox(key="preset").select("mobilenetv2_100").run()
    shown.selectbox(key="head-mobilenetv2_100").select("knn").run()
    assert "computed at once" in plain(shown)
    assert not [one for one in shown.button if one.label == "Find a learning rate"]
    button(shown, "Train it").click().run()
    [told] = queued(store, project, "train")["recipes"]
    assert Recipe.stored(told) == read("mobilenetv2_100:head=knn")


def test_the_learning_rate_that_was_found_is_shown_for_its_network(
    project: Project, store: Store, screen: Screen
) -> None:
    _, claim = filled.begin(store, project, "rate", recipe=asdict(read("vgg75-bn", lr=0.1)))
    rates = [1e-5, 1e-4, 1e-3, 1e-2]
    store.finish(claim, "done", {"rates": rates, "losses": [2.3, 2.2, 1.5, 3.0], "rate": 4e-4, "recipe": "vgg75-bn"})
    shown = screen("train", project=project.name)
    assert "learning rate of 0.0004" in plain(shown).replace("*", "")
    shown.selectbox(key="preset").select("simplecnn").run()
    assert "0.0004" not in plain(shown)


def test_a_search_that_was_stopped_leaves_the_page_whole(project: Project, store: Store, screen: Screen) -> None:
    _, claim = filled.begin(store, project, "rate", recipe=asdict(read("vgg75-bn")))
    store.finish(claim, "stopped")
    shown = screen("train", project=project.name)
    assert not shown.exception and "24 combinations" in plain(shown)


def test_a_sweep_says_how_many_combinations_it_has_and_is_told_them(
    project: Project, store: Store, screen: Screen
) -> None:
    shown = screen("train", project=project.name)
    assert "24 combinations" in plain(shown)
    shown.multiselect(key="sweep-heads").set_value(["linear"]).run()
    assert "12 combinations" in plain(shown)
    shown.number_input(key="sweep-drawn").set_value(5).run()
    assert "5 combinations" in plain(shown)
    button(shown, "Start the sweep").click().run()
    space = queued(store, project, "sweep")["space"]
    assert space["lr"] == [0.0005, 0.002, 0.008] and (space["mode"], space["trials"]) == ("random", 5)


def test_what_a_sweep_cannot_try_is_one_sentence(project: Project, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.multiselect(key="sweep-rates").set_value(["0.002", "quick"]).run()
    assert "lr = 0.002, quick does not fit" in said(shown)
    shown.multiselect(key="sweep-rates").set_value(["0.002"])
    shown.multiselect(key="sweep-recipes").set_value([]).run()
    assert "recipe = [] leaves nothing to try" in said(shown)


def test_the_ten_best_of_a_sweep_stand_in_order_beside_the_baselines(
    project: Project, store: Store, screen: Screen
) -> None:
    space = {"recipe": ["simplecnn"], "lr": [0.1 + i / 100 for i in range(12)], "epochs": 3}
    short = [
        (read("simplecnn", lr=lr, epochs=3), "done" if i < 6 else "pruned", 2 - i / 10)
        for i, lr in enumerate(space["lr"])
    ]
    tried(store, project, space, [*short, (read("mobilenetv2_100:head=knn"), "done", 0.1)])
    shown = screen("train", project=project.name)
    assert not shown.exception
    [table] = [one.value for one in shown.dataframe if "validation loss" in one.value or "loss" in one.value]
    assert len(table) == 10 and list(table["loss"]) == sorted(table["loss"])
    assert list(table.columns) == ["recipe", "lr", "loss", "accuracy", "epochs", "interval"]
    assert "nearest neighbours 75.0%" in plain(shown) and "6 were among the worse half" in plain(shown)
    [end] = [one for one in shown.button if "to the end" in one.label]
    assert end.disabled  # until some are chosen
