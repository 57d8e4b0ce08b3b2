"""`python -m core recipes`, and what `train` makes of a recipe that was kept under a name."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from core.__main__ import main
from core.cli import models
from core.model import Recipe
from core.recipes import PRESETS, read
from db.store import Store
from tests.core.cli.conftest import Run


@pytest.fixture(autouse=True)
def cars(store: Store) -> None:
    store.add_project("cars", ["sedan", "coupe"])


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What `train` asks for; nobody trains it."""
    asked: list[dict] = []

    def submit(args: argparse.Namespace, verb: str, params: dict, need: str = "cpu") -> dict:
        asked.append(params)
        return {}

    monkeypatch.setattr(models, "submit", submit)
    return asked


def test_the_presets_are_listed_with_their_sentences(run: Run) -> None:
    rows = run("recipes")["recipes"]
    assert [(row["name"], row["about"]) for row in rows] == [(name, preset.about) for name, preset in PRESETS.items()]


def test_one_is_saved_listed_first_replaced_and_removed(run: Run) -> None:
    told = run("recipes", "save", "quick look", "simplecnn:epochs=2,lr=0.01", "--about", "to see", "--reviewer", "ann")
    assert told == {"name": "quick look", "recipe": "simplecnn:epochs=2,lr=0.01", "replaced": None, "said": ""}
    row = run("recipes", "list")["recipes"][0]
    assert (row["name"], row["about"], row["by"]) == ("quick look", "to see", "ann")
    again = run("recipes", "save", "quick look", "quick look:epochs=3")
    assert (again["recipe"], again["replaced"]) == ("simplecnn:epochs=3,lr=0.01", row["saved"])
    assert run("recipes", "remove", "quick look")["removed"] == "quick look"
    assert len(run("recipes")["recipes"]) == len(PRESETS)


def test_train_finds_a_saved_one_by_its_name_with_changes_on_top(run: Run, queued: list[dict]) -> None:
    run("recipes", "save", "quick look", "simplecnn:epochs=2,augment=flip")
    run(
        "train", "--recipe", "quick look", "--recipe", "quick look:lr=0.01,epochs=3", "--recipe", "vgg75", "--seed", "7"
    )
    told = [Recipe.stored(one) for one in queued[0]["recipes"]]
    kept = read("simplecnn:epochs=2,augment=flip,seed=7")
    assert told == [kept, read("simplecnn:epochs=3,augment=flip,seed=7,lr=0.01"), read("vgg75", seed=7)]


def test_a_sweep_knows_it_too_and_keeps_what_it_stood_for(run: Run, queued: list[dict], home: Path) -> None:
    run("recipes", "save", "quick look", "simplecnn:epochs=9,augment=flip")
    (home / "s.toml").write_text('recipe = ["quick look", "vgg75"]\nlr = [0.01, 0.02]\n')
    run("train", "--sweep", str(home / "s.toml"))
    assert queued[0]["space"]["recipe"] == ["simplecnn:augment=flip", "vgg75"]
    (home / "s.toml").write_text('recipe = ["quick look:epochs=3"]\n')
    assert "epochs of its own" in run("train", "--sweep", str(home / "s.toml"), code=2)["said"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("recipes", "save", "quick look"), "recipes save wants a name and a recipe"),
        (("recipes", "list", "quick look"), "recipes list wants nothing more"),
        (("recipes", "remove"), "recipes remove wants the name"),
        (("recipes", "remove", "lok"), "did you mean 'look'?"),
        (("recipes", "save", "Vgg75", "vgg75"), "'Vgg75' is what a network is called already"),
        (("recipes", "save", "x", "vgg57"), "did you mean vgg75"),
        (("recipes", "burn"), "invalid choice"),
        (("train", "--recipe", "vgg99-bn"), "There is no backbone 'vgg99-bn': did you mean vgg75-bn"),
        (("train", "--recipe", "loook"), "There is no backbone 'loook': did you mean look?"),
        (("train", "--recipe", "look:epochs=0"), "epochs = 0 is too few"),
        (("train", "--recipe", "simplecnn:size=5"), "size = 5 is too small for simplecnn: at least 32 px was wanted"),
        (("train", "--recipe", "resnet18:size=5", "--find-lr"), "size = 5 is too small for resnet18"),
        (
            ("train", "--recipe", "resnet18:head=knn", "--find-lr"),
            "head=knn is computed at once, without a learning rate",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(run: Run, words: tuple, said: str) -> None:
    run("recipes", "save", "look", "vgg75")
    assert said in run(*words, code=2)["said"]


def test_one_name_alone_in_a_sweep_is_known_too(run: Run, queued: list[dict], home: Path) -> None:
    run("recipes", "save", "quick look", "simplecnn:epochs=2")
    (home / "s.toml").write_text('recipe = "quick look"\nlr = [0.01, 0.02]\n')
    run("train", "--sweep", str(home / "s.toml"))
    [named] = queued[0]["space"]["recipe"]
    assert read(named).backbone == "simplecnn"


def test_one_whose_network_is_gone_is_listed_with_the_reason_beside_the_others(run: Run, store: Store) -> None:
    store.save_recipe(1, "old", "", Recipe("vgg57"), "")
    rows = {row["name"]: row["recipe"] for row in run("recipes")["recipes"]}
    assert rows["old"].startswith("vgg57: There is no backbone") and rows["simplecnn"] == "simplecnn"


def test_how_a_stopped_training_goes_on_is_said_where_its_options_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "python -m core again JOB" in " ".join(capsys.readouterr().out.split())
