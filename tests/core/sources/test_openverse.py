"""Openverse's documented search: paging, licences, keys and limits, and results that are not as they should be."""

import json
import time
from types import SimpleNamespace

import pytest

from core.errors import BadInput, BadSetting, Permanent, Refused
from core.licences import FILTERS, allowed
from core.model import UNKNOWN_LICENCE, Results
from core.sources import openverse
from core.sources.openverse import BASE, _root, limits
from core.sources.options import Options
from core.web import Web, blocking
from tests.providers.openverse import RESULT, Openverse, many
from tests.providers.server import Answer


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(openverse, "_tokens", {})
    monkeypatch.setattr(openverse, "_used_up", {})
    with Openverse() as running:
        yield running


def search(api, words="car", cursor="", **options) -> Results:
    with blocking(Web((api.allow,))) as get:
        return openverse.search(words, cursor, Options(base=api.url, **options), get)


def every(api, words="car", **options):
    """All answers, one after the other."""
    results = search(api, words, **options)
    found = list(results.candidates)
    while results.next:
        results = search(api, words, results.next, **options)
        found += results.candidates
    return found


KEY = {"key": "the-id", "secret": "SECRET123"}


def test_a_result_keeps_its_provenance(api):
    api.found["car"] = [RESULT]
    (found,) = search(api).candidates
    assert (found.url, found.page, found.title, found.creator, found.licence, found.licence_url, found.error) == (
        RESULT["url"], RESULT["foreign_landing_url"], "Tree Bark Photo", "Tim Sullivan", "CC0 1.0",
        RESULT["license_url"], "")  # fmt: skip
    assert (found.label, found.source) == ("", "openverse")


def test_pages_are_asked_for_until_there_is_no_more(api):
    api.found["car"] = many(47)
    assert [c.url for c in every(api)] == [f"https://cdn.example/{n}.jpg" for n in range(47)]
    assert [a.query for a in api.asked] == [{"q": "car", "page": str(n), "page_size": "20"} for n in (1, 2, 3)]


def test_one_call_is_one_answer_and_says_where_it_goes_on(api):
    api.found["car"] = many(47)
    assert [search(api, cursor=cursor).next for cursor in ("", "2", "3")] == ["2", "3", ""]
    assert len(api.asked) == 3


def test_nothing_is_asked_beyond_what_the_server_lets_one_page_to(api):
    api.found["car"] = many(1000)
    api.minute = 100
    assert len(every(api)) == 240
    assert len(api.asked) == 12


def test_a_key_brings_the_same_depth_in_fewer_answers(api):
    api.found["car"] = many(1000)
    assert len(every(api, **KEY)) == 240
    assert len(api.asked) == 6  # the token and five pages


@pytest.mark.parametrize(("size", "key", "asked"), [
    (0, {}, "20"), (7, {}, "7"), (20, {}, "20"), (400, {}, "20"), (0, KEY, "48"), (30, KEY, "30"), (400, KEY, "48"),
])  # fmt: skip
def test_an_answer_is_as_long_as_wanted_and_no_longer_than_the_server_gives(api, size, key, asked):
    search(api, size=size, **key)
    assert api.asked[-1].query["page_size"] == asked


def test_words_are_quoted_and_cut(api):
    api.found["a & b/ü"] = [RESULT]
    assert len(search(api, "a & b/ü").candidates) == 1
    search(api, "x" * 500)
    assert api.asked[-1].query["q"] == "x" * 200


@pytest.mark.parametrize("broken", [
    None, 7, "text", [], {}, {"url": None}, {"url": 5}, {"url": ""}, {"url": ["http://h/x.jpg"]},
])  # fmt: skip
def test_a_result_without_an_address_is_counted_and_the_rest_goes_on(api, broken):
    api.found["car"] = [RESULT, broken, RESULT]
    assert [c.error for c in search(api).candidates] == ["", "malformed result", ""]


@pytest.mark.parametrize(
    "key", ["id", "title", "creator", "license", "license_version", "license_url", "foreign_landing_url"]
)
@pytest.mark.parametrize("value", [None, 5, [], {}, True])
def test_a_field_of_a_wrong_type_is_an_empty_one(api, key, value):
    api.found["car"] = [{**RESULT, key: value}, {k: v for k, v in RESULT.items() if k != key}]
    found = search(api).candidates
    assert [c.error for c in found] == ["", ""]
    if key == "license":
        assert {c.licence for c in found} == {UNKNOWN_LICENCE}


def test_a_licence_without_an_address_gets_the_one_it_has(api):
    api.found["car"] = [{**RESULT, "license": "by-sa", "license_version": "2.0", "license_url": None}]
    assert search(api).candidates[0].licence_url == "https://creativecommons.org/licenses/by-sa/2.0/"


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"results": 5}', b'{"results": {}}', b"[" * 100_000,
                                    b"\xff\xfe", b'{"results": null}'])  # fmt: skip
