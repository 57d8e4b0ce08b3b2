"""Where a person chooses the earlier projects that a review starts from."""

from __future__ import annotations

from pathlib import Path

from tests.core.review.test_earlier import decide, described
from tests.pages import filled
from tests.pages.conftest import opened, plain


def test_earlier_projects_with_rejects_are_offered_and_what_is_chosen_leads_the_page(store, home: Path, screen) -> None:
    old, new = (filled.scraped(store, home, name, each=20) for name in ("old", "new"))
    ids = described(store, old)
    described(store, new, seed=1)
    shown = opened(screen("review", project="new"), "earlier")
    assert not shown.multiselect and "No other project has rejects yet" in plain(shown)
    decide(store, old, ids)
    shown = opened(screen("review", project="new"), "earlier")
    (offered,) = shown.multiselect
    assert offered.options == [f"old · {store.rejects(old.id)} rejects"] and offered.value == []
    first = shown.session_state["desk"]
    offered.set_value(["old"]).run()
    assert "what looks like the rejects of old" in plain(opened(shown, "known"))
    assert store.project("new").reviewing.references == (old.id,)
    assert shown.session_state["desk"] is not first, "a fresh order"
    again_shown = opened(screen("review", project="new"), "earlier")
    assert again_shown.multiselect[0].value == ["old"]
    again_shown.multiselect[0].set_value([]).run()
    assert store.project("new").reviewing.references == () and "rejects of old" not in plain(again_shown)


def test_an_earlier_project_of_another_network_is_not_offered_and_said_where_it_was_chosen(store, home, screen) -> None:
    from core.review.earlier import choose

    other, new = (filled.scraped(store, home, name, each=20) for name in ("other", "new"))
    decide(store, other, described(store, other, by="net@2"))
    described(store, new)
    assert not opened(screen("review", project="new"), "earlier").multiselect
    choose(store, new, ["other"])
    said = plain(opened(screen("review", project="new"), "earlier"))
    assert "The rejects of other cannot be used: its pictures were described by net" in said
