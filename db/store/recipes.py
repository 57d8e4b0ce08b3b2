"""Recipes that were kept under a name, with a sentence."""

from __future__ import annotations

import difflib
from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from core.errors import BadInput
from core.model import Recipe, SavedRecipe
from db.store.base import Base, now, text
from db.tables import presets

LONGEST_SENTENCE = 300  # characters


class Recipes(Base):
    def save_recipe(self, project: int, name: str, about: str, recipe: Recipe, by: str) -> SavedRecipe | None:
        """Keep the recipe under the name; one that has it already counts no longer, and its row stays.

        Returns the one that it replaces. The name is checked by `core.recipes.own_name` before it gets here; spelled with
        other capitals it is the same one. Raises BadInput for a sentence that is too long.
        """
        about = " ".join(text(about, "sentence").split())
        if len(about) > LONGEST_SENTENCE:
            raise BadInput(
                f"A sentence of {len(about):,} characters is too long: at most {LONGEST_SENTENCE} were wanted."
            )
        with self._write() as c:
            before = _newest(c, project).get(name.casefold())
            c.execute(
                insert(presets).values(
                    project=project,
                    name=text(name, "name"),
                    about=about,
                    recipe=asdict(recipe),
                    by=text(by, "name"),
                    created=now(),
                )
            )
        return before

    def saved_recipes(self, project: int) -> list[SavedRecipe]:
        """Those that count, the newest first."""
        with self._read() as c:
            return sorted(_newest(c, project).values(), key=lambda one: -one.id)

    def remove_recipe(self, project: int, name: str) -> SavedRecipe:
        """Mark the one of that name as removed, now; its row stays. Returns it. Raises BadInput where there is none."""
        with self._write() as c:
            there = _newest(c, project)
            found = there.get(name.casefold())
            if found is None:
                near = difflib.get_close_matches(name.casefold(), there, 1, 0.5)
                hint = f": did you mean {there[near[0]].name!r}?" if near else "."
                raise BadInput(f"There is no saved recipe {name!r} in this project{hint}")
            c.execute(update(presets).where(presets.c.id == found.id).values(removed=now()))
        return found


def _newest(c: Connection, project: int) -> dict[str, SavedRecipe]:
    """The name in small letters -> the recipe that counts under it."""
    rows = c.execute(select(presets).where(presets.c.project == project).order_by(presets.c.id)).all()
    newest = {row.name.casefold(): row for row in rows}
    return {
        name: SavedRecipe(row.id, row.name, row.about, Recipe.stored(row.recipe), row.created, row.by)
        for name, row in newest.items()
        if row.removed is None
    }
