"""Names and sentences from outside inside a Markdown file: shown as text, never as a link, a picture, HTML or a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.credits import words

MARKUP = re.compile(r"[\\`*_\[\]<>|~&$!]")
LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)  # what GitHub's Markdown links by itself


def plain(value: object, longest: int = 200) -> str:
    """A name on one line, without markup (CommonMark 2.4). It has to stand inside a line: at its beginning `#` means more."""
    return LINK.sub("\N{WORD JOINER}", MARKUP.sub(r"\\\g<0>", words(str(value), longest)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others numbers. Cells have to be `plain` where they are not ours."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
