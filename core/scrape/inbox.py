"""What came in from the network and is not stored yet: a job that was killed finds it here, and asks nobody twice.

A file holds what came for one address: a line of JSON (whose it is, its length and CRC-32), then the bytes. It is valid
from the moment the answer is whole until the row that says so is committed; then the file is used for another address,
because making a new one takes a hundred times as long as writing into it. One that was cut short in writing does not
fit its line, and counts as none.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import Permanent, Refused

KEPT = 24 * 3600.0  # seconds; what a stopped job left for longer is asked for again
LINE = 65_536  # bytes; more than any line takes

Fetched = tuple[bytes, str]  # the bytes, and what the host permits (core.web.Reply.permission)


class Inbox:
    """One for each attempt of a job: `put` and `drop` are of the same one."""

    def __init__(self, folder: str, job: int) -> None:
        """`folder`: of a project; `job`: whose failures count, because another job may be more patient."""
        self._own, self._job = Path(folder) / str(job), job
        self._left: dict[str, Path] = {}  # url -> file, by earlier attempts and jobs that were stopped
        self._used: dict[str, Path] = {}  # url -> file
        self._free: list[Path] = []

    def open(self) -> None:
        """See what is there. What is too old is deleted."""
        self._own.mkdir(parents=True, exist_ok=True)
        old = time.time() - KEPT
        for path in self._own.parent.glob("*/*"):
            with suppress(OSError):  # another job of this project ends just now, or it is no file of ours
                if path.stat().st_mtime < old:
                    path.unlink()
                elif url := _read(path)[0].get("url"):
                    self._left[url] = path
                elif path.parent == self._own:
                    self._free.append(path)
        self._names = itertools.count(
            1 + max((int(p.name) for p in self._own.glob("*") if p.name.isdigit()), default=0)
        )

    def take(self, url: str) -> Fetched | None:
        """What came for the address before. None where nothing did. Raises the Refused that came instead."""
        if url not in self._left:
            return None
        with suppress(OSError, KeyError):
            head, body = _read(self._left[url])
            if head.get("url") != url:
                return None
            if "reason" not in head:
                return body, head["permission"]
            if head["job"] == self._job:
                error = (Refused if head["retryable"] else Permanent)(head["reason"], head["sentence"])
                error.permission = head["permission"]
                raise error
        return None

    def put(self, url: str, came: Fetched | Refused) -> None:
        """Raises OSError."""
        if isinstance(came, Refused):
            body, permission = b"", came.permission
            what: dict[str, Any] = {"reason": came.reason, "sentence": str(came), "retryable": came.retryable}
        else:
            (body, permission), what = came, {}
        head = {
            "url": url,
            "job": self._job,
            "permission": permission,
            **what,
            "size": len(body),
            "crc": zlib.crc32(body),
        }
        path = self._free.pop() if self._free else self._own / str(next(self._names))
        self._used[url] = path
        _write(path, json.dumps(head).encode() + b"\n" + body)

    def drop(self, urls: Iterable[str]) -> None:
        """Their rows are stored."""
        for url in urls:
            with suppress(OSError):
                if path := self._used.pop(url, None):
                    _write(path, b"\0")  # no line begins like this
                    self._free.append(path)
                elif path := self._left.pop(url, None):
                    path.unlink()

    def close(self) -> None:
        """The job came to its end, and all of its rows are stored."""
        shutil.rmtree(self._own, ignore_errors=True)


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """({}, b"") where the file holds nothing that is whole. Raises OSError."""
    with path.open("rb") as file:
        line = file.readline(LINE)
        try:
            head = json.loads(line)
            body = file.read(head["size"])
            return (head, body) if (len(body), zlib.crc32(body)) == (head["size"], head["crc"]) else ({}, b"")
        except (ValueError, KeyError, TypeError):
            return {}, b""


def _write(path: Path, data: bytes) -> None:
    """From the beginning; what stood behind it is no longer read, and stays."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        with memoryview(data) as left:
            at = 0
            while at < len(left):
                at += os.pwrite(file, left[at:], at)
    finally:
        os.close(file)
