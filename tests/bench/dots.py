"""A web server of tiny pictures, one for each number, for million.py; and PNG written by hand."""

from __future__ import annotations

import struct
import time
import zlib

from tests.bench.server import Prepared, whole


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PIXELS = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(range(y, y + 32)) for y in range(32))))  # a grey ramp
START = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0))


def png(number: int) -> bytes:
    """32 x 32 px, grey, with the number in a comment: other bytes, the same picture."""
    return START + chunk(b"tEXt", b"Comment\0%09d" % number) + PIXELS + chunk(b"IEND", b"")


class Dots(Prepared):
    """/0.png, /1.png ... up to `rows`; knows how often each was asked for, and when one was asked for the first time."""

    def __init__(self, rows: int, distinct: bool) -> None:
        super().__init__()
        self.asked = bytearray(rows)
        self._distinct, self._same = distinct, whole(png(0), "image/png")
        self.mark()

    def forget(self) -> None:
        """As if nothing had been asked for."""
        self.asked = bytearray(len(self.asked))
        self.mark()

    def mark(self) -> None:
        """`news` speaks of what comes after this."""
        self._first = self._last = 0.0
        self._pause, self._new = 0.0, 0

    def reply(self, path: str) -> bytes:
        if not path.endswith(".png"):
            return b""  # robots.txt: there is none
        number = int(path[1:-4])
        if not self.asked[number]:
            now = time.monotonic()
            self._first = self._first or now
            self._pause = max(self._pause, now - self._last) if self._last else 0.0
            self._last, self._new = now, self._new + 1
        self.asked[number] = min(self.asked[number] + 1, 255)
        return whole(png(number), "image/png") if self._distinct else self._same

    def news(self) -> dict[str, float]:
        return {"first": self._first, "longest pause": self._pause, "new": self._new}

    def counts(self) -> bytes:
        return bytes(self.asked)
