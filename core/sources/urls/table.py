"""The rows of a table, one by one: CSV, TSV or Parquet of any length."""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import BadInput

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
PARQUET = (".parquet", ".pq")
SURROGATE = re.compile("[\ud800-\udfff]")  # what bytes that are no UTF-8 are read as
Row = list[str] | str  # the wanted fields in their order, or the reason why there are none

MOST_LINES = 100  # that one row may take: a quote that is never closed would take all the rest


def rows(path: Path, wanted: Sequence[str], what: str = "--table") -> Iterator[Row]:
    """The cells of the `wanted` columns in each row, without the spaces around them; empty lines are no rows.

    Raises BadInput where the file is missing or unreadable, or has no column of such a name. `what`: what the user
    calls the file.
    """
    if not path.is_file():
        raise BadInput(f"{what} {str(path)!r} is not a file.")
    if path.suffix.lower() in DELIMITERS:
        return _text_rows(path, wanted, DELIMITERS[path.suffix.lower()])
    if path.suffix.lower() in PARQUET:
        return _parquet_rows(path, wanted)
    raise BadInput(f"{what} {path.name!r} ends in {path.suffix!r}; .csv, .tsv or .parquet was wanted.")


def columns(path: Path, what: str = "--table") -> list[str]:
    """The names in the table's first line. Raises BadInput where it is missing or cannot be read. `what`: as `rows`."""
    if path.is_file() and path.suffix.lower() in PARQUET:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise _no_parquet(path, error) from None
    for _ in rows(path, [], what):  # says why a file that is missing or of another kind cannot be read
        break
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        _, lines = _opened(path, _Lines(file), DELIMITERS[path.suffix.lower()])
        return [name.strip() for name in next(lines, [])]


def sample(path: Path, limit: int = 200) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and what stands in them in the first `limit` rows that can be used.

    A name that two columns share is left out: neither can be asked for. Raises BadInput as `columns`, and without one.
    """
    there = columns(path)
    names = [name for name in there if name and there.count(name) == 1]
    if not names:
        raise BadInput(f"The table {path.name} has no first line with the names of its columns.")
    return names, [row for row in itertools.islice(rows(path, names), limit) if not isinstance(row, str)]


def _places(path: Path, columns: Sequence[str], wanted: Sequence[str]) -> list[int]:
    for name in wanted:
        if columns.count(name) != 1:
            has = "no column" if name not in columns else "more than one column"
            there = ", ".join(repr(c) for c in columns[:30]) or "none"
            raise BadInput(f"The table {path.name} has {has} {name!r}; its columns are {there}.")
    return [columns.index(name) for name in wanted]


class _Lines:
    """The lines of a file, of which those that one row took can be put back."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file, self._back, self.taken = file, deque[str](), list[str]()
        self.over = False  # a row asked for more lines than there are: its quote was never closed

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES:
            raise csv.Error("a quote that is never closed")
        line = self._back.popleft() if self._back else next(self._file, "")
        self.over = not line
        if self.over:
            raise StopIteration
        self.taken.append(line)
        return line

    def put_back(self) -> None:
        """All that the row took but its first line."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.taken.clear()


def _text_rows(path: Path, wanted: Sequence[str], delimiter: str) -> Iterator[Row]:
    # Bytes that are no UTF-8 become surrogates, so that one bad row does not end the table.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = _Lines(file)
        delimiter, rows = _opened(path, lines, delimiter)
        try:
            header = [name.strip() for name in next(rows, [])]
        except csv.Error as error:
            raise BadInput(f"The table {path.name} cannot be read: {error}.") from None
        places, width = _places(path, header, wanted), len(header)
        while True:
            lines.taken.clear()
            try:
                fields = next(rows, None)
            except csv.Error:  # a field over 128 KB, or over many lines
                fields = []
            if fields is None:
                return
            if len(fields) == width and not lines.over:
                yield _checked([fields[place].strip() for place in places])
            elif lines.over or len(lines.taken) > 1 or (not fields and lines.taken[0].strip()):
                yield "malformed row"  # most likely a quote that is never closed: the next lines are rows of their own
                lines.put_back()
                rows = csv.reader(lines, delimiter=delimiter)
            elif fields:  # an empty line is no row
                yield "wrong number of fields"


def _opened(path: Path, lines: _Lines, delimiter: str) -> tuple[str, Any]:
    """The delimiter that the first line is written with, and a reader. Raises BadInput for UTF-16."""
    first = next(lines, "")
    if first.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        raise BadInput(f"The table {path.name} is written in UTF-16; save it as UTF-8 (a spreadsheet's 'CSV UTF-8').")
    if delimiter == "," and "," not in first and ";" in first:
        delimiter = ";"  # as spreadsheets write it where a comma stands in numbers
    lines.taken = ["", first]  # none of it was read yet
    lines.put_back()
    return delimiter, csv.reader(lines, delimiter=delimiter)


def _checked(cells: list[str]) -> Row:
    text = "".join(cells)
    return "not UTF-8" if not text.isascii() and SURROGATE.search(text) else cells


def _parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _places(path, file.schema_arrow.names, wanted)
            for batch in file.iter_batches(batch_size=4096, columns=list(dict.fromkeys(wanted))):
                cells = [_cells(batch.column(name)) for name in wanted]
                for row in zip(*cells, strict=True):
                    yield _checked(list(row))
    except (pa.ArrowException, OSError) as error:
        raise _no_parquet(path, error) from None


def _cells(column: Any) -> list[str]:
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:  # a file may say that it holds text, and hold anything
        import pyarrow as pa

        held = column.cast(pa.binary()).to_pylist()
        values = [each and each.decode("utf-8", "surrogateescape") for each in held]
    return ["" if value is None else str(value).strip() for value in values]


def _no_parquet(path: Path, error: Exception) -> BadInput:
    return BadInput(f"The table {path.name} is not a Parquet file that can be read: {error}.")
