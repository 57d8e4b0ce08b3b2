"""DuckDuckGo's images: the token first, then the answers; no licence is ever claimed, and its robots.txt holds."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.errors import BadInput, Permanent, Refused
from core.model import UNKNOWN_LICENCE, Results
from core.sources import ddgs
from core.sources.options import Options
from core.web import Web, blocking
from tests.providers.ddgs import TOKEN, Duck, result


@pytest.fixture
def duck():
    with Duck() as running:
        yield running


def search(duck, words="car", cursor="", **options):
    with blocking(Web((duck.allow,))) as get:
        return ddgs.search(words, cursor, Options(base=duck.url, **options), get)


def answer(duck, value, cursor=""):
    duck.answer = value if isinstance(value, bytes) else json.dumps(value).encode()
    return search(duck, cursor=cursor)


def test_a_result_keeps_its_page_and_its_address_as_it_is(duck):
    duck.results["car"] = [result(7)]
    (found,) = search(duck).candidates
    assert (found.url, found.page, found.title, found.label, found.source, found.error) == (
        "https://cars.example/7%2Fa%20b.jpg?w=1", "https://cars.example/page/7", "Car 7", "", "ddgs", "")  # fmt: skip


def test_nobody_is_said_to_have_made_it_and_no_licence_is_claimed(duck):
    licensed = {"license": "cc0", "license_url": "https://creativecommons.org/publicdomain/zero/1.0/", "creator": "x"}
    duck.results["car"] = [{**result(1), **licensed}]
    (found,) = search(duck).candidates
    assert (found.creator, found.licence, found.licence_url) == ("", UNKNOWN_LICENCE, "")


def test_the_answers_follow_each_other(duck):
    duck.results["car"] = [result(n) for n in range(230)]
    found, cursors, cursor = [], [], ""
    while cursor or not cursors:
        one = search(duck, cursor=cursor)
        found, cursors, cursor = found + list(one.candidates), [*cursors, cursor], one.next
    assert [c.title for c in found] == [f"Car {n}" for n in range(230)]
    assert cursors == ["", "100", "200"]


def test_it_is_asked_with_the_token_of_its_page(duck):
    duck.results["a & b/ü"] = [result(1)]
    assert len(search(duck, "a & b/ü").candidates) == 1
    page, asked = (dict(parse_qsl(urlsplit(path).query)) for path, _, _ in duck.requests)
    assert page["q"] == asked["q"] == "a & b/ü"
    assert asked["vqd"] == TOKEN


@pytest.mark.parametrize("written", [f"vqd='{TOKEN}'", f'vqd="{TOKEN}"', f'<a href="/i.js?q=x&vqd={TOKEN}&p=1">'])
def test_the_token_is_read_in_each_of_its_forms(duck, written):
    duck.page = f"<script>{written}</script>".encode()
    duck.results["car"] = [result(1)]
    assert len(search(duck).candidates) == 1


@pytest.mark.parametrize(
    "page", [b"", b"<html>a captcha</html>", b"vqd=", b"vqd='", b"vqd='a b'", b"vqd=" + b"1" * 9999 + b"&"]
)
def test_a_page_without_a_token_is_refused(duck, page):
    duck.page = page
    with pytest.raises(Refused, match="DuckDuckGo did not answer") as caught:
        search(duck)
    assert caught.value.reason == "malformed answer"
    assert len(duck.requests) == 1


def test_a_token_that_does_not_hold_is_an_error_of_the_host(duck):
    duck.page = b"vqd='4-1'"
    with pytest.raises(Permanent) as caught:
        search(duck)
    assert caught.value.reason == "http 403"


def test_its_robots_txt_holds(duck):
    duck.robots = b"User-agent: *\nDisallow: /lite\nDisallow: /*?\n"
    with pytest.raises(Permanent) as caught:
        search(duck)
    assert caught.value.reason == "robots"
    assert duck.requests == []


def test_a_wish_for_a_licence_is_refused_before_anything_is_asked():
    with pytest.raises(BadInput, match="--licence open"):
        ddgs.check(Options(licence="open"))
    ddgs.check(Options())


@pytest.mark.parametrize(
    "broken", [None, 7, "text", [], {}, {"image": None}, {"image": 5}, {"image": ""}, {"image": ["http://h/x"]}]
)
def test_a_result_without_an_address_is_counted_and_the_rest_goes_on(duck, broken):
    duck.results["car"] = [result(1), broken, result(2)]
    found = search(duck).candidates
    assert [c.error for c in found] == ["", "malformed result", ""]
    assert found[1].url == "DuckDuckGo result 2"


@pytest.mark.parametrize("key", ["title", "url", "source", "width", "height", "thumbnail"])
@pytest.mark.parametrize("value", [None, 5, [], {}, True])
def test_a_field_of_a_wrong_type_is_an_empty_one(duck, key, value):
    duck.results["car"] = [{**result(1), key: value}]
    (found,) = search(duck).candidates
    assert (found.error, found.licence) == ("", UNKNOWN_LICENCE)
    assert isinstance(found.title, str)
    assert isinstance(found.page, str)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"results": 5}', b'{"results": null}', b"[" * 100_000, b"\xff\xfe"]
)
def test_an_answer_of_another_form_is_refused(duck, body):
    with pytest.raises(Refused) as caught:
        answer(duck, body)
    assert caught.value.reason == "malformed answer"


@pytest.mark.parametrize("link", [None, 7, "", "i.js", "i.js?s=", "i.js?s=x", "i.js?s=-100", "i.js?s=100", "i.js?s=50",
                                  "i.js?s=9999999", "i.js?s=1&s=2", "http://[", {"s": 200}])  # fmt: skip
def test_a_link_onward_that_makes_no_sense_ends_the_search(duck, link):
    assert answer(duck, {"results": [result(1)], "next": link}, cursor="100").next == ""


def test_no_results_end_the_search_whatever_the_link(duck):
    assert answer(duck, {"results": [], "next": "i.js?s=100"}) == Results(())


@pytest.mark.parametrize("cursor", ["0", "-100", "x", "100 ", "1" * 9])
def test_a_cursor_that_is_none_is_named(duck, cursor):
    with pytest.raises(BadInput, match="DuckDuckGo's results") as caught:
        search(duck, cursor=cursor)
    assert repr(cursor) in str(caught.value)
    assert duck.requests == []
