"""A scrape at work: targets, pauses, rules, archives, and what is said at the end."""

from __future__ import annotations

import csv
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import steps
from core.engine.local import Local
from core.errors import BadInput, Refused
from core.model import Candidate, ClassInfo, Results
from core.sources import SOURCES, Source
from db.store import Store
from tests.provider import Provider
from tests.scenes import jpeg, scene
from tests.test_whole_path import Path_


@pytest.fixture
def provider(monkeypatch) -> Iterator[Provider]:
    with Provider() as running:
        monkeypatch.setenv("WINNOW_OPENVERSE_URL", running.url)
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", running.allow)
        monkeypatch.setenv("WINNOW_HOST_RATE", "off")
        running.images = {f"/{n}.jpg": jpeg(scene(n)) for n in range(30)}
        yield running


@pytest.fixture
def path(store: Store, provider: Provider) -> Path_:
    return Path_(store, ("sedan", "suv"))


def found(provider: Provider, *numbers: int) -> list[dict]:
    return [{"url": f"{provider.url}/{n}.jpg", "license": "by" if n % 2 else "by-nc"} for n in numbers]


def counts(path: Path_) -> dict[str, int]:
    return {label: sum(row.values()) for label, row in path.store.counts(path.project.id).items()}


# targets ------------------------------------------------------------------------------------------------------------


def test_a_target_is_met_though_downloads_fail_and_copies_come_twice(path: Path_, provider: Provider) -> None:
    broken = [{"url": f"{provider.url}/status/404"}, {"url": f"{provider.url}/status/410"}]
    provider.found = {
        "sedan": broken + found(provider, 0, 0, *range(1, 9)) * 2 + found(provider, 9),
        "suv": found(provider, *range(10, 26)),
    }
    result = path("scrape", source="openverse", target=10)
    assert counts(path) == {"sedan": 10, "suv": 10}
    assert result["found"] == result["fetched"] + result["duplicate"] + result["failed"]
    assert result["short"] == {} and result["searches"]["asked"] == 4


def test_a_class_that_falls_short_gets_its_synonyms_and_it_is_said(path: Path_, provider: Provider) -> None:
    provider.found = {
        "sedan": found(provider, 0, 1),
        "saloon": found(provider, 2, 3),
        "suv": found(provider, 4, 5, 6, 7),
    }
    path.store.set_infos(path.project.id, {"sedan": ClassInfo(synonyms=("saloon",))})
    path.project = path.store.project("cars")
    result = path("scrape", source="openverse", target=4)
    assert counts(path) == {"sedan": 4, "suv": 4}
    assert result["widened"] == {"sedan": {"saloon (Openverse)": 2}}


def test_a_class_that_stays_short_is_named_with_what_it_has(path: Path_, provider: Provider) -> None:
    provider.found = {"sedan": found(provider, 0, 1), "suv": found(provider, 4, 5, 6, 7)}
    assert path("scrape", source="openverse", target=4)["short"] == {"sedan": 2}


def test_a_second_scrape_tops_up_what_a_person_rejected_and_fetches_nothing_twice(
    path: Path_, provider: Provider
) -> None:
    provider.found = {"sedan": found(provider, *range(8)), "suv": found(provider, *range(8, 16))}
    path("scrape", source="openverse", target=8)
    asked = len(provider.requests)
    again = path("scrape", source="openverse", target=8)
    assert again["found"] == 0 and len(provider.requests) == asked, "every class has its eight"
    provider.found["sedan"] += found(provider, 20, 21)
    result = path("scrape", source="openverse", target=9, only=["sedan"])
    assert (result["fetched"], result["duplicate"]) == (1, 8)
    assert counts(path) == {"sedan": 9, "suv": 8}
    fetched = [asked for asked, _, _ in provider.requests if asked.endswith(".jpg")]
    assert len(fetched) == len(set(fetched)) == 17


def test_only_the_classes_that_were_named_are_asked_for(path: Path_, provider: Provider) -> None:
    provider.found = {"sedan": found(provider, 0), "suv": found(provider, 1)}
    path("scrape", source="openverse", only=["suv"])
    assert counts(path) == {"suv": 1}


