"""Flickr: provenance, licences by number, more photos than one query gives, and errors that come with 200."""

import json
import re
import time

import pytest

from core.errors import BadInput, BadSetting, Permanent, Refused
from core.licences import FILTERS, allowed
from core.model import UNKNOWN_LICENCE, Results
from core.sources import flickr
from core.sources.flickr import ASKS, DEPTH, FIRST, LICENCES, _api
from core.sources.options import Options
from core.web import Web, blocking
from tests.providers.flickr import KEY, Flickr, photo
from tests.providers.server import Answer

YEAR = 365 * 86400


@pytest.fixture
def api():
    with Flickr() as running:
        yield running


def search(api, words="car", cursor="", key=KEY, **options) -> Results:
    with blocking(Web((api.allow,))) as get:
        return flickr.search(words, cursor, Options(base=api.url, key=key, **options), get)


def every(api, cursor="", **options):
    """All answers from the cursor on, one after the other."""
    results = [search(api, cursor=cursor, **options)]
    while results[-1].next:
        results.append(search(api, cursor=results[-1].next, **options))
    return [c for r in results for c in r.candidates]


def test_a_photo_keeps_its_provenance(api):
    api.found["car"] = [photo(1)]
    (found,) = search(api).candidates
    assert (found.title, found.creator, found.licence, found.licence_url, found.page, found.error) == (
        "car 1", "Jane Doe", "CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/",
        "https://www.flickr.com/photos/47058503995@N01/50000000001", "")  # fmt: skip
    assert (found.label, found.source) == ("", "flickr")
    assert found.url == "https://live.staticflickr.com/65535/50000000001_0000000001_b.jpg"


def test_the_best_of_the_sizes_that_there_are_is_taken(api):
    sizes = {f"url_{size}": None for size in ("l", "c", "z")}
    api.found["car"] = [
        photo(1, url_l="", url_o="https://h/huge.tif"),
        photo(2, **sizes, url_o="https://h/o.jpg", url_m="https://h/m.jpg"),
        photo(3, **sizes, url_m="https://h/m.jpg"),
    ]  # fmt: skip
    assert [c.url.rpartition("/")[2] for c in search(api).candidates] == [
        "50000000002_0000000002_c.jpg".replace("2_", "1_"), "o.jpg", "m.jpg"]  # fmt: skip


@pytest.mark.parametrize(("number", "licence"), LICENCES.items())
def test_a_licence_has_a_number_with_flickr(api, number, licence):
    api.found["car"] = [photo(1, license=number), photo(2, license=str(number))]
    assert {c.licence for c in search(api).candidates} == {licence}


@pytest.mark.parametrize("number", ["17", "x", "", None, -1, 4.0, True, []])
def test_a_number_that_stands_for_nothing_is_an_unknown_licence(api, number):
    api.found["car"] = [photo(1) | {"license": number}]
    assert [(c.licence, c.licence_url) for c in search(api).candidates] == [(UNKNOWN_LICENCE, "")]


@pytest.mark.parametrize("wanted", ["", *FILTERS])
def test_only_licences_that_pass_the_filter_are_asked_for(api, wanted):
    api.found["car"] = [photo(n, license=n) for n in LICENCES]
    found = [c.licence for c in search(api, licence=wanted).candidates]
    assert found == [licence for licence in LICENCES.values() if allowed(licence, wanted)]


def test_photos_only_and_only_safe_ones_are_asked_for(api):
    search(api)
    assert (api.asked[0].form["media"], api.asked[0].form["safe_search"]) == ("photos", "1")


# -- more than one answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_pages_are_asked_for_until_there_is_no_more(api, as_text):
    api.as_text, api.found["car"] = as_text, [photo(n) for n in range(1200)]
    assert [c.title for c in every(api)] == [f"car {n}" for n in range(1200)]
    assert [a.form["page"] for a in api.asked] == ["1", "2", "3"]
    assert len({(a.form["min_upload_date"], a.form["max_upload_date"]) for a in api.asked}) == 1


@pytest.mark.parametrize(("size", "asked"), [(0, "500"), (30, "30"), (500, "500"), (4000, "500")])
def test_an_answer_is_as_long_as_wanted_and_no_longer_than_flickr_gives(api, size, asked):
    search(api, size=size)
    assert api.asked[0].form["per_page"] == asked


def uploads(count, when):
    return [photo(n, uploaded=int(when(n / count))) for n in range(count)]


