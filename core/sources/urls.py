"""A table of image addresses and labels: CSV, TSV or Parquet, of any length, read row by row."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput
from core.model import UNKNOWN_LICENCE, Candidate
from core.project import key, spellings
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
Row = list[str] | str  # the wanted fields in their order, or the reason why there are none


def search(query: str, limit: int, options: Options, get: Get) -> Iterator[Candidate]:
    """One Candidate for each row; for a row that cannot be used, one with an error. All rows, whatever the `limit`.

    Raises BadInput where the file is missing or unreadable, or has no column of a name that was given.
    """
    path = Path(options.table).expanduser()
    columns = [options.url_column, options.label_column, options.licence_column, options.creator_column,
               options.page_column]  # fmt: skip
    wanted = [name for name in columns if name]
    for number, row in enumerate(_rows(path, wanted), 1):
        where = f"{path.name}, row {number}"
        if isinstance(row, str):
            yield Candidate(where, "", "urls", error=row)
            continue
        by_name = dict(zip(wanted, row, strict=True))
        url, label, licence, creator, page = (by_name.get(name, "") for name in columns)
        yield Candidate(url or where, label, "urls", page=page, creator=creator, licence=licence or UNKNOWN_LICENCE,
                        error="" if url else "malformed url")  # fmt: skip


def columns(path: Path) -> list[str]:
    """The names in the table's first line. Raises BadInput where it is missing or cannot be read."""
    if path.is_file() and path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"The table {path.name} is not a Parquet file that can be read: {error}.") from None
    for _ in _rows(path, []):  # says why a file that is missing or of another kind cannot be read
        break
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return [name.strip() for name in next(csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()]), [])]


def sample(path: Path, limit: int = 200) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and what stands in them in the first `limit` rows that can be used.

    A name that two columns share is left out: neither can be asked for. Raises BadInput as `columns`, and without one.
    """
    there = columns(path)
    names = [name for name in there if name and there.count(name) == 1]
    if not names:
        raise BadInput(f"The table {path.name} has no first line with the names of its columns.")
    return names, [row for row in itertools.islice(_rows(path, names), limit) if not isinstance(row, str)]


def guess(names: Sequence[str], rows: Sequence[Sequence[str]], classes: Sequence[str]) -> tuple[str, str]:
    """Which column holds the addresses and which the classes, from what stands in them; names decide between equals."""
    known = spellings(classes)

    def likely(name: str, fits: Callable[[str], bool], usual: Sequence[str]) -> tuple[int, bool]:
        at = names.index(name)
        return sum(fits(row[at]) for row in rows), name.lower() in usual

    def address(cell: str) -> bool:
        return cell.lower().startswith(("http://", "https://"))

    url = max(names, key=lambda name: likely(name, address, ("url", "image_url", "image", "link")))
    others = [name for name in names if name != url] or [url]
    return url, max(
        others, key=lambda name: likely(name, lambda cell: key(cell) in known, ("label", "class", "category"))
    )


def _rows(path: Path, wanted: Sequence[str]) -> Iterator[Row]:
    if not path.is_file():
        raise BadInput(f"--table {str(path)!r} is not a file.")
    if path.suffix.lower() in DELIMITERS:
        return _text_rows(path, wanted, DELIMITERS[path.suffix.lower()])
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet_rows(path, wanted)
    raise BadInput(f"--table {path.name!r} ends in {path.suffix!r}; .csv, .tsv or .parquet was wanted.")


def _places(path: Path, columns: Sequence[str], wanted: Sequence[str]) -> list[int]:
    for name in wanted:
        if columns.count(name) != 1:
            has = "no column" if name not in columns else "more than one column"
            there = ", ".join(repr(c) for c in columns[:30]) or "none"
            raise BadInput(f"The table {path.name} has {has} {name!r}; its columns are {there}.")
    return [columns.index(name) for name in wanted]


def _text_rows(path: Path, wanted: Sequence[str], delimiter: str) -> Iterator[Row]:
    # Bytes that are no UTF-8 become surrogates, so that one bad row does not end the table.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter)
        try:
            header = [name.strip() for name in next(lines, [])]
        except csv.Error as error:
            raise BadInput(f"The table {path.name} cannot be read: {error}.") from None
        places = _places(path, header, wanted)
        while True:
            try:
                fields = next(lines, None)
            except csv.Error:  # a field over 128 KB: most likely a quote that is never closed
                yield "malformed row"
                continue
            if fields is None:
                return
            if not fields:  # an empty line is no row
                continue
            if len(fields) != len(header):
                yield "wrong number of fields"
            elif any("\udc80" <= sign <= "\udcff" for place in places for sign in fields[place]):
                yield "not UTF-8"
            else:
                yield [fields[place].strip() for place in places]


def _parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _places(path, file.schema_arrow.names, wanted)
            for batch in file.iter_batches(batch_size=4096, columns=list(dict.fromkeys(wanted))):
                columns = [batch.column(name).to_pylist() for name in wanted]
                for values in zip(*columns, strict=True):
                    yield ["" if value is None else str(value).strip() for value in values]
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"The table {path.name} is not a Parquet file that can be read: {error}.") from None
