"""The demo source: the same addresses on every run, wherever its server stands."""

from core.model import Results
from core.sources import demo
from core.sources.demo import HOST, at
from core.sources.options import Options
from core.web import Web, blocking
from tests.providers.openverse import Openverse


def search(api, cursor="") -> Results:
    api.found["sedan"] = [
        {"url": f"{api.url}/image/{n}.jpg", "foreign_landing_url": f"{api.url}/page/{n}"} for n in range(25)
    ]
    with blocking(Web(own=(api.allow,))) as get:
        return demo.search("sedan", cursor, Options(base=api.url), get)


def test_an_image_keeps_its_address_when_the_server_moves():
    with Openverse() as one, Openverse() as two:
        assert search(one) == search(two)
        found = search(one).candidates[1]
        assert (found.url, found.page, found.source) == (f"{HOST}/image/1.jpg", f"{HOST}/page/1", "demo")
        assert at(found.url, two.url) == f"{two.url}/image/1.jpg"


def test_the_answers_follow_each_other_as_openverses_do():
    with Openverse() as api:
        assert (len(search(api).candidates), search(api).next) == (20, "2")
        assert (len(search(api, "2").candidates), search(api, "2").next) == (5, "")


def test_only_the_demos_own_addresses_are_moved():
    assert at("http://elsewhere.example/demo.invalid", "http://127.0.0.1:1") == "http://elsewhere.example/demo.invalid"
