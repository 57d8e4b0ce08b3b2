"""The folder of an export: whose it is, and nothing half in it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from core.errors import BadInput, Damaged
from core.export import place


def opened(folder: Path, project: str = "cars", form: str = "coco") -> dict:
    return place.opened(folder, project, form, {"images": "a folder", "labels.json": "a file"})


def test_a_new_folder_is_made_and_an_empty_one_is_taken(tmp_path: Path) -> None:
    assert opened(tmp_path / "a" / "b") == {} == opened(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.parametrize(("project", "form"), [("cars", "csv"), ("trees", "coco"), ("trees", "model")])
def test_another_export_is_not_written_over(tmp_path: Path, project: str, form: str) -> None:
    place.mark(tmp_path, project, form, {})
    with pytest.raises(BadInput, match=rf"holds another export \({form} of '{project}'\): choose another folder"):
        opened(tmp_path)


def test_the_same_export_may_go_on(tmp_path: Path) -> None:
    place.mark(tmp_path, "cars", "coco", {"finished": False})
    (tmp_path / "images").mkdir()
    assert opened(tmp_path)["finished"] is False


def test_what_somebody_else_put_there_is_not_written_over_and_other_files_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert opened(tmp_path) == {}
    (tmp_path / "labels.json").touch()
    with pytest.raises(BadInput, match="holds a file 'labels.json' already"):
        opened(tmp_path)


def test_a_file_is_no_folder_and_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is a file: wanted a folder"):
        opened(tmp_path / "file")
    with pytest.raises(BadInput, match=r"The export cannot be written to '.*file/under': Not a directory\."):
        opened(tmp_path / "file" / "under")
    with pytest.raises(BadInput, match="cannot be written to '/proc/x'"):
        opened(Path("/proc/x"))


def test_a_marker_that_is_no_json_is_said(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("{")
    with pytest.raises(Damaged, match=r"export\.json is no JSON"):
        opened(tmp_path)


def test_a_full_disk_is_a_sentence_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is full: free some space"), place.writing(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_nothing_outside_is_taken_out_whatever_a_marker_says(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    (tmp_path / "out").mkdir()
    with pytest.raises(BadInput, match="leads out"):
        place.drop(tmp_path / "out", {"files": [{"file": "../kept"}]}, [])
    assert (tmp_path / "kept").exists()
