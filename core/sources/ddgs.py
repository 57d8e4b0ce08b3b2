"""Any images of the web, as DuckDuckGo's own page finds them (https://duckduckgo.com/i.js).

A search engine gives no contract: it may answer otherwise from one day to the next, or refuse. It says nothing of the
licence either: who made an image, and what may be done with it, is unknown until someone looks at its page. And it is
no interface for programs, so its robots.txt is asked as any page's is: when this was written that let none in here
("Disallow: /*?"), and then the answer is Permanent "robots". `options.base` may name a mirror that does.

The library `ddgs` asks in the same way, but with a network client of its own, and what it does with the answer (it
decodes addresses, which breaks some) is not wanted here: so it is not needed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from core.errors import BadInput
from core.model import Candidate, Results
from core.sources.answers import malformed, parse, text
from core.sources.options import Options, refuse_licence

if TYPE_CHECKING:
    from core.sources import Get

WHO = "DuckDuckGo"
BASE = "https://duckduckgo.com"
QUERY = 400  # characters
TOKEN = re.compile(rb"""vqd=(?:"([\w-]{1,200})"|'([\w-]{1,200})'|([\w-]{1,200})&)""")


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """About 100 results, best first; the cursor is the number of results before them.

    How many there are in one answer is the engine's to say, whatever `options.size`. A result without an address is a
    failure.
    Raises Refused where the engine does not answer, or not as it did when this was written.
    """
    if not re.fullmatch(r"([1-9]\d{0,5})?", cursor):
        raise BadInput(f"{cursor[:200]!r} is not a place in DuckDuckGo's results: a number was wanted.")
    base = (options.base or BASE).rstrip("/")
    words = query[:QUERY]
    # It answers no program that has not been to its page, from which this token is.
    ask = {"o": "json", "q": words, "l": "us-en", "vqd": _token(words, base, get), "p": "1", "ct": "AT"}
    if cursor:
        ask["s"] = cursor
    reply = get(
        f"{base}/i.js?{urlencode(ask)}", headers={"Referer": f"{base}/", "Accept": "application/json"}, robots=True
    )
    answer = parse(reply.body, WHO)
    results = answer.get("results")
    if not isinstance(results, list):
        raise malformed(WHO)
    following = _following(text(answer, "next"), int(cursor or 0)) if results else ""
    return Results(tuple(_candidate(result, at) for at, result in enumerate(results, int(cursor or 0) + 1)), following)


def check(options: Options) -> None:
    """Raises BadInput for a licence: it knows none."""
    refuse_licence(options, "DuckDuckGo knows no licences", "leave one of the two out")


def _token(words: str, base: str, get: Get) -> str:
    found = TOKEN.search(get(f"{base}/?{urlencode({'q': words, 'iax': 'images', 'ia': 'images'})}", robots=True).body)
    if not found:
        raise malformed(WHO)
    return next(filter(None, found.groups())).decode()


def _following(link: str, now: int) -> str:
    """The cursor in "i.js?q=...&s=100&...", the link to the next answer; "" for none, or one that leads back."""
    try:
        (start,) = parse_qs(urlsplit(link).query)["s"]
    except (ValueError, KeyError):
        return ""
    return start if re.fullmatch(r"[1-9]\d{0,5}", start) and int(start) > now else ""


def _candidate(result: Any, at: int) -> Candidate:
    return Candidate(
        url=text(result, "image") or f"{WHO} result {at}", label="", source="ddgs", page=text(result, "url"),
        title=text(result, "title"), error="" if text(result, "image") else "malformed result",
    )  # fmt: skip
