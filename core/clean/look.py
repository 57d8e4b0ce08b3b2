"""A second look at two pictures that may be one photo: are they?

Hashes collide where the background is white, and embeddings call two shirts alike. So one small picture is laid over
the other (`core.clean.align`), and what both show is compared: the detail, the largest patch that is lighter or darker,
the largest patch of another colour. Copies that were resized, saved again, mirrored, turned, cut by up to a fifth of a
side, given a margin or made brighter pass; another colour of the same shoe, another photo of the same car do not.

All arrays are batches of P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image

from core.clean import align

SIDE = 48  # px of the small pictures
# Limits set on the planted copies and the nearest neighbours of 9,000 real photos: see tests/bench/README.md.
DETAIL = (
    0.985  # of 1,800 copies cut by a tenth or less one had less; of 39,000 pairs of neighbours, one in a thousand more
)
PATCH, COLOUR, TINT = 25, 10, 20  # grey levels of 256
COPY = 0.97  # from here on nothing was cut or marked, only resized, saved again or mirrored
SURE = 0.9  # one photo, surely
ALIKE = 0.5  # what looks less alike is nothing
PLACED, ROUGH = 0.55, 0.7  # below them a pair is left alone; copies with writing across them have less, no others
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What P pairs have in common where both pictures reach; each (P,)."""

    detail: np.ndarray  # correlation of what is finer than 7 px of 48, -1..1
    patch: np.ndarray  # largest mean difference of brightness in 5 x 5 px, grey levels
    colour: np.ndarray  # the same of red or blue against the brightness
    tint: np.ndarray  # difference of the colours as a share of the colour there is, 0 to about 2
    marked: np.ndarray  # share of the area that a mark may cover, 0..1
    unmarked: np.ndarray  # `detail` of the rest
    whole: np.ndarray  # bool: neither is a part of the other


def small(thumbnail: bytes) -> np.ndarray:
    """JPEG -> (48, 48, 3) uint8, the aspect ratio not kept (as in the hash). Raises ValueError."""
    image = Image.fromarray(simplejpeg.decode_jpeg(thumbnail))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def turned(pictures: np.ndarray, flip: int) -> np.ndarray:
    """(..., S, S, 3) after `core.phash.FLIPS[flip]`: bit 2 transposes, then bit 0 mirrors, bit 1 turns upside down."""
    pictures = pictures.swapaxes(-3, -2) if flip & 4 else pictures
    pictures = pictures[..., ::-1, :] if flip & 1 else pictures
    return pictures[..., ::-1, :, :] if flip & 2 else pictures


def coarse(picture: np.ndarray) -> np.ndarray:
    """(48, 48, 3) -> (6, 6, 3): the mean colour of each field."""
    return picture.reshape(6, 8, 6, 8, 3).mean((1, 3))


def likeness(one: np.ndarray, other: np.ndarray, cosine: np.ndarray | None = None) -> np.ndarray:
    """Two (P, 48, 48, 3) uint8 batches -> (P,) float32 0..1, mirrored ones too: how sure it is that they are one photo.

    From COPY on: resized, saved again or mirrored, nothing else. From SURE on: surely one photo, a part of it, or with
    a margin. Below: it looks alike, and nobody is sure (writing across it, another colour, another photo of the same
    thing; `cosine`, (P,), of their vectors where they are known). 0: no.
    """
    found = compare(one, other)
    sure = (found.detail >= DETAIL) & (found.patch <= PATCH)
    sure &= (found.colour <= COLOUR) | ((found.colour <= 2 * COLOUR) & (found.tint <= 0.3))
    above = np.clip((found.detail - DETAIL) / (1 - DETAIL), 0, 1)
    copy = sure & found.whole & (found.detail >= 0.995) & (found.patch <= 8)
    # Not sure: by how much of the detail is there, all around a mark, or else by the vectors.
    part = 0.6 + 0.2 * np.clip((found.detail - 0.9) / (DETAIL - 0.9), 0, 1)
    around = 0.7 + 0.19 * np.clip((found.unmarked - 0.95) / 0.05, 0, 1) * (1 - np.clip(found.marked / 0.4, 0, 1))
    near = 0.5 + 4 * (np.minimum(cosine, 0.95) - 0.9) if cosine is not None else np.zeros(len(one))
    unsure = np.maximum(np.where(found.detail >= 0.9, part, 0), near)
    marked = (found.unmarked >= 0.95) & (found.marked <= 0.4) & (found.colour <= 60)
    unsure = np.where(marked, np.maximum(unsure, around), unsure)
    said = np.where(copy, COPY + 0.03 * above, np.where(sure, SURE + 0.069 * above, unsure))
    return np.where(said >= ALIKE, said, 0).astype(np.float32)


