"""A look at a dozen results: pictures, licences, labels; nothing is kept."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BadInput, Refused
from db.store import Store
from tests.provider import Provider
from tests.scenes import jpeg, scene
from tests.test_whole_path import Path_


@pytest.fixture
def provider(monkeypatch) -> Iterator[Provider]:
    with Provider() as running:
        monkeypatch.setenv("WINNOW_OPENVERSE_URL", running.url)
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", running.allow)
        running.images = {f"/{n}.jpg": jpeg(scene(n)) for n in range(12)}
        yield running


@pytest.fixture
def path(store: Store, provider: Provider) -> Path_:
    return Path_(store, ("sedan", "suv"))


def test_the_first_dozen_come_with_small_pictures_and_nothing_is_kept(path: Path_, provider: Provider) -> None:
    provider.found["suv car"] = [
        {"url": f"{provider.url}/{n}.jpg", "license": "by", "license_version": "4.0", "title": f"no. {n}"}
        for n in range(30)
    ]
    provider.found["suv car"][3]["url"] = f"{provider.url}/html"
    rows = path("preview", source="openverse", label="suv", query="{class} car")["results"]
    assert [row["title"] for row in rows] == [f"no. {n}" for n in range(12)]
    assert {row["licence"] for row in rows} == {"CC BY 4.0"}
    assert base64.b64decode(rows[0]["picture"].partition(",")[2])[:2] == b"\xff\xd8"
    assert rows[3]["picture"] == "" and "not an image" in rows[3]["error"]
    assert path.store.funnel(path.project.id).found == 0
    assert not [file for file in path.settings.home.rglob("*") if file.is_file() and "images" in file.parts]


def test_a_table_shows_its_labels_with_a_class_proposed_for_each(
    path: Path_, provider: Provider, tmp_path: Path
) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as file:
        rows = [(f"{provider.url}/{n}.jpg", "SUV" if n < 9 else "sedan_2008") for n in range(12)] + [("", "suv")]
        csv.writer(file).writerows([("url", "label"), *rows])
    result = path("preview", source="urls", options={"table": str(tmp_path / "t.csv")})
    assert len(result["results"]) == 12
    labels = result["labels"]
    assert (labels["rows"], labels["unusable"], labels["labels"]) == (13, 1, 2)
    assert labels["some"] == [
        {"label": "SUV", "rows": 9, "class": "suv"}, {"label": "sedan_2008", "rows": 3, "class": "sedan"}]  # fmt: skip


def test_a_source_that_does_not_answer_says_so(path: Path_, provider: Provider) -> None:
    provider.answer = b"<html>"
    with pytest.raises(Refused, match="did not answer"):
        path("preview", source="openverse")
    with pytest.raises(BadInput, match="WINNOW_FLICKR_KEY"):
        path("preview", source="flickr")
