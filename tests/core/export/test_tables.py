from __future__ import annotations

import csv
from pathlib import Path

import pytest

from core.errors import BadInput
from core.export import cell, uncell, write_csv

HOSTILE = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("x")', "'=1", "'", "plain", "it's"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_disarmed_and_comes_back(text: str) -> None:
    assert not str(cell(text)).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert uncell(str(cell(text))) == text


def test_numbers_stay_numbers() -> None:
    assert cell(-1.5) == -1.5


def test_rows_are_written_and_counted(tmp_path: Path) -> None:
    count = write_csv(tmp_path / "t.csv", ["a", "b"], [{"a": "=1", "b": 2}, {"a": "ü,\n", "b": -3}])
    assert count == 2
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["'=1", "2"], ["ü,\n", "-3"]]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="missing"):
        write_csv(tmp_path / "missing" / "t.csv", ["a"], [])
