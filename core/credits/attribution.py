"""One attribution in words: title, author, source, licence, as Creative Commons recommends.

What is not known is said, never left blank. All of it was written by strangers: it is shown as text, and linked only
where it is an address of the web.
"""

from __future__ import annotations

import html
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from core import licences
from core.model import UNKNOWN_LICENCE, Candidate, Origin

LONGEST = 200  # characters of a name; what is over it is cut
ADDRESS = 2000  # characters of an address that is still linked
PLACES = 5  # further places that an attribution names

allowed = lru_cache(4096)(licences.allowed)


def words(value: str, longest: int = LONGEST) -> str:
    """Text from outside on one line: control and direction characters become U+FFFD, what is too long is cut."""
    line = " ".join(value[: 4 * longest].split())
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    if line.isprintable():
        return line
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign)[0] == "C" else sign for sign in line)


@lru_cache(1024)
def web(url: str) -> str:
    """The address, if it is one of the web that a page may link to; else ""."""
    try:
        if len(url) > ADDRESS or not url.lower().startswith(("http://", "https://")) or not urlsplit(url).hostname:
            return ""
    except ValueError:
        return ""
    if url.isprintable() and " " not in url:
        return url
    return "".join(sign if sign.isprintable() and not sign.isspace() else quote(sign) for sign in url)


@lru_cache(4096)
def licence(written: str) -> str:
    """The licence by the name people use; "unknown" where there is none."""
    return words(licences.plain(written)) or UNKNOWN_LICENCE


def licence_url(found: Candidate) -> str:
    """Where its licence is written, as the source says or as the licence is known for; "" where neither."""
    known = licence(found.licence)
    return "" if known == UNKNOWN_LICENCE else web(found.licence_url) or licences.url_of(known)


@dataclass(frozen=True, slots=True)
class Form:
    """How the pieces of an attribution are written."""

    said: Callable[[str], str]
    linked: Callable[[str, str], str]  # text, address


def isolated(text: str) -> str:
    """A name as HTML: one that is written from right to left keeps its neighbours in their places."""
    return f"<bdi>{html.escape(text)}</bdi>"


def link(text: str, url: str) -> str:
    return f'<a href="{html.escape(url)}" rel="nofollow noopener">{html.escape(text)}</a>'


TEXT = Form(str, lambda text, url: url if text == url else f"{text} ({url})")
HTML = Form(isolated, link)


def attribution(origins: Sequence[Origin]) -> str:
    """`"Tree Bark Photo" by Tim Sullivan, CC BY-SA 4.0 (https://...), https://page`, then the further places."""
    return _attribution(origins, TEXT)


def attribution_html(origins: Sequence[Origin]) -> str:
    """The same as HTML that is safe to publish."""
    return _attribution(origins, HTML)


def line(sha256: str, file: str, label: str, origins: Sequence[Origin]) -> bytes:
    """A picture on the page of credits: its attribution, its class and its file. Its SHA-256 is the place to link to."""
    about = f"{isolated(words(label))} <code>{html.escape(file)}</code>"
    return f'<li id="{sha256}">{attribution_html(origins)} <small>{about}</small></li>\n'.encode()


def _attribution(origins: Sequence[Origin], form: Form) -> str:
    first, others = origins[0].candidate, _further(origins)
    title, creator = words(first.title), words(first.creator)
    text = form.said(f'"{title}"') if title else "Untitled picture"
    text += f" by {form.said(creator) if creator else 'unknown author'}"
    text += f", {_licence(first, form)}, {_source(first, form)}"
    for other in others[:PLACES]:
        differs = licence(other.licence) != licence(first.licence)
        text += f"; also at {_source(other, form)}{f', {_licence(other, form)}' if differs else ''}"
    more = len(others) - PLACES
    return f"{text}; and at {more:,} more" if more > 0 else text


def _licence(found: Candidate, form: Form) -> str:
    known = licence(found.licence)
    if known == UNKNOWN_LICENCE:
        return "licence unknown"
    url = licence_url(found)
    return form.linked(known, url) if url else form.said(known)


def _source(found: Candidate, form: Form) -> str:
    if url := web(found.page) or web(found.url):
        return form.linked(url, url)
    local = found.url.startswith("/") and not found.url.startswith("//")
    name = words(os.path.basename(found.url)) if local else ""
    return f"the file {form.said(name)}" if name else "source unknown"


def _further(origins: Sequence[Origin]) -> list[Candidate]:
    """The places beside the first, each once, in their order."""
    places: dict[str, Candidate] = {}
    for origin in origins:
        places.setdefault(origin.candidate.page or origin.candidate.url, origin.candidate)
    return list(places.values())[1:]