def test_an_answer_of_another_form_is_refused(api, answer):
    api.faults = [Answer(answer)]
    with pytest.raises(Refused) as caught:
        search(api)
    assert caught.value.reason == "malformed answer"


@pytest.mark.parametrize(
    ("count", "onward"), [(None, ""), ("nine", ""), (-1, ""), (1.5, ""), ([], ""), (True, ""), (10**9, "2")]
)
def test_a_page_count_that_makes_no_sense_does_not_run_for_ever(api, count, onward):
    api.faults = [Answer({"page_count": count, "results": many(20)})]
    found = search(api)
    assert (len(found.candidates), found.next) == (20, onward)


def test_an_empty_page_in_the_middle_does_not_end_the_search_and_the_last_one_does(api):
    api.faults = [Answer({"page_count": 3, "results": []}), Answer({"page_count": 3, "results": []})]
    assert search(api) == Results((), "2")
    assert search(api, cursor="3") == Results((), "")


@pytest.mark.parametrize("cursor", ["0", "-1", "two", "1.5", "1 ", "²"])
def test_what_is_no_page_is_not_asked_for(api, cursor):
    with pytest.raises(BadInput, match="a number was wanted"):
        search(api, cursor=cursor)
    assert api.asked == []


@pytest.mark.parametrize("wanted", ["", *FILTERS])
def test_only_licences_that_pass_the_filter_are_asked_for(api, wanted):
    api.found["car"] = [{**RESULT, "license": slug} for slug in ("by", "by-nd", "by-nc", "by-nc-sa", "cc0", "pdm")]
    found = search(api, licence=wanted).candidates
    everything = search(api).candidates
    assert [c.licence for c in found] == [c.licence for c in everything if allowed(c.licence, wanted)]


# -- with a key ----------------------------------------------------------------------------------------------------


def test_a_token_is_fetched_once_and_sent_with_each_search(api):
    api.found["car"] = many(100)
    assert len(every(api, **KEY)) == 100
    assert [(a.method, a.path) for a in api.asked] == [("POST", "/v1/auth_tokens/token/")] + [
        ("GET", "/v1/images/")
    ] * 3
    assert api.asked[0].form == {
        "grant_type": "client_credentials", "client_id": "the-id", "client_secret": "SECRET123"}  # fmt: skip
    assert {a.headers["authorization"] for a in api.asked[1:]} == {f"Bearer {api.tokens[0]}"}


@pytest.mark.parametrize("life", [0, 59, None, "soon", -5])
def test_a_token_without_a_life_is_fetched_anew(api, life):
    api.life = life
    search(api, **KEY)
    search(api, **KEY)
    assert len(api.tokens) == 2


def test_a_token_that_ended_before_its_time_is_replaced(api):
    search(api, **KEY)
    api.tokens.clear()
    api.found["car"] = [RESULT]
    assert len(search(api, **KEY).candidates) == 1


def test_two_keys_have_two_tokens(api):
    search(api, **KEY)
    api.client = ("another", "SECRET456")
    search(api, key="another", secret="SECRET456")
    assert len(set(api.tokens)) == 2


