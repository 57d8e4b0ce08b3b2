"""Reasons that can be read."""

import re
from pathlib import Path

from core.scrape import FAILURES, meaning, summary

HERE = Path(__file__).parents[3]


def test_every_reason_in_the_source_has_a_meaning():
    used = set()
    rooms = [*(HERE / "core" / room for room in ("scrape", "web", "sources", "engine"))]
    for file in [HERE / "core" / "pixels.py", *(file for room in rooms for file in room.rglob("*.py"))]:
        used |= set(re.findall(r'(?:Refused|Permanent)\(\s*"([^"]+)"', file.read_text()))
        used |= set(re.findall(r'error="([^"]+)"', file.read_text()))
    used -= {"empty box"}  # of a crop, never of a fetch
    assert len(used) > 10
    assert {reason for reason in used if not meaning(reason)} == set()


def test_reasons_are_summed_up_with_the_most_frequent_first():
    assert summary({"timeout": 3, "http 404": 9}) == "12 failed: 9 http 404, 3 timeout"
    assert summary({}) == ""


def test_a_status_is_explained_and_an_unknown_reason_is_not():
    assert meaning("http 404") == "The host answered with the error 404: there is no such file."
    assert "programs or strangers" in meaning("http 403") and meaning("http 418").endswith("error 418.")
    assert "503: it has a fault of its own; try again later." in meaning("http 503")
    assert "asked too often; try again later" in meaning("http 429")
    assert meaning("something else") == ""
    assert all(sentence.endswith(".") for sentence in FAILURES.values())
