"""Which pictures are one photo: suspected by their hashes or their vectors, confirmed by a second look, kept as links.

Each new picture is compared with those compared before it, a share at a time; a share and its links are stored together,
so a job that was killed goes on behind the last share, and pictures that come later cost what they weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from core.clean import groups as g
from core.clean import look
from core.clean.embed import scratch, vectors
from core.clean.heaps import Heaps
from core.clean.measure import VERSION, faulty
from core.clean.stacked import stacked
from core.clean.thumb import thumb
from core.errors import WinnowError
from core.model import Link, Measure, Progress

if TYPE_CHECKING:
    from core.steps import Context

# Copies of a photo lie within 6 bits when resized, recompressed or mirrored; cut by 4 per cent, within 8 to 12. The
# second look makes a wide search affordable: of 67,000 suspicions in one set on white background it keeps fewer than 30.
RADIUS = 11
BATCH = 128  # pairs looked at in one go
SHARE, SHARES = 2000, 50  # new pictures compared before they are stored: at least so many, or a 50th of them
SAME = (
    0.98  # from here on two are of one heap: the strictest limit that the page offers, so that no group loses a member
)
SMALL = 10_000  # small pictures kept in memory: 70 MB


Pair = tuple[int, int, int]  # two rows of the table, and how the first is turned (core.phash.FLIPS)
Links = dict[tuple[int, int], float]  # two rows -> likeness


@dataclass
class Table:
    """What can be compared, one row for each different picture, in order of image."""

    images: np.ndarray  # (N,) int64: the first image with these pixels
    hashes: np.ndarray  # (N, 8) uint64
    fields: np.ndarray  # (N, 6, 6, 3) uint8
    fresh: np.ndarray  # (N,) bool: not compared yet
    shas: np.ndarray  # (N,) 32 bytes
    copies: dict[int, list[int]] = field(default_factory=dict)  # first image -> further ones with equal pixels

    def row_of(self) -> dict[int, int]:
        """Image -> its row."""
        return {int(image): row for row, image in enumerate(self.images)}


def compare(ctx: Context, network: str) -> Generator[Progress, None, None]:
    """Find the links of all that was not compared yet. `network`: the key of the embedder."""
    yield Progress(0, None, "reading what is known of the pictures")
    table = read(ctx)
    pictures = Pictures(ctx, table)
    yield from by_hashes(ctx, table, pictures)
    yield from by_vectors(ctx, table, pictures, network)
    yield from by_groups(ctx, table, pictures)


def read(ctx: Context) -> Table:
    first: dict[bytes, int] = {}
    copies: dict[int, list[int]] = defaultdict(list)
    images, fresh = [], []
    shas, hashes, fields = bytearray(), bytearray(), bytearray()  # of a million pictures, lists would take a gigabyte
    for image, sha256, pixels, eight, colours, compared in ctx.store.comparable(ctx.project.id):
        known = first.setdefault(bytes.fromhex(pixels), image)
        if known != image:
            copies[known].append(image)
            continue
        images.append(image)
        shas += bytes.fromhex(sha256)
        hashes += eight
        fields += colours
        fresh.append(not compared)
    return Table(
        np.array(images, dtype=np.int64),
        np.frombuffer(hashes, dtype=">u8").astype(np.uint64).reshape(-1, 8),
        np.frombuffer(fields, dtype=np.uint8).reshape(-1, 6, 6, 3),
        np.array(fresh, dtype=bool), np.frombuffer(shas, dtype="V32"), dict(copies),
    )  # fmt: skip


class Pictures:
    """The small pictures that are looked at, read from the thumbnails as they are wanted."""

    def __init__(self, ctx: Context, table: Table) -> None:
        self._ctx, self._table = ctx, table
        self.faults: list[Measure] = []
        self.of = lru_cache(SMALL)(self._read)

    def _read(self, row: int) -> np.ndarray | None:
        try:
            return look.small(thumb(self._ctx.blobs, self._table.shas[row].tobytes().hex()))
        except (WinnowError, ValueError) as error:
            self.faults.append(faulty(int(self._table.images[row]), error))
            return None

    def likeness(self, pairs: Sequence[Pair], cosines: Sequence[float] | None = None) -> Links:
        """(row, other row, flip) -> how like they are, of those that are alike at all."""
        seen = [(k, self.of(i), self.of(j)) for k, (i, j, _) in enumerate(pairs)]
        kept = [(k, one, other) for k, one, other in seen if one is not None and other is not None]
        if not kept:
            return {}
        ones = np.stack([look.turned(one, pairs[k][2]) for k, one, _ in kept])
        cosine = None if cosines is None else np.array([cosines[k] for k, *_ in kept], np.float32)
        said = look.likeness(ones, np.stack([other for *_, other in kept]), cosine)
        found: Links = {}
        for (k, *_), score in zip(kept, said.tolist(), strict=True):
            if score:  # the same two may be asked about in several turns: the surest counts
                surer(found, {pairs[k][:2]: score})
        return found


def by_hashes(ctx: Context, table: Table, pictures: Pictures) -> Generator[Progress, None, None]:
    """Suspicions of the eight dihedral hashes: copies resized, saved again, mirrored, turned, cut a little."""
    from core.clean.hashes import suspects

    total = int(table.fresh.sum())
    row_of = table.row_of()
    known_links = ((link.image, link.other) for link in ctx.store.links(ctx.project.id, SAME))
    heaps = Heaps((row_of[one], row_of[other]) for one, other in known_links if one in row_of and other in row_of)
    for done, here, fresh in shares(table.fresh):
        links: Links = {}
        looked = 0
        yield Progress(done, total, "comparing by hashes")
        known = slice(len(here)) if leading(here) else here
        for found in suspects(table.hashes[known], table.fields[known], fresh, RADIUS):
            for some in pieces(found):
                pairs = [(int(here[i]), int(here[j]), int(flip)) for i, j, flip in some]
                near = pictures.likeness([pair for pair in pairs if not heaps.settled(*pair[:2])])
                for pair, likeness in near.items():
                    if likeness >= SAME:
                        heaps.join(*pair)
                surer(links, near)
                looked += len(some)
                yield Progress(done, total, f"comparing by hashes: {looked:,} suspicions looked at")
        keep(ctx, table, pictures, links, here[fresh], "hashes, then pixels")
        yield Progress(done + int(fresh.sum()), total, "comparing by hashes")


def by_vectors(ctx: Context, table: Table, pictures: Pictures, network: str) -> Generator[Progress, None, None]:
    """Neighbours by their vectors: copies cut further, written on, or with other colours."""
    from core.clean.classes import blocks
    from core.clean.neighbours import neighbours
    from core.device import device

    row_of = table.row_of()
    images, of, compared = vectors(ctx, network, row_of)
    row, new = np.array([row_of[image] for image in images], np.int64), ~np.array(compared, bool)
    total = int(new.sum())
    for done, here, fresh in shares(new):
        links: Links = {}
        yield Progress(done, total, "comparing what looks alike")
        known = of[: len(here)] if leading(here) else stacked((of[some] for some in blocks(here)), scratch(ctx))
        for found in neighbours(known, fresh, where=device(ctx.settings.device)):
            for some in pieces(found):
                pairs = [(int(row[here[i]]), int(row[here[j]]), 0) for i, j, _ in some]
                surer(links, pictures.likeness(pairs, some["cosine"].tolist()))
                yield Progress(done, total, "comparing what looks alike")
        keep(ctx, table, pictures, links, row[here[fresh]], f"{network}, then pixels", network)
        yield Progress(done + int(fresh.sum()), total, "comparing what looks alike")


def by_groups(ctx: Context, table: Table, pictures: Pictures) -> Generator[Progress, None, None]:
    """In what hangs together, the middle one is held against those not linked to it: a group is what is like its middle."""
    links = g.both_ways(ctx.store.links(ctx.project.id, look.SURE))
    row_of = table.row_of()
    for component in g.components(links):
        middle = g.middle(component, links)
        far = [one for one in component if one != middle and one not in links[middle] and one in row_of]
        if not far or middle not in row_of:
            continue
        yield Progress(0, None, "looking again at chains of copies")
        pairs = [(*sorted((row_of[middle], row_of[one])), flip) for one in far for flip in (0, 2, 4, 6)]  # mirrored too
        found: Links = {}
        for some in pieces(np.array(pairs)):
            surer(found, pictures.likeness([(int(i), int(j), int(flip)) for i, j, flip in some]))
        keep(ctx, table, pictures, found, np.empty(0, np.int64), "pixels")


def pieces(found: np.ndarray) -> list[np.ndarray]:
    return [found[start : start + BATCH] for start in range(0, len(found), BATCH)]


def surer(links: Links, more: Links) -> None:
    for pair, likeness in more.items():
        links[pair] = max(likeness, links.get(pair, 0.0))


def shares(fresh: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(how many were compared before, rows of this share and of all compared before it, which of those are this share)."""
    new = np.flatnonzero(fresh)
    size = max(SHARE, len(new) // SHARES)
    known = ~fresh
    for start in range(0, len(new), size):
        some = new[start : start + size]
        known[some] = True
        here = np.flatnonzero(known)
        yield start, here, np.isin(here, some)


def leading(here: np.ndarray) -> bool:
    """Whether these are the first rows, without a gap: as a rule, because new pictures come last; nothing is copied then."""
    return bool(here[-1] < len(here))


def keep(
    ctx: Context, table: Table, pictures: Pictures, links: Links, rows: np.ndarray, by: str,
    network: str = "",
) -> None:  # fmt: skip
    """Keep a share's links, and that its pictures (and their exact copies) have been compared."""
    project = ctx.project.id
    found = [
        Link(int(table.images[i]), int(table.images[j]), round(likeness, 4), by) for (i, j), likeness in links.items()
    ]
    lost = {measure.image for measure in pictures.faults}
    done = [image for image in table.images[rows].tolist() if image not in lost]
    compared = [one for image in done for one in (image, *table.copies.get(image, ()))]
    if pictures.faults:
        ctx.store.add_measures(ctx.claim, project, VERSION, pictures.faults)
        pictures.faults = []
    ctx.store.add_links(ctx.claim, project, found, compared, network)
