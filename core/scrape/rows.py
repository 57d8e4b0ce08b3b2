"""What a source with labels of its own brings: under whose class, and whether it can be fetched at all."""

from __future__ import annotations

import shutil
import unicodedata
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from core import project
from core.errors import BadInput, Permanent
from core.licences import allowed
from core.model import Candidate, Progress
from core.sources import SOURCES
from core.sources.options import Options
from core.subset import LeftOut, Rules, chosen, counts, left_out, mapped

if TYPE_CHECKING:
    from core.scrape.fetch import Reach
    from core.settings import Settings
    from core.steps import Context


NO_RULES: Mapping[str, int] = MappingProxyType({})
NO_MAPPING: Mapping[str, str] = MappingProxyType({})
LONGEST = {"url": 8000, "page": 8000, "licence_url": 8000, "licence": 100}  # characters kept; 1000 for the rest


def opened(sources: Sequence[str], options: Options, through: Reach) -> Generator[Progress, None, Options]:
    """The options with the folder that an archive is unpacked into; other sources need no opening. Raises BadInput."""
    from core.sources.archive import unpack

    if sources != ["archive"] or not options.path:
        return options
    yield from unpack(Path(options.path), Path(through.work))
    return replace(options, images=through.work)


def reopened(archives: Iterable[str], through: Reach) -> Iterator[Progress]:
    """Unpack archives that a retry takes files from. Of one that is gone or damaged, each file fails for itself."""
    from core.sources.archive import unpack

    for path in archives:
        with suppress(BadInput):
            yield from unpack(Path(path), Path(through.work))


def closed(ctx: Context, through: Reach) -> None:
    """Delete what this job's archives were unpacked into, and what jobs left that were stopped.

    It is no longer needed: the images are kept under their hash by now.
    """
    busy = {str(number) for number in ctx.store.busy() - {ctx.job.id}}
    for folder in Path(through.work).parent.glob("*"):
        if folder.name not in busy:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a source that a job takes."""

    rows: Iterator[Candidate]
    about: int | None  # how many, roughly, where that can be told before they are read
    by_rules: LeftOut
    by_mapping: Counter[str]  # label -> rows mapped to no class; complete once all rows were read

    @property
    def left_out(self) -> dict[str, int]:
        """Rows and labels that are not wanted."""
        return {"rows": self.by_rules.rows + self.by_mapping.total(),
                "classes": self.by_rules.classes + len(self.by_mapping)}  # fmt: skip


def choose(
    sources: Sequence[str], options: Options, settings: Settings, only: Sequence[str] = (),
    rules: Mapping[str, int] = NO_RULES, mapping: Mapping[str, str] = NO_MAPPING,
) -> Chosen:  # fmt: skip
    """The rows of the one source; where there are rules, its labels are counted first.

    Raises BadInput where there is more than one source, none, or one that lacks what it needs.
    """
    from core.scrape.ask import check

    if len(sources) != 1:
        raise BadInput(f"One source with labels of its own at a time: {', '.join(sources) or 'none'} was given.")
    check(sources[0], options, settings)
    source, wanted, dropped = SOURCES[sources[0]], Rules(labels=tuple(only), **rules), Counter[str]()
    assert source.read is not None
    rows = mapped(source.read(options), mapping, dropped)
    if wanted == Rules():
        return Chosen(rows, source.about_rows(options) if source.about_rows else None, LeftOut(0, 0), dropped)
    seen = counts(mapped(source.read(replace(options, attribution="")), mapping), wanted)
    out = left_out(wanted, seen)
    total = seen.rows.total() - out.rows + seen.unusable
    return Chosen(chosen(rows, wanted, seen), total, out, dropped)


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
