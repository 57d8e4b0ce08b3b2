"""The demo: Openverse's search against a small server of our own (core/demo), so that all works with no network.

The server gets another port each time it starts. So that an image keeps its address, and a stopped job finds it again,
candidates name the host HOST, which exists nowhere (RFC 2606), and `at` puts the running server in its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.model import Candidate, Results
from core.sources import openverse
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

HOST = "http://demo.invalid"


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """As openverse.search; `options.base` is the address of the running demo server."""
    found = openverse.search(query, cursor, options, get)
    return replace(found, candidates=tuple(_away(candidate, options.base) for candidate in found.candidates))


def _away(candidate: Candidate, base: str) -> Candidate:
    url, page = (name.replace(base, HOST, 1) for name in (candidate.url, candidate.page))
    return replace(candidate, source="demo", url=url, page=page)


def at(url: str, base: str) -> str:
    """The address of a demo image on the server that runs at `base` now."""
    return url.replace(HOST, base, 1)
