"""Openly licensed images by Openverse's documented search, https://api.openverse.org/v1/images/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from core import licences
from core.errors import Refused
from core.model import Candidate
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

BASE = "https://api.openverse.org"
PAGE_SIZE = 20  # the most that is given without a key; more is answered with 401
QUERY = 200  # characters; the server cuts there too


def search(query: str, limit: int, options: Options, get: Get) -> Iterator[Candidate]:
    """Up to `limit` results for the words in `query`, best first, with an empty label.

    A result without an address counts too, as a failure. The server says how deep one may page (240 results without
    a key when this was written); nothing beyond its `page_count` is asked for. Raises Refused where it does not
    answer, or not as documented.
    """
    page, left = 1, limit
    while left > 0:
        ask = urlencode({"q": query[:QUERY], "page": page, "page_size": PAGE_SIZE})
        answer = _parse(get(f"{_images(options.base)}?{ask}").body)
        for result in answer["results"][:left]:
            yield _candidate(result)
        left -= len(answer["results"])
        last = answer.get("page_count")
        if not answer["results"] or not isinstance(last, int) or page >= last:
            return
        page += 1


def _images(base: str) -> str:
    """The address of the image search under a base such as https://api.openverse.org, with or without its path."""
    base = (base or BASE).rstrip("/")
    for end in ("/images", "/v1", ""):
        if base.endswith(end):
            return base + {"/images": "/", "/v1": "/images/", "": "/v1/images/"}[end]
    raise AssertionError(base)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise Refused("malformed answer", "The image search did not answer as its documentation says.")
    return answer


def _candidate(result: Any) -> Candidate:
    def field(name: str) -> str:
        value = result.get(name) if isinstance(result, dict) else None
        return value if isinstance(value, str) else ""

    return Candidate(
        url=field("url") or f"openverse result {field('id') or 'without an id'}",
        label="", source="openverse", page=field("foreign_landing_url"), title=field("title"),
        creator=field("creator"), licence=licences.name(field("license"), field("license_version")),
        licence_url=field("license_url"), error="" if field("url") else "malformed result",
    )  # fmt: skip
