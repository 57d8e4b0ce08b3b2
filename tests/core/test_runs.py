"""Trained runs: which are meant, what they are called, what they tell, and how their files go."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import runs
from core.errors import BadInput, Busy, Missing
from core.evaluate import wilson
from core.model import Project, Recipe, Run
from core.settings import load
from db.store import Store
from tests.pages import filled


def run(number: int, title: str = "", recipe: Recipe = Recipe("vgg75"), **more) -> Run:
    return Run(number, 1, recipe, 1, datetime(2026, 1, 1, tzinfo=UTC), "done", title=title, **more)


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    made = filled.scraped(store, home)
    filled.split(store, made)
    return made


@pytest.fixture
def folders(store: Store, project: Project) -> dict[int, Path]:
    """Two trained runs, each with something in its folder."""
    found = {number: runs.run_folder(load(), number) for number in filled.trained(store, project)}
    for folder in found.values():
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(1000))
        (folder / "checkpoint.json").write_text("{}")
    return found


def test_runs_of_one_name_are_told_apart_by_their_numbers() -> None:
    assert runs.names([run(1), run(2), run(3, "mine")]) == ["vgg75 (run 1)", "vgg75 (run 2)", "mine"]


def test_what_differs_between_recipes_is_named_with_each_value() -> None:
    told = runs.differing([run(1), run(2, recipe=Recipe("vgg75-bn", lr=0.1))])
    assert told == {"backbone": ["vgg75", "vgg75-bn"], "lr": [Recipe("vgg75").lr, 0.1]}
    assert runs.differing([run(1), run(2)]) == {}


def test_an_interval_is_taken_as_it_was_kept_or_made_from_the_accuracy() -> None:
    assert runs.interval(run(1, result={"val_accuracy": 0.8, "val_accuracy_interval": [0.7, 0.9]}), 100) == (0.7, 0.9)
    assert runs.interval(run(1, result={"val_accuracy": 0.8}), 100) == wilson(80, 100)
    assert runs.interval(run(1), 100) is None


def test_a_summary_tells_what_there_is() -> None:
    told = runs.summary(run(3, "mine", result={"val_accuracy": 0.8, "parameters": 7, "history": []}))
    assert told == {"run": 3, "name": "mine", "recipe": "vgg75", "status": "done", "val_accuracy": 0.8, "parameters": 7}


def test_deleted_files_are_gone_for_good_and_the_record_stays(store: Store, project: Project, folders: dict) -> None:
    first, second = folders
    store.note_run(project.id, first, "keep this in mind")
    before = store.run(project.id, first)
    assert runs.delete_files(store, load(), project.id, first) == 1002
    assert not folders[first].exists() and folders[second].exists()
    gone = store.run(project.id, first)
    assert (gone.epochs, gone.result, gone.note, gone.name) == (before.epochs, before.result, before.note, before.name)
    assert [each.id for each in runs.choose(store, project.id)] == [second], "nobody asks it any more"
    with pytest.raises(BadInput, match=rf"The files of run {first} \(vgg75-bn\) were deleted on .*: its figures stay"):
        runs.choose(store, project.id, [first, second])
    with pytest.raises(Missing, match=f"The files of run {first}"):
        runs.load_models(load(), [gone])


def test_a_run_that_knows_a_quarter_of_the_pictures_is_asked_only_where_none_knows_all(
    store: Store, project: Project
) -> None:
    _, claim = filled.begin(store, project, "train")
    split = store.split(project.id).id
    recipes = [Recipe("vgg75"), Recipe("vgg75", share=0.25), Recipe("vgg100", share=0.5)]
    quarter = store.start_run(claim, project.id, split, recipes[1], 1).id
    store.finish_run(claim, quarter, {"val_loss": 1.0})
    assert [one.id for one in runs.choose(store, project.id)] == [quarter]
    whole, half = (store.start_run(claim, project.id, split, recipes[n], n).id for n in (0, 2))
    for number in (whole, half):
        store.finish_run(claim, number, {"val_loss": 1.0})
    assert [one.id for one in runs.choose(store, project.id)] == [whole]
    assert [one.id for one in runs.choose(store, project.id, [quarter])] == [quarter], "who asks for it gets it"


def test_a_deletion_that_was_killed_half_way_is_ended_by_the_next(
    store: Store, project: Project, folders: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(iter(folders))

    def killed(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            runs.delete_files(store, load(), project.id, first)
    marked = store.run(project.id, first).deleted
    assert marked and (folders[first] / "checkpoint.json").exists()
    assert runs.delete_files(store, load(), project.id, first) == 2
    assert not folders[first].exists() and store.run(project.id, first).deleted == marked
    assert runs.delete_files(store, load(), project.id, first) == 0


def test_a_disk_that_refuses_is_one_sentence(
    store: Store, project: Project, folders: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refused)
    with pytest.raises(Busy, match="cannot be deleted: Permission denied. Try again"):
        runs.delete_files(store, load(), project.id, next(iter(folders)))


def test_a_run_without_a_model_says_why_it_cannot_be_asked(store: Store, project: Project) -> None:
    _, claim = filled.begin(store, project, "train")
    begun, pruned = (store.start_run(claim, project.id, 1, Recipe("vgg75"), i).id for i in range(2))
    store.finish_run(claim, pruned, {}, "pruned")
    with pytest.raises(BadInput, match="is not trained to its end yet"):
        runs.choose(store, project.id, [begun])
    with pytest.raises(BadInput, match="was stopped early by its sweep"):
        runs.choose(store, project.id, [pruned])
    with pytest.raises(BadInput, match="needs the files of run"):
        runs.delete_files(store, load(), project.id, begun)
