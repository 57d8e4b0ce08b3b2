"""What is known of each picture, a row for each: as CSV, and as Parquet in groups of rows, so that memory stays flat."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import credits
from core.export.tables import cell

if TYPE_CHECKING:
    import pyarrow

    from core.export.chosen import Picture

COLUMNS = (
    "image", "file", "sha256", "part", "label", "source_label", "width", "height", "format", "bytes", "box_left", "box_top",
    "box_right", "box_bottom", "source", "page", "url", "title", "creator", "licence", "licence_url", "origin", "fetched",
    "attribution", "verdict", "decisions",
)  # fmt: skip
INTEGERS, FLOATS = (
    ("image", "width", "height", "bytes", "decisions"),
    ("box_left", "box_top", "box_right", "box_bottom"),
)
GROUP = 1000  # rows in one group of a Parquet file

Add = Callable[[dict[str, Any]], None]


def row(picture: Picture, file: str) -> dict[str, Any]:
    """COLUMNS -> values; `file` is where it lies in the export. A box that is None is the whole picture.

    `width`, `height` and the box are px of the picture as it is seen, turned as its EXIF says. `origin` is the address of
    the place that brought it; of a file only its name, so that no folder of this computer is published.
    """
    record, facts, box = picture.record, picture.record.facts, picture.box or (None,) * 4
    return {
        **credits.row(record, picture.origins), "file": file, "part": picture.part, "label": picture.label,
        "source_label": credits.words(record.source_label), "width": facts.width, "height": facts.height, "format": facts.format,
        "bytes": facts.size, **dict(zip(FLOATS, box, strict=True)), "verdict": record.verdict, "decisions": record.version,
        "origin": credits.web(record.origin) or credits.words(Path(record.origin).name),
    }  # fmt: skip


@contextmanager
def to_csv(path: Path) -> Iterator[Add]:
    """Write rows to a CSV of COLUMNS that a spreadsheet may open: `core.export.cell`."""
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield lambda values: writer.writerow(["" if values[name] is None else cell(values[name]) for name in COLUMNS])


@contextmanager
def to_parquet(path: Path, schema: pyarrow.Schema) -> Iterator[Add]:
    """Write rows to a Parquet file of that schema; memory holds GROUP of them."""
    import pyarrow as pa
    from pyarrow import parquet

    waiting: list[dict[str, Any]] = []
    with parquet.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
            waiting.clear()

        def add(values: dict[str, Any]) -> None:
            waiting.append({name: _whole(values[name]) for name in schema.names})
            if len(waiting) >= GROUP:
                flush()

        yield add
        if waiting:
            flush()


def schema() -> pyarrow.Schema:
    """COLUMNS with their types: whole numbers, numbers for boxes, text for the rest."""
    import pyarrow as pa

    kinds = {**dict.fromkeys(INTEGERS, pa.int64()), **dict.fromkeys(FLOATS, pa.float64())}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])


def _whole(value: Any) -> Any:
    """Text that can be encoded: what no UTF-8 has becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
