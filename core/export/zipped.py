"""A folder as one .zip that is sent while it is made: neither memory nor disk ever holds the whole."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

PIECE = 1 << 20  # bytes read at once


def zipped(folder: Path) -> Iterator[bytes]:
    """The bytes of a .zip whose one folder is this one; pictures are stored as they are, since they pack no smaller.

    Links and files that are still written (`.part`) stay out.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in _files(folder):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
            with (
                path.open("rb") as file,
                archive.open(info, "w", force_zip64=info.file_size >= zipfile.ZIP64_LIMIT) as to,
            ):
                while piece := file.read(PIECE):
                    to.write(piece)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            if not path.is_symlink() and not name.endswith(".part"):
                yield path


class _Sink(io.RawIOBase):
    """What was written since it was asked last. It cannot be sought in, so sizes stand behind each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
