"""What a user tells a source beside the words to look for. Each source reads what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    path: str = ""  # folder: where it lies
    table: str = ""  # urls: a .csv, .tsv or .parquet file
    url_column: str = "url"
    label_column: str = "label"
    licence_column: str = ""  # these three are optional: "" = the table has none
    creator_column: str = ""
    page_column: str = ""
    base: str = ""  # another address for a provider: a mirror, the demo's own server
