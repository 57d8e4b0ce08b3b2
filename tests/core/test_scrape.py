"""From a source to bytes: labels, classes, local files, and reasons that can be read."""

import asyncio
import csv
import os
import pickle
import re
from pathlib import Path

import pytest

from core import scrape, settings, steps
from core.errors import BadInput, Permanent, Refused
from core.model import Candidate
from core.scrape import FAILURES, Fetcher, Reach, candidates, meaning, read, summary
from core.sources.options import Options
from tests.provider import Provider

HERE = Path(__file__).parent.parent.parent


@pytest.fixture
def provider():
    with Provider() as running:
        yield running


def through(provider, **more):
    return Reach(allow=(provider.allow,), base=provider.url, **more)


def rows(tmp_path, *lines):
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("url", "label", "page"), *lines])
    return Options(table=str(path), page_column="page")


def fetch(reach, *wanted):
    async def run():
        async with Fetcher(reach) as one:
            return await asyncio.gather(*(one(c) for c in wanted), return_exceptions=True)

    return asyncio.run(run())


# labels and classes ------------------------------------------------------------------------------------------------


def test_labels_outside_the_classes_are_counted_as_unknown(tmp_path):
    options = rows(tmp_path, ("http://h/1.jpg", "suv", ""), ("http://h/2.jpg", "tank", ""), ("http://h/3.jpg", "", ""))
    found = list(candidates("urls", ["suv"], options, Reach()))
    assert [(c.label, c.error) for c in found] == [("suv", ""), ("tank", "unknown class"), ("", "no label")]


def test_case_spaces_and_unicode_form_of_a_label_do_not_matter(tmp_path):
    options = rows(tmp_path, ("http://h/1.jpg", " CAFE\u0301   racer ", ""), ("http://h/2.jpg", "café racer", ""))
    assert {(c.label, c.error) for c in candidates("urls", ["Café Racer"], options, Reach())} == {("Café Racer", "")}


def test_add_classes_takes_new_labels_once_and_refuses_those_no_class_can_have(tmp_path):
    labels = ["suv", "Tank", "tank", "../../x", "<img src=x onerror=alert(1)>", "a\u202eb", "x" * 200]
    options = rows(tmp_path, *((f"http://h/{n}.jpg", label, "") for n, label in enumerate(labels)))
    found = list(candidates("urls", ["suv"], options, Reach(), add_classes=True))
    assert [c.label for c in found if not c.error] == ["suv", "Tank", "Tank"]
    assert [c.error for c in found[3:]] == ["unknown class"] * 4


def test_addresses_that_are_none_are_counted_before_anything_is_fetched(tmp_path):
    urls = ["not an address", "http://", "ftp://h/x.jpg", "javascript:alert(1)", "http://u:p@h/x.jpg", "http://127.1/x.jpg",
            "/etc/passwd", "http://h/good.jpg"]  # fmt: skip
    found = list(candidates("urls", ["suv"], rows(tmp_path, *((url, "suv", "") for url in urls)), Reach()))
    assert [c.error for c in found] == ["malformed url"] * 2 + ["forbidden address"] * 4 + ["malformed url", ""]


def test_what_others_wrote_is_made_fit_for_a_database_and_a_link(tmp_path, provider):
    provider.found["suv"] = [{
        "url": "http://h/1.jpg", "title": "a\x00b\ud800" + "x" * 20_000, "creator": "<script>", "license": "by\x00",
        "foreign_landing_url": "javascript:alert(1)", "license_url": "data:text/html,x",
    }]  # fmt: skip
    (found,) = candidates("openverse", ["suv"], Options(), through(provider))
    assert (found.page, found.licence_url, found.creator) == ("", "", "<script>")
    assert len(found.title) == 1000 and "\x00" not in found.title + found.licence
    assert (found.title + found.licence).encode()


def test_a_source_asked_in_words_is_asked_for_each_class(provider):
    provider.found = {
        "sedan car": [{"url": "http://h/1.jpg"}],
        "suv car": [{"url": "http://h/2.jpg"}, {"url": "ftp://h"}],
    }
    found = list(candidates("openverse", ["sedan", "suv"], Options(), through(provider), query="{class} car"))
    assert [(c.label, c.url, c.error) for c in found] == [
        ("sedan", "http://h/1.jpg", ""), ("suv", "http://h/2.jpg", ""), ("suv", "ftp://h", "forbidden address")]  # fmt: skip


