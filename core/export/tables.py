"""Tables for a spreadsheet: nothing in them runs as a formula, and what was written reads back unchanged."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput

if TYPE_CHECKING:
    from db.store import Store

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so (OWASP, "CSV injection")


def cell(value: Any) -> Any:
    """A value as a spreadsheet may read it: text that would run as a formula gets an apostrophe in front.

    `uncell` takes it off again, so a table that was written here reads back unchanged.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith((*FORMULA, "'")) else value


def uncell(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA, "'")) else text


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a table with a head line. Raises BadInput where it cannot be read or lacks one of `columns`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                there = ", ".join(map(str, reader.fieldnames or ())) or "none"
                raise BadInput(f"The table {str(path)!r} has no column {missing[0]!r} (its columns: {there}).")
            for row in reader:
                yield {str(key): uncell(value or "") for key, value in row.items() if key is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"The table {str(path)!r} cannot be read: {error}.") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the rows and return how many there were. Raises BadInput where the file cannot be written."""
    count = 0
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([cell(row[column]) for column in columns])
                count += 1
    except OSError as error:
        raise BadInput(f"The table {str(path)!r} cannot be written: {error.strerror}.") from None
    return count


def finding_rows(store: Store, project: int, kind: str = "") -> Iterator[dict[str, Any]]:
    """One row for each image and finding, with its origin; a file found at several places has a row for each of them."""
    several, found = store.several_origins(project), store.findings(project, kind)
    while batch := list(itertools.islice(found, 1000)):
        records = {r.id: r for r in store.images_by_id(project, [f.image for f in batch])}
        for f in batch:
            record = records[f.image]
            places = several.get(f.image) if f.kind == "exact_duplicate" else None
            for origin, label in places or [(record.origin, record.label)]:
                yield {
                    "image": f.image,
                    "origin": origin,
                    "label": label,
                    "kind": f.kind,
                    "score": round(f.score, 4),
                    "group": f.group,
                }
