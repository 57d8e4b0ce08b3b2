"""Credits as a page to publish: one file, light and dark, a line for each picture under its licence."""

from __future__ import annotations

import html
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from core.credits.attribution import isolated, link, words
from core.licences import FILTERS, url_of
from core.model import UNKNOWN_LICENCE

GROUPS = 1000  # licences with a heading of their own; further ones share one
WAITING = 4_000_000  # bytes of lines held in memory
OTHERS = "Other licences"

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%(title)s</title>
<style>
:root { color-scheme: light dark; --quiet: light-dark(#5b6664, #9fadaa); --edge: light-dark(#dfe7e5, #2c3735);
  --link: light-dark(#0b6b61, #5fd0c1); --paper: light-dark(#fff, #131918); --ink: light-dark(#1b2422, #e6eeec); }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 0.5rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid var(--edge); }
h2 span, small, header p { color: var(--quiet); font-weight: 400; }
a { color: var(--link); unicode-bidi: isolate; }
ul { padding: 0; margin: 0; list-style: none; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
li { padding: 0.3rem 0; }
section li { content-visibility: auto; contain-intrinsic-size: auto 3.4rem; }
small { display: block; font-size: 0.8rem; }
:target { background: color-mix(in srgb, var(--link) 15%%, transparent); }
</style>
</head>
<body>
<header>
<h1>%(title)s</h1>
%(about)s
</header>
"""


class Groups:
    """Lines by licence, in the order they came. They lie on disk: memory holds WAITING bytes, whatever their number."""

    def __init__(self, spool: BinaryIO) -> None:
        self.counts: Counter[str] = Counter()
        self._spool, self._size = spool, 0
        self._waiting: dict[str, list[bytes]] = {}
        self._blocks: dict[str, list[tuple[int, int]]] = {}  # licence -> (where it begins, bytes) ...

    def add(self, name: str, line: bytes) -> None:
        if name not in self.counts and len(self.counts) >= GROUPS:
            name = OTHERS
        self.counts[name] += 1
        self._waiting.setdefault(name, []).append(line)
        self._size += len(line)
        if self._size > WAITING:
            self._flush()

    def _flush(self) -> None:
        at = self._spool.seek(0, os.SEEK_END)
        for name, lines in self._waiting.items():
            size = self._spool.write(b"".join(lines))
            self._blocks.setdefault(name, []).append((at, size))
            at += size
        self._waiting, self._size = {}, 0

    def lines(self, name: str) -> Iterator[bytes]:
        """All lines of a licence, many at a time."""
        self._flush()
        for at, size in self._blocks[name]:
            self._spool.seek(at)
            yield self._spool.read(size)


def render(groups: Groups, project: str, wanted: str, left_out: int) -> Iterator[bytes]:
    """The whole page, piece by piece: what it is, the licences with their numbers, then every line."""
    counts = groups.counts
    title = html.escape(f"Picture credits: {words(project)}")
    about = "\n".join(f"<p>{html.escape(sentence)}</p>" for sentence in _about(counts, wanted, left_out))
    yield (HEAD % {"title": title, "about": about}).encode()
    ordered = sorted(counts, key=lambda name: (name == UNKNOWN_LICENCE, -counts[name], name))
    links = (f'<li><a href="#licence-{i}">{_heading(name)}</a> {counts[name]:,}</li>' for i, name in enumerate(ordered))
    yield f'<nav aria-label="Licences"><ul>{"".join(links)}</ul></nav>\n<main>\n'.encode()
    for i, name in enumerate(ordered):
        deed = f" · {link('what it says', url)}" if (url := url_of(name)) else ""
        heading = f'<h2 id="licence-{i}">{_heading(name)} <span>{_pictures(counts[name])}{deed}</span></h2>'
        yield f"<section>\n{heading}\n<ul>\n".encode()
        yield from groups.lines(name)
        yield b"</ul>\n</section>\n"
    yield b"</main>\n</body>\n</html>\n"


def _about(counts: Counter[str], wanted: str, left_out: int) -> Iterator[str]:
    """What the page is, in sentences."""
    total, unknown = counts.total(), counts[UNKNOWN_LICENCE]
    yield (
        f"Where {_pictures(total)} of this data set came from: the title, author, licence and source of each, as they "
        f"were found. Written on {datetime.now(UTC):%d %B %Y}."
    )
    if unknown:
        yield (
            f"{unknown:,} of {total:,} {'has' if unknown == 1 else 'have'} an unknown licence: nobody who offered them "
            "named one, so ask the author before you publish them."
        )
    if wanted:
        yield f"Only pictures of this kind: {FILTERS[wanted]}. {_pictures(left_out)} that are not were left out."


def _heading(name: str) -> str:
    return "Licence unknown" if name == UNKNOWN_LICENCE else isolated(name)


def _pictures(number: int) -> str:
    return f"{number:,} {'picture' if number == 1 else 'pictures'}"
