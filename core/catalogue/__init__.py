"""Cars by make, model and year as classes: the vPIC catalogue of NHTSA, the road safety agency of the United States.

Its documented interface, https://vpic.nhtsa.dot.gov/api/, needs no key and knows what was sold in the United States.
It is asked in two steps: the makes of a type of vehicle (one request for each type), then the models of some makes (one
for each make, type and model year). Each answer is kept for a month, so that looking again asks nobody.

answers.py   a request and its answer, kept in a file
naming.py    makes as people write them, models as classes with what they are searched for
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import project
from core.catalogue.answers import Answers, folder
from core.catalogue.naming import Entry, classes, entries, readable
from core.errors import BadInput, Refused
from core.model import Progress

if TYPE_CHECKING:
    from core.sources import Get

__all__ = [
    "FIRST_YEAR", "TYPES", "Answers", "Ask", "Entry", "Make", "asks", "chosen", "classes", "entries", "folder", "kinds", "last_year",
    "look", "makes_path", "sentence", "years",
]  # fmt: skip

TYPES: dict[str, str] = {"car": "passenger car", "truck": "truck", "mpv": "van or SUV (MPV)"}
FIRST_YEAR = 1996  # the documentation: a model year is "greater than 1995"
AWAY = ("timeout", "connection", "unknown host", "asked for a pause", "http 429", "http 503")
PATIENCE = 5  # requests in a row that fail for one of these reasons, after which nobody is asked any more

Step = Generator[Progress, None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Make:
    id: int  # vPIC's
    name: str  # as people write it
    types: tuple[str, ...]  # keys of TYPES, those asked for among which it is


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    path: str
    about: str  # "BMW 2008, passenger car": what is said of it when it fails
    type: str  # a key of TYPES
    make: str = ""
    year: int = 0


def look(params: Mapping[str, Any], get: Get, cache: Path, base: str = "") -> Step:
    """Look into the catalogue: {"makes": [...]} for `types`, or with `makes` (names, or "all") and `years` their models.

    params: {"types": ["car"], "years": [2008, 2009], "makes": ["BMW"]}. Results, as plain values:
    {"makes": [Make], ...} or {"entries": [Entry], "requests": n, ...}, each with `failed`, {"about", "reason", "sentence"}
    of each request that was not answered, and `skipped`, how many makes or models came without a number or a name. Raises BadInput for an unknown type, year or make; Refused where nothing was answered at all,
    or several requests in a row found nobody there.
    """
    answers, types, names = Answers(cache, base), kinds(params["types"]), params.get("makes") or ()
    wanted = _checked(params["years"]) if names else ()
    found, skipped, failed = yield from _makes(types, get, answers)
    if not names:
        return {"makes": [asdict(make) for make in found], "skipped": skipped, "failed": failed}
    requests = asks(chosen(found, names), wanted, types)
    models, skipped, unanswered = yield from _models(requests, get, answers)
    failed += unanswered
    return {
        "entries": [asdict(each) for each in models],
        "requests": len(requests),
        "skipped": skipped,
        "failed": failed,
    }


# what is asked for ---------------------------------------------------------------------------------------------------


def kinds(words: Iterable[str]) -> tuple[str, ...]:
    """Keys of TYPES, each once. Raises BadInput for another word, and for none."""
    asked = tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    for word in asked:
        if word not in TYPES:
            raise BadInput(f"{word!r} is no type of vehicle in the catalogue: wanted {', '.join(TYPES)}.")
    if not asked:
        raise BadInput(f"There is no type of vehicle: wanted one or more of {', '.join(TYPES)}.")
    return asked


def years(text: str) -> tuple[int, ...]:
    """ "2000-2003, 2008" -> (2000, 2001, 2002, 2003, 2008). Raises BadInput for what is no model year."""
    found: set[int] = set()
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d{4})\s*(?:[-\u2013]\s*(\d{4})\s*)?", part)
        if not span or int(span[2] or span[1]) < int(span[1]):
            raise BadInput(f"The years {text!r} cannot be read: wanted a span like 2000-2018, or years like 2008,2010.")
        found |= set(range(int(span[1]), int(span[2] or span[1]) + 1))
    return _checked(sorted(found))


def last_year() -> int:
    """The last model year there can be: next year's models are sold this year."""
    return datetime.now().year + 1


def _checked(wanted: Iterable[int]) -> tuple[int, ...]:
    for year in (asked := tuple(wanted)):
        if not FIRST_YEAR <= year <= last_year():
            raise BadInput(f"The catalogue has no model year {year}: wanted {FIRST_YEAR} to {last_year()}.")
    if not asked:
        raise BadInput("There is no model year: wanted a span like 2000-2018.")
    return asked


