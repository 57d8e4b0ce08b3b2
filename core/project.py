"""Name the classes: from what a person writes to a list of class names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from core.errors import BadInput

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST_CLASSES = 100_000  # as many as the largest landmark sets have; a typing slip such as {1..99999999} has more
LONGEST = 100  # characters


def classes(text: str) -> tuple[str, ...]:
    """Class names from lines or a comma-separated list; `air jordan {1..23}` stands for 23 names.

    Raises BadInput, with one sentence, for no name, an empty or repeated one, and one that no name can be.
    """
    entries = [entry for line in text.splitlines() if line.strip() for entry in line.split(",")]
    if not entries:
        raise BadInput("There is no class name: write one on each line, or separate them by commas.")
    names: dict[str, str] = {}
    for entry in entries:
        for written in _unrolled(entry):
            clean = name(written, "class name")
            if key(clean) in names:
                raise BadInput(f"The class {clean!r} is there twice (as {names[key(clean)]!r}): name each class once.")
            names[key(clean)] = clean
    return tuple(names.values())


def name(written: str, what: str) -> str:
    """A name as it is kept: composed (NFC), single spaces. Raises BadInput for one that no file or label could bear."""
    clean = unicodedata.normalize("NFC", " ".join(written.split(" "))).strip()
    clean = re.sub(r" +", " ", clean)
    if not clean:
        raise BadInput(f"A {what} is empty: wanted 1 to {LONGEST} characters.")
    if len(clean) > LONGEST:
        raise BadInput(f"The {what} {clean[:30]!r}... has {len(clean)} characters: wanted at most {LONGEST}.")
    for character in clean:
        # C*: control, bidirectional override, surrogate, private, unassigned; Z*: odd spaces
        if character in "/\\<>" or unicodedata.category(character)[0] == "C":
            raise BadInput(
                f"The {what} {clean!r} holds {character!r}: "
                "wanted letters, digits, spaces and simple punctuation, without / \\ < >."
            )
    if not re.search(r"\w", clean):
        raise BadInput(f"The {what} {clean!r} has no letter and no digit.")
    return clean


def spellings(classes: Iterable[str]) -> dict[str, str]:
    """`key` of a class -> the class; of two that differ in their letters only, the first."""
    found: dict[str, str] = {}
    for each in classes:
        found.setdefault(key(each), each)
    return found


def key(label: str) -> str:
    """What all spellings of one class have in common: case, spaces and Unicode form do not matter."""
    return unicodedata.normalize("NFC", " ".join(label.split())).casefold()


def _unrolled(entry: str) -> list[str]:
    found = RANGE.search(entry)
    if not found:
        return [entry]
    first, last = int(found[1]), int(found[2])
    if last < first or last - first >= MOST_CLASSES:
        raise BadInput(
            f"The pattern {found[0]} in {entry.strip()!r} does not count up to at most {MOST_CLASSES:,} names: "
            "wanted {first..last} like {1..23}."
        )
    return [
        name
        for n in range(first, last + 1)
        for name in _unrolled(entry[: found.start()] + str(n) + entry[found.end() :])
    ]