def test_the_limit_holds_for_each_class(provider):
    provider.found = {name: [{"url": f"http://h/{name}{n}.jpg"} for n in range(30)] for name in ("sedan", "suv")}
    labels = [c.label for c in candidates("openverse", ["sedan", "suv"], Options(), through(provider), limit=25)]
    assert (labels.count("sedan"), labels.count("suv")) == (25, 25)


def test_a_class_named_like_a_template_is_asked_as_it_is(provider):
    list(candidates("openverse", ["{0} {class} %s"], Options(), through(provider)))
    assert provider.requests[0][0].startswith("/v1/images/?q=%7B0%7D+%7Bclass%7D+%25s&")


def test_one_search_that_fails_is_counted_and_the_others_go_on(provider, monkeypatch):
    provider.found = {"suv": [{"url": "http://h/1.jpg"}]}
    plain = provider._search
    provider._search = lambda query: (
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if query["q"] == "sedan" else plain(query)
    )
    found = list(candidates("openverse", ["sedan", "suv"], Options(), through(provider)))
    assert [(c.label, c.error) for c in found] == [("suv", ""), ("sedan", "http 500")]


def test_searches_that_all_fail_raise_the_reason(provider):
    provider.answer = b"<html>"
    with pytest.raises(Refused, match="did not answer"):
        list(candidates("openverse", ["sedan", "suv"], Options(), through(provider)))


def test_a_search_that_finds_nothing_is_no_failure(provider):
    assert list(candidates("openverse", ["sedan"], Options(), through(provider))) == []


def test_a_search_on_a_private_host_that_was_not_allowed_is_refused(provider):
    with pytest.raises(Permanent, match="private address"):
        list(candidates("openverse", ["sedan"], Options(), Reach(base=provider.url)))
    assert provider.connections == 0


def test_an_unknown_source_and_a_missing_option_are_named():
    with pytest.raises(BadInput, match="'bing'.*folder, urls, openverse, demo"):
        list(candidates("bing", ["x"], Options(), Reach()))
    with pytest.raises(BadInput, match="--path"):
        list(candidates("folder", ["x"], Options(), Reach()))
    with pytest.raises(BadInput, match="--table"):
        list(candidates("urls", ["x"], Options(), Reach()))


def test_asking_again_gives_the_same_candidates(tmp_path):
    for n in range(20):
        (tmp_path / f"c{n % 3}").mkdir(exist_ok=True)
        (tmp_path / f"c{n % 3}" / f"{n}.jpg").write_bytes(b"x")
    ask = [list(candidates("folder", ["c0", "c1", "c2"], Options(path=str(tmp_path)), Reach())) for _ in range(2)]
    assert ask[0] == ask[1] and len(ask[0]) == 20


# bytes -------------------------------------------------------------------------------------------------------------


def test_bytes_come_from_the_web_and_from_this_computer(provider, tmp_path):
    provider.images["/1.jpg"] = b"one"
    (tmp_path / "2.jpg").write_bytes(b"two")
    assert fetch(through(provider), Candidate(provider.url + "/1.jpg", "a", "urls"),
                 Candidate(str(tmp_path / "2.jpg"), "a", "folder")) == [b"one", b"two"]  # fmt: skip


