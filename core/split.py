"""Which image stands in which part: stratified, seeded, and no group of near-duplicates is ever cut.

A group may hold several labels (the same photo named twice); it still goes into one part as a whole.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import BadInput
from core.model import PARTS, ClassInfo, Part

NO_PART = "(no part)"  # stands for the images that are in no part of their source
PERHAPS = 5  # images in a group that is held together by guesses
Members = dict[Part, tuple[tuple[int, str], ...]]  # part -> (image id, label) ...


@dataclass(frozen=True, slots=True)
class Made:
    """A split before it is stored."""

    parts: Members
    classes: tuple[str, ...]  # the labels in it, in the project's order
    left_out: dict[str, str]  # label (or NO_PART) -> the sentence saying why


def shares(text: str) -> tuple[int, int, int]:
    """ "80/10/10" -> (80, 10, 10): per cent of train, val and test. Raises BadInput."""
    wanted = "wanted are three whole numbers above 0 that add up to 100, as in 80/10/10 (train/val/test)"
    try:
        numbers = [int(one) for one in text.split("/")]
    except ValueError:
        raise BadInput(f"parts={text!r}: {wanted}.") from None
    if len(numbers) != 3 or min(numbers) <= 0 or sum(numbers) != 100:
        raise BadInput(f"parts={text!r}: {wanted}.")
    return numbers[0], numbers[1], numbers[2]


def level(
    classes: Sequence[str], infos: Mapping[str, ClassInfo], by: str = ""
) -> tuple[tuple[str, ...], Callable[[str], str]]:
    """What is learned: the classes themselves, or with `by` what they have as this parent ("make"), in their order; and
    the way from a class to it. A class without that parent stays what it is, and so is left out. Raises BadInput."""
    if not by:
        return tuple(classes), lambda label: label
    stands_for = {name: info.parents[by] for name, info in infos.items() if info.parents.get(by)}
    found = tuple(dict.fromkeys(stands_for[name] for name in classes if name in stands_for))
    if len(found) < 2:
        known = ", ".join(dict.fromkeys(parent for info in infos.values() for parent in info.parents)) or "none"
        raise BadInput(f"The classes have fewer than two different {by!r} to learn (their parents: {known}).")
    return found, lambda label: stands_for.get(label, label)


def split(
    images: Sequence[tuple[int, str]], groups: Mapping[int, str], classes: Sequence[str],
    parts: Sequence[int] = (80, 10, 10), seed: int = 0, minimum: int = 50,
) -> Made:  # fmt: skip
    """(image id, label) of what is kept -> train, val and test in the shares `parts` (per cent) of every class.

    `groups` maps an image to what it must stay with. Classes with fewer than `minimum` images, or with too few separate
    groups to have one in each part, are left out with a sentence. The same images, groups and seed give the same split,
    whatever the order they come in. Raises BadInput where no class is left.
    """
    kept, left_out = _large_enough(images, classes, minimum)
    while True:
        made = _deal(kept, groups, parts, seed)
        label = next((one for one in _order(kept, classes) if _missing(made, one)), None)
        if label is None:
            break
        left_out[label] = _too_few(label, [i for i, of in kept if of == label], groups, _missing(made, label))
        kept = [(image, of) for image, of in kept if of != label]
    return _made(made, _order(kept, classes), left_out)


def keep_source_parts(images: Sequence[tuple[int, str, str]], classes: Sequence[str], minimum: int = 50) -> Made:
    """(image id, label, part of the source's folders) -> that very split; copies are counted by `leak`, not moved.

    Images without a part are left out and counted under NO_PART. Raises BadInput where a part has no image at all.
    """
    placed = [(image, label) for image, label, part in images if part in PARTS]
    there = Counter(part for _, _, part in images if part in PARTS)
    empty = [part for part in PARTS if not there[part]]
    if empty:
        raise BadInput(
            f"The source's folders hold no image for {' and '.join(empty)}: wanted are folders named train, val and "
            "test. Make the split without keeping the source's parts."
        )
    kept, left_out = _large_enough(placed, classes, minimum)
    part_of = {image: part for image, _, part in images}
    for label in _order(kept, classes):
        missing = [part for part in PARTS if not any(of == label and part_of[i] == part for i, of in kept)]
        if missing:
            left_out[label] = f"{label} has no image in the source's part {' or '.join(missing)}."
            kept = [(image, of) for image, of in kept if of != label]
    if len(placed) < len(images):
        left_out[NO_PART] = f"{len(images) - len(placed)} images stand in no train, val or test folder of their source."
    members: dict[Part, list[tuple[int, str]]] = {
        part: [(image, label) for image, label in kept if part_of[image] == part] for part in PARTS
    }
    return _made(members, _order(kept, classes), left_out)


def leak(parts: Mapping[Part, Iterable[tuple[int, str]]], groups: Mapping[int, str]) -> int:
    """How many images of val or test have a near-duplicate (one of the same group) in another part."""
    where: dict[str, set[str]] = defaultdict(set)
    for part, members in parts.items():
        for image, _ in members:
            if image in groups:
                where[groups[image]].add(part)
    return sum(
        1
        for part in ("val", "test")
        for image, _ in parts.get(part, ())
        if where.get(groups.get(image, ""), set()) - {part}
    )


def joined(several: Iterable[Mapping[int, str]]) -> dict[int, str]:
    """Groupings of the same images -> one: images that any of them puts together stay together."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name] = parent[parent[name]]
        return name

    first: dict[int, str] = {}
    for grouping in several:
        for image, group in grouping.items():
            one, other = sorted((root(first.setdefault(image, group)), root(group)))
            parent[other] = one
    return {image: root(group) for image, group in first.items()}


def extended(
    groups: Mapping[int, str], pairs: Iterable[tuple[float, int, int]], images: Sequence[tuple[int, str]]
) -> dict[int, str]:
    """The groups of these (image id, label), and with them what is only perhaps one photo: (likeness, image, other), the
    likest pairs first.

    On white background such pairs make chains of hundreds, so no group gets more than `PERHAPS` images by them, nor more
    than a tenth of a class: no class is left out for a guess. A copy with words across it or with its background cut out
    is kept with its original that way, and nobody has to settle it.
    """
    sizes = Counter(label for _, label in images)
    most = {image: min(PERHAPS, sizes[label] // 10) for image, label in images}
    of, members = dict(groups), defaultdict(set)
    for image, group in groups.items():
        members[group].add(image)
    known = (pair for pair in pairs if pair[1] in most and pair[2] in most)
    for _, *pair in sorted(known, key=lambda pair: (-pair[0], pair[1:])):
        one, other = (of.setdefault(image, f"image {image}") for image in pair)
        for image in pair:
            members[of[image]].add(image)
        if one != other and len(members[one]) + len(members[other]) <= min(most[image] for image in pair):
            for image in members.pop(other):
                of[image] = one
                members[one].add(image)
    return of


def _large_enough(
    images: Iterable[tuple[int, str]], classes: Sequence[str], minimum: int
) -> tuple[list[tuple[int, str]], dict[str, str]]:
    """What is in a named class of at least `minimum` images, in order of id; and a sentence for each other class."""
    images = sorted(images)
    counts = Counter(label for _, label in images)
    left_out = {}
    for label in classes:
        if not counts[label]:
            left_out[label] = f"{label} has no image that is kept."
        elif counts[label] < minimum:
            have = "1 image" if counts[label] == 1 else f"{counts[label]} images"
            left_out[label] = f"{label} has {have}; the minimum for a class is {minimum}."
    for label in sorted(counts.keys() - set(classes)):
        left_out[label] = f"{label} is not a class of this project ({counts[label]} images)."
    return [(image, label) for image, label in images if label not in left_out], left_out


def _deal(
    images: Sequence[tuple[int, str]], groups: Mapping[int, str], parts: Sequence[int], seed: int
) -> dict[Part, list[tuple[int, str]]]:
    """Groups in random order, large ones first, each to the part that most lacks its labels.

    An image that stands alone is a group of one, so in the end the parts of a class fill to their shares.
    """
    units: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for image, label in images:
        units[groups.get(image, f"alone {image}")].append((image, label))
    counts = Counter(label for _, label in images)
    # At least one image of each class in each part, where its share would round to none.
    wanted = {
        label: {part: max(1.0, count * share / 100) for part, share in zip(PARTS, parts, strict=True)}
        for label, count in counts.items()
    }
    order = sorted(units.values(), key=lambda unit: unit[0][0])
    random.Random(seed).shuffle(order)
    order.sort(key=len, reverse=True)
    have: dict[str, Counter[str]] = defaultdict(Counter)
    dealt: dict[Part, list[tuple[int, str]]] = {part: [] for part in PARTS}
    for unit in order:
        labels = Counter(label for _, label in unit)

        def lack(part: Part, labels: Counter[str] = labels) -> tuple[float, float]:
            room = {label: wanted[label][part] - have[label][part] for label in labels}
            if all(n <= room[label] + 0.5 for label, n in labels.items()):
                return 1, sum(n * room[label] / wanted[label][part] for label, n in labels.items())
            return 0, sum(room[label] - n for label, n in labels.items())  # where it overflows least

        part = max(PARTS, key=lack)
        dealt[part] += unit
        for label, n in labels.items():
            have[label][part] += n
    return dealt


def _missing(dealt: Mapping[Part, Sequence[tuple[int, str]]], label: str) -> list[Part]:
    return [part for part in PARTS if not any(of == label for _, of in dealt[part])]


def _too_few(label: str, images: Sequence[int], groups: Mapping[int, str], missing: Sequence[Part]) -> str:
    apart = len({groups.get(image, f"alone {image}") for image in images})
    have = "1 image" if len(images) == 1 else f"{len(images)} images"
    same = "" if apart == len(images) else f", but counting copies once only {apart}"
    return f"{label} has {have}{same}: too few to have one in {' and '.join(missing)} as well."


def _order(images: Iterable[tuple[int, str]], classes: Sequence[str]) -> tuple[str, ...]:
    there = {label for _, label in images}
    return tuple(label for label in classes if label in there)


def _made(dealt: Mapping[Part, list[tuple[int, str]]], classes: tuple[str, ...], left_out: dict[str, str]) -> Made:
    if not classes:
        raise BadInput("No class can be split. " + " ".join(left_out.values()))
    return Made({part: tuple(sorted(dealt[part])) for part in PARTS}, classes, left_out)
