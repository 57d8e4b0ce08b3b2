"""From links to groups: which images are one photo, and which of them is the copy to keep.

A link says how like two images are (`likeness`, 0..1): from .97 on the same photo resized, saved again or mirrored; from
.90 on surely one photo, cut or marked; below that they look alike and nobody is sure. The limit is a project's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from math import log2
from types import MappingProxyType

from core.model import Finding, ImageRecord, Link, Measure

Best = Callable[[Sequence[ImageRecord]], ImageRecord]
Links = Mapping[int, Mapping[int, float]]  # image -> other -> likeness, both ways


def both_ways(links: Iterable[Link], first: Mapping[int, int] = MappingProxyType({})) -> Links:
    """`first`: image -> the first one with the same pixels, which stands for it; so copies of one picture are one."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for link in links:
        one, other = first.get(link.image, link.image), first.get(link.other, link.other)
        if one != other:
            found[one][other] = found[other][one] = max(link.likeness, found[one].get(other, 0.0))
    return found


def groups(links: Links) -> Iterator[dict[int, float]]:
    """Groups {image: likeness}: that of the middle one is its best match's, that of the others is theirs with it.

    The image with most links takes whoever is linked to it; what is left is grouped again. So every member is like the
    middle one, and a chain of small changes cannot tie strangers together.
    """
    rest = set(links)
    number = {i: len(links[i]) for i in links}
    queue = [(-number[i], -sum(links[i].values()), i) for i in links]
    weight = {i: negative for _, negative, i in queue}
    heapify(queue)
    while queue:
        negative, _, centre = heappop(queue)
        if centre not in rest or -negative != number[centre] or not negative:
            continue
        scores = {j: links[centre][j] for j in sorted(links[centre].keys() & rest)}
        rest -= {centre, *scores}
        for k in {k for gone in (centre, *scores) for k in links[gone].keys() & rest}:
            number[k] = len(links[k].keys() & rest)
            heappush(queue, (-number[k], weight[k], k))
        yield {centre: max(scores.values()), **scores}


def middle(images: Collection[int], links: Links) -> int:
    """The one with most links to the others; of several, the one most like them, then the first."""
    inside = set(images)
    return max(inside, key=lambda i: (len(links[i].keys() & inside), sum(links[i].values()), -i))


def components(links: Links) -> Iterator[list[int]]:
    """Images that hang together by links, each once."""
    seen: set[int] = set()
    for start in sorted(links):
        if start in seen:
            continue
        seen.add(start)
        component = [start]
        for i in component:  # grows while it is walked
            fresh = links[i].keys() - seen
            seen |= fresh
            component += sorted(fresh)
        yield component


def best(members: Sequence[ImageRecord], measures: Mapping[int, Measure], licensed: Collection[int]) -> ImageRecord:
    """The copy to keep, by `worth`; of equal ones the first."""
    asked = worth(members, measures, licensed)
    return max(members, key=lambda one: (*(value(one) for _, value in asked), -one.id))


def worth(
    members: Sequence[ImageRecord], measures: Mapping[int, Measure], licensed: Collection[int]
) -> list[tuple[str, Callable[[ImageRecord], float]]]:
    """What is asked of each copy in turn, in words for the screen, and its value: more is better.

    `measures`: of those that were measured; `licensed`: those whose licence is known. Sizes within a quarter of each
    other, and sharpness within a tenth, count as equal, so that a licence tips the scales before a few pixels do.
    """
    labels = Counter(one.label for one in members)
    blurred = {one.id: measures[one.id].scores.get("blurred", 0.0) for one in members if one.id in measures}
    return [
        ("its file can be read", lambda one: one.id not in measures or not measures[one.id].fault),
        ("a person kept it", lambda one: ("reject", "undecided", "keep").index(one.verdict)),
        ("in the class most copies have", lambda one: labels[one.label]),
        ("the largest", lambda one: round(2 * log2(one.facts.width * one.facts.height))),
        ("the sharpest", lambda one: -round(10 * blurred.get(one.id, 0.0))),
        ("its licence is known", lambda one: one.id in licensed),
        ("a few pixels more", lambda one: one.facts.width * one.facts.height),
        ("its file is the largest", lambda one: one.facts.size),
    ]


