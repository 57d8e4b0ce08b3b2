"""Where candidates came from and what became of them: counted, page by page, and for the credits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event

from core.errors import BadInput, Permanent, Refused
from core.model import Candidate, Claim, Project
from db.store import Store
from db.store.provenance import Which
from tests.db.conftest import facts, operation, reject

HOSTS = ("a.org", "b.org", "c.org")
FOUND = [
    Candidate(f"https://{HOSTS[i % 3]}/{i:02d}", "sedan" if i % 2 else "coupe", "openverse" if i < 20 else "urls",
              licence="CC BY 4.0" if i % 4 else "unknown", creator=f"Ann {i}", query="old car")
    for i in range(30)
]  # fmt: skip
BROKEN = {2: "robots", 5: "http 404", 8: "robots"}  # place -> why it failed


@pytest.fixture
def filled(store: Store, project: Project, claim: Callable[..., Claim]) -> Project:
    """FOUND: of thirty, three failed, 25 to 29 are pending, the rest brought images; 10 and 11 the same one."""
    by = claim()
    store.add_candidates(by, project.id, 0, FOUND)
    store.add_fetched(by, project.id, [
        (each.url, Permanent(BROKEN[i], f"No, says {i}.") if i in BROKEN else facts(str(10 if i == 11 else i)), "robots.txt: free")
        for i, each in enumerate(FOUND[:25])
    ])  # fmt: skip
    return project


@pytest.fixture
def plans(store: Store) -> Iterator[Callable[[], str]]:
    """How SQLite finds what was asked for last."""
    asked: list = []

    def note(connection, cursor, statement, parameters, *_) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    def plan() -> str:
        statement, parameters = asked[-1]
        with store._engine.connect() as c:
            return "; ".join(row[3] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    yield plan
    event.remove(store._engine, "before_cursor_execute", note)


def ids(rows: list) -> list[int]:
    return [row["id"] for row in rows]


# counts -------------------------------------------------------------------------------------------------------------


def test_candidates_are_counted_by_each_dimension(store, filled):
    def counted(dimension):
        return dict(store.provenance_counts(filled.id, dimension).largest)

    assert counted("source") == {"openverse": 20, "urls": 10}
    assert counted("licence") == {"CC BY 4.0": 22, "unknown": 8}
    assert counted("host") == dict.fromkeys(HOSTS, 10)
    assert counted("status") == {"fetched": 21, "pending": 5, "failed": 3, "duplicate": 1}
    assert counted("reason") == {"robots": 2, "http 404": 1}


def test_only_the_largest_are_named_and_the_rest_is_counted(store, filled):
    counts = store.provenance_counts(filled.id, "status", largest=2)
    assert list(counts.largest.items()) == [("fetched", 21), ("pending", 5)]
    assert (counts.values, counts.total, counts.rest) == (4, 30, 4)


def test_the_filters_of_the_other_dimensions_count_and_its_own_does_not(store, filled):
    which = Which(source="urls", status="pending", label="coupe")
    assert dict(store.provenance_counts(filled.id, "status", which).largest) == {"fetched": 3, "pending": 2}
    assert dict(store.provenance_counts(filled.id, "source", which).largest) == {"urls": 2}


def test_only_failures_have_reasons(store, filled):
    assert store.provenance_counts(filled.id, "reason", Which(status="fetched")).total == 0
    assert store.provenance_counts(filled.id, "reason", Which(host="c.org")).total == 3


def test_an_address_that_waits_for_another_try_has_no_reason_any_longer(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, FOUND[:1])
    store.add_fetched(by, project.id, [(FOUND[0].url, Refused("http 503", "busy"), "")])
    store.finish(by, "done")
    store.retry(claim(), project.id)
    assert store.provenance_counts(project.id, "reason").total == 0
    assert store.provenance(project.id, Which(reason="http 503")) == []


def test_a_project_without_candidates_counts_nothing(store, filled):
    other = store.add_project("boats", ["sloop"])
    counts = store.provenance_counts(other.id, "licence")
    assert (counts.largest, counts.values, counts.total, counts.rest) == ({}, 0, 0, 0)


# pages --------------------------------------------------------------------------------------------------------------


def test_a_row_says_all_that_is_known(store, filled):
    (row,) = store.provenance(filled.id, Which(url=FOUND[2].url, exact=True))
    assert (row["url"], row["host"], row["source"], row["label"]) == ("https://c.org/02", "c.org", "openverse", "coupe")
    assert (row["licence"], row["creator"], row["query"]) == ("CC BY 4.0", "Ann 2", "old car")
    assert (row["status"], row["reason"], row["sentence"]) == ("failed", "robots", "No, says 2.")
    assert (row["permission"], row["image"]) == ("robots.txt: free", None) and row["fetched"]


FILTERS = [
    Which(), Which(source="urls"), Which(licence="unknown"), Which(host="b.org"), Which(status="fetched"),
    Which(reason="robots"), Which(label="sedan"), Which(url="https://a.org/"), Which(url="https"),
    Which(source="openverse", licence="CC BY 4.0", host="a.org", label="sedan"),
]  # fmt: skip


def right(row: dict, which: Which) -> bool:
    asked = {name: value for name in ("source", "licence", "host", "status", "reason", "label")
             if (value := getattr(which, name)) is not None}  # fmt: skip
    return all(row[name] == value for name, value in asked.items()) and row["url"].startswith(which.url)


@pytest.mark.parametrize("which", FILTERS, ids=str)
def test_pages_go_on_and_back_with_each_row_once(store, filled, which):
    wanted = [row for row in store.provenance(filled.id, limit=1000) if right(row, which)]
    if which.url:
        wanted.sort(key=lambda row: (row["url"], row["id"]))
    pages, after = [], 0
    while page := store.provenance(filled.id, which, after=after, limit=4):
        pages.append(page)
        after = page[-1]["id"]
    assert [row for page in pages for row in page] == wanted and wanted
    for before, page in zip(pages, pages[1:], strict=False):
        assert store.provenance(filled.id, which, before=page[0]["id"], limit=4) == before
    assert store.provenance(filled.id, which, before=pages[0][0]["id"], limit=4) == []


def test_the_same_address_found_again_and_again_is_paged_too(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, [replace(FOUND[0], title=str(i)) for i in range(9)])
    which, seen, after = Which(url=FOUND[0].url), [], 0
    while page := store.provenance(project.id, which, after=after, limit=2):
        seen += [row["title"] for row in page]
        after = page[-1]["id"]
    assert seen == [str(i) for i in range(9)]


@pytest.mark.parametrize(("begins", "found"), [
    ("https://a.org/100%", ["https://a.org/100%25.jpg"]), ("https://a.org/a_b", ["https://a.org/a_b.jpg"]), ("%", []),
    ("https://a.org/A", ["https://a.org/Axb.jpg"]), ("'; DROP TABLE candidates;--", []), ("https://a.org/\\", []),
])  # fmt: skip
def test_wildcards_and_letters_in_an_address_are_what_they_are(store, project, claim, begins, found):
    urls = ["https://a.org/100%25.jpg", "https://a.org/1000.jpg", "https://a.org/a_b.jpg", "https://a.org/Axb.jpg"]
    store.add_candidates(claim(), project.id, 0, [Candidate(url, "sedan", "urls") for url in urls])
    assert [row["url"] for row in store.provenance(project.id, Which(url=begins))] == found


@pytest.mark.parametrize("url", ["a\x00b", "\ud800", "h" * 2001])
def test_an_address_that_cannot_be_is_a_sentence(store, project, url):
    with pytest.raises(BadInput):
        store.provenance(project.id, Which(url=url))


def test_a_file_of_this_computer_has_the_host_of_no_name(store, filled, claim):
    store.add_candidates(claim(), filled.id, 0, [Candidate("/pictures/1.jpg", "sedan", "folder")])
    assert [row["url"] for row in store.provenance(filled.id, Which(host=""))] == ["/pictures/1.jpg"]


def test_another_project_s_rows_stay_there(store, filled):
    other = store.add_project("boats", ["sloop"])
    assert store.provenance(other.id) == [] and store.kept_licences(other.id) == {}
    assert list(store.kept_origins(other.id)) == []


@pytest.mark.parametrize(("which", "index"), [
    (Which(host="a.org"), "ix_candidates_project_host_id (project=? AND host=? AND id>?)"),
    (Which(licence="unknown"), "ix_candidates_project_licence_id (project=? AND licence=? AND id>?)"),
    (Which(status="failed"), "ix_candidates_project_status (project=? AND status=? AND rowid>?)"),
    (Which(reason="robots"), "ix_candidates_project_status (project=? AND status=? AND rowid>?)"),
    (Which(), "ix_candidates_project_status (project=? AND status=? AND rowid>?)"),
    (Which(url="https://a"), "ix_candidates_project_url (project=? AND url>? AND url<?)"),
    (Which(url="https://a", exact=True), "ix_candidates_project_url (project=? AND url=? AND rowid>?)"),
])  # fmt: skip
def test_an_index_leads_to_the_page(store, filled, plans, which, index):
    store.provenance(filled.id, which, after=3)
    assert index in plans()
    assert "TEMP B-TREE" not in plans() or which == Which()  # four statuses are merged there, a page of each


@pytest.mark.parametrize("dimension", ["host", "licence", "status"])
def test_an_index_alone_counts_where_there_is_no_filter(store, filled, plans, dimension):
    store.provenance_counts(filled.id, dimension)
    assert f"COVERING INDEX ix_candidates_project_{dimension}" in plans()


# for the credits ----------------------------------------------------------------------------------------------------


def test_each_picture_nobody_rejected_comes_with_its_places(store, filled):
    records = list(store.images(filled.id))
    store.apply(filled.id, operation(reject(records[0].id)))
    kept = list(store.kept_origins(filled.id, batch=4))
    assert [record.id for record, _ in kept] == [record.id for record in records[1:]]
    assert all(origins[0].candidate.url == record.origin and origins[0].fetched for record, origins in kept)
    twice = [tuple(o.candidate.url for o in origins) for _, origins in kept if len(origins) > 1]
    assert twice == [(FOUND[10].url, FOUND[11].url)]
    assert kept[0][1][0].candidate == replace(FOUND[1], part="")


def test_what_brought_a_picture_is_its_first_place_though_another_was_found_before(store, project, claim):
    by = claim()
    store.add_candidates(by, project.id, 0, FOUND[:2])
    store.add_fetched(by, project.id, [(FOUND[1].url, facts("same"), "")])
    store.add_fetched(by, project.id, [(FOUND[0].url, facts("same"), "")])
    ((record, origins),) = store.kept_origins(project.id)
    assert record.origin == FOUND[1].url
    assert [o.candidate.url for o in origins] == [FOUND[1].url, FOUND[0].url]


def test_kept_pictures_are_counted_by_the_licence_they_came_with(store, filled):
    before = store.kept_licences(filled.id)
    assert before == {"CC BY 4.0": 15, "unknown": 6}
    gone = next(
        record for record, origins in store.kept_origins(filled.id) if origins[0].candidate.licence == "unknown"
    )
    store.apply(filled.id, operation(reject(gone.id)))
    assert store.kept_licences(filled.id) == {"CC BY 4.0": 15, "unknown": 5}
