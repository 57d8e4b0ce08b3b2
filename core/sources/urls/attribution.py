"""Whose each image is, from a second table, found by the image's id.

Neither table need be in any order, and either may have millions of rows. So the second one is put into a scratch
database file first (SQLite, of the standard library), which is asked row by row and thrown away at the end: memory
stays at some tens of MB, whatever the table's length; the file takes about the table's own size in the folder for
temporary files. A join in pyarrow would hold both tables in memory.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.model import UNKNOWN_LICENCE
from core.sources.urls.table import rows

# As the repository of Google Landmarks v2 (cvdfoundation/google-landmark, README.md) documents the table.
COLUMNS = ("id", "url", "author", "license", "title")
CACHE = 16  # MB of the scratch database that are held in memory


@dataclass(frozen=True, slots=True)
class Owner:
    """What the second table says of an image; as it is written there."""

    page: str = ""
    creator: str = ""
    licence: str = UNKNOWN_LICENCE
    title: str = ""


NOBODY = Owner()


@contextmanager
def owners(path: Path) -> Iterator[Callable[[str], Owner]]:
    """id -> what is known of that image, NOBODY where nothing is; of rows with the same id the first counts.

    A row that cannot be read says nothing of its image. Raises BadInput where the table does not fit.
    """
    with (
        tempfile.TemporaryDirectory(prefix="winnow-") as folder,
        closing(sqlite3.connect(Path(folder) / "owners.db", isolation_level=None)) as scratch,
    ):
        for setting in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", f"cache_size={-CACHE * 1000}"):
            scratch.execute(f"PRAGMA {setting}")
        scratch.execute("CREATE TABLE owners (id TEXT, page TEXT, creator TEXT, licence TEXT, title TEXT)")
        scratch.execute("BEGIN")
        read = (row for row in rows(path, COLUMNS, "--attribution") if not isinstance(row, str))
        scratch.executemany("INSERT INTO owners VALUES (?, ?, ?, ?, ?)", read)
        # Made after the rows are in, it is sorted once; kept up row by row, it would be all over the disk.
        scratch.execute("CREATE INDEX by_id ON owners (id)")
        scratch.execute("COMMIT")

        def owner(number: str) -> Owner:
            found = scratch.execute(
                "SELECT page, creator, licence, title FROM owners WHERE id = ? ORDER BY rowid LIMIT 1", (number,)
            ).fetchone()
            return Owner(found[0], found[1], found[2] or UNKNOWN_LICENCE, found[3]) if found else NOBODY

        yield owner