SPREADS = {
    "even": lambda part: FIRST + part * 20 * YEAR,
    "all in one day of 2005": lambda part: FIRST + 2 * YEAR + part * 86400,
    "all of today": lambda part: time.time() - 86400 + part * 80000,
    "more and more": lambda part: FIRST + part**0.2 * 20 * YEAR,
    "two heaps": lambda part: FIRST + YEAR + part * 5000 if part < 0.5 else FIRST + 19 * YEAR + part * 5000,
}


@pytest.mark.parametrize("when", SPREADS.values(), ids=SPREADS)
def test_more_photos_than_one_query_gives_are_each_found_once(api, when):
    api.found["car"] = uploads(9000, when)
    found = every(api)
    assert sorted(c.title for c in found) == sorted(f"car {n}" for n in range(9000))
    assert len(api.asked) < 250  # 18 answers and what the cutting takes where all lies in a few hours of 20 years


def test_the_newest_slice_comes_first_and_in_it_the_best(api):
    api.found["car"] = uploads(9000, SPREADS["even"])
    answers = [search(api)]
    while answers[-1].next:
        answers.append(search(api, cursor=answers[-1].next))
    first = [int(c.title.split()[1]) for c in answers[0].candidates]
    assert first == sorted(first)  # as the search ranks them
    assert min(first) > 4500
    assert max(int(c.title.split()[1]) for c in answers[-1].candidates) < min(first)


def test_a_cursor_says_from_when_to_when_and_which_page(api):
    api.found["car"] = uploads(9000, SPREADS["even"])
    cursor = search(api).next
    start, end, page = map(int, re.fullmatch(r"(\d+)-(\d+)/(\d+)", cursor).groups())
    assert FIRST < start < end <= time.time()
    assert page == 2
    assert search(api, cursor=cursor) == search(api, cursor=cursor)


def test_a_second_with_more_photos_than_one_query_gives_does_not_stop_the_rest(api):
    moment = FIRST + 5 * YEAR
    api.found["car"] = [photo(n, uploaded=moment) for n in range(4100)] + [
        photo(n, uploaded=FIRST + n) for n in range(4100, 4300)
    ]
    found = [c.title for c in every(api)]
    assert len(found) == len(set(found)) == DEPTH + 200
    assert "car 4299" in found


def test_one_call_asks_no_more_than_a_few_times(api):
    api.found["car"] = uploads(9000, SPREADS["all in one day of 2005"])
    found = search(api)
    assert (found.candidates, len(api.asked)) == ((), ASKS)
    assert found.next


def test_photos_that_vanish_meanwhile_do_not_end_the_search(api):
    api.found["car"] = uploads(9000, SPREADS["even"])
    cursor = search(api).next
    start = int(cursor.partition("-")[0])
    api.found["car"] = left = [p for p in api.found["car"] if p["uploaded"] < start]
    assert len(left) > DEPTH
    assert sorted(c.title for c in every(api, cursor)) == sorted(p["title"] for p in left)


@pytest.mark.parametrize("cursor", ["2", "1-2", "1-2/0", "a-b/c", "1-2/3x", "-1-2/3", "1/2"])
def test_what_is_no_place_in_the_results_is_not_asked_for(api, cursor):
    with pytest.raises(BadInput, match="from-to/page was wanted"):
        search(api, cursor=cursor)
    assert api.asked == []


def test_no_photos_is_an_empty_answer(api):
    assert search(api, "nothing like it") == Results((), "")


# -- what is not as it should be -----------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [
    None, 7, "text", [], {}, {"id": "9", "owner": "x"}, {"id": "9", "url_l": None, "url_c": 5, "url_z": ["u"]},
])  # fmt: skip
def test_a_photo_without_an_address_is_counted_and_the_rest_goes_on(api, broken):
    api.faults = [Answer({"photos": {"total": 3, "pages": 1, "photo": [photo(1), broken, photo(2)]}, "stat": "ok"})]
    found = search(api).candidates
    assert [c.error for c in found] == ["", "malformed result", ""]
    assert found[1].url in ("flickr result 9", "flickr result without an id")


@pytest.mark.parametrize("name", ["id", "owner", "title", "ownername"])
@pytest.mark.parametrize("value", [None, 5, [], {}])
def test_a_field_of_a_wrong_type_is_an_empty_one(api, name, value):
    api.found["car"] = [photo(1) | {name: value}]
    (found,) = search(api).candidates
    assert (found.error, found.page != "") == ("", name in ("title", "ownername"))


