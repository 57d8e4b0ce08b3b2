"""The pictures of any web page, by its address: a shop's list, an article, a gallery.

address.py says which page, child.py reads it (charset.py, document.py, linked.py, pictures.py) in a process of its own.
What a page tells of a picture's licence is taken as it stands there; where it links one licence for the whole page,
that is each picture's, though some pages mean their text only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import licences
from core.errors import BadInput, Permanent
from core.model import Candidate, Results
from core.sources.options import Options
from core.sources.page.address import ask

if TYPE_CHECKING:
    from core.sources import Get
    from core.web import Reply

ROOT = Path(__file__).resolve().parents[3]  # where `python -m core.sources.page.child` is found
SECONDS = 120  # for the child, which has fewer of a processor: more only where the machine is busy
PAGES = ("text/html", "application/xhtml+xml")
IMAGE = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|....ftypavi[fs]", re.DOTALL)
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
MARKUP = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html|head|body|title|meta|div|p|img|a)\b", re.IGNORECASE)


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """The pictures of one page, in its order.

    `options.address`: "https://shop.example/{class}?page={1..9}", where {class} is the query; without a range the page
    that a page links as its next (rel=next) follows, on the same host, up to MOST. How many pictures there are is the
    page's to say, whatever `options.size`. An address that answers with an image is one picture.
    Raises BadInput where address, selector or cursor do not fit; Permanent: "noai" and "tdm reserved" where the page
    says so in a <meta>, "malformed answer" where it is no page; and what `get` raises.
    """
    asked = ask(options.address, query, cursor)
    try:
        reply = get(asked.url, robots=True)
    except Permanent as error:
        if asked.last < 0:
            raise
        missing = Candidate(asked.url, "", "page", page=asked.url, error=error.reason)
        return Results((missing,), asked.following(asked.url, ""))  # the others of the range are there all the same
    if _is_image(reply):
        alone = Candidate(reply.url, "", "page", page=reply.url)
        return Results((alone,), asked.following(reply.url, ""))
    document = _read(reply, options.selector)
    _heed(reply.url, document["signals"])
    found = tuple(_candidate(picture, document, reply.url) for picture in document["pictures"])
    return Results(found, asked.following(reply.url, document["next"]))


def check(options: Options) -> None:
    """Raises BadInput where the address is none."""
    ask(options.address, "class", "")


def _is_image(reply: Reply) -> bool:
    """True for an image, False for a page; raises Permanent "malformed answer" for anything else."""
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if IMAGE.match(reply.body):
        return True
    if kind in PAGES or MARKUP.match(COMMENT.sub(b"", reply.body[:4096])):
        return False
    if kind.startswith("image/") and "svg" not in kind:
        return True
    sent = kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "something else"
    raise Permanent("malformed answer", f"{reply.url} is no web page but {sent}; a page with pictures was wanted.")


def _read(reply: Reply, selector: str) -> dict[str, Any]:
    head = {"address": reply.url, "selector": selector, "content_type": reply.headers.get("Content-Type", "")}
    too_much = Permanent("malformed answer", f"{reply.url} cannot be read: it is nested too deep, or made to do harm.")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "core.sources.page.child"], input=json.dumps(head).encode() + b"\n" + reply.body,
            capture_output=True, cwd=ROOT, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise too_much from None
    if done.returncode < 0 or b"MemoryError" in done.stderr:  # ended by a limit, or by its own fault
        raise too_much
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    answer = json.loads(done.stdout)
    if "wrong" in answer:
        raise BadInput(answer["wrong"])
    return answer


def _heed(url: str, signals: list[list[str]]) -> None:
    """Raises Permanent where the page does not want its pictures taken: by <meta name="robots">, or by TDMRep's."""
    from core.web.rights import unwanted

    for name, content in signals:
        if name == "tdm-reservation" and content.strip() == "1":
            raise Permanent("tdm reserved", f'{url} reserves text and data mining: <meta name="{name}" content="1">.')
        if name in ("robots", "winnow") and (word := unwanted([re.sub(r"[\s;]+", ",", content)])):
            raise Permanent("noai", f'{url} does not want its pictures taken: <meta name="{name}"> says {word}.')


def _candidate(picture: dict[str, Any], document: dict[str, Any], page: str) -> Candidate:
    sizes: dict[str, list[float]] = picture["sizes"]
    licence_url = picture["licence_url"] or document["licence_url"]
    return Candidate(
        url=max(sizes, key=sizes.__getitem__) if sizes else picture["malformed"],
        label="", source="page", page=page, title=picture["title"], creator=picture["creator"] or document["creator"],
        licence=licences.of_url(licence_url), licence_url=licence_url, error="" if sizes else "malformed result",
    )  # fmt: skip
