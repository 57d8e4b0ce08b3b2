"""Asking in words: each class, its synonyms, the next source; what fails is one answer less."""

import pytest

from core import settings
from core.errors import BadInput, Refused
from core.model import Candidate, ClassInfo, Results, Search
from core.scrape import Plan, Reach, asks
from core.sources import SOURCES, Source
from core.sources.options import Options
from tests.provider import Provider


@pytest.fixture
def provider(monkeypatch):
    with Provider() as running:
        monkeypatch.setenv("WINNOW_OPENVERSE_URL", running.url)
        yield running


def plan(provider, classes, infos=None, sources=("openverse",), allow=True, **more):
    reach = Reach(allow=(provider.allow,) if allow else (), host_rate="off")
    return Plan(settings.load(), reach, classes, infos or {}, sources, Options(), **more)


def asked(plan, goal=None):
    """All candidates and all searches, where each class wants `goal` results (its limit by default)."""
    have, candidates, searches = {}, [], []
    for search, found in plan.answers(lambda label: (goal or plan.limit) - have.get(label, 0)):
        have[search.label] = have.get(search.label, 0) + len(found)
        searches.append(search)
        candidates += found
    return candidates, searches


def results(name, count):
    return [{"url": f"http://h/{name}{n}.jpg"} for n in range(count)]


def test_each_class_is_asked_for_and_gets_what_was_found(provider):
    provider.found = {"sedan car": results("a", 1), "suv car": [{"url": "http://h/b.jpg"}, {"url": "ftp://h"}]}
    found, searches = asked(plan(provider, ["sedan", "suv"], template="{class} car"))
    assert [(c.label, c.url, c.error, c.query) for c in found] == [
        ("sedan", "http://h/a0.jpg", "", "sedan car"), ("suv", "http://h/b.jpg", "", "suv car"),
        ("suv", "ftp://h", "forbidden address", "suv car")]  # fmt: skip
    assert [(s.label, s.query, s.found, s.status, s.tier) for s in searches] == [
        ("sedan", "sedan car", 1, "done", 0), ("suv", "suv car", 2, "done", 0)]  # fmt: skip


def test_the_limit_holds_for_each_class_and_the_classes_take_turns(provider):
    provider.found = {name: results(name, 30) for name in ("sedan", "suv")}
    found, searches = asked(plan(provider, ["sedan", "suv"], limit=25))
    labels = [c.label for c in found]
    assert (labels.count("sedan"), labels.count("suv")) == (25, 25)
    assert [s.label for s in searches] == ["sedan", "suv", "sedan", "suv"]


def test_a_class_named_like_a_template_is_asked_as_it_is(provider):
    asked(plan(provider, ["{0} {class} %s"]))
    assert provider.requests[0][0].startswith("/v1/images/?q=%7B0%7D+%7Bclass%7D+%25s&")


def test_where_the_class_brings_too_little_its_synonyms_are_asked_and_then_the_next_source(provider, monkeypatch):
    provider.found = {"coupe": results("a", 3), "two-door": results("b", 4), "suv": results("c", 9)}
    other = lambda query, cursor, options, get: Results((Candidate(f"http://h/{query}", "", "other"),))  # noqa: E731
    monkeypatch.setitem(SOURCES, "other", Source("Other", "", other))
    infos = {"coupe": ClassInfo(synonyms=("two-door",))}
    found, searches = asked(plan(provider, ["coupe", "suv"], infos, ("openverse", "other"), limit=9))
    assert [(s.label, s.source, s.query, s.tier, s.found) for s in searches] == [
        ("coupe", "openverse", "coupe", 0, 3), ("suv", "openverse", "suv", 0, 9), ("coupe", "openverse", "two-door", 1, 4),
        ("coupe", "other", "coupe", 2, 1), ("coupe", "other", "two-door", 3, 1)]  # fmt: skip
    assert len(found) == 18


def test_a_class_with_several_queries_gets_a_share_of_each(provider):
    years = [f"{year} Maserati GranTurismo" for year in (2008, 2009, 2010)]
    provider.found = {year: results(year[:4], 50) for year in years}
    found, _ = asked(plan(provider, ["GranTurismo"], {"GranTurismo": ClassInfo(queries=tuple(years))}, limit=30))
    assert len(found) == 30
    assert {year: sum(c.query == year for c in found) for year in years} == dict.fromkeys(years, 10)


