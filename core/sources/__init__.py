"""Where images are found. A new kind of source is one file with a `search` and one line in SOURCES.

`search(query, limit, options, get)` yields Candidates, lazily and in an order that stays the same when it is asked
again. It raises BadInput where the user's options do not fit, Refused where the provider does not answer; one broken
row or result is a Candidate with an `error`. `get` fetches a URL through core.web.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.model import Candidate
from core.sources import demo, folder, openverse, urls
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
    search: Callable[[str, int, Options, Get], Iterator[Candidate]]
    asks: bool  # True: asked for each class in words, and its finds get that class; False: it brings its own labels
    needs: tuple[str, ...] = ()  # the Options it cannot do without
    about: str = ""  # one sentence for the screen


SOURCES: dict[str, Source] = {
    "folder": Source(folder.search, False, ("path",), "Images on this computer, one folder for each class."),
    "urls": Source(urls.search, False, ("table",), "A table of image addresses and labels: CSV, TSV or Parquet."),
    "openverse": Source(openverse.search, True, (), "Openly licensed images, found by Openverse (openverse.org)."),
    "demo": Source(demo.search, True, (), "A small vehicle set, drawn on this computer: no network needed."),
}
