"""Where images are found. A new kind of source is one file and one line in SOURCES.

A source that is asked in words is `search(query, cursor, options, get) -> Results`: one call is one answer. Cursor ""
is the first, `Results.next` the one after. It raises BadInput where the user's options do not fit, Refused where the
provider does not answer; one broken result is a Candidate with an `error`. `get` fetches through core.web.

A source with labels of its own is `read(options) -> Iterator[Candidate]`: lazily, all it has, in an order that stays
the same when it is asked again. One broken row is a Candidate with an `error`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.model import Candidate, Results
from core.sources import archive, commons, ddgs, demo, flickr, folder, openverse, page, urls
from core.sources.options import Options

if TYPE_CHECKING:
    from core.web import Reply


class Get(Protocol):
    """Fetches through core.web: an API's answer, or (with `robots`) a page that robots.txt has a say in."""

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
        robots: bool = False,
    ) -> Reply: ...  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    title: str  # on the screen
    about: str  # one sentence for the screen
    search: Callable[[str, str, Options, Get], Results] | None = None  # asked for each class in words
    read: Callable[[Options], Iterator[Candidate]] | None = None  # it brings its own labels
    needs: tuple[str, ...] = ()  # the Options it cannot do without
    settings: tuple[str, ...] = ()  # the settings it cannot do without
    credentials: tuple[str, ...] = ()  # the settings that are its key and its secret
    how: str = ""  # how to get them, one sentence
    check: Callable[[Options], None] | None = None  # raises BadInput for options that do not fit, at once
    about_rows: Callable[[Options], int] | None = None  # of one that brings its labels: roughly how many rows
    pause: Callable[[Options], float] | None = None  # seconds until it may be asked again, by its own limits
    limits: Callable[[Mapping[str, str]], str] | None = None  # by the headers of an answer: what is left of them


SOURCES: dict[str, Source] = {
    "openverse": Source(
        "Openverse", "Openly licensed pictures from many collections. Each comes with its licence.", openverse.search,
        credentials=("openverse_id", "openverse_secret"),
        how="register at api.openverse.org for more requests a day; it works without.",
        pause=openverse.pause, limits=openverse.limits,
    ),
    "commons": Source(
        "Wikimedia Commons", "Pictures of Wikipedia and its sisters, openly licensed.", commons.search,
        settings=("contact",), how="a mail address or page of yours, so that Wikimedia can reach you.",
    ),
    "flickr": Source(
        "Flickr", "Photos of all kinds and licences; each comes with its own.", flickr.search,
        settings=("flickr_key",), credentials=("flickr_key",), how="ask for one at flickr.com/services/apps/create.",
    ),
    "ddgs": Source(
        "DuckDuckGo", "Pictures from anywhere on the web, of unknown licence, as far as its robots.txt lets programs ask.",
        ddgs.search, check=ddgs.check,
    ),
    "page": Source(
        "A web page", "The pictures of any page; {class} and {1..9} may stand in its address.", page.search,
        needs=("address",), check=page.check,
    ),
    "folder": Source(
        "A folder on this computer", "One folder for each class.", read=folder.read, needs=("path",),
        check=folder.check,
    ),
    "urls": Source(
        "A table of addresses", "CSV, TSV or Parquet with an address and a label in each row.", read=urls.read,
        needs=("table",), about_rows=urls.about_rows, check=urls.check,
    ),
    "archive": Source(
        "A zip or tar file", "A .zip or .tar file with one folder for each class.", read=archive.read, needs=("path",),
        check=archive.check,
    ),
    "demo": Source("The demo's drawn cars", "Drawn on this computer: no network needed.", demo.search),
}  # fmt: skip