def chosen(makes: Sequence[Make], names: Sequence[str]) -> list[Make]:
    """The makes of these names; ["all"] are all. Raises BadInput, with the nearest name, for one that is not there."""
    if [project.key(name) for name in names] == ["all"]:
        return list(makes)
    known: dict[str, list[Make]] = {}
    for make in makes:
        known.setdefault(project.key(make.name), []).append(make)
    for name in names:
        if project.key(name) not in known:
            near = difflib.get_close_matches(project.key(name), known, 1)
            hint = f" Did you mean {known[near[0]][0].name}?" if near else ""
            raise BadInput(f"There is no make {name!r} of this type in the catalogue.{hint}")
    return [make for name in dict.fromkeys(map(project.key, names)) for make in known[name]]


def makes_path(type: str) -> str:
    """The request that brings the makes of a type of vehicle."""
    return f"GetMakesForVehicleType/{type}"


def asks(makes: Sequence[Make], wanted: Sequence[int], types: Sequence[str]) -> list[Ask]:
    """The requests that bring the models of these makes: one for each make, year and type of vehicle it has."""
    return [
        Ask(
            f"GetModelsForMakeIdYear/makeId/{make.id}/modelyear/{year}/vehicletype/{each}",
            f"{make.name} {year}, {TYPES[each]}", each, make.name, year,
        )
        for year in wanted for make in makes for each in types if each in make.types
    ]  # fmt: skip


# what is answered ----------------------------------------------------------------------------------------------------


def _asked(
    wanted: Sequence[Ask], get: Get, answers: Answers
) -> Generator[Progress, None, tuple[list[tuple[Ask, list[Any]]], list[dict[str, str]]]]:
    """(what was answered, what was not), one request after the other."""
    found: list[tuple[Ask, list[Any]]] = []
    failed: list[dict[str, str]] = []
    first: Refused | None = None
    away = 0
    for done, ask in enumerate(wanted):
        yield Progress(done, len(wanted), f"asking the catalogue for {ask.about}")
        try:
            found.append((ask, answers.results(ask.path, get)))
            away = 0
        except Refused as error:
            first = first or error
            failed.append({"about": ask.about, "reason": error.reason, "sentence": str(error)})
            away = away + 1 if error.reason in AWAY else 0
            if away == PATIENCE:
                raise Refused(
                    error.reason, f"{error} What the catalogue answered before is kept: go on later."
                ) from None
    if first and not found:
        raise first
    yield Progress(len(wanted), len(wanted), sentence(failed, len(wanted)))
    return found, failed


def _makes(
    types: Sequence[str], get: Get, answers: Answers
) -> Generator[Progress, None, tuple[list[Make], int, list[dict[str, str]]]]:
    """The makes, sorted by name; how many came without a number or a name; and what was not answered."""
    wanted = [Ask(makes_path(each), f"all makes, {TYPES[each]}", each) for each in types]
    found, failed = yield from _asked(wanted, get, answers)
    makes: dict[int, Make] = {}
    skipped = 0
    for ask, results in found:
        for result in results:
            number, name = _number(result, "MakeId"), _text(result, "MakeName")
            if number and name:
                before = makes[number].types if number in makes else ()
                makes[number] = Make(number, readable(name), tuple(dict.fromkeys((*before, ask.type))))
            else:
                skipped += 1
    return sorted(makes.values(), key=lambda make: (project.key(make.name), make.id)), skipped, failed


def _models(
    wanted: Sequence[Ask], get: Get, answers: Answers
) -> Generator[Progress, None, tuple[list[Entry], int, list[dict[str, str]]]]:
    """The models with their years, sorted by name; how many came without a name; and what was not answered."""
    found, failed = yield from _asked(wanted, get, answers)
    named: dict[tuple[str, str], tuple[str, str, set[int]]] = {}
    skipped = 0
    for ask, results in found:
        for result in results:
            if model := _text(result, "Model_Name"):
                same = project.key(ask.make), project.key(model)
                named.setdefault(same, (ask.make, model, set()))[2].add(ask.year)
            else:
                skipped += 1
    return [Entry(make, model, tuple(sorted(of))) for _, (make, model, of) in sorted(named.items())], skipped, failed


def _number(result: Any, name: str) -> int:
    """A whole number above nothing, or 0."""
    value = result.get(name) if isinstance(result, dict) else None
    return value if type(value) is int and 0 < value < 10**9 else 0


def _text(result: Any, name: str) -> str:
    """One line of text, or ""."""
    value = result.get(name) if isinstance(result, dict) else None
    line = " ".join(value.split()) if isinstance(value, str) else ""
    return line if line.isprintable() and len(line) <= project.LONGEST_QUERY else ""


def sentence(failed: Sequence[Mapping[str, str]], asked: int) -> str:
    """ "2 of 38 requests were not answered: BMW 2008, passenger car (http 500); ..." or ""."""
    if not failed:
        return ""
    shown = "; ".join(f"{each['about']} ({each['reason']})" for each in failed[:8])
    return f"{len(failed)} of {asked:,} requests were not answered: {shown}{'; ...' if len(failed) > 8 else ''}"