def test_one_search_that_fails_is_kept_with_its_reason_and_the_others_go_on(provider):
    provider.found = {"suv": results("a", 1)}
    plain = provider._search
    provider._search = lambda query: (
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if query["q"] == "sedan" else plain(query)
    )
    found, searches = asked(plan(provider, ["sedan", "suv"]))
    assert [c.label for c in found] == ["suv"]
    failed = searches[0]
    assert (failed.label, failed.status, failed.reason, failed.retryable) == ("sedan", "failed", "http 500", True)


def test_searches_that_all_fail_raise_the_reason(provider):
    provider.answer = b"<html>"
    with pytest.raises(Refused, match="did not answer"):
        asked(plan(provider, ["sedan", "suv"]))


def test_a_search_that_finds_nothing_is_no_failure(provider):
    found, searches = asked(plan(provider, ["sedan"]))
    assert found == [] and [s.status for s in searches] == ["done"]


def test_a_search_on_a_private_host_that_was_not_allowed_is_refused(provider):
    with pytest.raises(Refused, match="private address"):
        asked(plan(provider, ["sedan"], allow=False))
    assert provider.connections == 0


def test_a_plan_that_goes_on_asks_for_the_answer_after_the_last_one_stored_and_again_for_what_failed(provider):
    provider.found = {"sedan": results("a", 60), "suv": results("b", 60), "van": results("c", 5)}
    before = [
        Search("sedan", "openverse", "sedan", "", found=20, next="2"),
        Search("suv", "openverse", "suv", "", status="failed", reason="http 500"),
        Search("van", "openverse", "van", "", found=5),
    ]
    again = plan(provider, ["sedan", "suv", "van"], asked=before)
    _, searches = asked(again, goal=20)
    assert [(s.label, s.cursor) for s in searches] == [("sedan", "2"), ("suv", "")]
    assert again.exhausted("van") and not again.exhausted("sedan")


def test_a_source_that_gives_the_same_cursor_for_ever_is_asked_once(provider, monkeypatch):
    stuck = lambda query, cursor, options, get: Results((), cursor or "1")  # noqa: E731
    monkeypatch.setitem(SOURCES, "stuck", Source("Stuck", "", stuck))
    _, searches = asked(plan(provider, ["sedan"], sources=("stuck",)))
    assert [s.cursor for s in searches] == ["", "1"]


def test_a_class_that_many_results_do_not_fill_is_left_short(provider, monkeypatch):
    endless = lambda query, cursor, options, get: Results((), str(int(cursor or 0) + 1))  # noqa: E731
    monkeypatch.setitem(SOURCES, "endless", Source("Endless", "", endless))
    one = Candidate("http://h/1", "", "endless")
    full = lambda query, cursor, options, get: Results((one,) * 10, str(int(cursor or 0) + 1))  # noqa: E731
    monkeypatch.setitem(SOURCES, "full", Source("Full", "", full))
    searches = [search for search, _ in plan(provider, ["sedan"], sources=("full",), limit=10).answers(lambda _: 10)]
    assert len(searches) == 20
    searches = [search for search, _ in plan(provider, ["sedan"], sources=("endless",)).answers(lambda _: 10)]
    assert len(searches) == 30  # empty answers in a row end it too


def test_an_unknown_source_and_one_without_its_setting_are_named(provider, monkeypatch):
    with pytest.raises(BadInput, match="'bing'.*openverse"):
        plan(provider, ["x"], sources=("bing",))
    monkeypatch.setitem(
        SOURCES, "keyed", Source("", "", SOURCES["openverse"].search, settings=("flickr_key",), how="Ask.")
    )
    with pytest.raises(BadInput, match="WINNOW_FLICKR_KEY: Ask"):
        plan(provider, ["x"], sources=("keyed",))
    monkeypatch.setenv("WINNOW_FLICKR_KEY", "SECRET123")
    assert "SECRET123" not in repr(plan(provider, ["x"], sources=("keyed",)))


def test_only_sources_asked_in_words_are_asked():
    assert asks(["openverse", "demo"]) and not asks(["openverse", "urls"]) and not asks([]) and not asks(["bing"])
