"""A table of images and labels: CSV, TSV or Parquet, of any length, read row by row.

table.py        its rows
presets.py      tables that are known, and what an unknown one may hold
attribution.py  whose each image is, from a second table
place.py        the files that it names, where the images lie on this computer
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from core import licences
from core.model import UNKNOWN_LICENCE, Candidate
from core.sources.options import Options, refuse_licence
from core.sources.urls.attribution import NOBODY, Owner, owners
from core.sources.urls.place import Place
from core.sources.urls.presets import PRESETS, guess, preset, settled
from core.sources.urls.table import columns, rows, sample

__all__ = ["PRESETS", "columns", "guess", "labels", "preset", "read", "rows", "sample"]

Used = tuple[str, str, str, Sequence[str]]  # address, label, reason why the row cannot be used or "", further cells


def read(options: Options) -> Iterator[Candidate]:
    """One Candidate for each row; for a row that cannot be used, one with an error.

    With `images` the rows name files in that folder, and a candidate's url is such a file's absolute path.
    With `attribution` the table has a column id; what the second table says of an image comes before its own columns.
    Raises BadInput where a file is missing or unreadable, or has no column of a name that was given.
    """
    options = settled(options)
    optional = (options.licence_column, options.creator_column, options.page_column)
    names = [name for name in (*optional, "id" if options.attribution else "") if name]
    with ExitStack() as open_:
        owner = _nobody
        if options.attribution:
            owner = open_.enter_context(owners(Path(options.attribution).expanduser()))
        for url, label, error, cells in _used(options, names):
            if not cells:
                yield Candidate(url, label, "urls", error=error)
                continue
            by_name = dict(zip(names, cells, strict=True))
            licence, creator, page = (by_name.get(name, "") for name in optional)
            whose = owner(cells[-1])
            written = licence if whose.licence == UNKNOWN_LICENCE else whose.licence
            named, address = _licence(written)
            yield Candidate(url, label, "urls", page=whose.page or page, title=whose.title,
                            creator=whose.creator or creator, licence=named, licence_url=address, error=error)  # fmt: skip


def check(options: Options) -> None:
    """Raises BadInput as `read` does, by the first row alone; and for a licence where no column says which it is."""
    options = settled(options)
    if not (options.licence_column or options.attribution):
        refuse_licence(options, "No column of the table is named that holds the licence", "name one, or leave it out")
    if options.attribution:
        columns(Path(options.attribution).expanduser(), "--attribution")
    next(labels(replace(options, attribution="")), None)


def about_rows(options: Options) -> int:
    """How many rows the table has, roughly: a line break inside quotes counts as one. For a bar of progress."""
    path = Path(options.table).expanduser()
    if not path.is_file():
        return 0
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        return pq.read_metadata(path).num_rows
    with path.open("rb") as file:
        return max(sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1, 0)


def labels(options: Options) -> Iterator[tuple[str, str]]:
    """(label, reason why it cannot be used or "") of each row, as `read` has them, without the rest: for counting."""
    for _, label, error, _ in _used(settled(options), ()):
        yield label, error


def _nobody(number: str) -> Owner:
    return NOBODY


def _used(options: Options, names: Sequence[str]) -> Iterator[Used]:
    path = Path(options.table).expanduser()
    known = PRESETS.get(options.preset)
    nothing = known.nothing if known else ""
    place = Place(options.images, known.suffix if known else "") if options.images else None
    for number, row in enumerate(rows(path, [options.url_column, options.label_column, *names]), 1):
        if isinstance(row, str):
            yield f"{path.name}, row {number}", "", row, ()
            continue
        url, label, *cells = row
        if nothing:
            url, label = ("" if cell == nothing else cell for cell in (url, label))
        error = ""
        if not url:
            url, error = f"{path.name}, row {number}", "malformed url"
        elif place:
            url, error = place(url)
        elif url.startswith("/"):  # a file of this computer, which a table may only name with `images`
            error = "malformed url"
        yield url, label, error, cells


@lru_cache(maxsize=1000)
def _licence(written: str) -> tuple[str, str]:
    """The licence's name and its address, whichever of them is written there."""
    named = licences.plain(written)
    if written.lower().startswith(("http://", "https://")):
        return named, written
    return named, licences.url_of(named)
