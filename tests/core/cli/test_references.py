"""`python -m core review references`: earlier projects that a review starts from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.__main__ import main
from tests.core.review.test_earlier import decide, described
from tests.pages import filled


def test_earlier_projects_are_chosen_told_and_taken_back(store, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, other = (filled.scraped(store, home, name, each=20) for name in ("old", "new", "other"))
    decide(store, old, described(store, old))
    described(store, new, seed=1)
    decide(store, other, described(store, other, by="net@2"))

    def references(*words: str) -> dict:
        assert main(["review", "references", "--project", "new", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert references() == {"references": [], "left_out": []}
    said = references("--projects", "old, other")
    assert said["references"] == ["old"] and "described by net@2, these by net@1" in said["left_out"][0]
    assert references() == said, "they are kept"
    assert main(["review", "next", "--project", "new", "--size", "5", "--json"]) == 0
    tiles = json.loads(capsys.readouterr().out)["images"]
    assert tiles[0]["why"].startswith("looks like what was rejected in old")
    assert references("--projects", "") == {"references": [], "left_out": []}
    assert main(["review", "references", "--project", "new", "--projects", "new", "--json"]) == 2
    assert "cannot be an earlier project of itself" in capsys.readouterr().err
