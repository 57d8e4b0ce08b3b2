"""Wikimedia Commons: provenance, licences, answers in several parts, and what MediaWiki calls errors."""

import time

import pytest

from core.errors import Permanent, Refused
from core.licences import FILTERS
from core.model import UNKNOWN_LICENCE, Results
from core.sources import commons
from core.sources.commons import _api, plain_text
from core.sources.options import Options
from core.web import Web, blocking
from tests.providers.commons import ARTIST, Commons, metadata, page
from tests.providers.server import Answer


@pytest.fixture
def api():
    with Commons() as running:
        yield running


def search(api, words="car", cursor="", **options) -> Results:
    with blocking(Web((api.allow,), contact="https://winnow.example/us")) as get:
        return commons.search(words, cursor, Options(base=api.url, **options), get)


def every(api, **options):
    """All answers, one after the other."""
    results = [search(api, **options)]
    while results[-1].next:
        results.append(search(api, cursor=results[-1].next, **options))
    return [c for r in results for c in r.candidates]


def test_a_file_keeps_its_provenance(api):
    api.found["car"] = [page(7, 1)]
    (found,) = search(api).candidates
    assert (found.title, found.creator, found.licence, found.licence_url, found.page, found.error) == (
        "Maserati GranTurismo (2023)", "Alexander Migl", "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0",
        "https://commons.wikimedia.org/wiki/File:Car_7.jpg", "")  # fmt: skip
    assert (found.label, found.source) == ("", "commons")


def test_a_large_file_is_taken_in_a_width_that_is_kept_ready_and_a_small_one_as_it_is(api):
    api.found["car"] = [page(1, 1, width=6000), page(2, 2, width=900)]
    large, small = (c.url for c in search(api).candidates)
    assert large == "https://upload.wikimedia.org/wikipedia/commons/thumb/a/ab/Car_1.jpg/1280px-Car_1.jpg"
    assert small == "https://upload.wikimedia.org/wikipedia/commons/a/ab/Car_2.jpg"


def test_without_a_rendering_the_file_itself_is_taken(api):
    api.found["car"] = [page(1, 1, thumburl="", width=6000)]
    assert search(api).candidates[0].url == "https://upload.wikimedia.org/wikipedia/commons/a/ab/Car_1.jpg"


def test_only_who_asked_is_taken_out_of_an_address(api):
    api.found["car"] = [page(1, 1, thumburl="https://h/a.jpg?utm_source=x&_=20200224&utm_content=y"),
                        page(2, 2, thumburl="http://[broken?utm_source=x")]  # fmt: skip
    assert [c.url for c in search(api).candidates] == ["https://h/a.jpg?_=20200224", "http://[broken?utm_source=x"]


def test_the_best_comes_first_whatever_the_order_of_the_numbers(api):
    api.found["car"] = [page(30, 1), page(10, 2), page(20, 3)]
    assert [c.page[-6:-4] for c in search(api).candidates] == ["30", "10", "20"]


def test_it_says_how_we_can_be_reached_and_waits_where_the_databases_lag(api):
    search(api)
    assert "winnow.example" in api.asked[0].headers["user-agent"]
    assert api.asked[0].query["maxlag"] == "5"


def test_answers_follow_each_other_until_there_is_no_more(api):
    api.found["car"] = [page(n, n + 1) for n in range(120)]
    assert [c.page for c in every(api)] == [f"https://commons.wikimedia.org/wiki/File:Car_{n}.jpg" for n in range(120)]
    assert [a.query.get("gsroffset") for a in api.asked] == [None, "50", "100"]


@pytest.mark.parametrize(("size", "asked"), [(0, "50"), (7, "7"), (50, "50"), (400, "50")])
def test_an_answer_is_as_long_as_wanted_and_no_longer_than_the_api_gives(api, size, asked):
    search(api, size=size)
    assert api.asked[0].query["gsrlimit"] == asked


def test_files_whose_details_come_in_parts_come_once(api):
    api.whole, api.found["car"] = 20, [page(n, n + 1) for n in range(70)]
    found = every(api)
    assert [c.error for c in found] == [""] * 70
    assert len({c.url for c in found}) == 70


def test_an_empty_answer_in_the_middle_does_not_end_the_search(api):
    api.found["car"] = [page(n, n + 1) for n in range(120)]
    api.faults = [Answer({"batchcomplete": True, "continue": {"gsroffset": 50, "continue": "gsroffset||"}})]
    first = search(api)
    assert (first.candidates, first.next != "") == ((), True)
    assert len(search(api, cursor=first.next).candidates) == 50


def test_no_files_is_an_empty_answer(api):
    assert search(api, "nothing like it") == Results((), "")


