"""Images in a .zip or .tar file: laid out as in a folder (see core.sources.folder), and labelled as there.

entry.py    one entry, and how much an archive may hold
zipped.py   the entries of a .zip
tarred.py   the entries of a .tar, packed or not

Nothing is unpacked to a name from inside. `unpack` puts each entry into a work folder under a hash, once, in the same
way for all kinds, because a packed tar cannot be read at random; an index beside the files says what each was called,
or why it is not there. A candidate's url is "/path/of/cars.zip!/train/sedan/1.jpg"; `local` gives the file for it.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from core.errors import BadInput
from core.model import Candidate, Progress
from core.sources.archive import tarred, zipped
from core.sources.archive.entry import MEGABYTE, TWICE, UNSAFE, Budget, Entry, Spoilt, hidden
from core.sources.folder import PARTS, placed
from core.sources.options import Options, refuse_licence
from core.sources.urls.table import SURROGATE

SUFFIXES = (".zip", *tarred.OPENERS)
INSIDE = "!/"  # between the archive's path and a name in it
DONE, PART, INDEX = "entries", "part", "index.csv"  # in the work folder
PAUSE = 0.5  # seconds between two reports


def read(options: Options) -> Iterator[Candidate]:
    """Every file in the archive `options.path`, in its order; it is unpacked into the folder `options.images` first.

    What could not be unpacked is a candidate with an error. Directories and hidden files are passed over. Raises
    BadInput where there is no archive, or where it is damaged, made to do harm, or of another kind.
    """
    assert options.images, "The job says where to unpack; the folder one happens to be in is no such place."
    path, into = Path(os.path.abspath(Path(options.path).expanduser())), Path(options.images)
    for _ in unpack(path, into):
        pass
    index = _place(path, into) / DONE / INDEX
    top = _top(name for name, error in _listed(index) if error != UNSAFE)
    root = top or path.name[: -len(_suffix(path))]
    for name, error in _listed(index):
        above = name.split("/")[:-1]
        label, part = ("", "") if error == UNSAFE else placed(above[1:] if top else above, root)
        yield Candidate(f"{path}{INSIDE}{name}", label, "archive", part=part,
                        error=error or ("" if label else "no label"))  # fmt: skip


def check(options: Options) -> None:
    """Raises BadInput where the path is no archive of a kind that can be read, and for a licence: it knows none."""
    refuse_licence(options, "An archive names no licences", "leave it out")
    _suffix(Path(options.path).expanduser())


def unpack(path: Path, into: Path) -> Iterator[Progress]:
    """Unpack an archive into a folder of its own within `into`. Where that is done, there is nothing to do.

    Broken off, it begins again; two at once wait for one another. Progress is in MB of the archive. Raises as `read`.
    """
    suffix, into = _suffix(path), _place(path, into)
    into.mkdir(parents=True, exist_ok=True)
    with open(into / "lock", "ab") as lock:
        yield from _turn(lock, path)
        if (into / DONE).is_dir():
            return
        part = into / PART
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield from _fill(path, suffix, part)
            part.rename(into / DONE)  # last: what has this name is whole
        finally:
            shutil.rmtree(part, ignore_errors=True)


def local(url: str, into: Path) -> Path:
    """The file in the work folder that holds what a candidate's url names. Raises as `archive`."""
    path = archive(url)
    return _place(path, into) / DONE / _stored(url[len(str(path)) + len(INSIDE) :])


def archive(url: str) -> Path:
    """The archive that a candidate's url names. Raises BadInput where it names none."""
    at = url.find(INSIDE)
    while at >= 0:
        if url[:at].lower().endswith(SUFFIXES):
            return Path(url[:at])
        at = url.find(INSIDE, at + 1)
    raise BadInput(f"{url[:200]!r} names no file in an archive.")


def _place(path: Path, into: Path) -> Path:
    """The folder within the work folder for this archive: a job may read several."""
    return into / hashlib.sha256(os.path.abspath(path.expanduser()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _suffix(path: Path) -> str:
    """Which of SUFFIXES it has. Raises BadInput where it is no file, or has none of them."""
    if not path.is_file():
        raise BadInput(f"--path {str(path)!r} is not a file.")
    if SURROGATE.search(str(path)):
        raise BadInput(f"--path {str(path)!r} is a name that is not UTF-8; rename the file.")
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise BadInput(f"--path {path.name!r} has another ending than {', '.join(SUFFIXES)}.")


def _turn(lock: IO[bytes], path: Path) -> Iterator[Progress]:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system frees it when the process ends
            return
        except BlockingIOError:
            yield Progress(0, None, f"waits: another job unpacks {path.name}")
            time.sleep(PAUSE)


def _fill(path: Path, suffix: str, part: Path) -> Iterator[Progress]:
    budget, said = Budget(path), 0.0
    entries = zipped.entries(path, budget) if suffix == ".zip" else tarred.entries(path, suffix, budget)
    with open(part / INDEX, "w", encoding="utf-8", newline="") as file:
        index = csv.writer(file)
        for number, entry in enumerate(entries, 1):
            if not hidden(entry.name) or entry.error == UNSAFE:
                index.writerow((entry.name, entry.error or _kept(entry, part)))
            if time.monotonic() - said > PAUSE:
                said = time.monotonic()
                yield Progress(budget.read // MEGABYTE, budget.size // MEGABYTE,
                               f"unpacking {path.name}: {number:,} entries")  # fmt: skip


def _kept(entry: Entry, part: Path) -> str:
    """Why the entry could not be unpacked, "" where it was."""
    target = part / _stored(entry.name)
    if target.exists():
        return TWICE
    try:
        data = entry.take()
    except Spoilt as why:
        return str(why)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data)
    return ""


def _stored(name: str) -> Path:
    code = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return Path(code[:2], code)


def _listed(index: Path) -> Iterator[tuple[str, str]]:
    with open(index, encoding="utf-8", newline="") as file:
        yield from ((name, error) for name, error in csv.reader(file))


def _top(names: Iterable[str]) -> str:
    """The one folder that all lies in, where the parts lie in that: as in core.sources.folder; else ""."""
    top, parts = "", False
    for name in names:
        above = name.split("/")[:-1]
        if not above or above[0] != (top or above[0]):
            return ""
        top = above[0]
        parts = parts or (len(above) > 2 and above[1].lower() in PARTS)
    return top if parts and top.lower() not in PARTS else ""
