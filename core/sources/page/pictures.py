"""The pictures of a page: one of them may be there in several sizes, and named in several places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urldefrag, urljoin, urlsplit

Rank = tuple[int, float]  # (width in px where it is said, else 0; then 2.0 for "2x", and below 2 what is likely larger)


@dataclass(slots=True)
class Picture:
    sizes: dict[str, Rank] = field(default_factory=dict)  # address -> how large
    title: str = ""
    creator: str = ""
    licence_url: str = ""
    malformed: str = ""  # an address that is none, where there is no other

    @property
    def url(self) -> str:
        """The largest; of equal ones the first."""
        return max(self.sizes, key=self.sizes.__getitem__)

    def add(self, url: str, rank: Rank) -> None:
        self.sizes[url] = max(rank, self.sizes.get(url, rank))


class Pictures:
    """In the order they were found, each once."""

    def __init__(self) -> None:
        self.all: list[Picture] = []
        self._by_best: dict[str, Picture] = {}
        self._by_any: dict[str, Picture] = {}

    def add(self, new: Picture, known_only: bool = False) -> None:
        """Keeps a picture, or adds what it says to the one that it is; `known_only`: keeps no other.

        Two are the same where the largest of one is a size of the other. A shared smaller size is not enough: it may be
        the placeholder that all pictures of a lazy page share.
        """
        if not new.sizes:
            if new.malformed and not known_only:
                self.all.append(new)
            return
        old = self._by_any.get(new.url) or next((self._by_best[u] for u in new.sizes if u in self._by_best), None)
        if old is None:
            if known_only:
                return
            old = Picture()
            self.all.append(old)
        else:
            self._by_best.pop(old.url, None)
        for url, rank in new.sizes.items():
            old.add(url, rank)
            self._by_any.setdefault(url, old)
        self._by_best[old.url] = old
        old.title = old.title or new.title
        old.creator = old.creator or new.creator
        old.licence_url = old.licence_url or new.licence_url


def absolute(base: str, reference: str) -> str:
    """The web address that a reference means on a page, without its fragment; "" where it means none.

    Raises ValueError where it is malformed.
    """
    reference = re.sub(r"[\t\r\n]", "", reference.strip())
    if (
        not reference
        or reference[0] == "#"
        or re.match(r"(?!https?:)[a-z][a-z0-9+.-]*:", reference[:50], re.IGNORECASE)
    ):
        return ""
    url = urldefrag(urljoin(base, reference)).url
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError
    return (
        re.sub(r"\s", lambda space: quote(space[0]), url)
        if parts.scheme in ("http", "https") and parts.hostname
        else ""
    )


def image(base: str, reference: str) -> str:
    """The same, "" for drawings (.svg) too."""
    url = absolute(base, reference)
    return "" if urlsplit(url).path.lower().endswith((".svg", ".svgz")) else url


def srcset(text: str) -> Iterator[tuple[str, Rank]]:
    """The addresses in a srcset with their sizes: "a.jpg 800w, b.jpg 2x". A comma in an address is part of it."""
    url = size = ""
    for word in text.split():
        if not url:
            url = word.lstrip(",")
            if not url.endswith(","):
                continue
            word = ","  # no size
            url = url.rstrip(",")
        said, comma, rest = word.partition(",")
        size = size or said
        if comma:
            yield url, _rank(size)
            url, size = rest.strip(","), ""
    if url:
        yield url, _rank(size)


def _rank(size: str) -> Rank:
    if found := re.fullmatch(r"(\d{1,6})w", size):
        return int(found[1]), 0.0
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)x", size)
    return 0, float(found[1]) if found else 1.0