def compare(one: np.ndarray, other: np.ndarray) -> Comparison:
    """Two (P, 48, 48, 3) batches, `one` or its mirror image laid over `other`. Pairs that do not match roughly have
    nothing in common."""
    pairs = len(one)
    values = np.tile(np.array([-1, 255, 255, 2, 1, -1, 0], np.float32)[:, None], pairs)
    one, other = one.astype(np.float32), other.astype(np.float32)
    score, swapped, warp = align.locate(one @ _LUMA, other @ _LUMA)
    # A symmetric thing fits nearly as well the wrong way round: both ways are tried.
    row, mirrored = np.nonzero(score >= np.maximum(score.max(1, keepdims=True) - 0.15, PLACED))
    if len(row):
        left, right = _faced(one[row], other[row], mirrored == 1, swapped[row, mirrored])
        warp, rough = align.roughly(left @ _LUMA, right @ _LUMA, warp[row, mirrored])
        best = _best(row, rough)
        best = best[rough[best] >= ROUGH]
        if len(best):
            left, right = left[best], right[best]
            warp = align.finely(left @ _LUMA, right @ _LUMA, warp[best])
            values[:, row[best]] = _difference(left, right, warp)
    detail, patch, colour, tint, marked, unmarked, whole = values
    return Comparison(detail, patch, colour, tint, marked, unmarked, whole > 0)


def _faced(one: np.ndarray, other: np.ndarray, mirrored: np.ndarray, swapped: np.ndarray) -> tuple[np.ndarray, ...]:
    one = np.where(mirrored[:, None, None, None], one[:, :, ::-1], one)
    swap = swapped[:, None, None, None]
    return np.where(swap, other, one), np.where(swap, one, other)


def _best(row: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Of the places with the same row, which is ascending, the one with the highest score."""
    order = np.lexsort((-score, row))
    return order[np.flatnonzero(np.diff(row[order], prepend=-1))]


def _difference(one: np.ndarray, other: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(7, P): the fields of `Comparison`."""
    side = one.shape[1]
    channels = [align.laid(np.ascontiguousarray(other[..., c]), warp, align.sharp) for c in range(3)]
    inside = align.framed(channels[0][1])
    laid = np.stack([channel for channel, _ in channels], axis=-1)
    grey, grey_laid = one @ _LUMA, laid @ _LUMA
    gain, apart = _apart(grey, grey_laid, inside, inside)
    patch = apart.max((1, 2))
    covered = align.mean_near((apart > PATCH).astype(np.float32), inside, 2) > 0.01
    gain, apart = _apart(grey, grey_laid, inside, inside & ~covered)  # a mark has no say in what the contrast is
    covered = align.mean_near((apart > PATCH).astype(np.float32), inside, 2) > 0.01
    clean = inside & ~covered
    detail, unmarked = _detail(grey, grey_laid, inside, inside), _detail(grey, grey_laid, inside, clean)

    colour = differ = present = np.zeros(len(one), np.float32)
    count = np.maximum(inside.sum((1, 2)), 1)
    for c in (0, 2):  # red and blue against the brightness
        a, b = (one[..., c] - grey), gain * (laid[..., c] - grey_laid)
        wide = align.mean_near(a - b, inside, 2) * inside
        colour = np.maximum(colour, np.abs(wide).max((1, 2)))
        a, b = (align.mean_near(each, inside, 1) * inside for each in (a, b))
        differ = differ + np.abs(a - b).sum((1, 2))
        present = present + (np.abs(a) + np.abs(b)).sum((1, 2)) / 2 + 0.5 * count
    enough = count >= side * side / 2
    marked = (covered & inside).sum((1, 2)) / count
    whole = (np.abs(warp[:, :2]).max(1) <= 0.6) & (np.abs(warp[:, 2:]).max(1) <= 0.015)
    return np.stack(
        [np.where(enough, detail, -1), patch, colour, differ / present, marked, np.where(enough, unmarked, -1), whole]
    )


def _apart(grey: np.ndarray, laid: np.ndarray, inside: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Contrast of `grey` against `laid` (P, 1, 1), and (P, S, S) by how much their 5 x 5 px means differ then."""
    count = np.maximum(where.sum((1, 2)), 1)
    mean, mean_laid = (((each * where).sum((1, 2)) / count)[:, None, None] for each in (grey, laid))
    a, b = (grey - mean) * where, (laid - mean_laid) * where
    gain = np.clip(((a * b).sum((1, 2)) + 1) / ((b * b).sum((1, 2)) + 1), 0.6, 1.7)[:, None, None]
    near, near_laid = align.mean_near(grey, inside, 2), align.mean_near(laid, inside, 2)
    return gain, np.abs(near - mean - gain * (near_laid - mean_laid)) * inside


def _detail(grey: np.ndarray, laid: np.ndarray, inside: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(P,) correlation there. A bit smoothed: a part that was cut out and made larger has no finer detail."""
    a, b = (align.smooth(each) for each in (grey, laid))
    a, b = ((each - align.mean_near(each, inside, 3)) * where for each in (a, b))
    return (a * b).sum((1, 2)) / np.sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)) + 1e-6)
