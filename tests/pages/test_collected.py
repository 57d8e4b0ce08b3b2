"""What the page Scrape says during and after a run: bars, speeds, the newest pictures, who is short, why some failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import Permanent, Refused
from core.model import Candidate, Claim, Decision, Job, Operation, Project, Search
from core.scrape import Tally
from db.store import Store
from pages.parts import bars, collected, failed, house, short
from tests.pages import filled
from tests.pages.conftest import ROOT, words

Screen = Callable[..., AppTest]
ROW = {"fetched": 3, "duplicate": 0, "failed": 1, "pending": 6}


def shown_html(shown: AppTest) -> str:
    return "".join(element.proto.body for element in shown.get("html"))


def target(store: Store, project: Project, wanted: int, **params: Any) -> Job:
    """A search with a target that came to its end without finding anything more."""
    job, claim = filled.begin(store, project, "scrape", source="openverse", target=wanted, **params)
    store.finish(claim, "done", {**Tally({}).result(), "widened": {"suv": {"terrain car (Openverse)": 3}}, "short": {}})
    return job


# bars ---------------------------------------------------------------------------------------------------------------


def test_a_bar_says_every_number_and_escapes_the_name() -> None:
    drawn = bars.table({"<b>suv</b>": ROW})
    assert 'title="&lt;b&gt;suv&lt;/b&gt;: 3 new, 0 already there, 1 failed, 6 still to fetch"' in drawn
    assert "<b>3 of 10</b>" in drawn and "<b>suv" not in drawn
    assert re.findall(r"width:([\d.]+)%", drawn) == ["30.00", "10.00", "60.00"]


def test_the_end_of_a_long_name_is_never_cut() -> None:
    assert bars.cut("Air Jordan 11 <b>") == "<s>Air Jorda</s><em>n 11 &lt;b&gt;</em>"
    assert bars.cut("suv") == "<s></s><em>suv</em>"


def test_a_class_without_anything_has_no_bar_and_nothing_is_divided_by_nought() -> None:
    assert "0 of 0" in bars.table({"suv": {}}) and "width:" not in bars.table({"suv": {}})
    assert "listitem" not in bars.table({})


def test_what_sums_up_the_other_classes_leaves_the_bars_their_length() -> None:
    drawn = bars.table({"suv": ROW, "14,940 more classes".replace(",", ""): {**ROW, "fetched": 90_000}})
    assert re.findall(r"width:([\d.]+)%", drawn) == ["30.00", "10.00", "60.00"]
    assert "90,000 of 90,007" in drawn


def test_bars_keep_the_order_of_the_project_whichever_is_the_longest() -> None:
    rows = {"suv": ROW, "2 more classes": ROW, "sedan": ROW}
    assert list(bars.ordered(rows, ["sedan", "coupe", "suv"])) == ["sedan", "suv", "2 more classes"]


@pytest.mark.parametrize(("number", "rows"), [(1, 1), (3, 3), (61, 1), (15_000, 1)])
def test_each_class_of_a_search_has_a_row_from_the_beginning_where_there_are_few(
    store: Store, number: int, rows: int
) -> None:
    project = store.add_project("cars", [f"class {n}" for n in range(number)])
    job, _ = filled.begin(store, project, "scrape", source="openverse,commons")
    job = replace(job, result={"classes": {"class 0": ROW}, "sources": {"openverse": ROW}})
    labels, names = collected.asked_for(project, job)
    assert len({"class 0", *labels}) == rows and list(names) == ["openverse", "commons"]
    assert collected.asked_for(project, replace(job, params={"source": "folder"})) == ((), ())


def test_a_running_scrape_shows_its_speeds_once_and_each_source_of_the_search(
    screen: Screen, store: Store, home: Path
) -> None:
    project = filled.scraped(store, home)
    _, claim = filled.begin(store, project, "scrape", source="openverse,commons")
    result = Tally({("suv", "openverse", "pending", ""): 3, ("suv", "openverse", "fetched", ""): 5}).result()
    detail = {**result, "images_per_second": 11.2, "bytes_per_second": 71_000}
    store.progress(claim, 5, 8, "5 new, 0 already there, 0 failed; asking Openverse for 'suv'", detail)
    shown = screen("scrape", project="cars")
    assert not shown.exception
    said = shown_html(shown) + words(shown) + shown.get("progress")[0].proto.text
    said = said.replace("\\", "")
    assert said.count("a second") == said.count("KB/s") == said.count("s left") == 1
    assert "0 failed; asking Openverse for 'suv'" in said and "5 of 8 addresses found so far" in said
    assert [name in said for name in ("sedan", "coupe", "Openverse", "Wikimedia Commons")] == [True] * 4


# the newest pictures ------------------------------------------------------------------------------------------------


def test_the_newest_pictures_stand_in_twelve_cells_also_while_there_are_fewer(
    screen: Screen, store: Store, home: Path
) -> None:
    project = filled.scraped(store, home, each=1)
    filled.begin(store, project, "scrape", source="openverse")
    cells = shown_html(screen("scrape", project="cars")).partition('class="latest"')[2]
    assert cells.count("<img src=") == 3 and cells.count("<section>") == 9
    assert 'alt="suv, picture 3"' in cells and "/review?project=cars&amp;ids=3" in cells


# afterwards ---------------------------------------------------------------------------------------------------------


def test_a_fetch_that_was_stopped_is_counted_as_it_is_stored_not_as_its_row_said_last(
    screen: Screen, store: Store, home: Path
) -> None:
    project = store.add_project("cars", filled.CLASSES)
    _, claim = filled.begin(store, project, "scrape", source="urls")
    store.progress(claim, 0, 1, "", Tally({("suv", "urls", "pending", ""): 1}).detail())
    store.add_candidates(
        claim, project.id, 0, [Candidate(f"https://a.example.org/{n}", "suv", "urls") for n in range(7)]
    )
    store.finish(claim, "stopped")
    shown = screen("scrape", project="cars")
    assert not shown.exception
    assert {metric.label: metric.value for metric in shown.metric}["Found"] == "7"
    assert "7 addresses still to fetch." in words(shown)


def test_a_retry_says_that_it_was_one(screen: Screen, store: Store, home: Path) -> None:
    project = filled.scraped(store, home)
    _, claim = filled.begin(store, project, "scrape", retry=True)
    store.finish(claim, "done", Tally({("suv", "urls", "failed", "timeout"): 2}).result())
    shown = screen("scrape", project="cars")
    assert "It tried once more what had failed or was left over." in words(shown)
    assert {metric.label: metric.value for metric in shown.metric} == {
        "Tried again": "2", "New pictures": "0", "Already there": "0", "Failed": "2"}  # fmt: skip


# who is short -------------------------------------------------------------------------------------------------------


def test_who_is_short_is_said_as_long_as_it_is_true_whatever_ran_since(
    screen: Screen, store: Store, home: Path
) -> None:
    project = filled.scraped(store, home, each=2)
    target(store, project, 3)
    _, claim = filled.begin(store, project, "scrape", retry=True)
    store.finish(claim, "done", Tally({}).result())
    shown = screen("scrape", project="cars")
    assert "3 classes short of the 3 pictures you asked for: sedan has 2, coupe has 2, suv has 2." in words(shown)
    assert "1 class fell short at first, so more was asked" in [box.label for box in shown.expander]
    target(store, project, 2)
    assert "short of" not in words(screen("scrape", project="cars"))
    first = next(iter(store.images(project.id)))
    store.apply(project.id, Operation("op", "ann", (Decision(first.id, "reject"),)))
    assert "1 class short of the 2 pictures you asked for: sedan has 1. Add other words for it" in words(
        screen("scrape", project="cars")
    )


def test_only_the_classes_that_were_searched_can_be_short(store: Store, home: Path, monkeypatch) -> None:
    project = filled.scraped(store, home, each=2)
    monkeypatch.setattr(house, "store", lambda: store)
    assert short.missing(project, target(store, project, 5, only=["suv", "gone since"])) == {"suv": 2}


def test_a_search_that_was_stopped_is_not_said_to_be_short(store: Store, home: Path, monkeypatch) -> None:
    project = filled.scraped(store, home)
    monkeypatch.setattr(house, "store", lambda: store)
    assert short.newest(project) is None
    _, claim = filled.begin(store, project, "scrape", source="openverse", target=100)
    store.finish(claim, "stopped")
    assert short.newest(project) is None


def test_many_short_classes_are_named_in_part() -> None:
    said = short.sentence({f"class {n}": n for n in range(15_000)}, 100)
    assert said.startswith("15,000 classes short of the 100 pictures you asked for: class 0 has 0, class 1 has 1")
    assert "class 7 has 7 and 14,992 more. Add other words for them" in said
    assert short.sentence({"suv": 0}, 1).startswith("1 class short of the 1 picture you asked for: suv has 0. Add")


# why some failed ----------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(store: Store) -> Callable[[Mapping[str, Refused]], Project]:
    def make(errors: Mapping[str, Refused]) -> Project:
        project = store.add_project("trees", ("oak",))
        _, claim = filled.begin(store, project, "scrape", source="urls")
        store.add_candidates(claim, project.id, 0, [Candidate(url, "oak", "urls") for url in errors])
        store.add_fetched(claim, project.id, [(url, error, "") for url, error in errors.items()])
        store.finish(claim, "done", {"found": len(errors)})
        return project

    return make


@pytest.fixture
def failures(home: Path, workers: list, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AppTest]:
    """The part alone, beside the page that it links to."""

    def part(root: str) -> None:
        import streamlit as st

        from pages.parts import failed, house

        here = st.Page(lambda: failed.show(house.store().project("trees")), title="here", default=True)
        st.navigation([here, st.Page(f"{root}/pages/credits.py")]).run()

    monkeypatch.setattr(house, "script", lambda page: f"{ROOT}/pages/{page}.py")
    return lambda: AppTest.from_function(part, args=(str(ROOT),), default_timeout=30).run()


def test_where_all_failed_for_good_there_is_no_button_but_a_sentence(failures: Callable, failing: Callable) -> None:
    failing({"https://a.example.org/1.jpg": Permanent("noai", "It says no.")})
    shown = failures()
    assert not shown.exception and not shown.button
    assert "**Nothing to retry:** the one failure is for good" in words(shown)
    assert "Other words, on the page Project, or another source bring other pictures." in words(shown)
    assert "all 1,200 failures are for good" in failed.nothing(1200)


def test_each_reason_says_what_it_means_and_whether_another_try_may_help(failures: Callable, failing: Callable) -> None:
    failing({
        "https://a.example.org/1.jpg": Permanent("noai", "It says no."),
        "https://a.example.org/2.jpg": Refused("timeout", "It was slow."),
        "https://a.example.org/3.jpg": Permanent("timeout", "Decoding was slow."),
        "https://a.example.org/4.jpg": Refused("connection", "It broke."),
    })  # fmt: skip
    shown = failures()
    assert not shown.exception
    table = shown.dataframe[0].value.set_index("reason")
    assert dict(table["another try"]) == {"noai": "of no use", "timeout": "may help some", "connection": "may help"}
    assert dict(table["how many"]) == {"noai": 1, "timeout": 2, "connection": 1}
    assert all(table["what it means"].str.endswith("."))
    assert [button.label for button in shown.button] == ["Retry 2 addresses"]
    shown.selectbox[0].set_value("noai").run()
    listed = shown.dataframe[1].value
    assert list(listed["address"]) == ["https://a.example.org/1.jpg"] and list(listed["another try"]) == ["of no use"]
    assert "status=failed&reason=noai" in shown.get("page_link")[0].proto.query_string


def test_a_search_that_failed_is_listed_and_can_be_asked_again(failures: Callable, store: Store) -> None:
    project = store.add_project("trees", ("oak",))
    _, claim = filled.begin(store, project, "scrape", source="openverse")
    search = Search("oak", "openverse", "old oak", status="failed", reason="timeout", sentence="It was slow.", retryable=True, asked_by=claim.job)  # fmt: skip
    store.add_search(claim, project.id, search, 0, [])
    store.finish(claim, "done", {"found": 0})
    shown = failures()
    assert not shown.exception
    assert [box.label for box in shown.expander] == ["1 search failed: why"]
    assert list(shown.dataframe[0].value.iloc[0])[:5] == ["oak", "old oak", "Openverse", "timeout", "may help"]
    assert [button.label for button in shown.button] == ["Retry 1 search"]
    shown.button[0].click()
    assert failed.amount(2, 1) == "2 addresses and 1 search" and failed.amount(1, 0) == "1 address"


def test_a_fetch_that_broke_off_and_left_something_over_has_one_button_for_it(
    failures: Callable, failing: Callable, store: Store
) -> None:
    project = failing({"https://a.example.org/1.jpg": Refused("timeout", "It was slow.")})
    assert [button.label for button in failures().button] == ["Retry 1 address"]
    _, claim = filled.begin(store, project, "scrape", source="urls")
    store.finish(claim, "failed", {}, "No source answers.")
    assert [button.label for button in failures().button] == ["Retry 1 address"]
    store.add_candidates(filled.begin(store, project, "scrape")[1], project.id, 0, [Candidate("https://a.example.org/2.jpg", "oak", "urls")])  # fmt: skip
    job = store.jobs(project.id, limit=1)[0]
    store.finish(Claim(job.id, 1), "failed", Tally(store.tally(job.id)).result(), "Its process died.")
    assert not failures().button


def test_where_nothing_failed_nothing_is_said(failures: Callable, store: Store) -> None:
    store.add_project("trees", ("oak",))
    shown = failures()
    assert not shown.exception and words(shown) == "" and not shown.button