def test_pictures_whose_licence_does_not_allow_it_are_counted_and_not_fetched(path: Path_, provider: Provider) -> None:
    provider.found = {"sedan": found(provider, 0, 1, 2, 3)}
    result = path("scrape", source="openverse", options={"licence": "commercial"})
    assert (result["fetched"], result["failures"]) == (2, {"licence": 2})
    assert {asked for asked, _, _ in provider.requests if asked.endswith(".jpg")} == {"/1.jpg", "/3.jpg"}


def test_a_source_that_wants_a_pause_is_asked_again_after_it(path: Path_, provider: Provider, monkeypatch) -> None:
    left, pauses = [1], []

    def search(query: str, cursor: str, options: object, get: object) -> Results:
        left[0] -= 1
        return Results((Candidate(f"{provider.url}/{len(pauses)}.jpg", "", "slow"),))

    def pause(options: object) -> float:
        if left[0] > 0:
            return 0.0
        pauses.append(0.3)
        left[0] = 1
        return 0.3

    monkeypatch.setitem(SOURCES, "slow", Source("Slow", "", search, pause=pause))
    result = path("scrape", source="slow", limit=1)
    assert (result["fetched"], len(pauses)) == (2, 1)


# what a host permits ------------------------------------------------------------------------------------------------


def test_what_a_host_permits_is_kept_with_each_address(path: Path_, provider: Provider) -> None:
    provider.robots = b"User-agent: *\nDisallow: /2.jpg\n"
    provider.found = {"sedan": found(provider, 1, 2)}
    result = path("scrape", source="openverse")
    assert result["failures"] == {"robots": 1}
    rows, _ = path.store.provenance(path.project.id), None
    by_url = {row["url"].rpartition("/")[2]: row for row in rows}
    assert by_url["1.jpg"]["permission"].startswith("allowed: robots.txt")
    assert "/2.jpg" in by_url["2.jpg"]["sentence"] and "robots.txt" in by_url["2.jpg"]["sentence"]
    assert by_url["2.jpg"]["permission"] == f"refused: {by_url['2.jpg']['sentence']}"
    assert not [asked for asked, _, _ in provider.requests if asked == "/2.jpg"]


def test_an_address_that_failed_keeps_what_its_host_permits_too(path: Path_, provider: Provider) -> None:
    provider.found = {"sedan": [{"url": f"{provider.url}/{what}"} for what in ("status/404", "status/500", "reset")]}
    path("scrape", source="openverse")
    rows = path.store.provenance(path.project.id)
    assert {row["permission"] for row in rows} == {"allowed: no robots.txt (http 404)"} and len(rows) == 3


def test_an_address_that_failed_is_not_asked_again_by_its_job_and_its_copy_says_the_same(
    path: Path_, provider: Provider, tmp_path: Path
) -> None:
    rows = [(f"{provider.url}/status/404", "sedan")] + [(f"{provider.url}/{n % 30}.jpg", "suv") for n in range(1500)]
    options = table(tmp_path, [*rows, (f"{provider.url}/status/404", "suv")])
    result = path("scrape", source="urls", options=options)
    assert (result["found"], result["failures"]) == (1502, {"http 404": 2})
    assert [asked for asked, _, _ in provider.requests].count("/status/404") == 1


# sources with labels of their own -----------------------------------------------------------------------------------


def table(tmp_path: Path, rows: list[tuple[str, str]]) -> dict[str, str]:
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("url", "label"), *rows])
    return {"table": str(tmp_path / "t.csv")}


def test_rules_take_a_part_of_a_table_and_say_what_they_left_out(
    path: Path_, provider: Provider, tmp_path: Path
) -> None:
    rows = [(f"{provider.url}/{n}.jpg", "sedan" if n < 10 else "suv" if n < 13 else "tank") for n in range(20)]
    options = table(tmp_path, rows)
    result = path("scrape", source="urls", options=options, rules={"per_class": 2}, only=["sedan", "suv"])
    assert counts(path) == {"sedan": 2, "suv": 2}
    assert (result["found"], result["left_out"]) == (4, {"rows": 16, "classes": 1})


