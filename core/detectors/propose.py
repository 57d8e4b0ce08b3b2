"""What to look for in the pictures of a project, guessed from the names of its classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from core.detectors.names import MAKES, NAMES, UNKNOWN

CARS = ("car", "truck", "bus")  # one photo of a van is a car to the detector, the next one a truck
WORDS = 3  # the longest name that is looked for has so many words


def propose(classes: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """(detector, names of COCO to look for, the reason in a sentence); the detector is "none" where COCO has no name.

    Half of the classes have to be known: a box that is right for a few of them would be wrong for the rest.
    """
    meant = {label: _meant(label) for label in classes}
    strange = Counter(word for word in meant.values() if word in UNKNOWN)
    known = Counter(name for name in meant.values() if name in NAMES)
    if not classes:
        return "none", (), "The project has no classes yet, so there is nothing to look for."
    if 2 * sum(known.values()) < len(classes):
        what = ", ".join(strange) or ", ".join(map(repr, classes[:3]))
        return "none", (), f"The detectors know 80 kinds of things, and none for {what}: no box is looked for."
    wanted = dict.fromkeys(name for name, _ in known.most_common())
    if wanted.keys() & set(CARS):
        wanted |= dict.fromkeys(CARS)
    names = ", ".join(wanted)
    some = "the classes" if sum(known.values()) == len(classes) else f"{sum(known.values())} of {len(classes)} classes"
    return "yolo", tuple(wanted), f"By their names, {some} should show: {names}."


def _meant(label: str) -> str:
    """A name of COCO, a key of UNKNOWN, or "" for words that say nothing. The last words of a name weigh most: a "tie
    shirt" is a shirt; what is unknown for sure outweighs all."""
    words = [word for word in re.split(r"[^a-z0-9]+", label.lower()) if word]
    found = ""
    for start in range(len(words)):
        for length in range(min(WORDS, len(words) - start), 0, -1):
            name = _LEXICON.get(_key(words[start : start + length]), "")
            if name in UNKNOWN:
                return name
            if name:
                found = found if name in CARS and found in CARS else name
                break
    return found


def _key(words: Sequence[str]) -> str:
    """Words without their plural: "Casual Shoes" and "casual shoe" are one."""
    return " ".join(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words
    )


def _lexicon() -> dict[str, str]:
    """Word -> name of COCO, or key of UNKNOWN."""
    found: dict[str, str] = {}
    for table in (NAMES, UNKNOWN):
        for name, words in table.items():
            for word in (name, *words.split(",")):
                found.setdefault(_key(re.split(r"[^a-z0-9]+", word.strip().lower())), name)
    for make in MAKES.split(","):
        found.setdefault(_key(make.split()), "car")
    found.pop("", None)
    return found


_LEXICON = _lexicon()
