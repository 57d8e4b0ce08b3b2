from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core.blobs import Blobs
from core.errors import Damaged, Missing

DATA = b"some bytes"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path))


def test_what_is_put_comes_back(blobs: Blobs) -> None:
    assert not blobs.has(SHA)
    blobs.put(SHA, DATA, b"thumb")
    assert blobs.has(SHA)
    assert (blobs.get(SHA, verify=True), blobs.thumb(SHA)) == (DATA, b"thumb")


def test_an_image_is_written_once_and_never_changed(blobs: Blobs) -> None:
    blobs.put(SHA, DATA, b"thumb")
    blobs.put(SHA, b"other", b"other")
    assert (blobs.get(SHA), blobs.thumb(SHA)) == (DATA, b"thumb")


def test_no_half_file_is_left(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put(SHA, DATA, b"thumb")
    assert not list(tmp_path.rglob("*.part"))


def test_a_missing_image_is_named(blobs: Blobs) -> None:
    with pytest.raises(Missing, match=SHA[:12]):
        blobs.get(SHA)


def test_a_changed_image_is_noticed(blobs: Blobs) -> None:
    blobs.put(SHA, DATA, b"thumb")
    Path(blobs.path(SHA)).write_bytes(b"some byteZ")
    with pytest.raises(Damaged, match="changed on disk"):
        blobs.get(SHA, verify=True)
