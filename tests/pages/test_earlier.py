"""Where a person chooses the earlier projects that a review starts from."""

from __future__ import annotations

from pathlib import Path

from tests.core.review.test_earlier import decide, described
from tests.pages import filled
from tests.pages.conftest import plain


def test_earlier_projects_with_rejects_are_offered_and_what_is_chosen_leads_the_page(store, home: Path, screen) -> None:
    old, new = (filled.scraped(store, home, name, each=20) for name in ("old", "new"))
    ids = described(store, old)
    described(store, new, seed=1)
    assert not screen("review", project="new").multiselect, "nobody has rejected anything yet"
    decide(store, old, ids)
    shown = screen("review", project="new")
    (offered,) = shown.multiselect
    assert offered.options == [f"old · {store.rejects(old.id)} rejects"] and offered.value == []
    first = shown.session_state["desk"]
    offered.set_value(["old"]).run()
    assert "what looks like the rejects of old" in plain(shown)
    assert store.project("new").reviewing.references == (old.id,)
    assert shown.session_state["desk"] is not first, "a fresh order"
    (again,) = screen("review", project="new").multiselect
    assert again.value == ["old"]
    again_shown = screen("review", project="new")
    again_shown.multiselect[0].set_value([]).run()
    assert store.project("new").reviewing.references == () and "rejects of old" not in plain(again_shown)


def test_an_earlier_project_of_another_network_is_not_offered_and_said_where_it_was_chosen(store, home, screen) -> None:
    from core.review.earlier import choose

    other, new = (filled.scraped(store, home, name, each=20) for name in ("other", "new"))
    decide(store, other, described(store, other, by="net@2"))
    described(store, new)
    assert not screen("review", project="new").multiselect
    choose(store, new, ["other"])
    said = plain(screen("review", project="new"))
    assert "The rejects of other cannot be used: its pictures were described by net" in said
