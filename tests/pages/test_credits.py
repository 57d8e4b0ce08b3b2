"""Sources and licences: what may be done in words, bars that filter, the table page by page, and the credits to take."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import Permanent
from core.model import Candidate, Decision, Operation, Project
from db.store import Store
from pages.parts import house, places, rights, terms
from tests.db.conftest import facts
from tests.pages import filled
from tests.pages.conftest import button, fine

Screen = Callable[..., AppTest]
HOSTILE = '<img src=x onerror=alert(1)>"><script>[x](javascript:alert(1))\u202e'
LICENCES = ("CC BY 4.0", "CC BY-NC 2.0", "unknown", "All rights reserved", "CC0 1.0")


@pytest.fixture
def trees(store: Store, home) -> Project:
    """250 addresses of two hosts: 200 brought a picture each, 40 failed (robots, noai), 10 wait; picture 1 is rejected."""
    project = store.add_project("trees", ("oak", "elm"))
    _, claim = filled.begin(store, project, "scrape")
    found = [
        Candidate(
            f"https://{'a' if i % 2 else 'b'}.example.org/{i:03d}.jpg", "oak" if i % 3 else "elm", "openverse" if i < 150 else "ddgs",
            f"https://pages.example.org/{i}", "Bark", "Tim", LICENCES[i % 5], query="old tree",
        )
        for i in range(250)
    ]  # fmt: skip
    store.add_candidates(claim, project.id, 0, found)
    store.add_fetched(claim, project.id, [
        (each.url, facts(str(i)) if i < 200 else Permanent("robots" if i % 2 else "noai", f"The host says no to {i}."), "allowed: no rule")
        for i, each in enumerate(found[:240])
    ])  # fmt: skip
    store.finish(claim, "done")
    first = next(iter(store.images(project.id)))
    store.apply(project.id, Operation("op", "ann", (Decision(first.id, "reject"),)))
    return project


def bars(shown: AppTest) -> pd.DataFrame:
    return shown.dataframe[0].value


def table(shown: AppTest) -> pd.DataFrame:
    return shown.dataframe[1].value


def box(shown: AppTest, label: str):
    return next(each for each in shown.selectbox if each.label == label)


# in words -----------------------------------------------------------------------------------------------------------


def test_a_project_without_pictures_says_where_to_find_some(screen: Screen, store: Store) -> None:
    store.add_project("trees", ("oak",))
    said = fine(screen("credits", project="trees"))
    assert "There are no pictures to give credit for yet: find some first." in said


def test_a_line_says_what_may_be_done_with_the_kept_pictures(screen: Screen, trees: Project) -> None:
    assert (
        "**119 of 199 kept pictures** may be copied with credit; 40 have an unknown licence; 40 have a licence that is "
        "not open; 40 forbid commercial use."
    ) in fine(screen("credits", project="trees"))


def test_where_nothing_is_kept_nobody_is_credited(screen: Screen, store: Store, home) -> None:
    project = store.add_project("trees", ("oak",))
    _, claim = filled.begin(store, project, "scrape")
    store.add_candidates(claim, project.id, 0, [Candidate("https://a.example.org/1.jpg", "oak", "urls")])
    shown = screen("credits", project="trees")
    assert "No picture is kept yet" in fine(shown) and not shown.get("download_button")
    assert list(table(shown)["url"]) == ["https://a.example.org/1.jpg"]


def test_the_words_of_the_trade_are_explained(screen: Screen, trees: Project) -> None:
    helps = {caption.value: caption.proto.help for caption in screen("credits", project="trees").caption}
    assert "only the owner can allow" in helps["licence unknown"]
    assert "robots.txt" in helps["robots"] and "train a model" in helps["noai"]


# bars and filters ---------------------------------------------------------------------------------------------------


def test_bars_count_the_licences_and_say_what_each_allows(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees")
    assert dict(zip(bars(shown)["name"], bars(shown)["addresses"], strict=True)) == {
        name: 50 for name in ("CC BY 4.0", "CC BY-NC 2.0", "licence unknown", "All rights reserved", "CC0 1.0")}  # fmt: skip
    allowed = dict(zip(bars(shown)["name"], bars(shown)["about"], strict=True))
    assert allowed["CC BY-NC 2.0"] == "may be copied and altered with credit, not to earn money"
    assert allowed["licence unknown"] == "nobody said: ask the author"


@pytest.mark.parametrize(("dimension", "names"), [
    ("source", {"Openverse": 150, "DuckDuckGo": 100}), ("host", {"a.example.org": 125, "b.example.org": 125}),
    ("status", {"new picture": 200, "failed": 40, "still to fetch": 10}), ("reason", {"noai": 20, "robots": 20}),
])  # fmt: skip
def test_bars_count_by_what_was_chosen(screen: Screen, trees: Project, dimension: str, names: dict) -> None:
    shown = screen("credits", project="trees")
    shown.button_group(key=f"by-{trees.id}").set_value(dimension).run()
    fine(shown)
    assert dict(zip(bars(shown)["name"], bars(shown)["addresses"], strict=True)) == names


def test_a_filter_narrows_the_table_and_the_other_counts_and_lies_in_the_url(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees")
    box(shown, "Why it failed").set_value("robots").run()
    fine(shown)
    assert set(table(shown)["reason"]) == {"robots"} and len(table(shown)) == 20
    assert table(shown)["sentence"].iloc[0] == "The host says no to 201."
    assert table(shown)["permission"].iloc[0] == "allowed: no rule"
    assert bars(shown)["addresses"].sum() == 20
    assert shown.query_params["reason"] in ("robots", ["robots"])
    button(shown, "Show all").click().run()
    assert len(table(shown)) == places.ROWS and "reason" not in shown.query_params


def test_a_filter_may_come_with_the_url(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees", host="a.example.org", status="failed")
    fine(shown)
    assert set(table(shown)["host"]) == {"a.example.org"} and set(table(shown)["became"]) == {"failed"}
    shown = screen("credits", project="trees", status="'; DROP TABLE candidates;--", licence=HOSTILE)
    assert "Nothing fits these filters" in fine(shown)


def test_addresses_are_found_by_how_they_begin(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees")
    shown.text_input(key=f"url-{trees.id}").set_value("https://a.example.org/00").run()
    assert list(table(shown)["url"]) == [f"https://a.example.org/00{i}.jpg" for i in (1, 3, 5, 7, 9)]
    shown.text_input(key=f"url-{trees.id}").set_value("https://_.example.org/").run()
    assert "Nothing fits these filters" in fine(shown)


def test_pressing_a_bar_filters_by_it_and_pressing_it_again_does_not(trees: Project, monkeypatch) -> None:
    state, url = {}, {}
    monkeypatch.setattr(places.st, "session_state", state)
    monkeypatch.setattr(places.st, "query_params", url)
    pressed = {"selection": {"cells": [(1, "name")]}}
    places.press(trees, "host", ["a", "b"], pressed)
    assert state == {f"host-{trees.id}": "b"} and url == {"host": "b"}
    places.press(trees, "host", ["a", "b"], {"selection": {"cells": []}})
    assert url == {"host": "b"}
    places.press(trees, "host", ["a", "b"], pressed)
    assert state == {f"host-{trees.id}": None} and url == {}


def test_a_bar_that_filters_is_marked(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees", licence="unknown")
    assert [name for name in bars(shown)["name"] if name.startswith("✓")] == ["✓ licence unknown"]


def test_too_many_to_count_through_a_filter_are_counted_without_it(screen: Screen, trees: Project, monkeypatch) -> None:
    monkeypatch.setattr(places, "MANY", 100)
    shown = screen("credits", project="trees", host="a.example.org")
    said = fine(shown)
    assert "Counted without the filters: there are more than 100 addresses." in said
    assert "of 250 addresses found** may be copied with credit" in said
    assert bars(shown)["addresses"].sum() == 250 and set(table(shown)["host"]) == {"a.example.org"}


# the table ----------------------------------------------------------------------------------------------------------


def test_the_table_is_leafed_through_and_back(screen: Screen, trees: Project) -> None:
    shown = screen("credits", project="trees")
    seen = [list(table(shown)["url"])]
    assert button(shown, "Previous").disabled
    while not button(shown, "Next").disabled:
        button(shown, "Next").click().run()
        seen.append(list(table(shown)["url"]))
    assert [len(urls) for urls in seen] == [100, 100, 50]
    assert len({url for urls in seen for url in urls}) == 250
    for urls in reversed(seen[:-1]):
        button(shown, "Previous").click().run()
        assert list(table(shown)["url"]) == urls
    assert button(shown, "Previous").disabled and not button(shown, "Next").disabled
    button(shown, "Next").click().run()
    box(shown, "Host").set_value("a.example.org").run()
    assert table(shown)["url"].iloc[0] == "https://a.example.org/001.jpg"


def test_only_addresses_of_the_web_become_links_and_what_strangers_wrote_stays_text(
    screen: Screen, store: Store, home
) -> None:
    project = store.add_project("trees", ("oak",))
    _, claim = filled.begin(store, project, "scrape")
    given = [
        Candidate("javascript:alert(1)", "oak", "urls", "javascript:alert(2)", HOSTILE, HOSTILE, HOSTILE[:90], "javascript:alert(3)", query=HOSTILE),
        Candidate("https://a.example.org/1.jpg", HOSTILE, "urls", "https://a.example.org/", "x" * 10_000, error=HOSTILE[:90]),
        Candidate("/home/me/1.jpg", "oak", "folder"),
    ]  # fmt: skip
    store.add_candidates(claim, project.id, 0, given)
    shown = screen("credits", project="trees")
    said = fine(shown)
    assert "<img" not in said and "\u202e" not in said
    rows = table(shown)
    assert [list(rows[name].fillna("")) for name in ("file", "page", "terms")] == [
        ["", "https://a.example.org/1.jpg", ""], ["", "https://a.example.org/", ""], ["", "", ""]]  # fmt: skip
    assert list(rows["host"]) == ["this computer", "a.example.org", "this computer"]
    assert "\u202e" not in rows.to_string() and rows["title"].str.len().max() <= 200
    linked = {name for name, about in places.COLUMNS.items() if about["type_config"]["type"] == "link"}  # type: ignore[index]
    assert linked == {"page", "file", "terms"}


# the credits --------------------------------------------------------------------------------------------------------


def test_the_licence_filters_are_sentences_with_their_numbers(screen: Screen, trees: Project) -> None:
    options = box(screen("credits", project="trees"), "Which pictures").options
    assert options[0] == "all kept pictures · 199"
    assert "public domain only: no conditions · 40" in options
    assert any(option.startswith("may be copied with credit") and option.endswith("· 119") for option in options)


def test_each_file_is_made_when_its_button_is_pressed(
    screen: Screen, store: Store, trees: Project, monkeypatch
) -> None:
    asked: list = []
    monkeypatch.setattr("core.credits.write", lambda *given: asked.append(given))
    shown = screen("credits", project="trees")
    fine(shown)
    assert {each.proto.label for each in shown.get("download_button")} == {
        "Download credits.csv",
        "Download credits.html",
    }
    assert all(each.proto.deferred_file_id for each in shown.get("download_button")) and not asked


def test_what_is_downloaded_is_what_the_command_line_writes(store: Store, trees: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(rights.written(store, trees, "public", "credits.csv").decode())))
    assert len(rows) == 40 and {row["licence"] for row in rows} == {"CC0 1.0"}
    assert "40 pictures" in rights.written(store, trees, "public", "credits.html").decode()


def test_many_pictures_are_credited_in_a_terminal(screen: Screen, trees: Project, monkeypatch) -> None:
    monkeypatch.setattr(rights, "INLINE", 100)
    shown = screen("credits", project="trees")
    box(shown, "Which pictures").set_value("open").run()
    assert "199 pictures" in fine(shown) and not shown.get("download_button")
    assert shown.code[0].value == "python -m core export --project trees --to credits --format credits --licence open"


def test_every_word_of_a_screen_has_a_meaning() -> None:
    assert set(terms.STATUSES) == {"pending", "fetched", "duplicate", "failed"}
    assert all(terms.about("status", status) for status in terms.STATUSES)
    assert terms.shown("host", "") == "this computer" and terms.shown("status", "odd") == "odd"
    assert "credits" in house.SCREENS


def test_the_words_of_an_unset_filter_fit_into_it() -> None:
    assert set(terms.EVERY) >= set(terms.TITLES) and max(len(words) for words in terms.EVERY.values()) <= 15
