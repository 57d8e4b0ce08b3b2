"""Openverse's documented search: paging, licences, and results that are not as they should be."""

import json

import pytest

from core.errors import Refused
from core.licences import name as licence
from core.model import UNKNOWN_LICENCE
from core.sources import SOURCES
from core.sources.openverse import BASE, _images
from core.sources.options import Options
from core.web import Web, blocking
from tests.provider import Provider

# The example of https://api.openverse.org/v1/, shortened.
RESULT = {
    "id": "4bc43a04-ef46-4544-a0c1-63c63f56e276", "title": "Tree Bark Photo",
    "foreign_landing_url": "https://stocksnap.io/photo/XNVBVXO3B7",
    "url": "https://cdn.stocksnap.io/img-thumbs/960w/XNVBVXO3B7.jpg", "creator": "Tim Sullivan",
    "creator_url": "https://www.secretagencygroup.com", "license": "cc0", "license_version": "1.0",
    "license_url": "https://creativecommons.org/publicdomain/zero/1.0/", "provider": "stocksnap", "source": "stocksnap",
    "attribution": '"Tree Bark Photo" by Tim Sullivan is marked with CC0 1.0.', "mature": False, "height": 4016,
    "width": 6016, "thumbnail": "https://api.openverse.org/v1/images/4bc43a04-ef46-4544-a0c1-63c63f56e276/thumb/",
}  # fmt: skip


@pytest.fixture
def provider():
    with Provider() as running:
        yield running


def search(provider, words="car", limit=400):
    with blocking(Web((provider.allow,))) as get:
        return list(SOURCES["openverse"].search(words, limit, Options(base=provider.url), get))


def many(count):
    return [{**RESULT, "url": f"https://cdn.example/{n}.jpg"} for n in range(count)]


def test_a_result_keeps_its_provenance(provider):
    provider.found["car"] = [RESULT]
    (found,) = search(provider)
    assert (found.url, found.page, found.title, found.creator, found.licence, found.licence_url, found.error) == (
        RESULT["url"], RESULT["foreign_landing_url"], "Tree Bark Photo", "Tim Sullivan", "CC0 1.0", RESULT["license_url"], "")  # fmt: skip


def test_pages_are_asked_for_until_there_is_no_more(provider):
    provider.found["car"] = many(47)
    assert [c.url for c in search(provider)] == [f"https://cdn.example/{n}.jpg" for n in range(47)]
    assert [path for path, _, _ in provider.requests] == [
        f"/v1/images/?q=car&page={n}&page_size=20" for n in (1, 2, 3)]  # fmt: skip


@pytest.mark.parametrize(("limit", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2), (40, 2)])
def test_no_more_pages_than_the_limit_needs(provider, limit, pages):
    provider.found["car"] = many(100)
    assert len(search(provider, limit=limit)) == limit
    assert len(provider.requests) == pages


def test_words_are_quoted_and_cut(provider):
    provider.found["a & b/ü"] = [RESULT]
    assert len(search(provider, "a & b/ü")) == 1
    search(provider, "x" * 500)
    assert provider.requests[-1][0].count("x") == 200


@pytest.mark.parametrize("broken", [
    None, 7, "text", [], {}, {"url": None}, {"url": 5}, {"url": ""}, {"url": ["http://h/x.jpg"]},
])  # fmt: skip
def test_a_result_without_an_address_is_counted_and_the_rest_goes_on(provider, broken):
    provider.found["car"] = [RESULT, broken, RESULT]
    assert [c.error for c in search(provider)] == ["", "malformed result", ""]


@pytest.mark.parametrize(
    "key", ["id", "title", "creator", "license", "license_version", "license_url", "foreign_landing_url"]
)
@pytest.mark.parametrize("value", [None, 5, [], {}, True])
def test_a_field_of_a_wrong_type_is_an_empty_one(provider, key, value):
    provider.found["car"] = [{**RESULT, key: value}, {k: v for k, v in RESULT.items() if k != key}]
    found = search(provider)
    assert [c.error for c in found] == ["", ""]
    if key == "license":
        assert {c.licence for c in found} == {UNKNOWN_LICENCE}


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"results": 5}', b'{"results": {}}', b"[" * 100_000,
                                    b"\xff\xfe", b'{"results": null}'])  # fmt: skip
def test_an_answer_of_another_form_is_refused(provider, answer):
    provider.answer = answer
    with pytest.raises(Refused) as caught:
        search(provider)
    assert caught.value.reason == "malformed answer"


@pytest.mark.parametrize("count", [None, "9", 10**9, -1])
def test_a_page_count_that_makes_no_sense_does_not_run_for_ever(provider, count):
    provider.answer = json.dumps({"page_count": count, "results": many(20)}).encode()
    assert len(search(provider, limit=60)) in (20, 60)
    assert len(provider.requests) <= 3


def test_no_results_ends_the_search_whatever_the_page_count(provider):
    provider.answer = b'{"page_count": 1000000, "results": []}'
    assert search(provider) == []
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("slug", "version", "name"), [
    ("by-sa", "4.0", "CC BY-SA 4.0"), ("BY", "2.0", "CC BY 2.0"), ("cc0", "1.0", "CC0 1.0"),
    ("pdm", "1.0", "Public Domain Mark 1.0"), ("by-nc-nd", "", "CC BY-NC-ND"), ("sampling+", "1.0", "CC Sampling+ 1.0"),
    ("", "4.0", UNKNOWN_LICENCE), ("  ", "", UNKNOWN_LICENCE),
])  # fmt: skip
def test_licences_are_written_as_people_write_them(slug, version, name):
    assert licence(slug, version) == name


@pytest.mark.parametrize(
    "base", ["http://h", "http://h/", "http://h/v1", "http://h/v1/", "http://h/v1/images", "http://h/v1/images/"]
)
def test_a_base_address_may_be_given_with_or_without_its_path(base):
    assert _images(base) == "http://h/v1/images/"


def test_the_usual_address_is_the_public_one():
    assert _images("") == BASE + "/v1/images/" == "https://api.openverse.org/v1/images/"
