"""The entries of a tar file, packed or not, in one pass from its beginning to its end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from core.errors import BadInput
from core.sources.archive.entry import (
    LARGE,
    LIMIT,
    LINK,
    MEGABYTE,
    SPECIAL,
    Budget,
    Entry,
    judged,
)  # fmt: skip

OPENERS: dict[str, Any] = {
    ".tar": lambda file: file, ".tar.gz": lambda file: gzip.GzipFile(fileobj=file), ".tgz": lambda file:
    gzip.GzipFile(fileobj=file), ".tar.bz2": bz2.BZ2File, ".tar.xz": lzma.LZMAFile,
}  # fmt: skip
BROKEN = (tarfile.TarError, lzma.LZMAError, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError,
          RecursionError, IndexError, KeyError, MemoryError)  # fmt: skip


class Forward:
    """A file that can only be read on, which is all that tarfile needs of it, and which counts what is read.

    A read of more than a megabyte is refused: only a header made to fill the memory is so long.
    """

    def __init__(self, file: IO[bytes], packed: IO[bytes], budget: Budget) -> None:
        self._file, self._packed, self._budget = file, packed, budget
        self._at = 0
        self.last = b""  # what was read last

    def read(self, size: int) -> bytes:
        if size > MEGABYTE:
            raise self._budget.damaged("a header of more than a megabyte")
        return self.take(size)

    def take(self, size: int) -> bytes:
        self.last = self._file.read(size)
        self._at += len(self.last)
        self._budget.spend(len(self.last))
        self._budget.read = self._packed.tell()
        return self.last

    def tell(self) -> int:
        return self._at

    def seek(self, to: int) -> None:
        if to < self._at:
            raise tarfile.ReadError("an entry that lies before itself")
        while self._at < to and self.take(min(MEGABYTE, to - self._at)):
            pass


def entries(path: Path, suffix: str, budget: Budget) -> Iterator[Entry]:
    """Every file in it, in its order. Raises BadInput where the archive as a whole is not to be used."""
    try:
        with path.open("rb") as packed, OPENERS[suffix](packed) as unpacked:
            yield from _entries(Forward(unpacked, packed, budget), budget)
    except BadInput:
        raise
    except BROKEN as error:
        raise budget.damaged(error) from None


def _entries(file: Forward, budget: Budget) -> Iterator[Entry]:
    with tarfile.open(fileobj=file, mode="r:") as tar:  # type: ignore[call-overload]
        while (info := tar.next()) is not None:
            tar.members.clear()  # it would remember every entry
            budget.entry()
            if not info.isdir():
                name, error = judged(info.name)
                yield Entry(name, error or _error(info), lambda info=info: _take(file, info, budget))
        if file.last.strip(b"\0") or len(file.last) != tarfile.BLOCKSIZE:  # tarfile takes any odd header for the end
            raise tarfile.ReadError("its end is missing")
        while file.take(MEGABYTE):  # up to the checksum at the end of the packed file
            pass


def _error(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return LINK
    if not info.isreg() or info.issparse():
        return SPECIAL
    return LARGE if info.size > LIMIT else ""


def _take(file: Forward, info: tarfile.TarInfo, budget: Budget) -> bytes:
    try:
        file.seek(info.offset_data)
        data = file.take(info.size)
        if len(data) == info.size:
            return data
        raise budget.damaged("an entry ends too early")
    except BROKEN as error:
        raise budget.damaged(error) from None