def same_pixels(images: Iterable[ImageRecord]) -> dict[str, list[ImageRecord]]:
    """Images by what their pixels are; equal bytes have equal pixels."""
    found: dict[str, list[ImageRecord]] = defaultdict(list)
    for one in images:
        found[one.facts.pixels].append(one)
    return found


def exact(
    copies: Mapping[str, Sequence[ImageRecord]], several: Mapping[int, Sequence[tuple[str, str]]], keep: Best
) -> Iterator[Finding]:
    """Images with equal pixels (`same_pixels`), and images whose bytes came from several places, in groups.

    `several`: image id -> (address, label) of each place, for images that came from more than one. `keep`: `best`.
    """
    for members in copies.values():
        if len(members) > 1 or members[0].id in several:
            for finding in _findings(members, "exact_duplicate", dict.fromkeys((one.id for one in members), 1.0), keep):
                places = len({address for address, _ in several.get(finding.image, ())})
                yield replace(finding, note=f"{finding.note}; at {places} addresses") if places > 1 else finding


def near(
    found: Iterable[Mapping[int, float]], of: Mapping[int, ImageRecord],
    copies: Mapping[str, Sequence[ImageRecord]], keep: Best,
) -> Iterator[Finding]:  # fmt: skip
    """The groups of `groups`; exact copies of a member join it. `of`: image -> its record, of every image in a group."""
    for scores in found:
        score_of = {one.id: scores[image] for image in scores for one in copies[of[image].facts.pixels]}
        members = [one for image in scores for one in copies[of[image].facts.pixels]]
        yield from _findings(members, "near_duplicate", score_of, keep)


def conflicts(
    images: Iterable[ImageRecord], found: Iterable[Finding], several: Mapping[int, Sequence[tuple[str, str]]]
) -> Iterator[Finding]:
    """Label conflicts in the groups of `exact` and `near`: one for each member of a group with more than one label.

    The same bytes found under two labels (`several`, as in `exact`) are a conflict as well, until a person decides.
    What was rejected is in no conflict any more.
    """
    labels_of: dict[int, set[str]] = {}
    for one in images:
        labels_of[one.id] = set() if one.verdict == "reject" else {one.label}
        if one.verdict == "undecided":
            labels_of[one.id] |= {label for _, label in several.get(one.id, ())}
    members: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        members[finding.group].append(finding)
    told: set[int] = set()
    # Near groups first: they hold the exact copies of their members as well.
    for group in sorted(members, key=lambda name: (members[name][0].kind != "near_duplicate", name)):
        labels = sorted(set().union(*(labels_of[one.image] for one in members[group])))
        for one in members[group] if len(labels) > 1 else ():
            if one.image not in told:
                told.add(one.image)
                note = "the same photo is in " + ", ".join(labels)
                yield Finding(one.image, "label_conflict", one.score, one.by, group, note)


def _findings(members: Sequence[ImageRecord], kind: str, scores: Mapping[int, float], keep: Best) -> Iterator[Finding]:
    """One finding for each member of a group, the best copy included."""
    chosen = keep(members)
    size = f"{chosen.facts.width} x {chosen.facts.height} px"
    group = f"{kind}-{min(one.id for one in members)}"
    by = "pixels" if kind == "exact_duplicate" else "hashes and embeddings, then pixels"
    for one in sorted(members, key=lambda one: one.id):
        note = f"best copy, {size}" if one is chosen else f"a copy of image {chosen.id}, {size}"
        yield Finding(one.id, kind, round(scores[one.id], 4), by, group, note)
