"""Where weights come from: the person's folder, what was downloaded before, a download that is checked and bounded."""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.detectors.files import downloaded, weights_file
from core.errors import Missing

DATA = b"weights" * 1000
RIGHT = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Of a file that can be downloaded."""
    (tmp_path / "there.pt").write_bytes(DATA)
    return (tmp_path / "there.pt").as_uri()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes the call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/weights.pt"


def test_the_persons_folder_comes_before_what_was_downloaded(tmp_path: Path) -> None:
    for folder in ("own", "got"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.pt").touch()
    assert weights_file("a.pt", tmp_path / "own", tmp_path / "got", "no:", "") == tmp_path / "own" / "a.pt"
    assert weights_file("a.pt", None, tmp_path / "got", "no:", "") == tmp_path / "got" / "a.pt"


def test_what_is_nowhere_is_downloaded_once(tmp_path: Path, address: str) -> None:
    found = weights_file("a.pt", tmp_path / "own", tmp_path / "got", address, RIGHT)
    assert found == tmp_path / "got" / "a.pt" and found.read_bytes() == DATA
    assert weights_file("a.pt", tmp_path / "own", tmp_path / "got", "no:", RIGHT) == found
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["a.pt"]


def test_other_bytes_than_the_known_ones_are_not_kept(
    tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not downloaded(address, tmp_path / "got" / "a.pt", "0" * 64)
    assert list((tmp_path / "got").iterdir()) == []
    assert "invalid hash value" in caplog.text


def test_a_server_that_keeps_silent_is_given_up(tmp_path: Path, silent: str) -> None:
    started = time.monotonic()
    assert not downloaded(silent, tmp_path / "a.pt", RIGHT, silence=0.3)
    assert time.monotonic() - started < 5


def test_without_a_network_the_sentence_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(Missing) as told:
        weights_file("a.pt", tmp_path / "own", tmp_path / "got", "http://127.0.0.1:9/a.pt", RIGHT)
    assert str(told.value) == (
        "The detector's weights, a.pt, are not here and could not be downloaded: get http://127.0.0.1:9/a.pt and put it "
        f"into the folder that WINNOW_WEIGHTS names ({tmp_path / 'own'})."
    )
