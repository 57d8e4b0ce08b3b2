"""What stands in a page: its pictures with what is said of them, the page after it, and what it asks of machines.

Only here the HTML library (selectolax, which is lexbor) is imported, and only child.py calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core import licences
from core.errors import BadInput
from core.sources.page import linked
from core.sources.page.pictures import Picture, Pictures, absolute, image, srcset

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

SIGNALS = ("robots", "winnow", "tdm-reservation", "tdm-policy")  # names of <meta>
SOCIAL = ("og:image", "og:image:url", "twitter:image", "twitter:image:src")  # names or properties of <meta>
LAZY = ("data-original", "data-src", "data-lazy-src")  # of an image that a script loads when it is scrolled to
PIXEL = 2  # px: that is for counting visitors
ICON = 64  # px: smaller in both directions
WITHIN = 10  # elements between a picture and the <figure> around it


@dataclass(slots=True)
class Document:
    pictures: list[Picture] = field(default_factory=list)
    next: str = ""  # address of the page after this one, on the same host
    creator: str = ""  # of the page
    licence_url: str = ""  # of the page
    signals: list[tuple[str, str]] = field(default_factory=list)  # (name, content) of each <meta> in SIGNALS


def read(html: str, address: str, selector: str = "") -> Document:
    """`address` is the page's own. With a selector only images inside matching elements count; what JSON-LD says of
    them holds all the same. Raises BadInput where the selector is malformed.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html or " ")
    base = _base(tree, address)
    wanted = _inside(tree, selector) if selector else None
    found = Pictures()
    for node, parts in _elements(tree):
        if wanted is None or not wanted.isdisjoint(part.mem_id for part in (node, *parts)):
            found.add(_picture(node, parts, base))
    for script in tree.css("script[type*='ld+json' i]"):
        for told in linked.images(script.text()):
            found.add(_told(told, base, address), known_only=wanted is not None)
    if wanted is None:
        for _, reference in _metas(tree, *SOCIAL):
            picture = Picture()
            _add(picture, reference, (0, 1.0), base, address)
            found.add(picture)
    return Document(found.all, _next(tree, base, address), _author(tree), _licence(tree, base), _metas(tree, *SIGNALS))


def _inside(tree: LexborHTMLParser, selector: str) -> set[int]:
    """What shows a picture inside the elements that match, by its id in memory."""
    from selectolax.lexbor import SelectolaxError

    inside: set[int] = set()
    matches: set[int] = set()
    try:
        for node in tree.css(selector):
            matches.add(node.mem_id)
            if node.parent is None or node.parent.mem_id not in matches:
                inside.update(picture.mem_id for picture in node.css("img, picture, source"))
    except (SelectolaxError, UnicodeEncodeError):
        raise BadInput(f"{selector!r} is not a CSS selector; 'div.gallery' or '#photos figure' are.") from None
    return inside


def _elements(tree: LexborHTMLParser) -> list[tuple[LexborNode, list[LexborNode]]]:
    """(<img> or <picture>, the elements that name its sizes), in the order of the page."""
    found, done = [], set()
    for node in tree.css("picture, img"):
        if node.mem_id in done:
            continue
        parts = node.css("img, source") if node.tag == "picture" else [node]
        done.update(part.mem_id for part in parts)
        found.append((node, parts))
    return found


def _picture(node: LexborNode, parts: list[LexborNode], base: str) -> Picture:
    picture = Picture()
    for part in parts:
        if part.tag == "img" and _tiny(part):
            return Picture()
    for part in parts:
        for name in ("data-srcset", "data-lazy-srcset", "srcset"):
            for url, rank in srcset(_attribute(part, name)):
                _add(picture, url, rank, base)
    for part in parts:
        lazy = [_attribute(part, name) for name in LAZY]
        for url in lazy:
            _add(picture, url, (0, 1.0), base)
        if part.tag == "img" and not any(lazy):  # else it is the placeholder
            _add(picture, _attribute(part, "src"), (0, 0.9), base)
    figure = _figure(node)
    picture.title = _title(parts, figure)
    if figure is not None and (links := _licences(figure.css("a[rel~='license' i]"), base)):
        picture.licence_url = links[0]
    return picture


