"""Servers with faults of many kinds, drawn by a seed, for faults.py.

Each host is a tests.provider.Provider, which knows how to misbehave; here stands which file does, and what has to come of
it. `Hosts` is made in a process of its own (tests.bench.server.Remote).
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.bench.dots import chunk  # noqa: E402
from tests.provider import OK, Provider, head, whole  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"
SETS = ("sneakers", "fashion")
HOSTS = tuple(f"127.0.0.{n}" for n in (1, 2, 3, 4))
PRIVATE = "127.0.0.99"  # another one, which nobody allowed
IMAGE = "an image"  # the outcome in the place of a reason


@dataclass(frozen=True, slots=True)
class Kind:
    reasons: tuple[str, ...]  # what it may be counted under
    passes: bool = False  # it may pass: half of these are mended for the second run
    like: str = ""  # the path of tests.provider that answers so


KINDS = {
    "404": Kind(("http 404",), like="/status/404"),
    "410": Kind(("http 410",), like="/status/410"),
    "503, Retry-After 1": Kind(("http 503",), passes=True),
    "429, Retry-After -5": Kind(("http 429",), passes=True),
    "reset": Kind(("connection",), passes=True, like="/reset"),
    "slow drip": Kind(("timeout",), passes=True, like="/drip"),
    "endless": Kind(("too large", "timeout"), like="/endless"),  # whichever comes first: the limit or the deadline
    "says 1 TB": Kind(("too large",), like="/huge"),
    "says more than it sends": Kind(("connection",), passes=True),
    "says less than it sends": Kind(("truncated", "connection")),  # whether the rest is noticed is a matter of timing
    "gzip bomb": Kind(("too large",), like="/bomb/30"),
    "HTML as image/jpeg": Kind(("not an image",), like="/html"),
    "JPEG cut short": Kind(("truncated",)),
    "redirects in a circle": Kind(("redirects",), like="/loop"),
    "redirect to the metadata": Kind(("forbidden address",), like="/to?http://169.254.169.254/latest/meta-data/"),
    "redirect to a private host": Kind(("forbidden address",), like="/to?http://{private}/1.jpg"),
    "redirect to file:": Kind(("redirects", "forbidden address"), like="/to?file:///etc/passwd"),
    "robots.txt": Kind(("robots",)),
    "X-Robots-Tag noai": Kind(("noai",)),
    "TDM-Reservation": Kind(("tdm reserved",)),
    "1 x 1 pixel": Kind((IMAGE,)),  # it is one: `clean` finds it too small
    "empty": Kind(("not an image",)),
}


@dataclass(frozen=True, slots=True)
class Item:
    host: int  # which of HOSTS
    path: str
    label: str
    file: str
    kind: str = ""  # "" = as it should be
    mended: bool = False  # by the second run

    def good(self, later: bool) -> bool:
        return not self.kind or (later and self.mended)


def plan(count: int, faulty: float, seed: int) -> list[Item]:
    """Which files, and which of them are faulty in which way; always the same for a seed."""
    draw = random.Random(seed)
    files = sorted(path for name in SETS for path in (DATA / name).rglob("*.jpg"))
    chosen = draw.sample(files, min(count, len(files)))
    broken = draw.sample(range(len(chosen)), round(len(chosen) * faulty))
    names = list(KINDS)
    drawn = {number: (names[n % len(names)], n // len(names) % 2 == 0) for n, number in enumerate(broken)}
    items = []
    for number, file in enumerate(chosen):
        kind, even = drawn.get(number, ("", False))
        folder = "private" if kind == "robots.txt" else "files"
        items.append(Item(number % len(HOSTS), f"/{folder}/{number}.jpg", file.parent.name, str(file), kind,
                          bool(kind) and KINDS[kind].passes and even))  # fmt: skip
    return items


PIXEL = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
         + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))  # fmt: skip


# the servers ----------------------------------------------------------------------------------------------------------


class Faulty(Provider):
    """One host: files as they are, or with their fault."""

    def __init__(self, host: str, items: Mapping[str, Item], private: str) -> None:
        super().__init__(host)
        self.items, self.private, self.later = items, private, False
        self.robots = b"User-agent: *\nDisallow: /private/\n"

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        item = self.items.get(path)
        if item is None:
            return await super()._answer(path, writer)
        body = Path(item.file).read_bytes()
        if item.good(self.later):
            writer.write(whole(body, "Content-Type: image/jpeg"))
        elif like := KINDS[item.kind].like:
            return await super()._answer(like.format(private=self.private), writer)
        else:
            writer.write(fault(item.kind, body))
        await writer.drain()
        return item.good(self.later) or item.kind != "says more than it sends"  # else it waits for the rest


def fault(kind: str, body: bytes) -> bytes:
    """The whole answer."""
    if kind == "says more than it sends":
        return head(OK, f"Content-Length: {len(body) + 1000}") + body
    if kind == "says less than it sends":
        return head(OK, f"Content-Length: {len(body) // 2}") + body
    return {
        "503, Retry-After 1": whole(b"", "Retry-After: 1", status="503 Later"),
        "429, Retry-After -5": whole(b"", "Retry-After: -5", status="429 Later"),
        "JPEG cut short": whole(body[: len(body) * 6 // 10], "Content-Type: image/jpeg"),
        "robots.txt": whole(body, "Content-Type: image/jpeg"),
        "X-Robots-Tag noai": whole(body, "Content-Type: image/jpeg", "X-Robots-Tag: noai"),
        "TDM-Reservation": whole(body, "Content-Type: image/jpeg", "TDM-Reservation: 1"),
        "1 x 1 pixel": whole(PIXEL, "Content-Type: image/jpeg"),
        "empty": whole(b"", "Content-Type: image/jpeg"),
    }[kind]


class Hosts:
    """All hosts, and the private one; made in the servers' process."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._stack = ExitStack()
        self._private = Provider(PRIVATE)
        self._hosts = [
            Faulty(host, {item.path: item for item in items if item.host == number}, self._private.allow)
            for number, host in enumerate(HOSTS)
        ]

    def __enter__(self) -> Self:
        for each in (self._private, *self._hosts):
            self._stack.enter_context(each)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def addresses(self) -> list[str]:
        return [host.allow for host in self._hosts]

    def mend(self) -> None:
        for host in self._hosts:
            host.later = True

    def seen(self) -> dict[str, Any]:
        asked = Counter((number, path) for number, host in enumerate(self._hosts) for path, _, _ in list(host.requests))
        return {"asked": dict(asked), "private": self._private.connections}
