"""`predict` as a script calls it."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import runs
from core.settings import load
from tests import drawn
from tests.core.cli.conftest import Run
from tests.pages import filled


@pytest.fixture
def cars(store, home: Path) -> Iterator[None]:
    """A project `cars` with a model that tells three colours apart."""
    project = filled.scraped(store, home, classes=drawn.CLASSES)
    filled.split(store, project)
    with drawn.tiny_backbones():
        [run] = filled.trained(store, project, ("tiny24",))
        drawn.trained("tiny24", runs.run_folder(load(), run), epochs=1)
        yield


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for i, pixels in enumerate(drawn.drawn(3, 40, 1).pixels):
            file.writestr(f"in/{i}.png", drawn.png(pixels))
        file.writestr("notes.txt", "no picture")
    return tmp_path / "all.zip"


def test_the_pictures_of_a_zip_are_answered_and_what_is_none_is_told(run: Run, cars: None, archive: Path) -> None:
    said = run("predict", archive)
    assert [image["image"].partition("!/")[2] for image in said["images"]] == ["in/0.png", "in/1.png", "in/2.png"]
    assert all(image["label"] in drawn.CLASSES for image in said["images"])
    assert [failed["image"].partition("!/")[2] for failed in said["failed"]] == ["notes.txt"]


def test_answers_go_into_a_table_when_it_is_wanted(run: Run, cars: None, archive: Path, tmp_path: Path) -> None:
    said = run("predict", archive, "--to", tmp_path / "answers.csv")
    assert (said["images"], said["failed"]) == (3, 1)
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "label", "confidence", "known", "error"]
    assert [bool(row["label"]) for row in rows] == [True, True, True, False] and rows[3]["error"]


@pytest.mark.parametrize(("given", "said"), [
    ((), "either image files, folders and .zip files, or --table"),
    (("a.jpg", "--table", "urls.csv"), "either image files"),
    (("--table", "urls.csv"), "--table wants --to"),
    (("--table", "urls.csv", "--to", "urls.csv"), "is the table itself"),
    (("--table", "none.csv", "--to", "o.csv"), "none.csv"),
    (("--table", "urls.csv", "--to", "o.csv"), "no column 'url'"),
    (("urls.csv", "--to", "urls.jpg"), "--to 'urls.jpg' is no .csv"),
    (("nowhere",), "There is no file or folder 'nowhere'"),
])  # fmt: skip
def test_a_slip_is_a_sentence_before_there_is_a_job(run: Run, cars: None, tmp_path: Path, store, given, said) -> None:
    (tmp_path / "urls.csv").write_text("id,link\n1,http://example.org/1.jpg\n")
    assert said in run("predict", *given, code=2)["said"]
    assert not store.jobs(verb="predict")


def test_predicting_no_image_at_all_is_a_failure(run: Run, cars: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.jpg").write_text("no picture")
    for more in ((), ("--to", tmp_path / "o.csv")):
        told = run("predict", tmp_path / "notes.jpg", *more, code=1)
        assert "No picture could be read" in told["error"] and told["error"] == told["said"]
        assert "hold no file" in run("predict", tmp_path / "empty", *more, code=1)["error"]


def test_a_table_is_a_job_with_whole_paths(run: Run, cars: None, tmp_path: Path, store, monkeypatch) -> None:
    (tmp_path / "urls.csv").write_text("id,url\n1,http://10.0.0.1/1.jpg\n")
    asked = []
    monkeypatch.setattr("core.cli.models.submit", lambda args, verb, params: asked.append((verb, params)) or {})
    run("predict", "--table", "urls.csv", "--to", "o.csv", "--whole", "--ensemble", "priority")
    where = {"table": str(tmp_path / "urls.csv"), "to": str(tmp_path / "o.csv")}
    assert asked == [("predict", {**where, "runs": [], "ensemble": "priority", "whole": True})]
