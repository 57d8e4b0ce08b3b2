"""Recipes that were kept under a name: the newest of a name counts, and no row is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from core.errors import BadInput
from core.model import Recipe
from db.tables import presets

QUICK = Recipe("simplecnn", epochs=2, augment=("flip",), fixed_sides=("sedan",))


def rows(store) -> int:
    with store._read() as c:
        return c.execute(select(func.count()).select_from(presets)).scalar_one()


def test_a_recipe_comes_back_as_it_was_kept_with_who_and_when(store, project):
    assert store.save_recipe(project.id, "quick look", "  to see\nthat all is well ", QUICK, "ann") is None
    [kept] = store.saved_recipes(project.id)
    assert (kept.name, kept.about, kept.recipe, kept.by) == ("quick look", "to see that all is well", QUICK, "ann")
    assert kept.created >= project.created


def test_of_one_name_the_newest_counts_and_the_older_row_stays(store, project):
    store.save_recipe(project.id, "quick look", "", QUICK, "ann")
    store.save_recipe(project.id, "other", "", QUICK, "ann")
    before = store.save_recipe(project.id, "Quick look", "three", Recipe("vgg75", epochs=3), "bea")
    assert before is not None and (before.by, before.recipe) == ("ann", QUICK)
    assert [(one.name, one.recipe.epochs) for one in store.saved_recipes(project.id)] == [
        ("Quick look", 3),
        ("other", 2),
    ]
    assert rows(store) == 3


def test_a_removed_one_is_marked_and_no_older_one_takes_its_place(store, project):
    store.save_recipe(project.id, "quick look", "", QUICK, "ann")
    store.save_recipe(project.id, "quick look", "", QUICK, "bea")
    assert store.remove_recipe(project.id, "QUICK look").by == "bea"
    assert store.saved_recipes(project.id) == [] and rows(store) == 2
    assert store.save_recipe(project.id, "quick look", "again", QUICK, "ann") is None
    assert [one.about for one in store.saved_recipes(project.id)] == ["again"]


def test_each_project_has_its_own(store, project):
    other = store.add_project("boats", ["sail"])
    store.save_recipe(other.id, "quick look", "", QUICK, "ann")
    assert store.saved_recipes(project.id) == []
    with pytest.raises(BadInput, match="There is no saved recipe 'quick look' in this project\\.$"):
        store.remove_recipe(project.id, "quick look")
    with pytest.raises(BadInput, match="did you mean 'quick look'"):
        store.remove_recipe(other.id, "quik look")


def test_a_sentence_that_is_too_long_is_refused_and_nothing_kept(store, project):
    with pytest.raises(BadInput, match="A sentence of 301 characters is too long: at most 300"):
        store.save_recipe(project.id, "quick look", "x" * 301, QUICK, "ann")
    assert rows(store) == 0
