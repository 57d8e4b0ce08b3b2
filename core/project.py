"""Name the classes: from what a person writes, or a file lists, to class names and what is known of each."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from core.errors import BadInput
from core.model import ClassInfo

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST_CLASSES = 100_000  # as many as the largest landmark sets have; a typing slip such as {1..99999999} has more
LONGEST = 100  # characters
LONGEST_QUERY = 200  # characters
LONGEST_ABOUT = 500  # characters
LARGEST_FILE = 20_000_000  # bytes of a class file
COLUMNS = ("class", "queries", "synonyms")  # of a class file; every further column is a level of parents


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


def decoded(file: str, data: bytes) -> str:
    """The text of a class file. Raises BadInput where it is too large or no UTF-8."""
    if len(data) > LARGEST_FILE:
        raise BadInput(f"The file {file!r} has more than {LARGEST_FILE / 1e6:g} MB, which no list of classes has.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"The file {file!r} is not UTF-8 (byte {error.start + 1} is {data[error.start]:#04x}): save it as UTF-8."
        ) from None


def class_file(file: str, text: str) -> tuple[tuple[str, ...], dict[str, ClassInfo]]:
    """The classes of a file, and what it says of those of which it says more than the name.

    A table (.csv, .tsv, or a first line with a column `class` among others) has one class on each row: its `class`,
    and where there are such columns its `queries` and `synonyms`, several separated by | or ;, and its parents: every
    further column is a level. Any other file is read as `classes` reads text.
    Raises BadInput, which names the file, the line and the value, for what does not fit.
    """
    first = text.partition("\n")[0].rstrip("\r")
    separator = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    head = [heading.strip().strip('"').casefold() for heading in first.split(separator)]
    if not file.lower().endswith((".csv", ".tsv")) and not ("class" in head and len(head) > 1):
        try:
            return classes(text), {}
        except BadInput as error:
            raise BadInput(f"{file}: {error}") from None
    return _table(file, text, separator)


def info(
    queries: Iterable[str] = (), synonyms: Iterable[str] = (), parents: Mapping[str, str] | None = None
) -> ClassInfo:
    """What is known of a class, checked: single spaces, nothing twice, no empty parent.

    Raises BadInput for a query or synonym that is not 1 to 200 characters of text, and for such a parent.
    """
    levels = {
        name(level, "name of a parent level"): _line(value, f"{level} of a class")
        for level, value in (parents or {}).items()
        if value.strip()
    }
    searched = tuple(dict.fromkeys(_line(query, "query") for query in queries))
    return ClassInfo(searched, tuple(dict.fromkeys(_line(word, "synonym") for word in synonyms)), levels)


def about(written: str) -> str:
    """What a class is, in a few words, as it is kept: one line. Raises BadInput for one that is too long, or no text."""
    clean = unicodedata.normalize("NFC", " ".join(written.split()))
    if len(clean) > LONGEST_ABOUT:
        raise BadInput(f"What a class is has {len(clean)} characters: wanted at most {LONGEST_ABOUT}.")
    for character in clean:
        if unicodedata.category(character)[0] == "C":
            raise BadInput(f"What a class is holds {character!r}: wanted text.")
    return clean


def several(cell: str) -> tuple[str, ...]:
    """ "a | b; c" -> ("a", "b", "c")."""
    return tuple(part.strip() for part in re.split(r"[|;]", cell) if part.strip())


def parents(infos: Mapping[str, ClassInfo]) -> tuple[str, ...]:
    """The levels of parents that at least one of the classes has, as they come up: ("make", "model", "years")."""
    return tuple(dict.fromkeys(level for each in infos.values() for level in each.parents))


def _line(written: str, what: str) -> str:
    clean = unicodedata.normalize("NFC", re.sub(r" +", " ", written.strip()))
    for character in clean:
        if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
            raise BadInput(f"The {what} {clean[:60]!r} holds {character!r}: wanted one line of text.")
    if not 1 <= len(clean) <= LONGEST_QUERY:
        raise BadInput(
            f"The {what} {clean[:30]!r}{'...' if clean else ''} has {len(clean)} characters: "
            f"wanted 1 to {LONGEST_QUERY}."
        )
    return clean


def _table(file: str, text: str, separator: str) -> tuple[tuple[str, ...], dict[str, ClassInfo]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: dict[str, ClassInfo] = {}
    lines: dict[str, int] = {}  # key of a class -> the line it stands on
    head: list[str] | None = None
    try:
        for row in reader:
            cells = _trimmed(row)
            if not cells:
                continue
            if head is None:
                head = _head(file, cells)
                continue
            label, known = _row(head, cells)
            if key(label) in lines:
                raise BadInput(f"the class {label!r} is on line {lines[key(label)]} already: name each class once.")
            if len(found) == MOST_CLASSES:
                raise BadInput(f"there are more than {MOST_CLASSES:,} classes.")
            found[label], lines[key(label)] = known, reader.line_num
    except (BadInput, csv.Error) as error:
        raise BadInput(f"{file}, line {max(1, reader.line_num)}: {error}") from None
    if not found:
        raise BadInput(f"The file {file!r} names no class: wanted a row for each below the line with the column names.")
    return tuple(found), {label: known for label, known in found.items() if known != ClassInfo()}


def _trimmed(row: Sequence[str]) -> list[str]:
    """The cells without the empty ones at the end, which spreadsheets like to add."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _head(file: str, cells: Sequence[str]) -> list[str]:
    head = [cell.casefold() if cell.casefold() in COLUMNS else cell for cell in cells]
    for position, heading in enumerate(head, start=1):
        if not heading:
            raise BadInput(f"the column {position} has no name.")
        if head.index(heading) != position - 1:
            raise BadInput(f"the column {heading!r} is there twice.")
        name(heading, "name of a column")
    if "class" not in head:
        raise BadInput(
            f"there is no column 'class' (there are: {', '.join(repr(cell) for cell in cells[:10])}): wanted a first "
            "line such as class,queries,synonyms. A plain list of names, one a line, belongs into a .txt file."
        )
    return head


def _row(head: Sequence[str], cells: Sequence[str]) -> tuple[str, ClassInfo]:
    if len(cells) > len(head):
        raise BadInput(f"there are {len(cells)} cells, the last is {cells[-1][:60]!r}: wanted at most {len(head)}.")
    row = dict(zip(head, cells, strict=False))
    label = name(row.pop("class", ""), "class name")
    queries, synonyms = (several(row.pop(column, "")) for column in ("queries", "synonyms"))
    return label, info(queries, synonyms, row)


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
