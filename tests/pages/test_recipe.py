"""On the page Train: one recipe with every part open to change, a learning rate, a sweep and its ten best."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.backbones import BACKBONES
from core.model import Project, Recipe
from core.recipes import PRESETS, by_name, read
from db.store import Store
from pages.parts import recipe as form
from tests.pages import filled
from tests.pages.conftest import button, fine, opened, plain, words

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
    for name in PRESETS:
        shown.selectbox(key=f"preset-{project.id}").select(name).run()
        assert not shown.exception
        usual = read(name) if name in BACKBONES else read(f"{name}:train=head")
        [lr] = [one for one in shown.number_input if one.label == "Learning rate"]
        [epochs] = [one for one in shown.number_input if one.label == "Epochs at most"]
        assert (lr.value, epochs.value) == (usual.lr, usual.epochs)


def test_what_is_changed_is_what_the_training_is_told(project: Project, store: Store, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mobilenetv2_100").run()
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


@pytest.mark.parametrize(
    ("label", "value", "sentence"),
    [
        ("Epochs at most", 100_001, "“Epochs at most” = 100001 is too many: at most 100,000 was wanted."),
        ("Patience", 0, "“Patience” = 0 is too few: at least 1 was wanted."),
        ("Pictures at once", 1, "“Pictures at once” = 1 is too few: at least 2 was wanted, or 0 to have it found."),
        ("Learning rate", 0.0, "“Learning rate” = 0.0 does not train: a learning rate above 0 was wanted"),
        ("Size, px", 20_000, "“Size, px” = 20000 is too large: at most 1024 px was wanted."),
        ("Size, px", 5, "“Size, px” = 5 is too small for vgg75-bn: at least 44 px was wanted."),
        ("Mean of the weights", 1.0, "“Mean of the weights” = 1.0 does not fit"),
        ("Label smoothing", -0.1, "“Label smoothing” = -0.1 does not fit"),
        ("Weight decay", -1.0, "“Weight decay” = -1.0 does not fit"),
        ("Seed", -1, "“Seed” = -1 is no seed"),
    ],
)
def test_a_number_that_cannot_be_trained_with_is_refused_by_the_name_it_has_in_the_form(
    project: Project, screen: Screen, label: str, value: float, sentence: str
) -> None:
    shown = screen("train", project=project.name)
    least, most = field(shown, label).proto.has_min, field(shown, label).proto.has_max
    assert not least and not most, "what lies beyond an end never leaves the browser"
    field(shown, label).set_value(value).run()
    assert sentence in said(shown)
    assert not [one for one in shown.button if one.label == "Train it"]


def test_an_empty_size_is_the_networks_own(project: Project, store: Store, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    field(shown, "Size, px").set_value(96).run()
    field(shown, "Size, px").set_value(None).run()
    button(shown, "Train it").click().run()
    assert [Recipe.stored(one) for one in queued(store, project, "train")["recipes"]] == [read("vgg75-bn")]


def test_every_part_of_the_form_has_its_sentence() -> None:
    fields = {each.name for each in dataclasses.fields(Recipe)}
    assert set(form.LABEL) == fields - {"backbone", "augment", "fixed_sides"} == set(form.HELP) - {"network"}


def test_a_network_that_there_is_not_is_told_what_may_stand_there(project: Project, screen: Screen) -> None:
    shown = typed(screen("train", project=project.name), project, "<b>x</b>")
    assert "There is no backbone '<b>x</b>'" in said(shown)
    assert "Choose a network from the list, or type the exact name of one of the library timm" in words(shown)


def test_what_is_put_into_the_form_is_not_also_begun_with(
    project: Project, store: Store, screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    _, claim = filled.begin(store, project, "rate", recipe=asdict(read("vgg75-bn")))
    store.finish(claim, "done", {"rates": [1e-4, 1e-3], "losses": [2.3, 1.5], "rate": 4e-4, "recipe": "vgg75-bn"})
    shown = screen("train", project=project.name)
    logger = logging.getLogger("streamlit.elements.lib.policies")
    logger.addHandler(caplog.handler)  # streamlit's loggers hand nothing on
    try:
        button(shown, "Use 0.0004").click().run()
        save(shown, "mine")
    finally:
        logger.removeHandler(caplog.handler)
    assert "default value" not in caplog.text


def typed(shown: AppTest, project: Project, text: str) -> AppTest:
    allowed(shown, project, text).selectbox(key=f"preset-{project.id}").set_value(text).run()
    return allowed(shown, project, text)


def allowed(shown: AppTest, project: Project, text: str) -> AppTest:
    """What a browser may send as well: AppTest only knows the values that are in the list."""
    shown.selectbox(key=f"preset-{project.id}").options.append(text)
    return shown


def test_what_is_typed_behind_a_network_is_what_the_form_begins_with(
    project: Project, store: Store, screen: Screen
) -> None:
    store.save_recipe(project.id, "mine", "", read("resnet18:train=half"), "ann")
    mine = by_name(store.saved_recipes(project.id))
    shown = screen("train", project=project.name)
    for text in (
        "mobilenetv2_100:head=bn-dropout,train=half,lr=0.01,augment=flip+blur",
        "vgg75-bn:lr=0.01,augment=none",
        "mobilenetv2_100:scratch=yes,compile=yes",
        "Mine:lr=0.03",
        "resnet18:head=knn",
    ):
        shown = typed(shown, project, text)
        button(shown, "Train it").click().run()
        assert not shown.exception and not shown.error
        [told] = store.jobs(project.id, "train", limit=1)[0].params["recipes"]
        assert Recipe.stored(told) == read(text, mine)
        store.cancel(store.jobs(project.id, "train", limit=1)[0].id)
        shown = screen("train", project=project.name)


def test_what_is_typed_can_still_be_changed_in_the_form(project: Project, store: Store, screen: Screen) -> None:
    text = "mobilenetv2_100:train=half,lr=0.01"
    shown = typed(screen("train", project=project.name), project, text)
    shown = allowed(field(shown, "What learns").select("head").run(), project, text)
    assert (field(shown, "Learning rate").value, field(shown, "Epochs at most").value) == (0.01, 60)
    field(shown, "Head").select("knn").run()
    assert "computed at once" in plain(shown)


def test_a_network_may_begin_from_scratch_where_all_of_it_learns(
    project: Project, store: Store, screen: Screen
) -> None:
    shown = screen("train", project=project.name)
    assert "From scratch" not in [one.label for one in shown.checkbox]
    shown.selectbox(key=f"preset-{project.id}").select("resnet18").run()
    assert "From scratch" not in [one.label for one in shown.checkbox]
    field(shown, "What learns").select("all").run()
    field(shown, "From scratch").check().run()
    field(shown, "Compiled").check().run()
    button(shown, "Train it").click().run()
    [told] = queued(store, project, "train")["recipes"]
    assert Recipe.stored(told) == read("resnet18:scratch=yes,compile=yes")


def test_a_press_on_plus_changes_a_small_number_by_a_little_and_a_tiny_one_is_shown_whole(
    project: Project, store: Store, screen: Screen
) -> None:
    shown = screen("train", project=project.name)
    rate = field(shown, "Learning rate")
    assert (rate.value, rate.step) == (0.002, 0.0002)
    assert field(shown, "Weight decay").step == 1e-5
    assert rate.proto.format % 1.3e-5 == "1.3e-05"
    store.save_recipe(project.id, "plain", "", read("simplecnn:weight_decay=0"), "ann")
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("plain").run()
    assert field(shown, "Weight decay").step == 1e-5


def test_an_unknown_network_is_one_sentence_with_near_names(project: Project, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value(["vgg57-bn"]).run()
    assert "There is no backbone 'vgg57-bn': did you mean vgg75-bn" in said(shown)


def test_a_baseline_leaves_nothing_else_to_choose(project: Project, store: Store, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mobilenetv2_100").run()
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
    assert [one.proto.expanded for one in shown.expander if one.label.startswith("Choose")] == [True]
    button(shown, "Use 0.0004").click().run()
    assert field(shown, "Learning rate").value == 4e-4
    assert "stands in the form" in plain(shown)
    button(shown, "Train it").click().run()
    assert queued(store, project, "train")["recipes"][0]["lr"] == 4e-4
    store.cancel(store.jobs(project.id, "train", limit=1)[0].id)
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("simplecnn").run()
    assert "0.0004" not in plain(shown)


def test_a_search_that_was_stopped_leaves_the_page_whole(project: Project, store: Store, screen: Screen) -> None:
    _, claim = filled.begin(store, project, "rate", recipe=asdict(read("vgg75-bn")))
    store.finish(claim, "stopped")
    shown = screen("train", project=project.name)
    assert not shown.exception and "24 combinations" in plain(shown)
    assert [one.value for one in shown.warning] == ["Search for a learning rate was stopped. Nothing of it is kept."]


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
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value([]).run()
    assert "recipe = [] leaves nothing to try" in said(shown)


def test_a_rate_that_was_found_for_another_recipe_is_offered_with_it(
    project: Project, store: Store, screen: Screen
) -> None:
    _, claim = filled.begin(store, project, "rate", recipe=asdict(read("simplecnn", batch=16)))
    store.finish(claim, "done", {"rates": [1e-4, 1e-3], "losses": [2.3, 1.5], "rate": 4e-4, "recipe": "simplecnn"})
    shown = screen("train", project=project.name)
    assert "The newest search was for simplecnn and found a learning rate of 0.0004" in plain(shown).replace("*", "")
    button(shown, "Use that recipe").click().run()
    assert (field(shown, "Learning rate").value, field(shown, "Pictures at once").value) == (4e-4, 16)
    assert "The loss falls most steeply" in plain(shown)


def test_an_earlier_sweep_can_be_looked_at_again(project: Project, store: Store, screen: Screen) -> None:
    tried(store, project, {"recipe": ["simplecnn"]}, [(read("simplecnn", epochs=3), "done", 0.5)])
    tried(store, project, {"recipe": ["vgg75-bn"]}, [(read("vgg75-bn", epochs=3), "done", 0.6)])
    shown = screen("train", project=project.name)
    which = next(one for one in shown.selectbox if one.label == "Which sweep")
    assert [one.split(": ")[1] for one in which.options] == ["vgg75-bn", "simplecnn"]
    which.select_index(1).run()
    [table] = [one.value for one in shown.dataframe if "loss" in one.value and "epochs" in one.value]
    assert list(table["recipe"]) == ["simplecnn"]


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
    assert list(table.columns) == ["recipe", "loss", "accuracy", "lr", "epochs", "interval"]
    assert "on the frozen mobilenetv2_100 and without any training: nearest neighbours 75.0%" in plain(
        shown
    ) and "6 were among the worse half" in plain(shown)
    [end] = [one for one in shown.button if "to the end" in one.label]
    assert end.disabled  # until some are chosen


def test_baselines_are_told_apart_by_their_network_and_size(project: Project, store: Store, screen: Screen) -> None:
    knn = [read(text) for text in ("mobilenetv2_100:head=knn", "mobilenetv2_100:head=knn,size=96", "resnet18:head=knn")]
    tried(store, project, {"recipe": ["simplecnn"]}, [(recipe, "done", 1.0) for recipe in (read("simplecnn"), *knn)])
    said = plain(screen("train", project=project.name))
    for name in ("mobilenetv2_100", "mobilenetv2_100:size=96", "resnet18"):
        assert f"on the frozen {name} and without any training: nearest neighbours 75.0%" in said


def test_only_pretrained_networks_are_said_to_have_baselines(project: Project, screen: Screen) -> None:
    shown = screen("train", project=project.name)
    assert "epochs, then the baselines." in plain(shown)
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value(["simplecnn"]).run()
    assert "12 combinations, each for at most 3 epochs." in plain(shown).replace("*", "")


def test_the_best_of_an_older_split_are_said_to_be_of_that_one(project: Project, store: Store, screen: Screen) -> None:
    first = store.newest_split(project.id)
    tried(store, project, {"recipe": ["simplecnn"]}, [(read("simplecnn"), "done", 1.0)])
    assert "They were trained on split" not in plain(screen("train", project=project.name))
    filled.split(store, project)
    said = plain(screen("train", project=project.name))
    assert (
        f"They were trained on split {first}." in said
        and f"the newest one, split {store.newest_split(project.id)}" in said
    )


def test_a_sweep_in_which_nothing_trains_says_why(project: Project, store: Store, screen: Screen) -> None:
    job, claim = filled.begin(store, project, "sweep", space={"recipe": ["simplecnn"]})
    for position in range(2):
        run = store.start_run(claim, project.id, store.split(project.id).id, read("simplecnn"), position)
        store.finish_run(claim, run.id, {"error": "The **memory** is too small."}, "pruned")
    store.finish(claim, "done", {"top": []})
    shown = screen("train", project=project.name)
    assert "2 of 2 runs of this sweep could not be trained. The **memory** is too small." in plain(shown)
    [table] = [one for one in shown.dataframe if one.key and one.key.startswith("runs-")]
    assert list(table.value["state"]) == ["could not be trained"] * 2
    shown.session_state[table.key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    assert r"Could not be trained: The \*\*memory\*\* is too small\." in fine(shown.run())


def test_what_could_not_be_trained_is_not_counted_among_the_worse_half(
    project: Project, store: Store, screen: Screen
) -> None:
    _, claim = filled.begin(store, project, "sweep", space={"recipe": ["simplecnn"], "lr": [0.1, 0.2]})
    split = store.split(project.id).id
    figures = {"val_loss": 1.0, "val_accuracy": 0.75, "epochs": 1, "best_epoch": 1}
    for position, told in enumerate((figures, {"error": "No."})):
        run = store.start_run(claim, project.id, split, read("simplecnn", lr=0.1 + position / 10), position)
        store.finish_run(claim, run.id, told, "pruned")
    store.finish(claim, "done", {"top": []})
    said = plain(screen("train", project=project.name))
    assert "The best of 2 runs" in said and "1 was among the worse half" in said


# recipes of one's own -----------------------------------------------------------------------------------------------


def save(shown: AppTest, name: str, sentence: str = "", of: object = "new") -> AppTest:
    shown = opened(shown, "save-as-0")
    shown.text_input(key=f"save-name-{of}").set_value(name)
    shown.text_input(key=f"save-about-{of}").set_value(sentence)
    return button(shown, "Save").click().run()


def field(shown: AppTest, label: str):
    return next(one for one in [*shown.selectbox, *shown.number_input, *shown.checkbox] if one.label == label)


def test_what_was_changed_is_kept_under_a_name_and_fills_the_form_of_everybody(
    project: Project, store: Store, screen: Screen
) -> None:
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mobilenetv2_100").run()
    shown.selectbox(key="train-mobilenetv2_100").select("half").run()
    field(shown, "Learning rate").set_value(0.01)
    field(shown, "Without colour").check()
    shown.checkbox(key="augment-blur").check()
    shown = save(shown.run(), "mine", "for *shapes*")
    assert (
        "Saved as mine." in plain(shown).replace("*", "")
        and shown.selectbox(key=f"preset-{project.id}").value == "mine"
    )
    [kept] = store.saved_recipes(project.id)
    wanted = read("mobilenetv2_100:train=half,lr=0.01,gray=yes,augment=crop+flip+colour+blur")
    assert (kept.name, kept.about, kept.recipe) == ("mine", "for *shapes*", wanted)

    other = screen("train", project=project.name)
    assert other.selectbox(key=f"preset-{project.id}").options[0] == "mine (saved): for *shapes*"
    other.selectbox(key=f"preset-{project.id}").select("mine").run()
    assert (field(other, "Learning rate").value, field(other, "What learns").value) == (0.01, "half")
    assert "Changed since" not in plain(other)
    field(other, "Patience").set_value(2)
    other.run()
    assert "Changed since: patience." in plain(other)
    button(other, "Train it").click().run()
    [told] = queued(store, project, "train")["recipes"]
    assert Recipe.stored(told) == read("mine", {"mine": wanted}, patience=2)


def test_what_was_opened_to_save_is_another_one_after_it(project: Project, screen: Screen) -> None:
    shown = save(screen("train", project=project.name), "mine")  # a browser would keep the same one open
    assert not [one for one in shown.text_input if one.label == "In a sentence"]
    assert [one for one in opened(shown, "save-as-1").text_input if one.label == "In a sentence"]


def test_saving_under_a_name_that_is_there_replaces_it_and_says_so(
    project: Project, store: Store, screen: Screen
) -> None:
    store.save_recipe(project.id, "mine", "the first", read("simplecnn:epochs=2"), "ann")
    [first] = store.saved_recipes(project.id)
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mine").run()
    field(shown, "Epochs at most").set_value(3)
    shown = opened(shown, "save-as-0")
    assert "mine is there already" in plain(shown).replace("*", "")
    assert shown.text_input(key=f"save-about-{first.id}").value == "the first"
    shown = button(shown, "Save").click().run()
    assert "It replaces the one that ann saved on" in plain(shown)
    assert field(shown, "Epochs at most").value == 3
    assert [one.recipe.epochs for one in store.saved_recipes(project.id)] == [3]


def test_a_removed_recipe_is_offered_no_longer(project: Project, store: Store, screen: Screen) -> None:
    store.save_recipe(project.id, "mine", "", read("simplecnn"), "ann")
    [kept] = store.saved_recipes(project.id)
    shown = screen("train", project=project.name)
    assert not [one for one in shown.button if one.label == "Remove it"]
    shown.selectbox(key=f"preset-{project.id}").select("mine").run()
    shown = button(opened(shown, f"remove-{kept.id}"), "Remove it").click().run()
    assert "mine was removed" in plain(shown).replace("*", "")
    assert shown.selectbox(key=f"preset-{project.id}").value == "vgg75-bn" and not store.saved_recipes(project.id)


def test_a_saved_recipe_whose_network_is_gone_is_one_sentence_and_can_be_removed(
    project: Project, store: Store, screen: Screen
) -> None:
    store.save_recipe(project.id, "old", "", Recipe("vgg57"), "ann")
    [kept] = store.saved_recipes(project.id)
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("old").run()
    assert "There is no backbone 'vgg57'" in said(shown)
    button(opened(shown, f"remove-{kept.id}"), "Remove it").click().run()
    assert not store.saved_recipes(project.id)


def test_a_name_that_cannot_be_is_one_sentence_and_nothing_is_kept(
    project: Project, store: Store, screen: Screen
) -> None:
    shown = screen("train", project=project.name)
    for name, sentence in (
        ("", "is empty"),
        ("a:b", "holds ':'"),
        ("simplecnn", "is what a network is called already"),
    ):
        shown = save(shown, name)
        assert sentence in said(shown)
    assert not store.saved_recipes(project.id)


def test_a_saved_recipe_may_lie_beyond_what_the_form_offers_and_hold_classes_that_are_gone(
    project: Project, store: Store, screen: Screen
) -> None:
    far = "simplecnn:epochs=2000,lr=1e-9,size=40,label_smoothing=0.7,batch=2048,ema=0.99999,compile=yes,fixed_sides=van+suv"
    store.save_recipe(project.id, "far", "", read(far), "ann")
    store.save_recipe(project.id, "near", "", read("resnet18:head=knn"), "ann")
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("near").run()
    assert "computed at once" in plain(shown)
    shown.selectbox(key=f"preset-{project.id}").select("far").run()
    button(shown, "Train it").click().run()
    assert not shown.exception
    [told] = queued(store, project, "train")["recipes"]
    assert Recipe.stored(told) == read(far, fixed_sides=("suv",))


def test_a_recipe_that_somebody_else_removed_is_chosen_no_longer(
    project: Project, store: Store, screen: Screen
) -> None:
    for name in ("mine", "other"):
        store.save_recipe(project.id, name, "", read("simplecnn"), "ann")
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mine").run()
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value(["mine", "other"]).run()
    store.remove_recipe(project.id, "mine")
    assert fine(shown.run())
    assert shown.selectbox(key=f"preset-{project.id}").value == "vgg75-bn"
    assert shown.multiselect(key=f"sweep-recipes-{project.id}").value == ["other"]


def test_what_is_chosen_in_one_project_is_not_chosen_in_another(
    project: Project, store: Store, home: Path, screen: Screen
) -> None:
    store.save_recipe(project.id, "mine", "", read("simplecnn"), "ann")
    other = filled.scraped(store, home, "boats")
    filled.split(store, other)
    shown = screen("train", project=project.name)
    shown.selectbox(key=f"preset-{project.id}").select("mine").run()
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value(["mine"]).run()
    shown.query_params["project"] = "boats"
    assert fine(shown.run())
    assert shown.selectbox(key=f"preset-{other.id}").value == "vgg75-bn"
    shown.query_params["project"] = project.name
    assert fine(shown.run()) and shown.selectbox(key=f"preset-{project.id}").value == "mine"


def test_a_sweep_may_name_a_saved_recipe(project: Project, store: Store, screen: Screen) -> None:
    store.save_recipe(project.id, "mine", "", read("simplecnn:augment=flip,epochs=50"), "ann")
    shown = screen("train", project=project.name)
    shown.multiselect(key=f"sweep-recipes-{project.id}").set_value(["mine"]).run()
    button(shown, "Start the sweep").click().run()
    assert not shown.exception
    assert queued(store, project, "sweep")["space"]["recipe"] == ["simplecnn:augment=flip"]
