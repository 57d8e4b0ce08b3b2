"""Trying again what failed: single addresses, whole searches, and what a stopped fetch left over."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import steps
from core.engine.local import Local
from core.errors import Refused
from core.model import Candidate
from db.store import Store
from tests.provider import Provider, whole
from tests.scenes import jpeg, scene
from tests.test_whole_path import Path_

SEDANS = 25  # more than one page of the search


@pytest.fixture
def provider(monkeypatch) -> Iterator[Provider]:
    with Provider() as running:
        monkeypatch.setenv("WINNOW_OPENVERSE_URL", running.url)
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", running.allow)
        monkeypatch.setenv("WINNOW_HOST_RATE", "off")
        running.images = {f"/{n}.jpg": jpeg(scene(n)) for n in range(SEDANS + 1)}
        running.found["sedan car"] = [{"url": f"{running.url}/{n}.jpg"} for n in range(SEDANS)]
        running.found["suv car"] = [{"url": f"{running.url}/{SEDANS}.jpg"}]
        yield running


@pytest.fixture
def path(store: Store, provider: Provider) -> Path_:  # the settings name the provider
    return Path_(store, ("sedan", "suv"))


def broken(provider: Provider, monkeypatch, page: str, times: int = 1) -> None:
    """The search for sedans breaks on this page so many times."""
    plain: Callable = provider._search
    left = [times]

    def search(query: dict[str, str]) -> bytes:
        if query["q"] == "sedan car" and query["page"] == page and left[0]:
            left[0] -= 1
            return whole(b"<html>")
        return plain(query)

    monkeypatch.setattr(provider, "_search", search)


@pytest.mark.parametrize(("page", "before"), [("1", 1), ("2", 21)])
def test_a_search_that_failed_is_asked_again_as_it_was_and_nothing_is_doubled(
    path: Path_, provider: Provider, monkeypatch, page: str, before: int
) -> None:
    store, project = path.store, path.project
    broken(provider, monkeypatch, page)
    first = path("scrape", source="openverse", query="{class} car", limit=23)
    assert (first["fetched"], first["searches"]["failed"]) == (before, {"malformed answer": 1})
    assert store.retryable(project.id) == 1 and store.failed_searches(project.id)[0].retryable

    again = path("scrape", retry=True)
    assert (again["found"], again["fetched"], again["duplicate"], again["failed"]) == (24 - before, 24 - before, 0, 0)
    funnel = store.funnel(project.id)
    assert (funnel.found, funnel.unique, funnel.failed, funnel.pending) == (24, 24, 0, 0)
    assert store.retryable(project.id) == 0
    assert store.counts(project.id) == {"sedan": {"undecided": 23}, "suv": {"undecided": 1}}


def test_a_search_that_fails_once_more_stays_one_failure_that_may_be_retried(
    path: Path_, provider: Provider, monkeypatch
) -> None:
    store, project = path.store, path.project
    broken(provider, monkeypatch, "2", times=2)
    path("scrape", source="openverse", query="{class} car")
    again = path("scrape", retry=True)
    assert (again["found"], store.failed_searches(project.id)[0].reason) == (0, "malformed answer")
    assert store.retryable(project.id) == 1
    assert path("scrape", retry=True)["fetched"] == SEDANS - 20
    assert store.failed_searches(project.id) == [] and store.retryable(project.id) == 0


def test_a_retry_that_is_broken_off_leaves_the_rest_of_its_search_to_its_next_attempt(
    path: Path_, provider: Provider, monkeypatch
) -> None:
    store, project = path.store, path.project
    broken(provider, monkeypatch, "1")
    path("scrape", source="openverse", query="{class} car")
    job = store.submit("scrape", {"retry": True}, project.id)
    taken = store.claim("here", 3600)
    assert taken is not None
    (failed,) = store.failed_searches(project.id)
    answer = replace(failed, id=0, status="done", found=1, next="2", reason="", sentence="", retryable=False)
    found = [Candidate(f"{provider.url}/0.jpg", "sedan", "openverse")]
    store.add_search(taken[1], project.id, answer, 0, found, failed.id)
    assert store.failed_searches(project.id) == []
    store.release(taken[1], died=False)
    result = path.go_on(job.id)
    assert result["fetched"] == SEDANS - 20 + 1  # the first page counts as one here, the second was asked for
    assert store.retryable(project.id) == 0


def test_a_retry_unpacks_the_archive_of_a_job_that_was_stopped_and_clears_up_after_both(
    path: Path_, tmp_path: Path
) -> None:
    names = ("sedan/a.jpg", "suv/b.jpg", "suv/c.jpg")
    with zipfile.ZipFile(tmp_path / "cars.zip", "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(name, jpeg(scene(n)))
    store, options = path.store, {"path": str(tmp_path / "cars.zip")}
    number = store.submit("scrape", {"source": "archive", "options": options}, path.project.id).id
    taken = store.claim("here", 3600)
    assert taken is not None
    found = [Candidate(f"{tmp_path}/cars.zip!/{name}", name.split("/")[0], "archive") for name in names]
    store.add_candidates(taken[1], path.project.id, 0, found)
    store.finish(taken[1], "stopped", None)
    left = path.settings.home / "unpacked" / str(number)
    left.mkdir(parents=True)
    assert store.retryable(path.project.id) == 3
    again = path("scrape", retry=True)
    assert (again["found"], again["fetched"]) == (3, 3)
    assert not list(left.parent.iterdir())


@pytest.mark.parametrize("ended", ["stopped", "failed for a while", "broken off"])
def test_what_another_job_brought_meanwhile_is_not_asked_for_again(
    path: Path_, provider: Provider, tmp_path: Path, ended: str
) -> None:
    urls = [f"{provider.url}/{n}.jpg" for n in range(10)]
    (tmp_path / "t.csv").write_text("url,label\n" + "".join(f"{url},suv\n" for url in urls))
    params = {"source": "urls", "options": {"table": str(tmp_path / "t.csv")}}
    store = path.store
    first = store.submit("scrape", params, path.project.id)
    taken = store.claim("here", 3600)
    assert taken is not None
    store.add_candidates(taken[1], path.project.id, 0, [Candidate(url, "suv", "urls") for url in urls])
    if ended == "failed for a while":
        late = Refused("timeout", "It took too long.")
        store.add_fetched(taken[1], path.project.id, [(url, late, "") for url in urls])
    if ended != "broken off":
        store.finish(taken[1], "stopped", None)
    store.submit("scrape", params, path.project.id)
    second = store.claim("here", 3600)
    assert second is not None
    ctx = steps.Context(store, path.blobs, Local(4), path.settings, *second, path.project)
    list(steps.scrape(ctx, **params))
    store.finish(second[1], "done", {})
    assert len(provider.requests) == 10
    if ended == "broken off":
        store.release(taken[1], died=True)
    again = path.go_on(first.id) if ended == "broken off" else path("scrape", retry=True)
    assert (again["found"], again["duplicate"], len(provider.requests)) == (10, 10, 10)


def test_a_job_with_a_preset_that_there_is_no_more_stands_in_no_retrys_way(path: Path_, provider: Provider) -> None:
    store = path.store
    store.submit("scrape", {"source": "urls", "options": {"table": "/t.csv", "preset": "forgotten"}}, path.project.id)
    taken = store.claim("here", 3600)
    assert taken is not None
    store.finish(taken[1], "failed", None, "There is no preset named 'forgotten'.")
    assert path("scrape", retry=True)["found"] == 0