def test_only_a_folders_candidates_are_read_from_this_computer(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    for source in ("urls", "openverse", "demo", "page"):
        for url in (str(secret), f"file://{secret}"):
            (error,) = fetch(Reach(), Candidate(url, "a", source))
            assert isinstance(error, Permanent) and error.reason in ("malformed url", "forbidden address")


def test_a_candidate_with_an_error_is_not_fetched(provider):
    (error,) = fetch(through(provider), Candidate(provider.url + "/hops/0", "a", "urls", error="unknown class"))
    assert error.reason == "unknown class" and provider.connections == 0


def test_one_failure_leaves_the_others_alone(provider):
    provider.images["/1.jpg"] = b"one"
    wanted = [Candidate(provider.url + path, "a", "urls") for path in ("/status/404", "/1.jpg", "/reset", "/1.jpg")]
    assert [getattr(r, "reason", r) for r in fetch(through(provider), *wanted)] == [
        "http 404",
        b"one",
        "connection",
        b"one",
    ]


def test_a_folder_a_pipe_and_a_missing_file_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe", "missing"):
        with pytest.raises(Permanent) as caught:
            read(str(tmp_path / name))
        assert caught.value.reason == "cannot be read"


def test_a_file_over_the_limit_is_too_large(tmp_path):
    with open(tmp_path / "big", "wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(Permanent) as caught:
        read(str(tmp_path / "big"))
    assert caught.value.reason == "too large"


def test_a_fetcher_and_its_reach_can_be_sent_to_another_process(provider):
    provider.images["/1.jpg"] = b"one"
    again = pickle.loads(pickle.dumps(Fetcher(through(provider))))

    async def run():
        async with again as one:
            return await one(Candidate(provider.url + "/1.jpg", "a", "urls"))

    assert asyncio.run(run()) == b"one"


def test_the_settings_decide_what_may_be_reached(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_ALLOW_HOSTS", "10.0.0.0/8, intranet:8080")
    monkeypatch.setenv("WINNOW_HOST_RATE", "4/2")
    monkeypatch.setenv("WINNOW_OPENVERSE_URL", "http://intranet:8080/")
    with scrape.reach("openverse", settings.load()) as reach:
        assert reach == Reach(("10.0.0.0/8", "intranet:8080"), "4/2", "", (), "http://intranet:8080")


def test_the_demos_server_is_open_to_its_own_job_only(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path))
    monkeypatch.delenv("WINNOW_ALLOW_HOSTS", raising=False)
    with scrape.reach("demo", settings.load()) as reach:
        found = list(candidates("demo", ["sedan"], Options(), reach, limit=2))
        assert [c.label for c in found] == ["sedan", "sedan"]
        (data,) = fetch(reach, found[0])
        assert data[:2] == b"\xff\xd8"
        with scrape.reach("openverse", settings.load()) as other:
            (error,) = fetch(other, Candidate(reach.base + "/image/x.jpg", "sedan", "urls"))
            assert error.reason == "forbidden address"


# reasons -----------------------------------------------------------------------------------------------------------


def test_every_reason_in_the_source_has_a_meaning():
    used = set()
    for file in [HERE / "core" / "scrape.py", HERE / "core" / "pixels.py", *(HERE / "core" / "web").glob("*.py"),
                 *(HERE / "core" / "sources").glob("*.py"), *(HERE / "core" / "engine").glob("*.py")]:  # fmt: skip
        used |= set(re.findall(r'(?:Refused|Permanent)\(\s*"([^"]+)"', file.read_text()))
        used |= set(re.findall(r'error="([^"]+)"', file.read_text()))
    used -= {"empty box"}  # of a crop, never of a fetch
    assert len(used) > 10
    assert {reason for reason in used if not meaning(reason)} == set()


def test_reasons_are_summed_up_with_the_most_frequent_first():
    assert summary({"timeout": 3, "http 404": 9}) == "12 failed: 9 http 404, 3 timeout"
    assert summary({}) == ""


def test_a_status_is_explained_and_an_unknown_reason_is_not():
    assert "no such file" in meaning("http 404") and "503" in meaning("http 503")
    assert meaning("something else") == ""
    assert all(sentence.endswith(".") for sentence in FAILURES.values())


def test_a_class_that_someone_adds_meanwhile_in_other_letters_takes_the_pictures(store, tmp_path):
    project = store.add_project("cars", ["suv"])
    options = rows(tmp_path, ("http://h/1.jpg", "Tank", ""), ("http://h/2.jpg", "tank", ""))
    store.submit("scrape", {}, project.id)
    job, claim = store.claim("here", 60)
    store.add_classes(project.id, ["tank"])  # the job began without it
    ctx = steps.Context(store, None, None, None, job, claim, project)  # type: ignore[arg-type]
    found = candidates("urls", project.classes, options, Reach(), add_classes=True)
    assert [c.label for c in steps._pending(ctx, found, True)] == ["tank", "tank"]
    assert store.project("cars").classes == ("suv", "tank")
