"""Which rows of a large table are wanted at all: decided from its labels and addresses, before anything is fetched.

Two passes, both row by row: `counts` sees how many rows each class has, `chosen` lets through what the rules take.
Memory grows with the number of classes, and by some 8 bytes for each row that `per_class` lets a class have.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from core.errors import BadInput
from core.model import Candidate
from core.project import key
from core.sources.options import Options


@dataclass(frozen=True, slots=True)
class Rules:
    """Raises BadInput for numbers that make no sense."""

    min_images: int = 0  # classes with fewer rows are left out
    max_images: int = 0  # classes with more rows are left out; 0 = there is no most
    per_class: int = 0  # rows taken of each class; 0 = all
    labels: tuple[str, ...] = ()  # no other classes; () = all. Case, spaces and Unicode form do not matter
    seed: int = 0  # another one takes other rows

    def __post_init__(self) -> None:
        for name in ("min_images", "max_images", "per_class"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} is {getattr(self, name)}: wanted 0 (no rule) or more.")
        if self.max_images and self.max_images < self.min_images:
            raise BadInput(
                f"No class can have at least {self.min_images} and at most {self.max_images} images: "
                "wanted min_images up to max_images."
            )


@dataclass(frozen=True, slots=True)
class Counts:
    """What a pass over the rows saw."""

    rows: Counter[str]  # class, as it is spelled first -> rows that can be used
    unusable: int  # rows with an error, or without a label
    lots: Mapping[str, array] = field(default_factory=dict)  # key of a class -> its lowest lots, where they are drawn


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the rules leave out."""

    rows: int
    classes: int


def counts(candidates: Iterable[Candidate], rules: Rules | None = None) -> Counts:
    """The first pass. `rules`: those that `chosen` is to be given."""
    rules = rules or Rules()
    numbers, lots, unusable, keys = Counter[str](), dict[str, array](), 0, _Keys()
    for candidate in candidates:
        of = "" if candidate.error else keys(candidate.label)
        if not of:
            unusable += 1
            continue
        numbers[of] += 1
        if rules.per_class:
            drawn = lots.setdefault(of, array("Q"))
            drawn.append(_lot(candidate.url, rules.seed))
            if len(drawn) >= 2 * rules.per_class + 100:
                lots[of] = array("Q", sorted(drawn)[: rules.per_class])
    return Counts(keys.spelled(numbers), unusable, lots)


def count_table(options: Options) -> Counts:
    """How many rows each class has, by the same reading as core.sources.urls.read, without making candidates of them.

    Lots are not drawn: the figures of `left_out` can be had from this, `chosen` cannot. Raises BadInput as `read` does.
    """
    from core.sources.urls import labels

    keys = _Keys()
    numbers = Counter("" if error else keys(label) for label, error in labels(options))
    return Counts(keys.spelled(numbers), numbers[""])


def chosen(candidates: Iterable[Candidate], rules: Rules, seen: Counts) -> Iterator[Candidate]:
    """The second pass: what the rules take of the same candidates, in their order.

    Of a class with more than `per_class` rows those are taken whose address, hashed with the seed, comes lowest: as good
    as drawn by lot, the same each time, and whatever the order of the rows. What cannot be used passes: it is a failure
    to be counted, not a choice.
    """
    wanted = _wanted(rules, seen)
    keys, most = _Keys(), rules.per_class
    limits = {of: _limit(seen.lots[of], most) for of, number in wanted.items() if most and number > most}
    for candidate in candidates:
        of = "" if candidate.error else keys(candidate.label)
        if not of:
            yield candidate
            continue
        if of not in wanted:
            continue
        if of in limits:
            highest, left = limits[of]
            lot = _lot(candidate.url, rules.seed)
            if lot > highest or (lot == highest and not left):
                continue
            if lot == highest:  # rows with the same address have the same lot
                limits[of] = highest, left - 1
        yield candidate


def left_out(rules: Rules, seen: Counts) -> LeftOut:
    """How much of what can be used the rules leave out; known before the second pass."""
    wanted = _wanted(rules, seen)
    taken = sum(min(number, rules.per_class or number) for number in wanted.values())
    return LeftOut(seen.rows.total() - taken, len(seen.rows) - len(wanted))


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the rows are spread over the classes, for a chart."""

    most: tuple[tuple[str, int], ...]  # (class, rows) of the most frequent, the most frequent first
    least: tuple[tuple[str, int], ...]  # of the least frequent, the least frequent first
    sizes: tuple[tuple[int, int, int], ...]  # (from, to, classes with so many rows): 1-1, 2-3, 4-7, 8-15, ...


def distribution(rows: Mapping[str, int], ends: int = 20) -> Distribution:
    """`ends`: how many classes stand at either end; between equals the name decides."""
    ordered = sorted(rows.items(), key=lambda item: (item[1], item[0]))
    most = sorted(ordered, key=lambda item: (-item[1], item[0]))[:ends]
    powers = Counter(number.bit_length() for number in rows.values() if number > 0)
    sizes = ((2 ** (n - 1), 2**n - 1, powers[n]) for n in range(1, max(powers, default=0) + 1))
    return Distribution(tuple(most), tuple(ordered[:ends]), tuple(sizes))


def _wanted(rules: Rules, seen: Counts) -> dict[str, int]:
    """Key of each class that the rules take -> its rows."""
    named = {key(label) for label in rules.labels}
    numbers = {key(label): number for label, number in seen.rows.items()}
    return {
        of: number
        for of, number in numbers.items()
        if rules.min_images <= number <= (rules.max_images or number) and (not named or of in named)
    }


def _limit(lots: array, most: int) -> tuple[int, int]:
    """(the highest lot that is taken, how many of those that are equal to it)."""
    lowest = sorted(lots)[:most]
    return lowest[-1], lowest.count(lowest[-1])


def _lot(url: str, seed: int) -> int:
    """0..2^64-1, evenly spread."""
    code = hashlib.blake2b(
        url.encode("utf-8", "surrogatepass"), digest_size=8, salt=seed.to_bytes(8, "big", signed=True)
    )
    return int.from_bytes(code.digest(), "big")


class _Keys:
    """label -> core.project.key, worked out once for each label; and how each class was spelled first."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._first: dict[str, str] = {}

    def __call__(self, label: str) -> str:
        of = self._known.get(label)
        if of is None:
            of = key(label)
            of = label if of == label else of  # one text in memory, not two
            self._known[label] = of
            self._first.setdefault(of, label)
        return of

    def spelled(self, numbers: Mapping[str, int]) -> Counter[str]:
        return Counter({self._first[of]: number for of, number in numbers.items() if of})
