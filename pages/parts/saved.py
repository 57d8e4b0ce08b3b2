"""A recipe of one's own: kept under a name with a sentence, for all who work on the project; replaced, and removed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import streamlit as st

from core.errors import BadInput
from core.model import Project, Recipe, SavedRecipe
from core.recipes import PRESETS, own_name
from pages.parts import house, wording
from pages.parts.grid import reviewer

SAVES, DONE = "saves", "saved-recipe"  # keys: how many were saved or removed by now; what was just done


def there(project: Project) -> dict[str, SavedRecipe]:
    """Name -> recipe, of those that are kept; the newest first."""
    return {one.name: one for one in house.store().saved_recipes(project.id)}


def gone(key: str, kept: Collection[str]) -> set[str]:
    """Names that the list of that key offered the last time, and that somebody removed since."""
    before = st.session_state.get(f"{key}-offered", set())
    st.session_state[f"{key}-offered"] = set(kept)
    return before - set(kept)


def described(name: str, kept: dict[str, SavedRecipe]) -> str:
    """A name in the list of networks, with its sentence."""
    if name in kept:
        return f"{name} (saved): {kept[name].about or kept[name].recipe.name}"
    return f"{name}: {PRESETS[name].about}" if name in PRESETS else name


def arrived(network: str, first: str) -> str:
    """What was done in the run before, once. `network` is the key of the list, which then shows what was saved, or `first`
    after a removal: before the list is drawn, this can still be chosen for it."""
    if DONE not in st.session_state:
        return ""
    name, sentence = st.session_state.pop(DONE)
    st.session_state[network] = name or first
    st.session_state[SAVES] = st.session_state.get(SAVES, 0) + 1
    return sentence


def about(chosen: SavedRecipe, recipe: Recipe) -> str:
    """Who kept it and when, and in what the form differs from it."""
    of = dataclasses.fields(Recipe)
    other = [wording.RECIPE[f.name][0] for f in of if getattr(recipe, f.name) != getattr(chosen.recipe, f.name)]
    now = f" Changed since: {', '.join(other)}." if other else ""
    return f"Saved by {house.text(chosen.by, 60)} on {chosen.created:%Y-%m-%d}.{now}"


def keep(project: Project, recipe: Recipe, kept: dict[str, SavedRecipe], chosen: SavedRecipe | None) -> None:
    """What opens to keep the recipe as it stands in the form."""
    key = f"save-as-{st.session_state.get(SAVES, 0)}"  # another one after each save: a browser keeps the old one open
    with st.popover("Save as …", key=key, on_change="rerun") as opened:
        if opened.open:
            _save(project, recipe, kept, chosen)


def remove(project: Project, chosen: SavedRecipe) -> None:
    """What opens to take the chosen one away."""
    with st.popover("Remove", key=f"remove-{chosen.id}", on_change="rerun") as opened:
        if opened.open:
            _remove(project, chosen)


def _save(project: Project, recipe: Recipe, kept: dict[str, SavedRecipe], chosen: SavedRecipe | None) -> None:
    of = chosen.id if chosen else "new"
    name = st.text_input(
        "Name",
        chosen.name if chosen else "",
        100,
        key=f"save-name-{of}",
        placeholder="such as: quick look",
        help="The recipe is kept as it stands here, for everybody who works on this project.",
    )
    sentence = st.text_input(
        "In a sentence", chosen.about if chosen else "", 300, key=f"save-about-{of}", placeholder="what it is good for"
    )
    try:
        who = reviewer()
        if st.button("Save", key="save-it", type="primary"):
            name = own_name(name)
            before = house.store().save_recipe(project.id, name, sentence, recipe, who)
            told = (
                f" It replaces the one that {house.text(before.by, 60)} saved on {before.created:%Y-%m-%d}."
                if before
                else ""
            )
            st.session_state[DONE] = name, f"Saved as **{house.text(name)}**.{told}"
            st.rerun()
    except BadInput as error:
        st.error(house.text(error))
        return
    if name.strip().casefold() in {one.casefold() for one in kept}:
        st.caption(f"**{house.text(name)}** is there already: this one then counts in its place.")


def _remove(project: Project, chosen: SavedRecipe) -> None:
    st.markdown(
        f"**{house.text(chosen.name)}** is then offered to nobody any longer.  \nWhat was trained from it stays as it is."
    )
    if st.button("Remove it", key="remove-it", type="primary"):
        try:
            house.store().remove_recipe(project.id, chosen.name)
        except BadInput as error:
            st.error(house.text(error))
        else:
            st.session_state[DONE] = "", f"**{house.text(chosen.name)}** was removed."
            st.rerun()
