"""From other people's labels to the project's classes: proposed by their words, corrected by a person, then applied."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from core.errors import BadInput
from core.model import Candidate
from core.project import key

HEADS = (("label", "class"), ("landmark_id", "category"))  # ours; that of Google Landmarks v2
CATEGORY = re.compile(r"https?://commons\.wikimedia\.org/wiki/Category:(.+)")
ALIKE = 0.8  # difflib's ratio from which two spellings are taken for one
COMPARED = 1_000_000  # pairs of labels and classes: misspellings are looked for up to so many, which takes some seconds


def read_mapping(path: Path) -> dict[str, str]:
    """label -> class from a table with these two columns; "" for a label whose rows are to be left out.

    The table train_label_to_category.csv of Google Landmarks v2 is read too: the class is its category's name.
    Raises BadInput where the file does not fit, a row cannot be read, or a label has two classes.
    """
    from core.sources.urls import columns, rows

    there = columns(path, "--map") if path.is_file() else []
    head = next((head for head in HEADS if set(head) <= set(there)), HEADS[0])
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for number, row in enumerate(rows(path, head, "--map"), 1):
        if isinstance(row, str):
            raise BadInput(f"{path.name}, row {number}: {row}; wanted a {head[0]} and a {head[1]}.")
        label, name = row[0], _readable(row[1])
        if not label:
            raise BadInput(f"{path.name}, row {number}: there is no {head[0]} beside the {head[1]} {name!r}.")
        if spelled.setdefault(key(label), name) != name:
            raise BadInput(
                f"{path.name}, row {number}: the {head[0]} {label!r} stands for {name!r} here, and for "
                f"{spelled[key(label)]!r} above."
            )
        found[label] = name
    return found


def mapped(
    candidates: Iterable[Candidate], mapping: Mapping[str, str], left_out: Counter[str] | None = None
) -> Iterator[Candidate]:
    """Each candidate under the class that its label stands for; labels that are not in the mapping stay.

    A label mapped to "" leaves its rows out; `left_out` counts them, by label.
    """
    classes = {key(label): name for label, name in mapping.items()}
    for candidate in candidates:
        name = classes.get(key(candidate.label)) if candidate.label else None
        if name is None:
            yield candidate
        elif name:
            yield replace(candidate, label=name)
        elif left_out is not None:
            left_out[candidate.label] += 1


def propose(labels: Iterable[str], classes: Sequence[str]) -> dict[str, str]:
    """A class for each label for which one can be guessed, for a person to correct.

    The same words in another spelling; else the class of which most words are in the label ("acura_cl_2003" is "Acura
    CL"), or the only one that has all words of the label; else a misspelling. Where two classes fit alike there is none.
    """
    labels = list(labels)
    known = _Classes(classes)
    misspelled = len(labels) * len(classes) <= COMPARED
    found = {}
    for label in labels:
        words = _words(label)
        name = known.same(words) or known.contained(words) or (known.misspelled(words) if misspelled else "")
        if name:
            found[label] = name
    return found


class _Classes:
    """The classes by their words, so that many labels can be looked up."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._words = {name: words for name in classes if (words := _words(name))}
        self._joined = {"".join(words): name for name, words in reversed(self._words.items())}
        self._with: dict[str, set[str]] = defaultdict(set)  # word -> the classes that have it
        for name, words in self._words.items():
            for word in words:
                self._with[word].add(name)
        self._rarest: dict[str, list[str]] = defaultdict(list)  # word -> the classes of which it is the rarest word
        for name, words in self._words.items():
            self._rarest[min(words, key=lambda word: len(self._with[word]))].append(name)

    def same(self, words: Sequence[str]) -> str:
        return self._joined.get("".join(words), "") if words else ""

    def contained(self, words: Sequence[str]) -> str:
        """The class of which most letters are in the words, all its words being there; or the only one with them all."""
        there = set(words)
        inside = [n for word in there for n in self._rarest.get(word, ()) if set(self._words[n]) <= there]
        if inside:
            length = {name: len("".join(self._words[name])) for name in inside}
            longest = [name for name in inside if length[name] == max(length.values())]
            return longest[0] if len(longest) == 1 else ""
        if not there or not all(word in self._with for word in there):
            return ""
        around = set.intersection(*sorted((self._with[word] for word in there), key=len))
        return next(iter(around)) if len(around) == 1 else ""

    def misspelled(self, words: Sequence[str]) -> str:
        """The class that looks most like it, the same numbers being in both: an 11 is no 12."""
        numbers, joined = _numbers(words), "".join(words)
        near = difflib.get_close_matches(joined, self._joined, n=5, cutoff=ALIKE)
        near = [each for each in near if _numbers(self._words[self._joined[each]]) == numbers]
        alike = [difflib.SequenceMatcher(None, each, joined).ratio() for each in near[:2]]
        return self._joined[near[0]] if near and (len(near) == 1 or alike[0] > alike[1]) else ""


def _words(label: str) -> tuple[str, ...]:
    """ "Acura_CL-2003" -> ("acura", "cl", "2003")."""
    return tuple(re.findall(r"[^\W_]+", key(label)))


def _numbers(words: Iterable[str]) -> list[str]:
    return sorted(re.findall(r"\d+", " ".join(words)))


def _readable(category: str) -> str:
    found = CATEGORY.fullmatch(category)
    return unquote(found[1]).replace("_", " ") if found else category
