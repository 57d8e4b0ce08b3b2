"""The one way that pictures leave the house: signed, short-lived, re-encoded."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.blobs import Blobs
from pages.parts import house, routes
from tests.pages import filled


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.ROUTES))


@pytest.fixture
def cars(store, home: Path):
    project = filled.scraped(store, home)
    return project, list(store.images(project.id))


def cut(pack: bytes) -> list[bytes]:
    (count,) = struct.unpack_from("<I", pack)
    lengths = struct.unpack_from(f"<{count}I", pack, 4)
    pictures, at = [], 4 + 4 * count
    for length in lengths:
        pictures.append(pack[at : at + length])
        at += length
    assert at == len(pack)
    return pictures


def test_a_pack_holds_the_thumbnails_in_the_order_asked_for(cars, client) -> None:
    project, records = cars
    ids = [records[2].id, records[0].id]
    answer = client.get("/" + routes.pack_address(project.id, ids))
    assert answer.status_code == 200
    assert cut(answer.content) == [house.blobs().thumb(records[i].facts.sha256) for i in (2, 0)]


def test_what_is_not_on_disk_or_not_of_the_project_has_length_zero_and_the_rest_arrives(cars, client, home) -> None:
    project, records = cars
    Path(Blobs(str(home)).path(records[1].facts.sha256, "thumbs")).unlink()
    answer = client.get("/" + routes.pack_address(project.id, [records[0].id, records[1].id, 999_999]))
    first, *others = cut(answer.content)
    assert Image.open(io.BytesIO(first)).format == "JPEG" and others == [b"", b""]


def test_headers_say_what_it_is_and_how_long_it_may_be_kept(cars, client) -> None:
    project, records = cars
    pack = client.get("/" + routes.pack_address(project.id, [records[0].id]))
    large = client.get("/" + routes.pack_address(project.id, [records[0].id]) + f"&large={records[0].id}")
    assert pack.headers["content-type"] == "application/octet-stream"
    assert large.headers["content-type"] == "image/jpeg"
    for answer in (pack, large):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (
            answer.headers["cache-control"].startswith("private, max-age=")
            and "immutable" in answer.headers["cache-control"]
        )
        assert 0 < int(answer.headers["cache-control"].split("max-age=")[1].split(",")[0]) <= 2 * routes.HOUR


def test_the_large_view_is_encoded_anew_and_never_the_original(cars, client, home) -> None:
    project, records = cars
    record = records[0]
    original = house.blobs().get(record.facts.sha256)
    path = Path(Blobs(str(home)).path(record.facts.sha256))
    path.write_bytes(original + b"<script>alert(1)</script>")
    answer = client.get("/" + routes.pack_address(project.id, [record.id]) + f"&large={record.id}")
    assert b"<script>" not in answer.content
    assert Image.open(io.BytesIO(answer.content)).size == (record.facts.width, record.facts.height)


def test_a_large_picture_outside_the_signed_pack_is_refused(cars, client) -> None:
    project, records = cars
    answer = client.get("/" + routes.pack_address(project.id, [records[0].id]) + f"&large={records[1].id}")
    assert answer.status_code == 403


@pytest.mark.parametrize("spoil", [
    lambda url: url.split("?")[0],
    lambda url: url.replace("signature=", "signature=0"),
    lambda url: url.split("signature=")[0] + "signature=",
    lambda url: url.split("signature=")[0] + "signature=é",
    lambda url: url.replace("pictures/1/", "pictures/2/"),
    lambda url: url.replace("pictures/1/", "pictures/1/1,"),
    lambda url: url.replace("expires=", "expires=9"),
    lambda url: url.replace("expires=", "expires=-"),
    lambda url: url.replace("expires=", "expires=²"),
])  # fmt: skip
def test_an_address_that_was_touched_is_refused(cars, client, spoil) -> None:
    project, records = cars
    url = "/" + routes.pack_address(project.id, [records[0].id])
    assert client.get(url).status_code == 200
    answer = client.get(spoil(url))
    assert answer.status_code == 403
    assert "signed" in answer.text and answer.headers["cache-control"] == "no-store"


def test_an_address_is_the_same_within_an_hour_and_ends_within_two(cars, client, monkeypatch) -> None:
    project, records = cars
    start = (int(time.time()) // routes.HOUR) * routes.HOUR
    monkeypatch.setattr(routes.time, "time", lambda: start + 5)
    url = routes.pack_address(project.id, [records[0].id])
    monkeypatch.setattr(routes.time, "time", lambda: start + routes.HOUR - 5)
    assert routes.pack_address(project.id, [records[0].id]) == url
    assert client.get("/" + url).status_code == 200
    monkeypatch.setattr(routes.time, "time", lambda: start + 2 * routes.HOUR + 1)
    answer = client.get("/" + url)
    assert answer.status_code == 410 and "reload" in answer.text


def test_the_key_is_the_home_s_own_and_only_its_owner_reads_it(cars, client, home, tmp_path) -> None:
    project, records = cars
    url = routes.pack_address(project.id, [records[0].id])
    key = home / "pictures.key"
    assert len(key.read_bytes()) == 32 and key.stat().st_mode & 0o077 == 0
    assert list(home.glob("*.part")) == []
    assert routes._key(tmp_path / "another") != routes._key(home)
    assert parse_qs(urlsplit(url).query)["signature"][0] not in key.read_bytes().hex()


def test_too_many_pictures_in_one_address_are_refused(cars, client) -> None:
    project, _ = cars
    answer = client.get("/" + routes.pack_address(project.id, range(1, routes.IDS_MAX + 2)))
    assert answer.status_code == 400 and str(routes.IDS_MAX) in answer.text
