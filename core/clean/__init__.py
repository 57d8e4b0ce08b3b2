"""From facts to findings: what the machine thinks is wrong with an image. A finding takes nothing out by itself.

`exact` and `quality` need the facts alone. `near` suspects pairs by perceptual hash (`core.clean.hashes`), has each
suspicion confirmed by a second look at the thumbnails (`core.clean.look`), and groups what is confirmed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import WinnowError
from core.model import Finding, ImageRecord, Progress

if TYPE_CHECKING:
    import numpy as np

    from db.store import Store


KINDS: dict[str, str] = {
    "corrupt": "The stored file can no longer be read as the image it was.",
    "too_small": "The picture is so small that little can be seen in it.",
    "exact_duplicate": "The same picture, pixel by pixel, is in the project more than once.",
    "near_duplicate": "The same photo is there in another size, cut, mirrored or saved again.",
    "label_conflict": "Copies of this picture stand in different classes: at most one of them can be right.",
}
TOO_SMALL = 64  # px, shorter side; the smallest model looks at 75 x 75
# Copies of a photo lie within 6 bits when resized, recompressed or mirrored; cut by 4 per cent, within 8 to 12. The
# second look makes a wide search affordable: of 67,000 suspicions in one set on white background it keeps fewer than 30.
RADIUS = 11
BATCH = 128  # pairs compared at once
_INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)  # of core.pixels.FLIPS: only the two quarter turns are not their own


def cleaned(store: Store, project: int) -> bool:
    """Whether everything that was fetched has been checked: a check ended that began after the newest fetch.

    The demo's job fetches and checks; a split checks first where nobody has.
    """

    def newest(verbs: Sequence[str], done: bool) -> int:
        found = (job for verb in verbs for job in store.jobs(project, verb))
        return max((job.id for job in found if job.status == "done" or not done), default=0)

    return newest(("clean", "demo", "split"), done=True) >= max(1, newest(("scrape", "demo"), done=False))


def exact(
    images: Sequence[ImageRecord], several: Mapping[int, Sequence[tuple[str, str]]] | None = None
) -> Iterator[Finding]:
    """Images with equal pixels, and images whose bytes came from several places; one group for each picture.

    `several`: image id -> (address, label) of each place, for images that came from more than one.
    """
    several = several or {}
    for members in _same_pixels(images).values():
        if len(members) > 1 or members[0].id in several:
            scores = dict.fromkeys((one.id for one in members), 1.0)
            for finding in _findings(members, "exact_duplicate", scores, "pixels"):
                places = len({address for address, _ in several.get(finding.image, ())})
                yield replace(finding, note=f"{finding.note}; at {places} addresses") if places > 1 else finding


def near(
    images: Sequence[ImageRecord], thumb: Callable[[str], bytes], radius: int = RADIUS
) -> Iterator[Finding | Progress]:
    """Groups of near-duplicates among different pictures, mirrored and turned copies too; Progress in between.

    `thumb` gives a thumbnail (JPEG) by the image's SHA-256; `radius` is in bits of 64, 0..15. Exact copies of a member
    join its group. Each image stands in at most one group, and every member is confirmed against the group's middle
    one, so a chain of small changes cannot tie strangers together. An image whose thumbnail cannot be read is corrupt.
    """
    import numpy as np

    from core.clean.look import same, small, turned

    copies = list(_same_pixels(images).values())
    pictures = [best(members) for members in copies]
    found = suspects([one.facts.hashes for one in pictures], radius)
    tiny: dict[int, np.ndarray] = {}
    wanted = sorted({index for i, j, _ in found for index in (i, j)})
    for done, index in enumerate(wanted):
        if done % 200 == 0:
            yield Progress(done, len(wanted), "reading the pictures that look alike")
        try:
            tiny[index] = small(thumb(pictures[index].facts.sha256))
        except (WinnowError, ValueError) as error:
            yield corrupt(pictures[index], error)
    found = _worth_a_look([one for one in found if one[0] in tiny and one[1] in tiny], tiny)

    def look(some: Sequence[tuple[int, int, int]]) -> list[float]:
        one = np.stack([turned(tiny[i], flip) for i, _, flip in some])
        return same(one, np.stack([tiny[j] for _, j, _ in some])).tolist()

    def flip(i: int, j: int) -> int:
        return min(range(8), key=lambda k: (pictures[i].facts.hashes[k] ^ pictures[j].facts.hashes[0]).bit_count())

    links: dict[int, dict[int, float]] = defaultdict(dict)
    for start in range(0, len(found), BATCH):
        yield Progress(start, len(found), "comparing pairs that look alike")
        some = found[start : start + BATCH]
        for (i, j, _), score in zip(some, look(some), strict=True):
            if score:
                links[i][j] = links[j][i] = max(score, links[i].get(j, 0.0))
    for scores in _groups(links, lambda i, others: look([(i, j, flip(i, j)) for j in others])):
        members = [one for index in scores for one in copies[index]]
        score_of = {one.id: score for index, score in scores.items() for one in copies[index]}
        yield from _findings(members, "near_duplicate", score_of, "perceptual hash, then pixels")


def conflicts(
    images: Sequence[ImageRecord],
    found: Iterable[Finding],
    several: Mapping[int, Sequence[tuple[str, str]]] | None = None,
) -> Iterator[Finding]:
    """Label conflicts in the groups of `exact` and `near`: one for each member of a group with more than one label.

    The same bytes found under two labels (`several`, as in `exact`) are a conflict as well.
    """
    several = several or {}
    labels_of = {one.id: {one.label} for one in images}
    for one in images:
        if not one.version:  # a person who decided on it has settled that
            labels_of[one.id] |= {label for _, label in several.get(one.id, ())}
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        groups[finding.group].append(finding)
    told: set[int] = set()
    # Near groups first: they hold the exact copies of their members as well.
    for group in sorted(groups, key=lambda name: (groups[name][0].kind != "near_duplicate", name)):
        labels = sorted(set().union(*(labels_of[one.image] for one in groups[group])))
        for one in groups[group] if len(labels) > 1 else ():
            if one.image not in told:
                told.add(one.image)
                note = "the same photo is in " + ", ".join(labels)
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


def _worth_a_look(found: list[tuple[int, int, int]], tiny: Mapping[int, np.ndarray]) -> list[tuple[int, int, int]]:
    """The suspicions that the mean colours of 36 fields do not refute; they cost a thousandth of the second look."""
    import numpy as np

    from core.clean.look import coarse, likely, turned

    fields = {index: coarse(picture) for index, picture in tiny.items()}
    left = []
    for start in range(0, len(found), 4 * BATCH):
        some = found[start : start + 4 * BATCH]
        one = np.stack([turned(fields[i], flip) for i, _, flip in some])
        yes = likely(one, np.stack([fields[j] for _, j, _ in some]))
        left += [pair for pair, worth in zip(some, yes.tolist(), strict=True) if worth]
    return left


def _groups(
    links: dict[int, dict[int, float]], look: Callable[[int, list[int]], list[float]]
) -> Iterator[dict[int, float]]:
    """Confirmed pairs -> groups {index: score}: the middle one has score of its best match, the others theirs with it.

    Within a connected component the one with most links takes whoever is linked to it, or passes `look` directly; what
    is left of the component is grouped again.
    """
    for component in _components(links):
        rest = set(component)
        while any(links[i].keys() & rest for i in rest):
            middle = max(rest, key=lambda i: (len(links[i].keys() & rest), sum(links[i].values()), -i))
            rest.remove(middle)
            scores = {j: links[middle][j] for j in links[middle].keys() & rest}
            far = sorted(rest - scores.keys())
            scores |= {j: score for j, score in zip(far, look(middle, far) if far else [], strict=True) if score}
            rest -= scores.keys()
            yield {middle: max(scores.values()), **scores}


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
        note = f"best copy, {size}" if one is keep else f"a copy of image {keep.id}, {size}"
        yield Finding(one.id, kind, round(scores[one.id], 4), by, group, note)


class Verify:
    """sha256 -> nothing, in a child process: the file and its thumbnail are there, and the file is what was fetched."""

    def __init__(self, storage: str) -> None:
        self.storage = storage

    def __call__(self, sha256: str) -> None:
        """Raises Missing or Damaged."""
        from core.blobs import Blobs

        blobs = Blobs(self.storage)
        blobs.get(sha256, verify=True)
        blobs.thumb(sha256)
