"""From facts to findings: what the machine thinks is wrong with an image. A finding takes nothing out by itself.

`exact` and `quality` need the facts alone. `near` suspects pairs by perceptual hash (`core.clean.hashes`), has each
suspicion confirmed by a second look at the thumbnails (`core.clean.look`), and groups what is confirmed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from core.model import Finding, ImageRecord, Progress

if TYPE_CHECKING:
    import numpy as np

KINDS: dict[str, str] = {
    "corrupt": "The stored file can no longer be read as the image it was.",
    "too_small": "The picture is so small that little can be seen in it.",
    "exact_duplicate": "The same picture, pixel by pixel, is in the project more than once.",
    "near_duplicate": "The same photo is there in another size, cut, mirrored or saved again.",
    "label_conflict": "Copies of this picture stand in different classes: at most one of them can be right.",
}
TOO_SMALL = 64  # px, shorter side; the smallest model looks at 75 x 75
# Copies of a photo lie within 6 bits when resized, recompressed or mirrored; cut by 4 per cent, within 8 to 12. The
# second look makes a wide search affordable: of 67,000 suspicions in one set on white background it keeps some 25.
RADIUS = 11
_INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)  # of core.pixels.FLIPS: only the two quarter turns are not their own


def exact(images: Sequence[ImageRecord]) -> Iterator[Finding]:
    """Images with equal bytes or equal pixels, one group for each picture."""
    for members in _same_pixels(images).values():
        if len(members) > 1:
            yield from _findings(members, "exact_duplicate", dict.fromkeys((one.id for one in members), 1.0), "pixels")


def near(images: Sequence[ImageRecord], thumb: Callable[[str], bytes], radius: int = RADIUS) -> Iterator[Finding | Progress]:
    """Groups of near-duplicates among different pictures, mirrored and turned copies too; Progress in between.

    `thumb` gives a thumbnail (JPEG) by the image's SHA-256; `radius` is in bits of 64, 0..15. Exact copies of a member
    join its group. Each image stands in at most one group, and every member is confirmed against the group's middle
    one, so a chain of small changes cannot tie strangers together.
    """
    from core.clean.look import same, small, turned

    copies = list(_same_pixels(images).values())
    pictures = [best(members) for members in copies]
    found = suspects([one.facts.hashes for one in pictures], radius)
    tiny: dict[int, np.ndarray] = {}
    wanted = sorted({index for i, j, _ in found for index in (i, j)})
    total = len(wanted) + len(found)
    for done, index in enumerate(wanted):
        tiny[index] = small(thumb(pictures[index].facts.sha256))
        if done % 200 == 0:
            yield Progress(done, total, f"reading {len(wanted)} pictures that look alike")
    links: dict[int, dict[int, float]] = defaultdict(dict)
    for done, (i, j, flip) in enumerate(found):
        score = same(turned(tiny[i], flip), tiny[j])
        if score:
            links[i][j] = links[j][i] = max(score, links[i].get(j, 0.0))
        if done % 500 == 0:
            yield Progress(len(wanted) + done, total, f"comparing {len(found)} pairs")

    def look(i: int, j: int) -> float:
        flip = min(range(8), key=lambda k: (pictures[i].facts.hashes[k] ^ pictures[j].facts.hashes[0]).bit_count())
        return same(turned(tiny[i], flip), tiny[j])

    for scores in _groups(links, look):
        members = [one for index in scores for one in copies[index]]
        score_of = {one.id: score for index, score in scores.items() for one in copies[index]}
        yield from _findings(members, "near_duplicate", score_of, "perceptual hash, then pixels")


def conflicts(images: Iterable[ImageRecord], found: Iterable[Finding]) -> Iterator[Finding]:
    """Label conflicts in the groups that `exact` and `near` found: one for each member of a group with several labels."""
    label_of = {one.id: one.label for one in images}
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        groups[finding.group].append(finding)
    told: set[int] = set()
    # Near groups first: they hold the exact copies of their members as well.
    for group in sorted(groups, key=lambda name: (groups[name][0].kind != "near_duplicate", name)):
        labels = sorted({label_of[one.image] for one in groups[group]})
        for one in groups[group] if len(labels) > 1 else ():
            if one.image not in told:
                told.add(one.image)
                note = f"here {label_of[one.image]}; its copies are in {', '.join(labels)}"
                yield Finding(one.image, "label_conflict", one.score, one.by, group, note)


def quality(images: Iterable[ImageRecord], limit: int = TOO_SMALL) -> Iterator[Finding]:
    """Images whose shorter side is under `limit` px. Score: 0.5 just under the limit, towards 1 for the smallest."""
    for one in images:
        side = min(one.facts.width, one.facts.height)
        if side < limit:
            note = f"{one.facts.width} x {one.facts.height} px; the shorter side should have at least {limit}"
            yield Finding(one.id, "too_small", round(1 - side / (2 * limit), 4), "size", note=note)


def corrupt(image: ImageRecord, error: Exception) -> Finding:
    """The finding for an image whose stored bytes are `Missing`, `Damaged` or decode no longer."""
    return Finding(image.id, "corrupt", 1.0, "decode", note=str(error))


def suspects(hashes: Sequence[tuple[int, ...]], radius: int = RADIUS) -> list[tuple[int, int, int]]:
    """(N, 8) dihedral hashes -> (i, j, flip) with i < j, where picture i turned by `core.pixels.FLIPS[flip]` may be j."""
    import numpy as np

    from core.clean.hashes import cross_pairs, pairs

    table = np.array(hashes, dtype=np.uint64).reshape(-1, 8)
    found = {(i, j, 0) for i, j in pairs(table[:, 0], radius).tolist()}
    for flip in range(1, 8):
        for i, j in cross_pairs(table[:, flip], table[:, 0], radius).tolist():
            if i != j:  # a symmetric picture is its own mirror image
                found.add((i, j, flip) if i < j else (j, i, _INVERSE[flip]))
    return sorted(found)


def best(members: Sequence[ImageRecord]) -> ImageRecord:
    """The copy to keep: most pixels, then most bytes, then the one that came first."""
    return max(members, key=lambda one: (one.facts.width * one.facts.height, one.facts.size, -one.id))


def _same_pixels(images: Sequence[ImageRecord]) -> dict[str, list[ImageRecord]]:
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for one in images:
        groups[one.facts.pixels].append(one)  # equal bytes have equal pixels
    return groups


def _groups(links: dict[int, dict[int, float]], look: Callable[[int, int], float]) -> Iterator[dict[int, float]]:
    """Confirmed pairs -> groups {index: score}, all members confirmed against the best linked one of them.

    Within a connected component the middle one takes whoever is linked to it, or passes the same look directly; what
    is left of the component is grouped again.
    """
    for component in _components(links):
        rest = set(component)
        while len(rest) > 1:
            middle = max(rest, key=lambda i: (len(links[i].keys() & rest), sum(links[i].values()), -i))
            scores = {j: links[middle].get(j) or look(middle, j) for j in sorted(rest - {middle})}
            scores = {j: score for j, score in scores.items() if score}
            rest -= {middle, *scores}
            if scores:
                yield {middle: max(scores.values()), **scores}
            elif not any(links[i].keys() & rest for i in rest):
                break


def _components(links: dict[int, dict[int, float]]) -> Iterator[list[int]]:
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


def _findings(members: list[ImageRecord], kind: str, scores: dict[int, float], by: str) -> Iterator[Finding]:
    """One finding for each member of a group, the best copy included."""
    keep = best(members)
    size = f"{keep.facts.width} x {keep.facts.height} px"
    group = f"{kind}-{min(one.id for one in members)}"
    for one in sorted(members, key=lambda one: one.id):
        note = f"best copy of {len(members)}, {size}" if one is keep else f"a copy of image {keep.id}, {size}"
        yield Finding(one.id, kind, round(scores[one.id], 4), by, group, note)
