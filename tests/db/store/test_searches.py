"""Answers that were asked for: stored with what they found, once; and asked again where they failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import Fenced
from core.model import ClassInfo, Search
from tests.db.conftest import candidate, statuses


def search(by, cursor="", **more):
    return Search("sedan", "openverse", "sedan", cursor, asked_by=by.job, wanted=40, **more)


def test_an_answer_and_what_it_found_are_stored_together_once(store, project, claim):
    by = claim()
    found = [candidate("http://a/1"), candidate("http://a/2", error="licence")]
    for _ in range(2):
        store.add_search(by, project.id, search(by, found=2, next="2"), 0, found)
    assert statuses(store, by.job) == {"pending": 1, "failed": 1}
    (kept,) = store.searches(by.job)
    assert (kept.label, kept.query, kept.found, kept.next, kept.status) == ("sedan", "sedan", 2, "2", "done")


def test_the_answers_of_a_job_come_in_the_order_they_were_asked_for(store, project, claim):
    by = claim()
    for page in ("", "2", "10"):
        store.add_search(by, project.id, search(by, page), 0, [])
    assert [kept.cursor for kept in store.searches(by.job)] == ["", "2", "10"]
    assert store.searches(claim().job) == []


def test_a_failed_answer_that_is_asked_for_again_by_its_job_is_replaced(store, project, claim):
    by = claim()
    failed = search(by, status="failed", reason="timeout", sentence="No answer.", retryable=True)
    store.add_search(by, project.id, failed, 0, [])
    assert store.retryable(project.id) == 1
    store.add_search(by, project.id, search(by, found=1), 0, [candidate("http://a/1")])
    assert store.failed_searches(project.id) == [] and statuses(store, by.job) == {"pending": 1}
    assert [kept.status for kept in store.searches(by.job)] == ["done"]


def test_a_failed_answer_that_another_job_asked_for_is_not_asked_for_a_third_time(store, project, claim):
    first, again = claim(), claim()
    store.add_search(first, project.id, search(first, status="failed", reason="http 500", retryable=True), 0, [])
    (failed,) = store.failed_searches(project.id)
    store.add_search(again, project.id, replace(failed, id=0, status="done", reason=""), 0, [], failed.id)
    assert store.failed_searches(project.id) == [] and store.retryable(project.id) == 0
    assert [kept.status for kept in store.searches(first.job)] == ["retried"]
    assert store.failed_searches(project.id, first.job) == []


def test_a_job_that_was_taken_over_stores_no_answer(store, project, claim):
    by = claim()
    store.finish(by, "stopped")
    with pytest.raises(Fenced):
        store.add_search(by, project.id, search(by), 0, [candidate("http://a/1")])
    assert store.searches(by.job) == [] and statuses(store, by.job) == {}


def test_a_candidate_keeps_its_words_its_host_and_what_the_host_permits(store, project, claim):
    by = claim()
    found = [candidate("https://Upload.Example.org:8080/1.jpg", query="red sedan"), candidate("/pictures/2.jpg")]
    store.add_candidates(by, project.id, 0, found)
    from core.errors import Permanent

    refused = Permanent("robots", "robots.txt says no.")
    store.add_fetched(by, project.id, [(found[0].url, refused, "allowed: no robots.txt (http 404)")])
    rows = {row["url"]: (row["host"], row["query"], row["permission"]) for row in store.provenance(project.id)}
    assert rows == {found[0].url: ("upload.example.org", "red sedan", "allowed: no robots.txt (http 404)"),
                    found[1].url: ("", "", "")}  # fmt: skip


def test_what_is_known_of_classes_is_kept_replaced_and_forgotten(store):
    info = ClassInfo(("2008 Maserati GranTurismo",), ("GT",), {"make": "Maserati"})
    project = store.add_project("makes", ["Maserati GranTurismo", "Audi A4"], {"Maserati GranTurismo": info})
    assert project.infos == {"Maserati GranTurismo": info}
    project = store.set_infos(project.id, {"Audi A4": ClassInfo(synonyms=("Audi 80",))})
    assert set(project.infos) == {"Maserati GranTurismo", "Audi A4"}
    project = store.set_infos(project.id, {"Audi A4": ClassInfo()})
    assert store.project("makes").infos == project.infos == {"Maserati GranTurismo": info}
