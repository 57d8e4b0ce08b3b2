"""Names and sentences from outside inside a Markdown file: shown as text, never as a link, a picture, HTML or a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.credits import words

MARKUP = re.compile(r"[\\`*\[\]<>|~&$!]|(?<![^\W_])_|_(?![^\W_])")  # a _ inside a word is none
LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)  # what GitHub's Markdown links by itself


def plain(value: object, longest: int = 200) -> str:
    """A name on one line, without markup (CommonMark 2.4). It has to stand inside a line: at its beginning `#` means more."""
    return LINK.sub("\N{WORD JOINER}", MARKUP.sub(r"\\\g<0>", words(str(value), longest)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table. Cells have to be `plain` where they are not ours. Columns of numbers stand to the right."""
    lines = [[str(cell) for cell in row] for row in rows]
    numbers = [at > 0 and all(row[at][:1].isdigit() for row in lines) for at in range(len(head))]
    edge = ["---:" if number else "---" for number in numbers]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, edge, *lines))


def joined(sections: Iterable[str]) -> str:
    """Sections as one page, an empty line between them."""
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"
