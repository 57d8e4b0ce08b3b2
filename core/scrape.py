"""From a source to bytes: which candidates there are, how each is fetched, and why some fail."""

from __future__ import annotations

import asyncio
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from core import project
from core.errors import BadInput, Permanent, Refused
from core.model import Candidate
from core.sources import SOURCES
from core.sources.demo import at
from core.sources.options import Options

if TYPE_CHECKING:
    from core.model import ImageFacts
    from core.settings import Settings
    from core.sources import Get
    from core.web import Reply, Web

DEMO_DEADLINE = 300.0  # seconds; for every other host core.web's own
LIMIT = 400  # images for each class, of a source that is asked in words
SEARCH = "search for "  # and the class: stands for the address of a search that failed; db.store knows it by this
LONGEST = {"url": 8000, "page": 8000, "licence_url": 8000}  # characters kept of what others wrote; 1000 for the rest

# reason -> what it means and what can be done. "http 404" and its like are explained by `meaning`.
FAILURES = {
    "asked for a pause": "The host wants to be left alone for a while; try again later.",
    "cancelled": "It was broken off before it was done; try again.",
    "cannot be read": "It could not be opened; the sentence beside it says why.",
    "certificate": "The host cannot prove who it is (TLS).",
    "connection": "The connection broke; try again.",
    "crashed": "Decoding it ended the process that did so: the file is broken, or made to do harm.",
    "damaged": "The file starts like a picture, but its data cannot be decoded.",
    "file name is not UTF-8": "The file's name is written in another encoding; rename it.",
    "forbidden address": "The address is private or no web address; WINNOW_ALLOW_HOSTS can allow your own hosts.",
    "link out of the folder": "The file is a link that leads out of the folder given.",
    "link to a folder": "A link to a folder is not followed; its files count where they are.",
    "malformed answer": "The image search did not answer as its documentation says.",
    "malformed result": "The image search named an image without its address.",
    "malformed row": "The row of the table cannot be read; often a quote is never closed.",
    "malformed url": "What stands in the address column is no web address.",
    "memory": "Decoding it took more memory than one image may have.",
    "no label": "There is no class beside the image.",
    "not an image": "The content is something else, whatever its name or header says.",
    "not UTF-8": "The row of the table is in another encoding; save the table as UTF-8.",
    "out of memory": "The picture needs more memory than one image may have.",
    "redirects": "The address redirects too often or leads nowhere.",
    "timeout": "The host, or decoding the file, took too long.",
    "too large": "The file has more bytes than one image may have.",
    "too many pixels": "The picture has more pixels than one image may have.",
    "truncated": "The file ends before the picture does.",
    "unknown class": "The label is none of the project's classes; add it, or leave the image out.",
    "unknown host": "The host's name leads nowhere; try again, or check the address.",
    "wrong number of fields": "The row of the table has more or fewer fields than its first line.",
}


def meaning(reason: str) -> str:
    """One sentence for a reason that failures are counted under; "" for an unknown one."""
    kind, _, code = reason.partition(" ")
    if kind == "http":
        return f"The host answered with the error {code}{': there is no such file' if code in ('404', '410') else ''}."
    return FAILURES.get(reason, "")


