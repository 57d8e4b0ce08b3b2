"""What came in and is not stored yet is not asked for twice."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.errors import Permanent, Refused
from core.scrape import inbox
from core.scrape.inbox import Inbox

URL = "https://host.example/ä.jpg?a=1"


def opened(folder: Path, job: int = 1) -> Inbox:
    found = Inbox(str(folder), job)
    found.open()
    return found


def only(folder: Path) -> Path:
    (file,) = [path for path in folder.glob("*/*") if path.is_file()]
    return file


def test_bytes_and_permission_are_found_by_the_next_attempt_until_their_row_is_stored(tmp_path):
    body = b"\n{}\n" + bytes(range(256)) * 300
    opened(tmp_path).put(URL, (body, "allowed: robots.txt has no rule against it"))
    for job in (1, 2):
        after = opened(tmp_path, job)
        assert after.take("https://host.example/other.jpg") is None
        assert after.take(URL) == (body, "allowed: robots.txt has no rule against it")
    after.drop([URL, "https://host.example/other.jpg", "/a/file/of/this/computer.jpg"])
    assert opened(tmp_path).take(URL) is None


def test_files_are_used_again_for_shorter_and_longer_bytes_and_each_is_found(tmp_path):
    inbox = opened(tmp_path)
    for n, size in enumerate((100, 5000, 0, 70_000, 30)):
        inbox.put(f"{URL}{n}", (bytes([n]) * size, ""))
        if n < 3:
            inbox.drop([f"{URL}{n}"])
    assert len(list(tmp_path.glob("1/*"))) == 2
    after = opened(tmp_path)
    assert [after.take(f"{URL}{n}") for n in range(5)] == [None, None, None, (b"\3" * 70_000, ""), (b"\4" * 30, "")]
    after.put(f"{URL}5", (b"five", ""))
    again = opened(tmp_path)
    assert again.take(f"{URL}5") == (b"five", "") and again.take(f"{URL}3"), (
        "no file that holds something is written over"
    )
    again.close()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [Refused, Permanent])
def test_a_failure_is_the_same_again_for_its_job_and_none_for_another_that_may_be_more_patient(tmp_path, kind):
    error = kind("timeout", "host.example did not deliver within 5 seconds.")
    error.permission = "refused: so it is"
    opened(tmp_path).put(URL, error)
    with pytest.raises(Refused) as again:
        opened(tmp_path).take(URL)
    assert (type(again.value), again.value.reason, str(again.value), again.value.permission) == (
        kind, "timeout", str(error), "refused: so it is")  # fmt: skip
    assert opened(tmp_path, job=2).take(URL) is None


@pytest.mark.parametrize("left", [0, 1, 40, 100, 2000])
def test_what_was_cut_short_in_writing_counts_as_none(tmp_path, left):
    opened(tmp_path).put(URL, (os.urandom(5000), ""))
    only(tmp_path).write_bytes(only(tmp_path).read_bytes()[:left])
    assert opened(tmp_path).take(URL) is None


def test_what_the_disk_lost_or_is_not_ours_counts_as_none(tmp_path):
    opened(tmp_path).put(URL, (os.urandom(5000), ""))
    file = only(tmp_path)
    file.write_bytes(file.read_bytes()[:-1000] + bytes(1000))
    assert opened(tmp_path).take(URL) is None
    for odd in (b"[1]\n", b"\n", b'{"size": 0, "crc": 0}\n', b'{"size": 0, "crc": 0, "url": "%s"}\n' % URL.encode()):
        file.write_bytes(odd)
        assert opened(tmp_path).take(URL) is None
    file.unlink()
    file.mkdir()
    os.utime(file, (0, 0))
    assert opened(tmp_path).take(URL) is None


def test_what_a_stopped_job_left_too_long_ago_is_deleted(tmp_path):
    opened(tmp_path).put(URL, (b"bytes", ""))
    os.utime(only(tmp_path), (0, time.time() - inbox.KEPT - 60))
    assert opened(tmp_path, job=2).take(URL) is None and not list(tmp_path.glob("1/*"))
