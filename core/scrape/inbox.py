"""What came in from the network and is not stored yet: a job that was killed finds it here, and asks nobody twice.

A file for each address, named by its SHA-256: a line of JSON (what came, its length and CRC-32), then the bytes. It is
there from the moment the answer is whole until the row that says so is committed. One that was cut short in writing
does not fit its line, and counts as none.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import Permanent, Refused

KEPT = 24 * 3600.0  # seconds; what a stopped job left for longer is asked for again

Fetched = tuple[bytes, str]  # the bytes, and what the host permits (core.web.Reply.permission)


class Inbox:
    def __init__(self, folder: str, job: int) -> None:
        """`folder`: of a project; `job`: whose failures count, because another job may be more patient."""
        self._folder, self._job = Path(folder), job
        self._left: set[str] = set()  # by earlier attempts

    def open(self) -> None:
        """See what is there. Files that are too old are deleted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        old = time.time() - KEPT
        for path in self._folder.iterdir():
            with suppress(OSError):  # another job of this project has just stored it, or it is no file of ours
                if path.stat().st_mtime < old:
                    path.unlink()
                else:
                    self._left.add(path.name)

    def take(self, url: str) -> Fetched | None:
        """What came for the address before. None where nothing did. Raises the Refused that came instead."""
        name = _name(url)
        if name not in self._left:
            return None
        try:
            line, _, body = (self._folder / name).read_bytes().partition(b"\n")
            head = json.loads(line)
            if (head["size"], head["crc"]) != (len(body), zlib.crc32(body)):
                return None
            if "reason" not in head:
                return body, head["permission"]
            error = (Refused if head["retryable"] else Permanent)(head["reason"], head["sentence"])
            error.permission = head["permission"]
            own = head["job"] == self._job
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if own:
            raise error
        return None

    def put(self, url: str, came: Fetched | Refused) -> None:
        head: dict[str, Any] = {"url": url, "job": self._job}
        if isinstance(came, Refused):
            body = b""
            head |= {"reason": came.reason, "sentence": str(came), "retryable": came.retryable}
            head["permission"] = came.permission
        else:
            body, head["permission"] = came
        head |= {"size": len(body), "crc": zlib.crc32(body)}
        (self._folder / _name(url)).write_bytes(json.dumps(head).encode() + b"\n" + body)

    def drop(self, urls: Iterable[str]) -> None:
        """Their rows are stored."""
        for url in urls:
            (self._folder / _name(url)).unlink(missing_ok=True)


def _name(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
