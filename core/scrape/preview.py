"""A dozen results of a source before anything is kept: what it would bring, and how that looks."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from core.errors import Refused
from core.model import Candidate, Project, Search
from core.scrape.ask import Asker, check
from core.scrape.fetch import Fetcher
from core.scrape.rows import labelled
from core.sources import SOURCES
from core.sources.options import Options
from core.subset import count_table, counts, distribution, propose

if TYPE_CHECKING:
    from core.engine import Engine
    from core.scrape.fetch import Reach
    from core.settings import Settings

MANY = 12
FIRST = 5000  # rows of a source with its own labels that the dozen is taken from
LABELS = 500  # of a source, the most frequent: those that a person can map by hand


def results(source: str, project: Project, label: str, query: str, options: Options, settings: Settings,
            through: Reach) -> list[Candidate]:  # fmt: skip
    """The first dozen: of a search for a class, or of the rows of a source with its own labels.

    Raises BadInput where the source lacks something, Refused where it does not answer.
    """
    check(source, options, settings)
    if read := SOURCES[source].read:
        return _spread(labelled(read(options), project.classes, add_classes=True, roots=through.roots))
    info = project.infos.get(label)
    words = query.replace("{class}", info.queries[0] if info and info.queries else label)
    with ExitStack() as open_:
        answer, found = Asker(open_, settings, through)(Search(label, source, words), options, MANY)
    if answer.status == "failed":
        raise Refused(answer.reason, answer.sentence)
    return found


def _spread(rows: Iterable[Candidate]) -> list[Candidate]:
    """A dozen of the first rows, of as many labels as there are."""
    seen: Counter[str] = Counter()
    turns = []
    for position, row in enumerate(itertools.islice(rows, FIRST)):
        turns.append((seen[row.label], position, row))
        seen[row.label] += 1
    return [row for _, _, row in sorted(turns, key=lambda turn: turn[:2])[:MANY]]


def labels(source: str, options: Options, classes: Sequence[str]) -> dict[str, Any]:
    """How many rows a source has of each label, and which class each may stand for; {} for one asked in words."""
    read = SOURCES[source].read
    if read is None:
        return {}
    seen = count_table(options) if source == "urls" else counts(read(options))
    spread = distribution(seen.rows)
    some = [label for label, _ in seen.rows.most_common(LABELS)]
    guessed = propose(some, classes)
    return {
        "rows": seen.rows.total() + seen.unusable, "unusable": seen.unusable, "labels": len(seen.rows),
        "most": spread.most, "least": spread.least,
        "sizes": [(f"{low}" if low == high else f"{low:,} to {high:,}", number) for low, high, number in spread.sizes],
        "some": [{"label": label, "rows": seen.rows[label], "class": guessed.get(label, "")} for label in some],
    }  # fmt: skip


Looked = tuple[tuple[str, Any], bytes | None, Exception | None]  # (url, what was fetched), small JPEG, or why not


def look(engine: Engine, through: Reach, found: list[Candidate]) -> Iterator[Looked]:
    """A small picture of each, or why there is none."""
    fetched = engine.map(Fetcher(through), found, need="io")
    return engine.map(Thumb(), ((c.url, got if error is None else error) for c, got, error in fetched), need="cpu")


class Thumb:
    """(url, bytes) -> a small JPEG; runs in a child process."""

    def __call__(self, fetched: tuple[str, Any]) -> bytes:
        from core.pixels import ingest

        _, got = fetched
        if not isinstance(got, tuple):
            raise got
        return ingest(got[0])[1]


def rows(found: list[Candidate], looked: Iterable[Looked]) -> list[dict[str, str]]:
    """One row a result, in their order, as JSON: what is known of it and its picture, or why there is none."""
    pictures: dict[str, tuple[bytes | None, str]] = {
        url: (thumb, str(error) if error else "") for (url, _), thumb, error in looked
    }
    return [
        {
            "url": c.url, "label": c.label, "title": c.title, "creator": c.creator, "licence": c.licence,
            "page": c.page, "error": c.error or pictures.get(c.url, (None, ""))[1],
            "picture": _uri(pictures.get(c.url, (None, ""))[0]),
        }
        for c in found
    ]  # fmt: skip


def _uri(thumb: bytes | None) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(thumb).decode()}" if thumb else ""
