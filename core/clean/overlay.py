"""A mark that the pictures of one site carry at one place: a logo, a watermark, a banner, a frame.

One picture does not tell it from what is photographed. Of many pictures of one size, which show different things, the
brightness rises at a given place in some and falls in others; where a mark lies over them, it does the same in nearly
all. (Dekel and others 2017 find watermarks so.) Photos of one kind of product stand alike, too: shoes that all face left
share their outlines in half of the pictures. So a mark is what four fifths of the pictures of every class have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

from core.clean.thumb import thumb
from core.engine import batches
from core.errors import WinnowError
from core.model import Progress, Sited

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.steps import Context

KIND = "watermark"
LEAST, MOST = 16, 32  # pictures of a class from which on it is told anything, and which are enough
CLASSES, MANY = 2, 8  # classes from which on it can be told, and which are enough
SHARE = 0.8  # of the pictures of each class show it
STEEP = 3  # grey levels by which neighbouring pixels of a mark differ
AREA = 0.008  # share of the picture; without a mark, one class drawn into two of 16 has .0015 at most, faint marks .01
SMALLEST = 32  # px, sides of the thumbnail
SAME = 0.05  # scores of a mark that more pictures tell more exactly differ by less


@dataclass(frozen=True, slots=True)
class Mark:
    """Where it is, and its gradients there: both (2, H, W), first across, then down."""

    where: np.ndarray  # bool
    gradients: np.ndarray  # float32, grey levels


def mark(ctx: Context) -> Generator[Progress, None, None]:
    """Give every picture a score for how much of its site's mark is in it; 0 where there is none, or too few to tell.

    Looks only at sites and sizes with new pictures. There the others keep their scores, unless the mark is another one
    now. New pictures are scored last: until they are, a clean that was killed comes back here.
    """
    store, project = ctx.store, ctx.project.id
    note = "looking for marks that many pictures of one site carry"
    yield Progress(0, None, note)
    new = store.unscored(project, KIND)
    groups = [(some, _large(some)) for some in _with_new(store.sited(project), new)] if new else []
    _none(ctx, [one for some, large in groups if len(large) < CLASSES for one in some])
    groups = [(some, large) for some, large in groups if len(large) >= CLASSES]
    done, total = 0, sum(len(some) for some, _ in groups)
    for members, large in groups:
        for scored in _scored(ctx, members, large):
            yield Progress(done + scored, total, note)
        done += len(members)
        yield Progress(done, total, note)


def _with_new(pictures: Iterator[Sited], new: set[int]) -> list[list[Sited]]:
    """Those of one site and size, where some are new."""
    groups: dict[tuple, list[Sited]] = defaultdict(list)
    for one in pictures:
        groups[one.site, one.width, one.height].append(one)
    return [some for some in groups.values() if any(one.image in new for one in some)]


def _large(members: Sequence[Sited]) -> list[list[Sited]]:
    """The classes with enough pictures, the largest first."""
    classes = defaultdict(list)
    for one in members:
        classes[one.label].append(one)
    return sorted((some for some in classes.values() if len(some) >= LEAST), key=len, reverse=True)[:MANY]


def _scored(ctx: Context, members: Sequence[Sited], large: Sequence[Sequence[Sited]]) -> Iterator[int]:
    """Score pictures of one site and size, whose large classes tell the mark; how many there are so far, now and then."""
    from core.clean.measure import keep_faults

    image_of = {one.sha256: one.image for one in members}
    samples = [some[:: -(-len(some) // MOST)] for some in large]
    read = [[_read(ctx.blobs, one) for one in some] for some in samples]
    lost = [(one.sha256, None, error) for some in read for one, _, error in some if error]
    if lost:  # the next clean, if it can read them, tells the mark by them as well
        keep_faults(ctx, image_of, lost)
        return
    alike = len({grey.shape for some in read for _, grey, _ in some}) == 1
    found = shared([np.stack([grey for _, grey, _ in some]) for some in read]) if alike else None
    if found is None:
        _none(ctx, members)
        return
    known = ctx.store.scores(ctx.project.id, KIND, [one.image for one in members])
    before = [(known[one.image], grey) for some in read for one, grey, _ in some if one.image in known]
    other = any(abs(shown(grey, found) - score) > SAME for score, grey in before)
    again = [one for one in members if one.image in known and (other or not known[one.image])]
    done = 0
    for some in (again, [one for one in members if one.image not in known]):
        outcomes = ctx.engine.map(Shown(ctx.settings.storage, found), [one.sha256 for one in some], need="cpu")
        for part in batches(outcomes, 1000, 2.0):
            scores = {image_of[sha256]: score for sha256, score, error in part if error is None}
            ctx.store.add_scores(ctx.claim, ctx.project.id, KIND, scores)
            keep_faults(ctx, image_of, part)
            done += len(part)
            yield done


def _none(ctx: Context, members: Sequence[Sited]) -> None:
    """They carry no mark, as far as can be told."""
    known = ctx.store.scores(ctx.project.id, KIND, [one.image for one in members])
    old = {image: 0.0 for image, score in known.items() if score}
    new = {one.image: 0.0 for one in members if one.image not in known}
    ctx.store.add_scores(ctx.claim, ctx.project.id, KIND, old | new)


def _read(blobs: Blobs, one: Sited) -> tuple[Sited, np.ndarray, Exception | None]:
    """A picture with its thumbnail, or with why it has none."""
    try:
        return one, _grey(thumb(blobs, one.sha256)), None
    except (WinnowError, ValueError) as error:
        return one, np.empty((0, 0), np.uint8), error


class Shown:
    """SHA-256 -> how much of the mark is in the picture, in a child process."""

    def __init__(self, storage: str, mark: Mark) -> None:
        self.storage, self.mark = storage, mark

    def __call__(self, sha256: str) -> float:
        """Raises as `core.clean.thumb` does, or ValueError of what is no thumbnail."""
        from core.blobs import Blobs

        return round(shown(_grey(thumb(Blobs(self.storage), sha256)), self.mark), 4)


def _grey(thumbnail: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(thumbnail, colorspace="GRAY")[..., 0]


def shared(classes: Sequence[np.ndarray]) -> Mark | None:
    """The mark that pictures of one size have in common; (N, H, W) uint8 grey for each class. None without one, and
    where it cannot be told: of one class alone, or of thumbnails with a side under SMALLEST."""
    if len(classes) < CLASSES or min(classes[0].shape[1:]) < SMALLEST:
        return None
    found = common(classes)
    return found if found.where.any(0).mean() >= AREA else None


def common(classes: Sequence[np.ndarray]) -> Mark:
    """Whatever the classes have in common, however little it is."""
    lows, middles, highs = zip(*(_spread(some) for some in classes), strict=True)
    where = (np.min(lows, axis=0) >= STEEP) | (np.max(highs, axis=0) <= -STEEP)
    return Mark(where, np.median(np.array(middles, np.float32), axis=0))


def shown(grey: np.ndarray, mark: Mark) -> float:
    """How much of the mark is in the picture, 0..1: the share of its places where the gradient is at least half of it."""
    wanted = mark.gradients[mark.where]
    there = _gradients(grey[None])[0][mark.where] * np.sign(wanted)
    return float(np.mean(there >= np.abs(wanted) / 2))


def _spread(greys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, H, W) -> what SHARE of the gradients at each place are above, their median, and what SHARE are below."""
    ordered = np.ascontiguousarray(np.moveaxis(_gradients(greys), 0, -1))
    ordered.sort(axis=-1)
    few = round((1 - SHARE) * len(greys))
    return ordered[..., few], ordered[..., len(greys) // 2], ordered[..., -1 - few]


def _gradients(greys: np.ndarray) -> np.ndarray:
    """(N, H, W) -> (N, 2, H - 1, W - 1) int16."""
    levels = greys.astype(np.int16)
    corner = levels[:, :-1, :-1]
    return np.stack([levels[:, :-1, 1:] - corner, levels[:, 1:, :-1] - corner], axis=1)