def test_a_search_that_leads_back_to_itself_ends(api):
    api.faults = [Answer({"batchcomplete": True, "continue": {"gsroffset": 50, "continue": "-||"}})] * 2
    first = search(api)
    assert search(api, cursor=first.next).next == ""


@pytest.mark.parametrize("onward", [None, 5, [], "text", {"gsroffset": None}, {"gsroffset": [1]}, {"action": "delete"}])
def test_what_cannot_be_gone_on_with_ends_the_search(api, onward):
    api.faults = [Answer({"batchcomplete": True, "query": {"pages": [page(1, 1)]}, "continue": onward})]
    found = search(api)
    assert (len(found.candidates), found.next) == (1, "")


def test_a_cursor_changes_nothing_but_the_place(api):
    search(api, cursor="action=delete&gsroffset=50&gsrsearch=other")
    assert (api.asked[0].query["action"], api.asked[0].query["gsrsearch"], api.asked[0].query["gsroffset"]) == (
        "query", "filetype:bitmap car", "50")  # fmt: skip


def test_words_are_quoted_and_cut(api):
    api.found["a & b/ü"] = [page(1, 1)]
    assert len(search(api, "a & b/ü").candidates) == 1
    assert search(api, "x" * 500) == Results((), "")  # longer words are answered with an error


@pytest.mark.parametrize("wanted", FILTERS)
def test_the_filter_is_left_to_whoever_asks(api, wanted):
    api.found["car"] = [page(1, 1)]
    assert search(api, licence=wanted) == search(api)


# -- licences and creators -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "licence", "link"), [
    ({}, "CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
    ({"LicenseShortName": "Public domain", "LicenseUrl": None}, "Public domain", ""),
    ({"LicenseShortName": "CC0", "LicenseUrl": None}, "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ({"LicenseShortName": "CC BY-SA 3.0 de", "LicenseUrl": "//creativecommons.org/licenses/by-sa/3.0/de/deed.en"},
     "CC BY-SA 3.0 DE", "https://creativecommons.org/licenses/by-sa/3.0/de/deed.en"),
    ({"LicenseShortName": None, "License": "cc-by-sa-3.0,2.5", "LicenseUrl": None}, "CC BY-SA 3.0",
     "https://creativecommons.org/licenses/by-sa/3.0/"),
    ({"LicenseShortName": "", "License": None}, "CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
    ({"LicenseShortName": None, "License": None, "LicenseUrl": None}, "CC BY-SA 4.0",
     "https://creativecommons.org/licenses/by-sa/4.0/"),
    ({"LicenseShortName": "<i>GFDL</i>", "LicenseUrl": None}, "GFDL", "https://www.gnu.org/copyleft/fdl.html"),
    ({"LicenseShortName": "Attribution", "LicenseUrl": None}, "Attribution", ""),
    ({"LicenseShortName": "Copyrighted free use", "LicenseUrl": None}, "Copyrighted free use", ""),
    ({"LicenseShortName": "KOGL Type 1", "LicenseUrl": None}, "KOGL Type 1", ""),
    ({"LicenseShortName": None, "License": None, "LicenseUrl": None, "UsageTerms": None}, UNKNOWN_LICENCE, ""),
])  # fmt: skip
def test_the_licence_is_found_wherever_the_page_names_it(api, fields, licence, link):
    api.found["car"] = [page(1, 1, extmetadata=metadata(**fields))]
    (found,) = search(api).candidates
    assert (found.licence, found.licence_url) == (licence, link)


@pytest.mark.parametrize(("fields", "creator"), [
    ({"Artist": None, "Attribution": "Jane <b>Doe</b> / Example Press"}, "Jane Doe / Example Press"),
    ({"Artist": None}, "Own work"),
    ({"Artist": None, "Credit": None}, ""),
    ({"Artist": 'Unknown author<span style="display: none;">Unknown author</span>'}, "Unknown author"),
])  # fmt: skip
def test_the_creator_is_whoever_the_page_names(api, fields, creator):
    api.found["car"] = [page(1, 1, extmetadata=metadata(**fields))]
    assert search(api).candidates[0].creator == creator


@pytest.mark.parametrize(("html", "words"), [
    (ARTIST, "Alexander Migl"), ("", ""), ("plain", "plain"), ("A &amp; B&nbsp;&#9733;", "A & B ★"),
    ("one<br>two<br/>three", "one two three"), ("<p>one</p><p>two</p>", "one two"), ("<li>a<li>b", "a b"),
    ("<style>.a{color:red}</style>x<script>alert(1)</script>", "x"), ("a <b>b</b>c", "a bc"),
    ('<div style="DISPLAY:none">no<br><img src=x><b>no</b></div>yes', "yes"), ("</div></span>still", "still"),
    ("a < b", "a < b"), ("<!-- no -->yes", "yes"), ("x <![no[ HTML", "x"), ("&#xD800;&#9999999999;", "\ufffd\ufffd"),
    ("\x00<bdi>Ł</bdi>\n\n  ü", "\x00Ł ü"), ("&lt;img src=x onerror=alert(1)&gt;", "<img src=x onerror=alert(1)>"),
])  # fmt: skip
def test_of_html_the_words_stay(html, words):
    assert plain_text(html) == words