def summary(failures: Mapping[str, int]) -> str:
    """ "12 failed: 9 http 404, 3 timeout", the most frequent first; "" where nothing failed."""
    if not failures:
        return ""
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return f"{sum(failures.values())} failed: " + ", ".join(f"{count} {reason}" for reason, count in ordered)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a job may reach, and how; plain values, so that it can be sent to where the work is done."""

    allow: tuple[str, ...] = ()  # private hosts: see core.web.addresses.Allowed
    host_rate: str = ""  # see core.web.Web
    contact: str = ""
    own: tuple[str, ...] = ()  # host:port of the demo's server, where it runs
    base: str = ""  # the source's own address where it is not the usual one

    def web(self) -> Web:
        from core.web import Web  # aiohttp takes a third of a second to import

        return Web(self.allow, self.host_rate, self.contact, self.own)


@contextmanager
def reach(source: str, settings: Settings) -> Iterator[Reach]:
    """What a job of this source may reach, open for as long as the job runs: the demo has a server of its own.

    That server's one address and port are open to this job and to no other. `source` "" is a job that tries again.
    """
    usual = (settings.allow_hosts, settings.host_rate, settings.contact)
    if source != "demo":
        yield Reach(*usual, base=settings.source_url(source))
        return
    from core.demo.serve import serve

    with serve(settings.home / "demo") as base:
        yield Reach(*usual, own=(base.partition("://")[2],), base=base)


def candidates(
    source: str, classes: Sequence[str], options: Options, through: Reach, query: str = "{class}", limit: int = LIMIT,
    add_classes: bool = False,
) -> Iterator[Candidate]:  # fmt: skip
    """All that the source knows of, lazily; asked again, in the same order as long as the source stays the same.

    A source with its own labels yields all it has; labels outside `classes` (case and Unicode form do not matter) carry
    the error "unknown class", or become new classes with `add_classes`. A source asked in words is asked once for each
    class, with `query` ("{class}" stands for the name), for up to `limit` images.
    Raises BadInput where the options do not fit, and what the first search raised where all of them failed; where only
    some did, each is a candidate with its error.
    """
    found = SOURCES.get(source)
    if found is None:
        raise BadInput(f"There is no source named {source!r} (there are: {', '.join(SOURCES)}).")
    for need in found.needs:
        if not getattr(options, need):
            raise BadInput(f"The source {source} needs --{need}.")
    options = replace(options, base=through.base)
    if found.asks:
        yield from map(_kept, _asked(source, classes, options, through, query, limit))
        return
    known = project.spellings(classes)
    for candidate in found.search("", limit, options, _no_network):
        yield _kept(_labelled(candidate, known, add_classes))


def _no_network(url: str) -> Reply:
    raise AssertionError(f"A source with its own labels asked for {url}.")


def _asked(
    source: str, classes: Sequence[str], options: Options, through: Reach, query: str, limit: int
) -> Iterator[Candidate]:
    from core.web import blocking

    failed: dict[str, Refused] = {}
    found = False
    with blocking(through.web()) as get:
        for label in classes:
            try:
                for candidate in _search(source, label, options, get, query, limit):
                    found = True
                    yield candidate
            except Refused as error:  # one class less; the others go on
                failed[label] = error
    if failed and not found and len(failed) == len(classes):
        raise next(iter(failed.values()))
    for label, error in failed.items():
        yield Candidate(SEARCH + label, label, source, error=error.reason)


def _search(source: str, label: str, options: Options, get: Get, query: str, limit: int) -> Iterator[Candidate]:
    for candidate in SOURCES[source].search(query.replace("{class}", label), limit, options, get):
        yield replace(candidate, label=label, error=candidate.error or _malformed(candidate.url))


def again(
    searches: Iterable[tuple[int, Candidate, Mapping[str, Any]]], known: Callable[[str, str], set[str]],
    through: Reach, settings: Settings, ended: dict[int, Refused | None],
) -> Iterator[Candidate]:  # fmt: skip
    """What failed searches find when they are asked again as the job asked that they are from, less what is known.

    `searches`: (number, the candidate that stands for it, that job's parameters); `known`: (source, class) -> the
    addresses that need not be stored again, which makes it safe to ask as often as one likes. `ended` gets, for each
    number, the error or None.
    """
    from core.web import blocking

    with blocking(through.web()) as get:
        for number, failed, params in searches:
            base = through.base if failed.source == "demo" else settings.source_url(failed.source)
            options = replace(Options(**(params.get("options") or {})), base=base)
            asked = (params.get("query", "{class}"), params.get("limit", LIMIT))
            seen = known(failed.source, failed.label)
            try:
                for candidate in map(_kept, _search(failed.source, failed.label, options, get, *asked)):
                    if candidate.url not in seen:
                        seen.add(candidate.url)
                        yield candidate
                ended[number] = None
            except Refused as error:  # what it found until then stays
                ended[number] = error


def _labelled(candidate: Candidate, known: dict[str, str], add_classes: bool) -> Candidate:
    """The candidate under the project's spelling of its label, or with the reason why it has none."""
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
    if not error and candidate.source != "folder":
        error = _malformed(candidate.url)
    return replace(candidate, label=known.get(project.key(label), label), error=error)


def _malformed(url: str) -> str:
    from core.web import parse

    try:
        parse(url)
    except Permanent as error:
        return error.reason
    return ""


def _kept(candidate: Candidate) -> Candidate:
    """What others wrote, as a database can keep it and a page can link it: no NUL, no half characters, no javascript:."""

    def clean(name: str) -> str:
        text = getattr(candidate, name).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        return text[: LONGEST.get(name, 1000)]

    links = {name: clean(name) for name in ("page", "licence_url")}
    return replace(
        candidate, **{name: clean(name) for name in ("url", "label", "title", "creator", "licence", "error")},
        **{name: link if link.lower().startswith(("https://", "http://")) else "" for name, link in links.items()},
    )  # fmt: skip


class Fetcher:
    """Candidate -> bytes, within an event loop: `async with Fetcher(reach) as fetch: data = await fetch(candidate)`."""

    def __init__(self, through: Reach) -> None:
        self.through = through

    async def __aenter__(self) -> Self:
        self._web = await self.through.web().__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._web.__aexit__(*error)

    async def __call__(self, candidate: Candidate) -> bytes:
        """The bytes, at most core.web.LIMIT of them. Raises Refused or Permanent with one of FAILURES as its reason."""
        if candidate.error:
            raise Permanent(candidate.error)
        if candidate.source == "folder":
            return await asyncio.to_thread(read, candidate.url)
        if candidate.source == "demo":  # it draws each picture when asked, which takes long on a busy machine
            return (await self._web.get(at(candidate.url, self.through.base), deadline=DEMO_DEADLINE)).body
        return (await self._web.get(candidate.url)).body


def read(path: str) -> bytes:
    """A file of this computer. Raises Permanent: cannot be read (no regular file, no right to), too large."""
    from core.web import LIMIT as MOST
    from core.web import MEGABYTE

    try:
        # Non-blocking, so that a named pipe does not wait for its writer for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Permanent("cannot be read", f"{path} is not a regular file.")
            data = file.read(MOST + 1)
    except OSError as error:
        raise Permanent("cannot be read", f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MOST:
        raise Permanent("too large", f"{path} has more than {MOST / MEGABYTE:g} MB.")
    return data


class Keep:
    """(url, bytes) -> ImageFacts, with the bytes and the thumbnail kept; runs in a child process."""

    def __init__(self, storage: str) -> None:
        self.storage = storage

    def __call__(self, fetched: tuple[str, bytes | Refused]) -> ImageFacts:
        """Raises what stands for the bytes where they could not be had, and what `pixels.ingest` says of them."""
        from core.blobs import Blobs
        from core.pixels import ingest

        _, data = fetched
        if not isinstance(data, bytes):
            raise data
        facts, thumb = ingest(data)
        Blobs(self.storage).put(facts.sha256, data, thumb)
        return facts


def outcome(
    fetched: tuple[str, bytes], facts: ImageFacts | None, error: Exception | None
) -> tuple[str, ImageFacts | Refused]:
    """(url, its image's facts, or the failure it is counted under)."""
    if error is not None and not isinstance(error, Refused):
        error = Refused("cannot be read", f"{type(error).__name__}: {error}")
    return fetched[0], error or facts  # type: ignore[return-value]


def sentence(tally: Mapping[str, int]) -> str:
    """ "120 new, 4 duplicate, 3 failed": what the progress bar says."""
    words = {"fetched": "new", "duplicate": "duplicate", "failed": "failed"}
    return ", ".join(f"{tally.get(status, 0)} {word}" for status, word in words.items())
