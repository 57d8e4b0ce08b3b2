"""The pictures of files, folders and .zip files, one at a time: none is unpacked to a disk, and no more than one is held.

A .zip is read by the entries of `core.sources.archive`, so what is made to do harm is refused as it is there: an entry with
its reason, or the rest of the archive in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput, Permanent, Refused

if TYPE_CHECKING:
    from core.sources.archive.entry import Entry

Picture = tuple[str, bytes | Refused]  # its name, and the bytes of the file or why they cannot be had
ZIP = ".zip"
INSIDE = "!/"  # between an archive's name and a name in it


def listed(paths: Sequence[str]) -> Iterator[Path]:
    """Files as given, and those in folders given, in order. Raises BadInput for a path that does not exist."""
    for path in map(Path, paths):
        if not path.exists():
            raise BadInput(f"There is no file or folder {str(path)!r}.")
        yield from (
            sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if path.is_dir()
            else [path]
        )


def found(paths: Sequence[str]) -> Iterator[Picture]:
    """What is in files, in folders, and in the .zip files among both. Raises as `listed`, before anything is read."""
    from core.scrape import read

    for path in list(listed(paths)):
        if path.suffix.lower() == ZIP:
            yield from packed(path, str(path))
            continue
        try:
            yield str(path), read(str(path))
        except Refused as error:
            yield str(path), error


def packed(path: Path, shown: str) -> Iterator[Picture]:
    """The files in a .zip, in its order, called `shown`!/their name; directories and hidden files are passed over. Where the
    archive as a whole is not to be used, the last item says why."""
    from core.sources.archive.entry import hidden

    try:
        for entry in _entries(path):
            if entry.error or not hidden(entry.name):
                yield f"{shown}{INSIDE}{entry.name}", _taken(entry)
    except BadInput as error:
        yield shown, Permanent("cannot be read", str(error))


def inside(path: Path) -> int:
    """How many `packed` will name; 0 where that cannot be said."""
    from core.sources.archive.entry import hidden

    try:
        return sum(bool(entry.error) or not hidden(entry.name) for entry in _entries(path))
    except BadInput:
        return 0


def one(path: Path, shown: str, name: str) -> bytes | Refused:
    """The one that `packed` called `name`."""
    try:
        for entry in _entries(path):
            if f"{shown}{INSIDE}{entry.name}" == name:
                return _taken(entry)
    except BadInput as error:
        return Permanent("cannot be read", str(error))
    return Permanent("no such file", f"{shown} holds no such file.")


def _entries(path: Path) -> Iterator[Entry]:
    """Raises BadInput where the archive as a whole is not to be used."""
    from core.sources.archive.entry import Budget
    from core.sources.archive.zipped import entries

    try:
        yield from entries(path, Budget(path))
    except OSError as error:
        raise BadInput(f"The archive {path.name} cannot be read: {error.strerror or error}.") from None


def _taken(entry: Entry) -> bytes | Refused:
    from core.scrape import meaning
    from core.sources.archive.entry import Spoilt

    try:
        return Permanent(entry.error, meaning(entry.error)) if entry.error else entry.take()
    except Spoilt as why:
        return Permanent(str(why), meaning(str(why)))
