"""The demo: Openverse's search against a small server of our own (core/demo), so that all works with no network.

The server gets another port each time it starts. So that an image keeps its address, and a stopped job finds it again,
candidates name the host HOST, which exists nowhere (RFC 2606), and `at` puts the running server in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.model import Candidate
from core.sources import openverse
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

HOST = "http://demo.invalid"


def search(query: str, limit: int, options: Options, get: Get) -> Iterator[Candidate]:
    """As openverse.search; `options.base` is the address of the running demo server."""
    for found in openverse.search(query, limit, options, get):
        url, page = (name.replace(options.base, HOST, 1) for name in (found.url, found.page))
        yield replace(found, source="demo", url=url, page=page)


def at(url: str, base: str) -> str:
    """The address of a demo image on the server that runs at `base` now."""
    return url.replace(HOST, base, 1)
