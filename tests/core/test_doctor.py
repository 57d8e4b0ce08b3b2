"""What is in force, what is missing, and whether the sources answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.doctor import report, sources
from core.model import Results
from core.settings import load
from core.sources import SOURCES
from tests.providers.flickr import Flickr
from tests.providers.openverse import Openverse, many
from tests.test_whole_path import Path_


@pytest.fixture
def openverse(monkeypatch) -> Iterator[Openverse]:
    with Openverse() as api:
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", "127.0.0.1")
        monkeypatch.setenv("WINNOW_OPENVERSE_URL", api.url)
        for name in ("COMMONS", "FLICKR", "DDGS"):
            monkeypatch.setenv(f"WINNOW_{name}_URL", "http://127.0.0.1:9")  # nobody listens there
        yield api


def test_every_source_asked_in_words_is_asked_for_one(openverse) -> None:
    openverse.found["car"] = many(3)
    said = {row["source"]: row for row in sources(load())}
    assert set(said) == {"openverse", "commons", "flickr", "ddgs"}
    assert said["openverse"]["healthy"]
    assert (
        said["openverse"]["sentence"]
        == "It answers: 3 results for 'car'; 19 of 20 requests a minute left, 199 of 200 a day."
    )
    assert not said["flickr"]["healthy"] and "WINNOW_FLICKR_KEY" in said["flickr"]["sentence"]
    assert not said["commons"]["healthy"] and "WINNOW_CONTACT" in said["commons"]["sentence"]
    assert not said["ddgs"]["healthy"] and said["ddgs"]["sentence"].endswith(".")


def test_sources_that_take_their_time_are_asked_at_once(openverse, monkeypatch) -> None:
    def slow(*_: object) -> Results:
        time.sleep(1)
        return Results(())

    for name in ("openverse", "ddgs"):
        monkeypatch.setitem(SOURCES, name, replace(SOURCES[name], search=slow, limits=None))
    began = time.monotonic()
    said = {row["source"]: row for row in sources(load())}
    assert time.monotonic() - began < said["openverse"]["seconds"] + said["ddgs"]["seconds"]
    assert said["openverse"]["healthy"] and said["ddgs"]["sentence"] == "It answers: 0 results for 'car'."


def test_a_key_is_used_and_shown_nowhere(openverse, store, monkeypatch) -> None:
    with Flickr() as api:
        monkeypatch.setenv("WINNOW_FLICKR_URL", api.url)
        monkeypatch.setenv("WINNOW_FLICKR_KEY", "SECRET123")
        monkeypatch.setenv("WINNOW_OPENVERSE_SECRET", "SECRET123")
        found = report(store, load())
    assert "SECRET123" not in json.dumps(found)
    assert found["settings"]["WINNOW_FLICKR_KEY"] == "**********"
    assert next(row for row in found["sources"] if row["source"] == "flickr")["healthy"]


def test_the_page_asks_the_sources_in_a_job(openverse, store) -> None:
    said = Path_(store, ("a", "b"))("health")["sources"]
    assert said["openverse"]["healthy"] and not said["ddgs"]["healthy"]