@pytest.mark.parametrize(
    "html", ["<b" * 100_000, "<a href='x", "</", "<!DOCTYPE [<!x", "<?", "&" * 100_000, "<![a[" * 9]
)
def test_html_that_is_broken_does_no_harm(html):
    started = time.perf_counter()
    assert len(plain_text(html)) <= 20_000
    assert time.perf_counter() - started < 5


# -- what is not as it should be -----------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [
    None, 7, "text", [], {}, {"title": "File:X.jpg"}, {"title": "File:X.jpg", "imageinfo": []},
    {"title": "File:X.jpg", "imageinfo": None}, {"title": "File:X.jpg", "imageinfo": [None]},
    {"title": "File:X.jpg", "imageinfo": [{"filemissing": True}]}, {"title": "File:X.jpg", "imageinfo": [{"url": 5}]},
    {"pageid": -1, "missing": True, "title": "File:X.jpg"}, {"title": 5, "index": "x", "imageinfo": {}},
])  # fmt: skip
def test_a_file_without_an_address_is_counted_and_the_rest_goes_on(api, broken):
    api.faults = [Answer({"batchcomplete": True, "query": {"pages": [page(1, 1), broken, page(2, 2)]}})]
    found = search(api).candidates
    assert sorted(c.error for c in found) == ["", "", "malformed result"]
    assert next(c.url for c in found if c.error) in (
        "commons result X.jpg", "commons result without a title")  # fmt: skip


@pytest.mark.parametrize("value", [None, [], {}, 5, "text", [1], {"Artist": None}, {"Artist": {"value": 5}},
                                   {"LicenseShortName": {"value": None}}, {"License": []}])  # fmt: skip
def test_a_page_that_says_nothing_is_an_unknown_licence(api, value):
    api.found["car"] = [page(1, 1, extmetadata=value)]
    (found,) = search(api).candidates
    assert (found.licence, found.creator, found.title, found.error) == (UNKNOWN_LICENCE, "", "Car 1.jpg", "")


@pytest.mark.parametrize("answer", [
    b"", b"<html>", b"[]", b"{}", b"[" * 100_000, {"query": None, "batchcomplete": True}, {"query": []},
    {"query": {"pages": {"7": {}}}}, {"query": {"pages": 5}}, {"warnings": {}},
])  # fmt: skip
def test_an_answer_of_another_form_is_refused(api, answer):
    api.faults = [Answer(answer)]
    with pytest.raises(Refused) as caught:
        search(api)
    assert caught.value.reason == "malformed answer"


def test_an_answer_that_asks_for_a_pause_is_one(api):
    error = {"code": "maxlag", "info": "Waiting for 10.192.16.41: 6.1 seconds lagged.", "lag": 6.1, "type": "db"}
    api.faults = [Answer({"error": error}, 200, {"Retry-After": "5", "X-Database-Lag": "6"})]
    with pytest.raises(Refused, match="asks for a pause of 5 seconds") as caught:
        search(api)
    assert caught.value.reason == "asked for a pause"


@pytest.mark.parametrize("code", ["ratelimited", "readonly", "cirrussearch-too-busy-error"])
def test_a_search_that_is_too_busy_asks_for_a_pause_too(api, code):
    api.faults = [Answer({"error": {"code": code, "info": "later"}}, 200, {"Retry-After": "soon"})]
    with pytest.raises(Refused, match="asks for a pause .") as caught:
        search(api)
    assert caught.value.reason == "asked for a pause"


@pytest.mark.parametrize(
    "error", [{"code": "badvalue", "info": "Unrecognized value"}, {}, None, "text", [], {"code": 5}]
)
def test_any_other_error_may_be_tried_again(api, error):
    api.faults = [Answer({"error": error})]
    with pytest.raises(Refused, match="answered with the error") as caught:
        search(api)
    assert caught.value.reason == "provider error"
    assert not isinstance(caught.value, Permanent)


@pytest.mark.parametrize("base", ["http://h", "http://h/", "http://h/w", "http://h/w/api.php"])
def test_a_base_address_may_be_given_with_or_without_its_path(base):
    assert _api(base) == "http://h/w/api.php"


def test_the_usual_address_is_the_public_one():
    assert _api("") == "https://commons.wikimedia.org/w/api.php"