def _add(picture: Picture, reference: str, rank: tuple[int, float], base: str, address: str = "") -> None:
    try:
        url = image(base, reference)
    except ValueError:
        picture.malformed = picture.malformed or reference.strip()
        return
    if url and url != address:
        picture.add(url, rank)


def _told(told: linked.Linked, base: str, address: str) -> Picture:
    picture = Picture(title=told.title, creator=told.creator)
    for at, url in enumerate(told.urls):
        _add(picture, url, (0, 1.5 - at / 10), base, address)
    _add(picture, told.thumbnail, (0, 0.0), base, address)
    try:
        picture.licence_url = absolute(base, told.licence_url)
    except ValueError:
        picture.licence_url = ""
    return picture


def _tiny(node: LexborNode) -> bool:
    """Whether it says itself that it is a counting pixel or an icon."""
    sizes = [re.match(r"\s*(\d{1,6})(?:\.\d*)?\s*(?:px)?\s*$", _attribute(node, name)) for name in ("width", "height")]
    said = [int(size[1]) for size in sizes if size]
    return any(size <= PIXEL for size in said) or (len(said) == 2 and max(said) < ICON)


def _figure(node: LexborNode) -> LexborNode | None:
    above = node.parent
    for _ in range(WITHIN):
        if above is None or above.tag == "figure":
            return above
        above = above.parent
    return None


def _title(parts: list[LexborNode], figure: LexborNode | None) -> str:
    for name in ("alt", "title"):
        for part in parts:
            if said := " ".join(_attribute(part, name).split()):
                return said
    caption = figure.css_first("figcaption") if figure is not None else None
    return " ".join(caption.text(separator=" ").split()) if caption is not None else ""


def _base(tree: LexborHTMLParser, address: str) -> str:
    node = tree.css_first("base[href]")
    try:
        return (absolute(address, _attribute(node, "href")) if node is not None else "") or address
    except ValueError:
        return address


def _next(tree: LexborHTMLParser, base: str, address: str) -> str:
    for node in tree.css("link[rel~='next' i][href], a[rel~='next' i][href]"):
        try:
            url = absolute(base, _attribute(node, "href"))
        except ValueError:
            continue
        if url and urlsplit(url).netloc.lower() == urlsplit(address).netloc.lower() and url != address:
            return url
    return ""


def _author(tree: LexborHTMLParser) -> str:
    return next((" ".join(content.split()) for _, content in _metas(tree, "author")), "")


def _licence(tree: LexborHTMLParser, base: str) -> str:
    """The licence of the page as a whole: "" where it links several, for then none of them is that of every picture."""
    of_figures = {node.mem_id for node in tree.css("figure a[rel~='license' i]")}
    links = tree.css("a[rel~='license' i], link[rel~='license' i]")
    urls = _licences([node for node in links if node.mem_id not in of_figures], base)
    return urls[0] if len({licences.of_url(url) for url in urls}) == 1 else ""


def _licences(nodes: list[LexborNode], base: str) -> list[str]:
    found = []
    for node in nodes:
        try:
            url = absolute(base, _attribute(node, "href"))
        except ValueError:
            continue
        if url:
            found.append(url)
    return found


def _metas(tree: LexborHTMLParser, *names: str) -> list[tuple[str, str]]:
    """(name in lower case, content) of each <meta> that has one of the names, or has it as its property."""
    found = []
    for node in tree.css("meta[content]"):
        for name in (_attribute(node, key).strip().lower() for key in ("name", "property")):
            if name in names:
                found.append((name, _attribute(node, "content")))
    return found


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""
