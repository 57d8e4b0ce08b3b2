"""The entries of a zip file. What it says of itself may be untrue: sizes are counted, names are only looked at."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from core.sources.archive.entry import (
    DAMAGED,
    ENCRYPTED,
    ENTRIES,
    LARGE,
    LIMIT,
    LINK,
    METHOD,
    RATIO,
    SMALL,
    SPECIAL,
    TIGHT,
    Budget,
    Entry,
    Spoilt,
    judged,
)  # fmt: skip

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of the others, zipfile unpacks a whole block at a time
LISTED = 256  # bytes that an entry takes in the list at the end, on the average of an honest archive at the most
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, RuntimeError, EOFError, OSError,
          OverflowError, IndexError, MemoryError)  # fmt: skip


def entries(path: Path, budget: Budget) -> Iterator[Entry]:
    """Every file in it, in the order of its list. Raises BadInput where the archive as a whole is not to be used."""
    count, size = _announced(path)
    if count > ENTRIES or size > ENTRIES * LISTED:  # before they are all in memory, at some 500 bytes each
        raise budget.too_many()
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise budget.damaged(error) from None
    with archive:
        for info in archive.infolist():
            budget.entry()
            budget.read += info.compress_size
            if not info.is_dir():
                name, error = judged(info.filename)
                yield Entry(name, error or _error(info), lambda info=info: _take(archive, info, budget))


def _announced(path: Path) -> tuple[int, int]:
    """(how many entries, bytes of their list) a zip file says it has, at its end; zeros where it does not say.

    After PKWARE's APPNOTE.TXT, 4.3.14 (64-bit) and 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 66_000))
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0 or end + 22 > len(tail):
        return 0, 0
    count, size = struct.unpack_from("<HI", tail, end + 10)
    wide = tail.rfind(b"PK\6\6", 0, end)
    if (count == 0xFFFF or size == 0xFFFFFFFF) and wide >= 0 and wide + 56 <= end:
        count, size = struct.unpack_from("<QQ", tail, wide + 32)
    return count, size


def _error(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return LINK
    if kind not in (0, stat.S_IFREG):
        return SPECIAL
    if info.flag_bits & 0x41:  # plain or strong encryption
        return ENCRYPTED
    if info.compress_type not in METHODS:
        return METHOD
    if info.file_size > SMALL and info.file_size > RATIO * info.compress_size:
        return TIGHT
    return LARGE if info.file_size > LIMIT else ""


def _take(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    try:
        with archive.open(info) as file:  # gives no more than file_size says, which _error has looked at
            data = file.read()
    except BROKEN:
        raise Spoilt(DAMAGED) from None
    budget.spend(len(data))
    return data
