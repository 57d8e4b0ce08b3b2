"""Wikimedia Commons by MediaWiki's documented API, https://commons.wikimedia.org/w/api.php.

A search in the files (generator=search) brings each file's address, a rendering of it and what its page says of author
and licence (prop=imageinfo with extmetadata). The user agent has to say how we can be reached: WINNOW_CONTACT.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from core import licences
from core.errors import Refused
from core.model import UNKNOWN_LICENCE, Candidate, Results
from core.sources.answers import malformed, number, parse, text
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

WHO = "Wikimedia Commons"
BASE = "https://commons.wikimedia.org"
MOST = 50  # files in one answer: of more, the renderings would come in several answers
WIDTH = 1280  # px of the rendering, one of the widths that Wikimedia keeps ready (20, 40, ..., 960, 1280, 1920, 3840)
QUERY = 280  # characters; with the filter the search takes 300
MAXLAG = 5  # seconds that the databases may be behind before we are to wait; what the manual asks of programs
CONTINUE = ("continue", "gsroffset", "iistart", "iicontinue")  # what an answer may name to go on with
BUSY = ("maxlag", "ratelimited", "readonly", "cirrussearch-too-busy-error")
METADATA = ("ObjectName", "Artist", "Attribution", "Credit", "LicenseShortName", "License", "LicenseUrl", "UsageTerms")
LONGEST = 20_000  # characters of HTML that are read for one field
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BREAKS = {"br", "p", "div", "li", "tr", "td", "th", "dd", "dt", "ul", "ol", "table"}


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """One answer for the words in `query`, best first. The cursor is what the answer named to go on with, as a query.

    All on Commons is open or in the public domain, and its search cannot tell licences apart: `options.licence` is not
    asked for. A file without an address is a failure, an answer without files is none. Raises Refused where it does not
    answer, not as documented, with an error, or asks for a pause.
    """
    onward = {name: value for name, value in parse_qsl(cursor) if name in CONTINUE}
    ask = {
        "action": "query", "format": "json", "formatversion": "2", "maxlag": str(MAXLAG),
        "generator": "search", "gsrsearch": f"filetype:bitmap {query[:QUERY]}", "gsrnamespace": "6",
        "gsrlimit": str(min(options.size or MOST, MOST)), "prop": "imageinfo", "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": str(WIDTH), "iiextmetadatafilter": "|".join(METADATA),
    }  # fmt: skip
    reply = get(f"{_api(options.base)}?{urlencode(ask | onward)}")
    answer = parse(reply.body, WHO)
    if "error" in answer:
        raise _error(answer["error"], dict(reply.headers))
    if not answer.keys() & {"batchcomplete", "continue", "query"}:
        raise malformed(WHO)
    # The files of one search may come in several answers; each has all of them, and some without their imageinfo.
    part = ("continue" in answer and "batchcomplete" not in answer) or bool(onward.keys() & {"iistart", "iicontinue"})
    found = tuple(_candidate(page) for page in _pages(answer) if not part or _info(page))
    return Results(found, _next(answer, cursor))


def _api(base: str) -> str:
    """The address of the API under a base such as https://commons.wikimedia.org, with or without its path."""
    return f"{(base or BASE).rstrip('/').removesuffix('/api.php').removesuffix('/w')}/w/api.php"


def _error(error: Any, headers: dict[str, str]) -> Refused:
    code, info = text(error, "code"), text(error, "info")
    if code in BUSY:
        after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
        seconds = f" of {after} seconds" if after.isascii() and after.isdigit() else ""
        return Refused("asked for a pause", f"{WHO} asks for a pause{seconds} ({code}): try again later.")
    return Refused("provider error", f"{WHO} answered with the error {code[:100]!r}: {info[:300]}")


def _pages(answer: dict[str, Any]) -> list[Any]:
    """The files, best first: they come in the order of their numbers, and `index` is their place in the search."""
    query = answer.get("query", {"pages": []})
    pages = query.get("pages", []) if isinstance(query, dict) else None
    if not isinstance(pages, list):
        raise malformed(WHO)
    return sorted(pages, key=lambda page: index if (index := number(page, "index")) is not None else len(pages))


def _next(answer: dict[str, Any], cursor: str) -> str:
    onward = answer.get("continue")
    named = onward if isinstance(onward, dict) else {}
    kept = {name: str(named[name]) for name in CONTINUE if isinstance(named.get(name), str | int)}
    after = urlencode(kept)
    return "" if after == cursor else after  # what leads back to itself leads nowhere


def _info(page: Any) -> dict[str, Any]:
    infos = page.get("imageinfo") if isinstance(page, dict) else None
    return infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], dict) else {}


def _candidate(page: Any) -> Candidate:
    info, title = _info(page), text(page, "title").removeprefix("File:")
    said = {name: _said(info, name) for name in METADATA}
    url = _address(text(info, "thumburl") or text(info, "url"))
    names = (said["LicenseShortName"], said["License"], said["LicenseUrl"], said["UsageTerms"])
    licence = next((name for name in map(licences.plain, names) if name != UNKNOWN_LICENCE), UNKNOWN_LICENCE)
    link = re.sub(r"^//", "https://", said["LicenseUrl"])
    return Candidate(
        url=url or f"commons result {title or number(page, 'pageid') or 'without a title'}", label="",
        source="commons", page=text(info, "descriptionurl"), title=said["ObjectName"] or title,
        creator=said["Artist"] or said["Attribution"] or said["Credit"], licence=licence,
        licence_url=link or licences.url_of(licence), error="" if url else "malformed result",
    )  # fmt: skip


def _said(info: dict[str, Any], name: str) -> str:
    """A field of extmetadata as plain text; it comes as HTML, and the whole as a list where it is empty."""
    fields = info.get("extmetadata")
    return plain_text(text(fields.get(name), "value")) if isinstance(fields, dict) else ""


def _address(url: str) -> str:
    """Without the utm_... that say who asked: an image has one address."""
    try:
        parts = urlsplit(url)
    except ValueError:  # [ without ]: core.web says what is wrong with it
        return url
    kept = [piece for piece in parts.query.split("&") if not piece.startswith("utm_")]
    return urlunsplit(parts._replace(query="&".join(kept)))


def plain_text(html: str) -> str:
    """The words of a piece of HTML that a browser would show, in one line; of a very long piece the first LONGEST."""
    words = _Words()
    try:
        words.feed(html[:LONGEST])
        words.close()
    except AssertionError:  # the parser's way to say that <![this[ is no HTML: what came before it stays
        pass
    return " ".join("".join(words.said).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden = 0  # how many open tags there are since one that is not shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = (dict(attrs).get("style") or "").replace(" ", "").lower()
        if tag in BREAKS:
            self.said.append(" ")
        if tag not in VOID and (self._hidden or tag in ("style", "script") or "display:none" in style):
            self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in BREAKS:
            self.said.append(" ")
        if self._hidden and tag not in VOID:
            self._hidden -= 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BREAKS:
            self.said.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)
