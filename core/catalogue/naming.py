"""From the catalogue's makes and models to classes: their names, what they are searched for, their parents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core import project
from core.errors import BadInput
from core.model import ClassInfo

# The catalogue writes makes in capitals. A word of up to three letters, or without a vowel, is taken for an
# abbreviation and stays as it is (BMW, GMC, MG); these are the makes of which that, or a plain capital, is not true.
SPELLED = {
    word.upper(): word
    for word in (
        "Kia", "Ram", "Geo", "MINI", "smart", "McLaren", "DeLorean", "VinFast", "Co", "Inc", "Ltd", "Car", "and", "of", "the",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A model, with all the years asked for in which it was sold."""

    make: str
    model: str
    years: tuple[int, ...]


def readable(name: str) -> str:
    """A make as people write it: MERCEDES-BENZ is Mercedes-Benz, BMW stays; what is not all in capitals stays, too."""
    name = " ".join(name.split())
    return re.sub(r"[^\W\d_]+(?:'[^\W\d_]+)?", _word, name) if name.isupper() else name


def _word(found: re.Match[str]) -> str:
    word = found[0]
    if word in SPELLED:
        return SPELLED[word]
    return word if len(word) <= 3 or not re.search(r"[AEIOUY]", word) else word.capitalize()


def entries(found: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """What `look` gave back as plain values."""
    return (Entry(each["make"], each["model"], tuple(each["years"])) for each in found)


def classes(found: Iterable[Entry]) -> tuple[dict[str, ClassInfo], list[str]]:
    """Class -> what is known of it, and the names that no class can bear. Each year is a query of its own.

    Maserati, GranTurismo, (2008, 2009) is the class "Maserati GranTurismo", searched for as "2008 Maserati GranTurismo"
    and "2009 Maserati GranTurismo". Two that differ in letters no class may have are one.
    """
    made: dict[str, tuple[str, Entry]] = {}
    refused: list[str] = []
    for entry in found:
        full = _full(entry)
        try:
            label = project.name(re.sub(r" *[/\\] *", "-", re.sub(r"[<>]", "", full)), "class name")
            _info(entry)
        except BadInput:
            refused.append(full)
            continue
        name, known = made.setdefault(project.key(label), (label, entry))
        made[project.key(label)] = name, replace(known, years=tuple(sorted({*known.years, *entry.years})))
    return {name: _info(entry) for name, entry in made.values()}, refused


def _full(entry: Entry) -> str:
    """ "Maserati GranTurismo"; the make is not said twice where the model is named after it."""
    make, model = project.key(entry.make).split(), project.key(entry.model).split()
    return entry.model if model[: len(make)] == make else f"{entry.make} {entry.model}"


def _info(entry: Entry) -> ClassInfo:
    full = _full(entry)
    return project.info(
        [f"{year} {full}" for year in entry.years],
        parents={"make": entry.make, "model": entry.model, "years": span(entry.years)},
    )


def span(found: Sequence[int]) -> str:
    """ "2000-2003, 2008" of sorted years."""
    runs: list[list[int]] = []
    for year in found:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