@pytest.mark.parametrize("answer", [
    b"", b"<rsp/>", b"[]", {}, {"stat": "ok"}, {"stat": "ok", "photos": []}, {"stat": "ok", "photos": {}},
    {"stat": "ok", "photos": {"total": "many", "pages": 1, "photo": []}}, {"photos": {"total": 0, "photo": []}},
    {"stat": "ok", "photos": {"total": 1, "pages": 1, "photo": None}},
    {"stat": "ok", "photos": {"total": 1, "photo": []}}, {"stat": "perhaps"}, b"[" * 100_000,
])  # fmt: skip
def test_an_answer_of_another_form_is_refused(api, answer):
    api.faults = [Answer(answer)]
    with pytest.raises(Refused) as caught:
        search(api)
    assert caught.value.reason == "malformed answer"


@pytest.mark.parametrize("code", [0, 10, 105, "105"])
def test_a_service_that_is_not_available_may_be_asked_again(api, code):
    api.faults = [Answer({"stat": "fail", "code": code, "message": "Service currently unavailable"})]
    with pytest.raises(Refused, match="Service currently unavailable") as caught:
        search(api)
    assert caught.value.reason == "provider error"
    assert not isinstance(caught.value, Permanent)


@pytest.mark.parametrize("code", [3, 112, 116])
def test_any_other_error_stays_one(api, code):
    api.faults = [Answer({"stat": "fail", "code": code, "message": "No"})]
    with pytest.raises(Permanent, match=f"answered with the error {code}: No"):
        search(api)


def test_without_a_key_nothing_is_asked(api):
    with pytest.raises(BadSetting, match="WINNOW_FLICKR_KEY is not set"):
        search(api, key="")
    assert api.asked == []


def test_a_wrong_key_is_one_sentence_that_names_the_setting(api):
    with pytest.raises(BadSetting, match="does not accept WINNOW_FLICKR_KEY") as caught:
        search(api, key="SECRET999")
    assert "SECRET999" not in str(caught.value)


SECRET_PATHS = {
    "not accepted": Answer({"stat": "fail", "code": 100, "message": "Invalid API Key SECRET123"}),
    "unavailable": Answer({"stat": "fail", "code": 105, "message": "Not now, SECRET123"}),
    "another error": Answer({"stat": "fail", "code": 1, "message": "api_key=SECRET123"}),
    "http 403": Answer(b"SECRET123", 403),
    "http 500": Answer(b"SECRET123", 500),
    "no JSON": Answer(b"SECRET123"),
    "no photos": Answer({"stat": "ok", "photos": "SECRET123"}),
    "redirect": Answer(b"", 302, {"Location": "/services/rest/?api_key=SECRET123"}),
    "redirect to nowhere": Answer(b"", 302, {"Location": "mailto:SECRET123"}),
}


@pytest.mark.parametrize("fault", SECRET_PATHS.values(), ids=SECRET_PATHS)
def test_the_key_is_in_no_error(api, fault):
    api.faults = [fault] * 4
    with pytest.raises((Refused, BadSetting)) as caught:
        search(api)
    assert KEY not in str(caught.value)
    assert KEY not in getattr(caught.value, "reason", "")
    assert not re.search(KEY, repr(caught.value))


@pytest.mark.parametrize("base", ["http://[broken", "http://127.0.0.1:1", "ftp://127.0.0.1"])
def test_the_key_is_in_no_error_of_a_wrong_address(base):
    with blocking(Web(("127.0.0.1",))) as get, pytest.raises(Refused) as caught:
        flickr.search("car", "", Options(base=base, key=KEY), get)
    assert KEY not in str(caught.value)


def test_the_key_is_in_no_address_and_in_no_candidate(api):
    api.found["car"] = [photo(n) for n in range(3)]
    found = search(api)
    assert KEY not in repr(found)
    assert not [a for a in api.asked if KEY in a.path + json.dumps(a.query) + json.dumps(a.headers)]


@pytest.mark.parametrize(
    "base", ["http://h", "http://h/", "http://h/services", "http://h/services/rest", "http://h/services/rest/"]
)
def test_a_base_address_may_be_given_with_or_without_its_path(base):
    assert _api(base) == "http://h/services/rest/"


def test_the_usual_address_is_the_public_one():
    assert _api("") == "https://api.flickr.com/services/rest/"
