"""Credits: whose each kept picture is and what may be done with it, as a table and as a page to publish.

attribution.py   one attribution in words, as text and as HTML
page.py          credits.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from core.credits.attribution import allowed, attribution, attribution_html, licence, licence_url, line, web, words
from core.credits.page import Groups, render
from core.errors import BadInput
from core.export import write_csv
from core.licences import FILTERS
from core.model import UNKNOWN_LICENCE, Candidate, ImageRecord, Origin

__all__ = [
    "allows", "attribution", "attribution_html", "file_name", "known_first", "rights", "row", "web", "words", "write",
]  # fmt: skip

Row = tuple[ImageRecord, Sequence[Origin]]  # a kept picture and where it came from: what brought it is the first

COLUMNS = (
    "image", "sha256", "file", "label", "title", "creator", "licence", "licence_url", "page", "url", "source",
    "fetched", "attribution",
)  # fmt: skip
FILES = ("credits.csv", "credits.html")


def file_name(record: ImageRecord) -> str:
    """What an export calls the picture: its SHA-256 and the extension of its format."""
    return f"{record.facts.sha256}.{record.facts.format.lower().replace('jpeg', 'jpg')}"


def rights(counts: Mapping[str, int]) -> dict[str, int]:
    """What may be done with pictures counted by licence: {"all", "open", "unknown", "noncommercial", "other"}.

    all = open (may be copied with credit) + unknown + other; noncommercial are those of open that may earn no money.
    """
    found: dict[str, int] = {"all": 0, "open": 0, "unknown": 0, "noncommercial": 0, "other": 0}
    for written, number in counts.items():
        opened = allowed(written, "open")
        found["all"] += number
        found["unknown" if licence(written) == UNKNOWN_LICENCE else "open" if opened else "other"] += number
        found["noncommercial"] += number if opened and not allowed(written, "commercial") else 0
    return found


def allows(written: str) -> str:
    """What a licence lets anybody do, in a few words."""
    if licence(written) == UNKNOWN_LICENCE:
        return "nobody said: ask the author"
    if not allowed(written, "open"):
        return "no open licence: ask the author, or read its terms"
    if allowed(written, "public"):
        return "may be used for anything"
    what = "copied and altered" if "ND" not in licence(written) else "copied unaltered"
    money = "" if allowed(written, "commercial") else ", not to earn money"
    return f"may be {what} with credit{money}"


def write(rows: Iterable[Row], folder: Path, project: str, wanted: str = "") -> dict[str, Any]:
    """Write FILES into the folder, which is made where it is missing: {"files": [...], "images": n, "left_out": n}.

    `wanted`, a key of FILTERS, leaves out the pictures that it does not let pass, by what brought each ("" = none).
    The rows are read once and never held together. Files that are there already are replaced, when all is written.
    Raises BadInput for an unknown filter, or where a file cannot be written.
    """
    if wanted and wanted not in FILTERS:
        raise BadInput(f"{wanted!r} is no licence filter: wanted one of {', '.join(FILTERS)}.")
    files, parts = ([folder / f"{name}{end}" for name in FILES] for end in ("", ".part"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with TemporaryFile(dir=folder) as spool:
                kept = _Kept(rows, wanted, Groups(spool))
                images = write_csv(parts[0], COLUMNS, kept)
                with parts[1].open("wb") as file:
                    file.writelines(render(kept.groups, project, wanted, kept.left_out))
            for part, file in zip(parts, files, strict=True):
                part.replace(file)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"The credits cannot be written to {str(folder)!r}: {error.strerror}.") from None
    return {"files": [str(file) for file in files], "images": images, "left_out": kept.left_out}


class _Kept:
    """The rows of the table. While they pass, each leaves its line for the page."""

    def __init__(self, rows: Iterable[Row], wanted: str, groups: Groups) -> None:
        self.groups, self.left_out = groups, 0
        self._rows, self._wanted = rows, wanted

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for record, origins in self._rows:
            origins = known_first(record, origins)
            known = licence(origins[0].candidate.licence)
            if not allowed(known, self._wanted):
                self.left_out += 1
                continue
            self.groups.add(known, line(record.facts.sha256, file_name(record), record.label, origins))
            yield row(record, origins)


def known_first(record: ImageRecord, origins: Sequence[Origin]) -> tuple[Origin, ...]:
    """The places a picture came from, those that state a licence first; its own address where there is none."""
    origins = origins or (Origin(Candidate(record.origin, record.label, ""), None),)
    return tuple(sorted(origins, key=lambda origin: licence(origin.candidate.licence) == UNKNOWN_LICENCE))


def row(record: ImageRecord, origins: Sequence[Origin]) -> dict[str, Any]:
    """The COLUMNS of one picture; of its places the first counts. What strangers wrote is one line of text."""
    first, fetched = origins[0].candidate, origins[0].fetched
    return {
        "image": record.id, "sha256": record.facts.sha256, "file": file_name(record), "label": record.label,
        "title": words(first.title), "creator": words(first.creator), "licence": licence(first.licence),
        "licence_url": licence_url(first), "page": web(first.page), "url": web(first.url) or Path(first.url).name, "source": first.source,
        "fetched": fetched.isoformat(timespec="seconds") if fetched else "", "attribution": attribution(origins),
    }  # fmt: skip
