"""Which page is asked for: an address with a place for the class, and a range of numbers or links from page to page."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote

from core.errors import BadInput

MOST = 50  # pages, where one links to the next
RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
LINKED = re.compile(r"(\d{1,2}) ([0-9a-f,]*) (https?://\S+)")  # a cursor: pages before it, their marks, the address


@dataclass(frozen=True, slots=True)
class Ask:
    """The page to ask for, and what the cursor of the page after it follows from."""

    url: str
    number: int  # of the page: in the range, or how many were asked before it
    last: int = -1  # of the range; -1 = there is none
    seen: str = ""  # marks of the pages before it, with commas

    def following(self, arrived: str, link: str) -> str:
        """The cursor of the page after this one; "" = this was the last.

        `arrived`: this page's address after redirects; `link`: the page that it names as the next one.
        """
        if self.last >= 0:
            return str(self.number + 1) if self.number < self.last else ""
        seen = list(dict.fromkeys(filter(None, [*self.seen.split(","), _mark(self.url), _mark(arrived)])))
        if not link or self.number + 1 >= MOST or _mark(link) in seen:
            return ""
        return f"{self.number + 1} {','.join(seen)} {link}"


def ask(template: str, query: str, cursor: str) -> Ask:
    """Raises BadInput where the address is none, or the cursor is not of this address."""
    ranges = RANGE.findall(template)
    plain = RANGE.sub("", template).replace("{class}", "")
    if not re.match(r"https?://[^/\s]", template, re.IGNORECASE) or re.search(r"[{}\s]", plain):
        raise BadInput(
            f"The address {template[:200]!r} is not one to look at: one like https://shop.example/{{class}}?page={{1..9}} "
            "was wanted, where {class} and {1..9} may be missing."
        )
    if len(ranges) > 1:
        raise BadInput(f"The address {template[:200]!r} has {len(ranges)} ranges; one at most was wanted.")
    wrong = BadInput(f"{cursor[:200]!r} is not a page of {template[:200]}.")
    if not ranges:
        return _linked(_filled(template, query), cursor, wrong)
    first, last = map(int, ranges[0])
    if first > last:
        raise BadInput(f"The range in the address {template[:200]!r} ends before it begins.")
    if not re.fullmatch(r"\d{0,9}", cursor) or not first <= int(cursor or first) <= last:
        raise wrong
    number = int(cursor or first)
    width = len(ranges[0][0]) if ranges[0][0].startswith("0") else 0  # {01..12} counts 01, 02, ...
    return Ask(_filled(RANGE.sub(f"{number:0{width}d}", template), query), number, last)


def _linked(first: str, cursor: str, wrong: BadInput) -> Ask:
    if not cursor:
        return Ask(first, 0)
    found = LINKED.fullmatch(cursor)
    if not found:
        raise wrong
    return Ask(found[3], int(found[1]), seen=found[2])


def _filled(template: str, query: str) -> str:
    return template.replace("{class}", quote(query, safe="", errors="replace"))


def _mark(url: str) -> str:
    """Short enough that fifty of them fit into a cursor."""
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:10]