def test_labels_of_another_data_set_are_mapped_to_classes(path: Path_, provider: Provider, tmp_path: Path) -> None:
    rows = [(f"{provider.url}/{n}.jpg", label) for n, label in enumerate(("bmw_3_2008", "bmw_x5_2010", "trailer"))]
    mapping = {"bmw_3_2008": "sedan", "bmw_x5_2010": "suv", "trailer": ""}
    result = path("scrape", source="urls", options=table(tmp_path, rows), mapping=mapping)
    assert counts(path) == {"sedan": 1, "suv": 1}
    assert (result["failed"], result["left_out"]) == (0, {"rows": 1, "classes": 1})


def test_one_url_under_two_classes_is_fetched_once_and_is_a_label_conflict(
    path: Path_, provider: Provider, tmp_path: Path
) -> None:
    options = table(tmp_path, [(f"{provider.url}/1.jpg", "sedan"), (f"{provider.url}/1.jpg", "suv")])
    result = path("scrape", source="urls", options=options)
    assert (result["fetched"], result["duplicate"]) == (1, 1)
    assert [asked for asked, _, _ in provider.requests] == ["/1.jpg"]
    assert path("clean")["findings"]["label_conflict"] == 1


def test_an_archive_is_read_like_a_folder_and_leaves_nothing_unpacked(path: Path_, tmp_path: Path, monkeypatch) -> None:
    with zipfile.ZipFile(tmp_path / "cars.zip", "w") as archive:
        for n, name in enumerate(("train/sedan/a.jpg", "train/suv/b.jpg", "test/suv/c.jpg")):
            archive.writestr(name, jpeg(scene(n)))
        archive.writestr("../../evil.jpg", jpeg(scene(9)))
    result = path("scrape", source="archive", options={"path": str(tmp_path / "cars.zip")})
    assert (result["fetched"], result["failures"]) == (3, {"unsafe name": 1})
    (first, *_) = path.store.images(path.project.id)
    assert (first.origin, first.part) == (f"{tmp_path}/cars.zip!/train/sedan/a.jpg", "train")
    assert not list(path.settings.home.glob("unpacked/*"))


@pytest.mark.parametrize("name", ["9f86d081884c7d65", "999", ".DS_Store"])
def test_whatever_lies_among_the_unpacked_archives_is_cleared_up_and_fails_no_job(
    path: Path_, provider: Provider, tmp_path: Path, name: str
) -> None:
    (path.settings.home / "unpacked" / name).mkdir(parents=True)
    assert path("scrape", source="urls", options=table(tmp_path, [(f"{provider.url}/1.jpg", "suv")]))["fetched"] == 1
    assert not list(path.settings.home.glob("unpacked/*"))


