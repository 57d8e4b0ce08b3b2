"""`export` as a script calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import Project
from tests.core.cli.conftest import Run
from tests.pages import filled


@pytest.fixture
def cars(store, home: Path) -> Project:
    project = filled.scraped(store, home)
    filled.split(store, project)
    return project


def test_a_data_set_is_written_by_a_job_which_is_waited_for(run: Run, cars: Project, tmp_path: Path, store) -> None:
    said = run("export", "--format", "imagefolder", "--to", tmp_path / "out")
    assert said["images"] == 36 and said["left_out"] == {"rejected": 0}
    assert all(Path(file).is_absolute() and Path(file).exists() for file in said["files"])
    assert len(list((tmp_path / "out").glob("*/*/*.jpg"))) == 36
    assert store.jobs(cars.id, "export")[0].status == "done"


def test_the_card_is_written_at_once_beside_whatever_is_there(run: Run, cars: Project, tmp_path: Path, store) -> None:
    (tmp_path / "notes.txt").touch()
    said = run("export", "--format", "card", "--to", tmp_path)
    assert said["files"] == [str(tmp_path / "DATASET_CARD.md")] and said["images"] == 36
    assert not store.jobs(cars.id, "export")


def test_the_newest_evaluation_is_written_at_once_as_one_file(run: Run, store, home: Path, tmp_path: Path) -> None:
    filled.everything(store, home)
    said = run("export", "--format", "evaluation", "--to", tmp_path / "new")
    assert said["files"] == [str(tmp_path / "new" / "evaluation.html")]
    assert "Evaluation report: cars" in (tmp_path / "new" / "evaluation.html").read_text()


@pytest.mark.parametrize(("given", "said"), [
    (("--format", "model"), "There is no trained model yet"),
    (("--format", "evaluation"), "nothing to report yet: evaluate models"),
    (("--format", "evaluation", "--licence", "open"), "--licence goes with the pictures"),
    (("--format", "coco", "--run", "1"), "--run goes with --format model"),
    (("--format", "model", "--licence", "open"), "--licence goes with the pictures"),
    (("--format", "model", "--run", "7"), "7"),
    (("--format", "model", "--ensemble", "median"), "invalid choice: 'median'"),
])  # fmt: skip
def test_a_slip_is_a_sentence_before_there_is_a_job(
    run: Run, cars: Project, tmp_path, store, given: tuple, said: str
) -> None:
    assert said in run("export", "--to", tmp_path / "out", *given, code=2)["said"]
    assert not store.jobs(cars.id, "export") and not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_and_a_folder_of_another_export_are_sentences(
    run: Run, cars: Project, tmp_path: Path, store
) -> None:
    (tmp_path / "file").touch()
    assert "Not a directory" in run("export", "--format", "csv", "--to", tmp_path / "file" / "x", code=2)["said"]
    run("export", "--format", "csv", "--to", tmp_path / "out")
    assert (
        "holds another export (csv of 'cars')"
        in run("export", "--format", "coco", "--to", tmp_path / "out", code=2)["said"]
    )
    assert len(store.jobs(cars.id, "export")) == 1


def test_without_a_picture_there_is_nothing_to_export(run: Run, store, tmp_path: Path) -> None:
    store.add_project("cars", ("sedan",))
    assert (
        "There is no picture to export" in run("export", "--format", "coco", "--to", tmp_path / "out", code=2)["said"]
    )
