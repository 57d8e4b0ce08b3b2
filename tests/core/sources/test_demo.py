"""The demo source: the same addresses on every run, wherever its server stands."""

from core.sources import SOURCES
from core.sources.demo import HOST, at
from core.sources.options import Options
from core.web import Web, blocking
from tests.provider import Provider


def search(provider):
    provider.found["sedan"] = [{"url": f"{provider.url}/image/1.jpg", "foreign_landing_url": f"{provider.url}/page/1"}]
    with blocking(Web(own=(provider.allow,))) as get:
        return list(SOURCES["demo"].search("sedan", 10, Options(base=provider.url), get))


def test_an_image_keeps_its_address_when_the_server_moves():
    with Provider() as one, Provider() as two:
        assert search(one) == search(two)
        (found,) = search(one)
        assert (found.url, found.page, found.source) == (f"{HOST}/image/1.jpg", f"{HOST}/page/1", "demo")
        assert at(found.url, two.url) == f"{two.url}/image/1.jpg"


def test_only_the_demos_own_addresses_are_moved():
    assert at("http://elsewhere.example/demo.invalid", "http://127.0.0.1:1") == "http://elsewhere.example/demo.invalid"