def test_a_changed_table_loses_no_row_whose_address_stands_in_it_twice(
    path: Path_, provider: Provider, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("core.scrape.rounds.ROWS", 2)
    url = [f"{provider.url}/{n}.jpg" for n in range(5)]
    table_rows = [(url[0], "suv"), (url[1], "suv"), (url[0], "sedan"), (url[2], "unheard of"), (url[3], "left out")]
    params = {"source": "urls", "options": table(tmp_path, table_rows), "mapping": {"left out": ""}}
    job = path.store.submit("scrape", params, path.project.id).id
    taken = path.store.claim("here", 3600)
    assert taken is not None
    before = [Candidate(url[0], "suv", "urls"), Candidate(url[1], "suv", "urls")]
    path.store.add_candidates(taken[1], path.project.id, 0, before)
    path.store.release(taken[1], died=True)
    table(tmp_path, [(url[4], "suv"), *table_rows])
    result = path.go_on(job)
    assert result["left_out"] == {"rows": 1, "classes": 1}
    assert (result["found"], result["fetched"], result["failures"]) == (5, 3, {"unknown class": 1})
    assert result["classes"]["sedan"]["duplicate"] == 1


def test_a_source_that_wants_to_be_left_alone_for_long_is_not_waited_for_query_by_query(
    path: Path_, provider: Provider, monkeypatch
) -> None:
    def held(query: str, cursor: str, options: object, get: object) -> Results:
        error = Refused("asked for a pause", "held.example asked for a pause of 50 minutes more: try later.")
        error.pause = 3000.0
        raise error

    monkeypatch.setitem(SOURCES, "held", Source("Held", "", held))
    path.project = path.store.add_project("many", [f"class {n}" for n in range(20)])
    began = time.monotonic()
    with pytest.raises(Refused, match="50 minutes more"):
        path("scrape", source="held")
    assert time.monotonic() - began < 4
    assert len(path.store.failed_searches(path.project.id)) == 20


def test_two_sources_with_labels_or_none_at_all_are_refused(path: Path_) -> None:
    for source in ("", "folder,urls", "openverse,folder"):
        with pytest.raises(BadInput, match="at a time"):
            path("scrape", source=source)


def test_a_known_table_brings_the_pictures_beside_it(path: Path_, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for n in (1163, 1164):
        (tmp_path / "images" / f"{n}.jpg").write_bytes(jpeg(scene(n % 30)))
    (tmp_path / "styles.csv").write_text(
        "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
        "1163,Men,Apparel,Topwear,SUV,Blue,Summer,2011,Sports,Nike Jersey\n"
        "1164,Men,Apparel,Topwear,Sedan,Blue,Winter,2015,Sports,Nike, a jersey\n"
        "1165,Men,Apparel,Topwear,Sedan,Blue,Winter,2015,Sports,Gone\n"
    )
    result = path("scrape", source="urls", options={"table": str(tmp_path / "styles.csv"), "preset": "styles"})
    assert counts(path) == {"suv": 1}
    assert result["failures"] == {"wrong number of fields": 1, "no such file": 1}


def test_a_table_without_a_folder_reads_no_file_of_this_computer(path: Path_, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg(scene(1)))
    rows = [(str(tmp_path / "secret.jpg"), "suv"), (f"file://{tmp_path}/secret.jpg", "suv"), ("secret.jpg", "suv")]
    result = path("scrape", source="urls", options=table(tmp_path, rows))
    assert (result["fetched"], result["failed"]) == (0, 3)
    assert set(result["failures"]) <= {"malformed url", "forbidden address"}


def test_a_source_that_is_down_is_not_waited_for_again_and_again(path: Path_, provider: Provider, monkeypatch) -> None:
    asked = []

    def down(query: str, cursor: str, options: object, get: object) -> Results:
        asked.append(query)
        raise Refused("timeout", "It did not answer within 20 seconds.")

    monkeypatch.setitem(SOURCES, "down", Source("Down", "", down))
    provider.found = {f"class {n}": found(provider, n) for n in range(8)}
    path.project = path.store.add_project("many", [f"class {n}" for n in range(8)])
    result = path("scrape", source="down,openverse", limit=1)
    assert (len(asked), result["fetched"]) == (3, 8)
    assert result["searches"]["failed"] == {"timeout": 8}
    assert path.store.retryable(path.project.id) == 8


@pytest.mark.parametrize("gone", [(0, 1), (1,)])  # without one, the row where it was broken off is the same as before
def test_a_folder_that_changed_while_its_job_was_broken_off_loses_no_file(
    path: Path_, tmp_path: Path, monkeypatch, gone: tuple[int, ...]
) -> None:
    monkeypatch.setattr("core.scrape.rounds.ROWS", 4)
    (tmp_path / "pictures" / "suv").mkdir(parents=True)
    for n in range(12):
        (tmp_path / "pictures" / "suv" / f"{n:02}.jpg").write_bytes(jpeg(scene(n)))
    job = path.store.submit(
        "scrape", {"source": "folder", "options": {"path": str(tmp_path / "pictures")}}, path.project.id
    )
    job_, claim = path.store.claim("here", 3600) or (None, None)
    assert job_ is not None and claim is not None
    before = [Candidate(f"{tmp_path}/pictures/suv/{n:02}.jpg", "suv", "folder") for n in range(4)]
    path.store.add_candidates(claim, path.project.id, 0, before)
    path.store.release(claim, died=False)
    for n in gone:
        (tmp_path / "pictures" / "suv" / f"{n:02}.jpg").unlink()
    (tmp_path / "pictures" / "suv" / "00a.jpg").write_bytes(jpeg(scene(20)))
    result = path.go_on(job.id)
    assert (result["found"], result["fetched"]) == (13, 13 - len(gone))
    assert result["failures"] == {"no such file": len(gone)}


def test_what_came_in_before_its_job_broke_off_is_not_asked_for_again(
    path: Path_, provider: Provider, tmp_path: Path, monkeypatch
) -> None:
    names = [*(f"{n}.jpg" for n in range(20)), "status/404", "html.jpg"]
    provider.images["/html.jpg"] = b"<html>no picture</html>"
    options = table(tmp_path, [(f"{provider.url}/{name}", "suv") for name in names])
    job = path.store.submit("scrape", {"source": "urls", "options": options}, path.project.id).id
    taken = path.store.claim("here", 3600)
    assert taken is not None
    ctx = steps.Context(path.store, path.blobs, Local(32), path.settings, *taken, path.project)
    inbox = path.settings.home / "incoming" / str(path.project.id)

    def broken(*_: object) -> None:
        until = time.monotonic() + 20
        while len(list(inbox.glob("*/*"))) < len(names) and time.monotonic() < until:
            time.sleep(0.05)
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as short, pytest.raises(RuntimeError, match="the power is gone"):
        short.setattr(path.store, "add_fetched", broken)
        list(steps.scrape(ctx, source="urls", options=options))
    path.store.release(taken[1], died=True)
    assert len(provider.requests) == len(names)
    result = path.go_on(job)
    assert (result["fetched"], result["failures"]) == (20, {"http 404": 1, "not an image": 1})
    assert len(provider.requests) == len(names)
    assert not any(inbox.iterdir())


def test_a_source_that_is_busy_for_a_moment_is_asked_once_more(path: Path_, provider: Provider, monkeypatch) -> None:
    monkeypatch.setattr("core.scrape.ask.BUSY", 0.1)
    asked = []

    def busy(query: str, cursor: str, options: object, get: object) -> Results:
        asked.append(query)
        if len(asked) == 1:
            raise Refused("asked for a pause", "Wikimedia Commons asks for a pause of 5 seconds (maxlag).")
        return Results((Candidate(f"{provider.url}/{len(asked)}.jpg", "", "busy"),))

    monkeypatch.setitem(SOURCES, "busy", Source("Busy", "", busy))
    result = path("scrape", source="busy", limit=1)
    assert (asked, result["fetched"]) == (["sedan", "sedan", "suv"], 2)


def test_what_is_ready_is_stored_while_other_hosts_keep_their_pictures_back(
    path: Path_, provider: Provider, tmp_path: Path
) -> None:
    rows = [(f"{provider.url}/{n}.jpg", "suv") for n in range(20)] + [
        (f"{provider.url}/never?{n}", "suv") for n in range(8)
    ]
    store = path.store
    store.submit("scrape", {}, path.project.id)
    job, claim = store.claim("here", 3600) or (None, None)
    assert job is not None and claim is not None
    ctx = steps.Context(store, path.blobs, Local(16), path.settings, job, claim, path.project)
    step = steps.scrape(ctx, source="urls", options=table(tmp_path, rows), deadline=12)
    began, stored = time.monotonic(), 0
    for _ in step:
        stored = sum(sum(row.values()) for row in store.counts(path.project.id).values())
        if stored == 20:
            break
    assert stored == 20 and time.monotonic() - began < 10, "not before the others' deadline"
    step.close()


def test_while_a_source_takes_its_time_what_is_there_is_stored_and_the_job_says_whom_it_asks(
    path: Path_, provider: Provider, monkeypatch
) -> None:
    answer = threading.Event()

    def slow(query: str, cursor: str, options: object, get: object) -> Results:
        if query == "suv":
            answer.wait(30)
        return Results((Candidate(f"{provider.url}/{len(query)}.jpg", "", "slow"),))

    monkeypatch.setitem(SOURCES, "slow", Source("Slow", "", slow))
    store = path.store
    store.submit("scrape", {}, path.project.id)
    job, claim = store.claim("here", 3600) or (None, None)
    assert job is not None and claim is not None
    ctx = steps.Context(store, path.blobs, Local(4), path.settings, job, claim, path.project)
    said = []
    for progress in steps.scrape(ctx, source="slow", limit=1):
        if not answer.is_set():
            said.append((progress.done, progress.note))
        if said[-1] == (1, "1 new, 0 already there, 0 failed; asking Slow for 'suv'"):
            answer.set()
    assert answer.is_set(), said
    assert progress.note == "2 new, 0 already there, 0 failed"
