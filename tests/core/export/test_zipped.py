"""A folder as a .zip that is sent while it is made."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from pathlib import Path

from core.export.zipped import zipped


def test_it_unpacks_to_what_was_there_without_links_and_half_files(tmp_path: Path) -> None:
    folder = tmp_path / "coco"
    (folder / "images" / "trän").mkdir(parents=True)
    (folder / "images" / "trän" / "1.jpg").write_bytes(os.urandom(3_000_000))
    (folder / "empty.csv").touch()
    (folder / "a.part").touch()
    (folder / "link").symlink_to("/etc/passwd")
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(folder)))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["coco/empty.csv", "coco/images/trän/1.jpg"]
        assert archive.read("coco/images/trän/1.jpg") == (folder / "images" / "trän" / "1.jpg").read_bytes()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with (tmp_path / "x" / "big").open("wb") as file:
        file.truncate(60_000_000)
    tracemalloc.start()
    assert sum(map(len, zipped(tmp_path / "x"))) > 60_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000
