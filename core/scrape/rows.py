"""What a source with labels of its own brings: under whose class, and whether it can be fetched at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core import project
from core.errors import BadInput, Permanent
from core.licences import allowed
from core.model import Candidate
from core.sources import SOURCES
from core.sources.options import Options

if TYPE_CHECKING:
    from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a source that a job takes."""

    rows: Iterator[Candidate]
    total: int | None  # how many, where that is known
    left_out: Mapping[str, int]  # rows and classes that the rules leave out: {"rows": 3, "classes": 1}


LONGEST = {"url": 8000, "page": 8000, "licence_url": 8000, "licence": 100}  # characters kept; 1000 for the rest


def choose(
    sources: Sequence[str], options: Options, settings: Settings, only: Sequence[str], rules: Mapping[str, int],
    mapping: Mapping[str, str],
) -> Chosen:  # fmt: skip
    """Raises BadInput where there is more than one source, none, or one that lacks what it needs."""
    from core.scrape.ask import check

    if len(sources) != 1:
        raise BadInput(f"One source with labels of its own at a time: {', '.join(sources) or 'none'} was given.")
    check(sources[0], options, settings)
    read = SOURCES[sources[0]].read
    assert read is not None
    return Chosen(read(options), None, {})


def labelled(
    found: Iterable[Candidate], classes: Sequence[str], add_classes: bool = False, licence: str = "",
    roots: Sequence[str] = (),
) -> Iterator[Candidate]:  # fmt: skip
    """Each candidate under the project's spelling of its label, or with the reason why it cannot be used.

    Labels outside `classes` (case and Unicode form do not matter) carry the error "unknown class", or become new
    classes with `add_classes`. `licence`: see core.licences.FILTERS. A path of this computer passes under `roots` only.
    """
    known, inside = project.spellings(classes), tuple(f"{root}/" for root in roots)
    for candidate in found:
        yield storable(_permitted(_labelled(candidate, known, add_classes, inside), licence))


def found_by_words(candidate: Candidate, label: str, query: str, licence: str) -> Candidate:
    """What a search found for a class: with its label and words, or with the reason why it cannot be used."""
    error = candidate.error or _malformed(candidate.url)
    return storable(_permitted(replace(candidate, label=label, query=query, error=error), licence))


def _labelled(candidate: Candidate, known: dict[str, str], add_classes: bool, inside: tuple[str, ...]) -> Candidate:
    label = " ".join(unicodedata.normalize("NFC", candidate.label).split())
    error = candidate.error or ("" if label else "no label")
    if not error and project.key(label) not in known:
        try:
            new = project.name(label, "label") if add_classes else ""
        except BadInput:
            new = ""
        if new:
            known[project.key(new)] = new
        else:
            error = "unknown class"
    if not error and not candidate.url.startswith(inside):
        error = _malformed(candidate.url)
    return replace(candidate, label=known.get(project.key(label), label), error=error)


def _permitted(candidate: Candidate, licence: str) -> Candidate:
    return candidate if candidate.error or allowed(candidate.licence, licence) else replace(candidate, error="licence")


def _malformed(url: str) -> str:
    from core.web import parse

    try:
        parse(url)
    except Permanent as error:
        return error.reason
    return ""


def storable(candidate: Candidate) -> Candidate:
    """What others wrote, as a database can keep it and a page can link it: no NUL, no half characters, no javascript:."""

    def clean(name: str) -> str:
        text = getattr(candidate, name).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        return text[: LONGEST.get(name, 1000)]

    links = {name: clean(name) for name in ("page", "licence_url")}
    return replace(
        candidate, **{name: clean(name) for name in ("url", "label", "title", "creator", "licence", "error", "query")},
        **{name: link if link.lower().startswith(("https://", "http://")) else "" for name, link in links.items()},
    )  # fmt: skip
