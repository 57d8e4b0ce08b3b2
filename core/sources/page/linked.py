"""What a page says of its pictures in JSON-LD, by schema.org's words: ImageObject, and the `image` of anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOT_SHOWN = {"Person", "Organization", "Brand"}  # an author's portrait, a shop's logo
SMALL = {"logo", "thumbnail"}
CREATORS = ("creator", "author", "copyrightHolder", "creditText")
TITLES = ("caption", "name")
LICENCES = ("license", "acquireLicensePage")


@dataclass(frozen=True, slots=True)
class Linked:
    """One picture as JSON-LD tells of it; addresses as they stand there."""

    urls: tuple[str, ...]  # the largest first
    thumbnail: str = ""
    title: str = ""
    creator: str = ""
    licence_url: str = ""


def images(text: str) -> Iterator[Linked]:
    """The pictures in one block of JSON-LD, in its order; none where it is no JSON. A wrong type counts as missing."""
    try:
        waiting = [(json.loads(text), False)]  # (value, whether it stands where a picture stands)
    except (ValueError, RecursionError):
        return
    while waiting:
        value, shown = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, shown) for item in reversed(value)]
        elif isinstance(value, str) and shown:
            yield Linked((value,))
        elif isinstance(value, dict):
            kinds = _kinds(value.get("@type"))
            if kinds & NOT_SHOWN:
                continue
            if shown or "ImageObject" in kinds:
                yield _linked(value)
            waiting += [(item, key == "image") for key, item in reversed(value.items()) if key not in SMALL]


def _kinds(value: Any) -> set[str]:
    """ "https://schema.org/ImageObject", "schema:ImageObject" and "ImageObject" are one."""
    return {re.split(r"[/:#]", kind)[-1] for kind in (value if isinstance(value, list) else [value])
            if isinstance(kind, str)}  # fmt: skip


def _linked(value: dict[str, Any]) -> Linked:
    return Linked(
        urls=tuple(url for url in (_address(value.get("contentUrl")), _address(value.get("url"))) if url),
        thumbnail=_address(value.get("thumbnailUrl")),
        title=next(filter(None, (_words(value.get(key)) for key in TITLES)), ""),
        creator=next(filter(None, (_words(value.get(key)) for key in CREATORS)), ""),
        licence_url=next(filter(None, (_web(_address(value.get(key))) for key in LICENCES)), ""),
    )


def _words(value: Any) -> str:
    """A text, the name of a thing, or those of several."""
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(filter(None, map(_words_of_one, value))))
    return _words_of_one(value)


def _words_of_one(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name")
    return " ".join(value.split()) if isinstance(value, str) else ""


def _address(value: Any) -> str:
    """An address, that of a thing, or the first of several."""
    if isinstance(value, list):
        return next(filter(None, map(_address_of_one, value)), "")
    return _address_of_one(value)


def _address_of_one(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("url") or value.get("@id")
    return value.strip() if isinstance(value, str) else ""


def _web(address: str) -> str:
    """Some write "CC BY" or "see imprint" where an address is wanted."""
    return address if re.match(r"(https?:)?/", address, re.IGNORECASE) else ""
