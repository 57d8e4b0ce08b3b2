"""A mark that the pictures of one site carry at one place: a logo, a watermark, a banner, a frame.

One picture does not tell it from what is photographed. Of many pictures of one size, which show different things, the
brightness rises or falls at a given place as often as not, so the median of the gradients is near zero there, unless
a mark lies over them. (Dekel and others 2017 find watermarks so.) Photos of one product look alike without any mark,
shoes that all face left: a mark is what the pictures of every class have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

from core.engine import batches
from core.errors import Missing
from core.model import ImageRecord, Measure, Progress

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.steps import Context

LEAST, MOST = 16, 32  # pictures of a class from which on its median counts, and which are enough
CLASSES, MANY = 2, 8  # classes from which on it can be told, and which are enough
STEEP = 6  # grey levels by which neighbouring pixels of a mark differ
AREA = 0.015  # share of the picture; five pairs of classes without one had .0065 at most, faint marks .028 and more


@dataclass(frozen=True, slots=True)
class Mark:
    """Where it is, and its gradients there: both (2, H, W), first across, then down."""

    where: np.ndarray  # bool
    gradients: np.ndarray  # float32, grey levels


def mark(ctx: Context, version: int) -> Generator[Progress, None, None]:
    """Add `watermark` to the scores of pictures of one site and size, once they are enough to tell: 0 without a mark.

    Looks only at what has new pictures. `version`: of the measures, as they are stored.
    """
    store, project = ctx.store, ctx.project.id
    note = "looking for marks that many pictures of one site carry"
    yield Progress(0, None, note)
    known = {measure.image: measure for measure, _ in store.measures(project) if not measure.fault}
    groups = [some for some in _alike(ctx, known) if any("watermark" not in known[one.id].scores for one in some)]
    done, total = 0, sum(map(len, groups))
    for members in groups:
        mark = shared(list(_samples(ctx.blobs, members)))
        open_ = {one.facts.sha256: known[one.id] for one in members if not known[one.id].scores.get("watermark")}
        outcomes = ctx.engine.map(Shown(ctx.settings.storage, mark), open_, need="cpu") if mark else (
            (sha256, 0.0, None) for sha256 in open_
        )  # fmt: skip
        for some in batches(outcomes, 1000, 2.0):
            marked = [
                replace(open_[sha256], scores=dict(open_[sha256].scores) | {"watermark": round(score, 4)})
                for sha256, score, error in some if error is None
            ]  # fmt: skip
            store.add_measures(ctx.claim, project, version, marked)
            yield Progress(done, total, note)
        done += len(members)


def _alike(ctx: Context, known: dict[int, Measure]) -> Iterator[list[ImageRecord]]:
    """Pictures of one site and size, where they are enough to tell."""
    sites, groups = ctx.store.sites(ctx.project.id), defaultdict(list)
    for one in ctx.store.images(ctx.project.id):
        if one.id in known:
            groups[sites.get(one.id, ""), one.facts.width, one.facts.height].append(one)
    return (some for some in groups.values() if len(_large(some)) >= CLASSES)


def _large(members: Sequence[ImageRecord]) -> list[list[ImageRecord]]:
    """The classes with enough pictures, the largest first."""
    classes = defaultdict(list)
    for one in members:
        classes[one.label].append(one)
    return sorted((some for some in classes.values() if len(some) >= LEAST), key=len, reverse=True)[:MANY]


def _samples(blobs: Blobs, members: Sequence[ImageRecord]) -> Iterator[np.ndarray]:
    """(N, H, W) for each class: thumbnails from all over it."""
    for some in _large(members):
        greys = []
        for one in some[:: -(-len(some) // MOST)]:
            with suppress(Missing, ValueError):  # lost or damaged by hand since it was read
                greys.append(_grey(blobs.thumb(one.facts.sha256)))
        if len(greys) >= LEAST // 2 and len({grey.shape for grey in greys}) == 1:
            yield np.stack(greys)


class Shown:
    """SHA-256 -> how much of the mark is in the picture, in a child process."""

    def __init__(self, storage: str, mark: Mark) -> None:
        self.storage, self.mark = storage, mark

    def __call__(self, sha256: str) -> float:
        """Raises Missing, or ValueError of what is no thumbnail."""
        from core.blobs import Blobs

        return shown(_grey(Blobs(self.storage).thumb(sha256)), self.mark)


def _grey(thumbnail: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(thumbnail, colorspace="GRAY")[..., 0]


def shared(classes: Sequence[np.ndarray]) -> Mark | None:
    """The mark that pictures of one size have in common. For each class (N, H, W) uint8, N from LEAST on, grey."""
    if len(classes) < CLASSES:
        return None
    medians = np.stack([np.median(_gradients(some), axis=0) for some in classes])
    weakest = np.abs(medians).min(0)
    same = (medians > 0).all(0) | (medians < 0).all(0)
    where = same & (weakest >= STEEP)
    if where.any(0).mean() < AREA:
        return None
    return Mark(where, np.median(medians, axis=0))


def shown(grey: np.ndarray, mark: Mark) -> float:
    """How much of the mark is in the picture, 0..1: the share of its places where the gradient is at least half of it."""
    wanted = mark.gradients[mark.where]
    there = _gradients(grey[None])[0][mark.where] * np.sign(wanted)
    return float(np.mean(there >= np.abs(wanted) / 2))


def _gradients(greys: np.ndarray) -> np.ndarray:
    """(N, H, W) -> (N, 2, H - 1, W - 1) float32."""
    levels = greys.astype(np.float32)
    corner = levels[:, :-1, :-1]
    return np.stack([levels[:, :-1, 1:] - corner, levels[:, 1:, :-1] - corner], axis=1)