def test_a_wrong_secret_is_one_sentence_that_names_both_settings(api):
    with pytest.raises(BadSetting) as caught:
        search(api, key="the-id", secret="SECRET999")
    assert "WINNOW_OPENVERSE_ID" in str(caught.value)
    assert "WINNOW_OPENVERSE_SECRET" in str(caught.value)
    assert "SECRET999" not in str(caught.value)
    assert len(api.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_never_accepted_is_the_same_sentence(api, status):
    search(api, **KEY)
    api.faults = [Answer({}, status), Answer({"access_token": "t", "expires_in": 9}), Answer({}, status)]
    with pytest.raises(BadSetting, match="WINNOW_OPENVERSE_ID and WINNOW_OPENVERSE_SECRET"):
        search(api, **KEY)


@pytest.mark.parametrize(("half", "missing"), [
    ({"key": "the-id"}, "WINNOW_OPENVERSE_SECRET is not set"),
    ({"secret": "SECRET123"}, "WINNOW_OPENVERSE_ID is not set"),
])  # fmt: skip
def test_half_a_key_names_the_other_half(api, half, missing):
    with pytest.raises(BadSetting, match=missing):
        search(api, **half)
    assert api.asked == []


@pytest.mark.parametrize("answer", [b"", b"[]", {}, {"access_token": 5}, {"access_token": ""}, {"access_token": "a b"},
                                    {"access_token": "a\r\nX-More: b"}, {"access_token": "ü"}])  # fmt: skip
def test_a_token_of_another_form_is_refused(api, answer):
    api.faults = [Answer(answer)]
    with pytest.raises(Refused) as caught:
        search(api, **KEY)
    assert caught.value.reason == "malformed answer"


SECRET_PATHS = {
    "not accepted": Answer({"error": "invalid_client SECRET123"}, 401),
    "forbidden": Answer(b"SECRET123", 403),
    "gone": Answer(b"SECRET123", 404),
    "broken": Answer(b"SECRET123", 500),
    "no JSON": Answer(b"SECRET123"),
    "no token": Answer({"detail": "SECRET123"}),
    "redirect": Answer(b"", 302, {"Location": "http://elsewhere.example/?client_secret=SECRET123"}),
    "redirect to nowhere": Answer(b"", 302, {"Location": "mailto:SECRET123"}),
}


@pytest.mark.parametrize("fault", SECRET_PATHS.values(), ids=SECRET_PATHS)
@pytest.mark.parametrize("late", [False, True], ids=["token", "search"])
def test_the_secret_is_in_no_error(api, fault, late):
    if late:
        search(api, **KEY)
    api.faults = [fault] * 4
    with pytest.raises((Refused, BadSetting)) as caught:
        search(api, **KEY)
    assert "SECRET123" not in str(caught.value)
    assert "SECRET123" not in getattr(caught.value, "reason", "")


def test_the_secret_is_in_no_address_and_in_no_candidate(api):
    api.found["car"] = many(3)
    found = search(api, **KEY)
    assert "SECRET123" not in repr(found)
    assert not [a for a in api.asked if "SECRET123" in a.path + json.dumps(a.query) + json.dumps(a.headers)]


# -- limits --------------------------------------------------------------------------------------------------------


def test_limits_are_one_plain_sentence():
    headers = {
        "X-RateLimit-Limit-anon_sustained": "200/day", "X-RateLimit-Available-anon_sustained": "180",
        "x-ratelimit-limit-anon_burst": "20/min", "X-RATELIMIT-AVAILABLE-ANON_BURST": "17",
        "X-RateLimit-Limit-anon_thumbnail": "150/min", "X-RateLimit-Available-anon_thumbnail": "0",
    }  # fmt: skip
    assert limits(headers) == "17 of 20 requests a minute left, 180 of 200 a day"


@pytest.mark.parametrize("headers", [
    {}, {"X-RateLimit-Limit-anon_burst": "20/min"}, {"X-RateLimit-Available-anon_burst": "17"},
    {"X-RateLimit-Limit-anon_burst": "None", "X-RateLimit-Available-anon_burst": "17"},
    {"X-RateLimit-Limit-anon_burst": "20/min", "X-RateLimit-Available-anon_burst": "some"},
    {"X-RateLimit-Limit-anon_burst": "20/fortnight", "X-RateLimit-Available-anon_burst": "3"},
])  # fmt: skip
def test_limits_that_are_not_told_are_not_made_up(headers):
    assert limits(headers) == ""


def test_what_the_server_sends_can_be_read(api):
    with blocking(Web((api.allow,))) as get:
        assert limits(get(f"{api.url}/v1/images/").headers) == "19 of 20 requests a minute left, 199 of 200 a day"


def test_when_the_minute_is_used_up_no_more_is_asked(api):
    api.found["car"], api.minute = many(100), 2
    assert search(api).next == "2"
    assert len(search(api, cursor="2").candidates) == 20  # the last answer is not lost
    for _ in range(3):
        with pytest.raises(Refused, match="20 requests a minute without a key, and they are used up") as caught:
            search(api, cursor="3")
        assert caught.value.reason == "asked for a pause"
        assert not isinstance(caught.value, Permanent)
    assert "WINNOW_OPENVERSE_ID" in str(caught.value)
    assert len(api.asked) == 2
    assert 50 < openverse.pause(Options(base=api.url)) <= 60


def test_when_the_day_is_used_up_the_sentence_says_so(api):
    api.day = 1
    search(api)
    with pytest.raises(Refused, match="200 requests a day without a key, and they are used up: more within a day"):
        search(api)


def test_after_the_pause_it_is_asked_again(api, monkeypatch):
    api.minute = 1
    search(api)
    now = time.monotonic()
    monkeypatch.setattr(openverse, "time", SimpleNamespace(monotonic=lambda: now + 61))
    assert openverse.pause(Options(base=api.url)) == 0
    search(api)
    assert len(api.asked) == 2


def test_a_key_has_limits_of_its_own(api):
    api.minute = 1
    search(api)
    search(api, **KEY)
    assert openverse.pause(Options(base=api.url, **KEY)) == 0 < openverse.pause(Options(base=api.url))


@pytest.mark.parametrize(
    "base", ["http://h", "http://h/", "http://h/v1", "http://h/v1/", "http://h/v1/images", "http://h/v1/images/"]
)
def test_a_base_address_may_be_given_with_or_without_its_path(base):
    assert _root(base) == "http://h/v1/"


def test_the_usual_address_is_the_public_one():
    assert _root("") == BASE + "/v1/" == "https://api.openverse.org/v1/"
