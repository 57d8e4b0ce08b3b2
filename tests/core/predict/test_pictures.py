"""Pictures of files, folders and .zip files: what is in them, what is not, and what is made to do harm."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.errors import BadInput, Refused
from core.predict.pictures import found, inside, listed, one, packed


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two files that can be had, and one of each kind that cannot."""
    path = tmp_path / "all.ZIP"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", b"first")
        file.writestr("deep/er/b.jpg", b"second")
        file.writestr("deep/", b"")
        file.writestr("__MACOSX/._a.jpg", b"hidden")
        file.writestr("../out.jpg", b"third")
        file.writestr("bomb.png", bytes(15_000_000))
        file.writestr("big.png", bytes(i * i % 251 for i in range(5000)) * 4500, compress_type=zipfile.ZIP_STORED)
        file.writestr("locked.jpg", b"fourth")
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"locked.jpg")  # in the list at the end
    data[entry - 46 + 8] |= 1
    path.write_bytes(data)
    return path


def test_what_is_in_a_zip_comes_in_its_order_and_what_cannot_be_had_says_why(archive: Path) -> None:
    came = dict(packed(archive, "all.ZIP"))
    assert [name.removeprefix("all.ZIP!/") for name in came] == [
        "a.jpg", "deep/er/b.jpg", "../out.jpg", "bomb.png", "big.png", "locked.jpg",
    ]  # fmt: skip
    assert came["all.ZIP!/a.jpg"] == b"first" and came["all.ZIP!/deep/er/b.jpg"] == b"second"
    reasons = {name[9:]: said.reason for name, said in came.items() if isinstance(said, Refused)}
    assert reasons == {
        "../out.jpg": "unsafe name", "bomb.png": "packed too tightly", "big.png": "too large", "locked.jpg": "encrypted"
    }  # fmt: skip
    assert all(len(str(said)) > 20 for said in came.values() if isinstance(said, Refused))
    assert inside(archive) == len(came)
    assert not (archive.parent.parent / "out.jpg").exists()


def test_a_single_one_of_them_is_the_same(archive: Path) -> None:
    assert one(archive, "all.ZIP", "all.ZIP!/deep/er/b.jpg") == b"second"
    locked, gone = (one(archive, "all.ZIP", f"all.ZIP!/{name}") for name in ("locked.jpg", "none.jpg"))
    assert isinstance(locked, Refused) and locked.reason == "encrypted"
    assert isinstance(gone, Refused) and "all.ZIP" in str(gone)


def test_a_damaged_archive_is_one_sentence_and_the_other_files_go_on(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(b"no archive at all")
    (tmp_path / "2.jpg").write_bytes(b"picture")
    (first, said), second = found([str(tmp_path)])
    assert first.endswith("1.zip") and isinstance(said, Refused) and "1.zip" in str(said)
    assert second == (str(tmp_path / "2.jpg"), b"picture")
    assert inside(tmp_path / "1.zip") == 0


def test_a_path_that_does_not_exist_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"picture")
    with pytest.raises(BadInput, match="nowhere"):
        next(found([str(tmp_path / "a.jpg"), str(tmp_path / "nowhere")]))


def test_hidden_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.jpg", ".DS_Store", "a/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in listed([str(tmp_path)])] == ["c.jpg", "b.jpg"]
