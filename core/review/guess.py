"""Which class a picture looks like: what to offer first to somebody who gives it another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model import Judged
from core.review.described import Described, unit

NEIGHBOURS = 20
WARMTH = 0.1  # of the votes: how much nearer ones count for more
BANK = 20_000  # the most pictures that neighbours are looked for among: a page must not wait for all of a million
SURE = 0.6  # of what other classes get, from which on one of them is given by a key alone
LEAST = 0.2  # of all votes, fewer say nothing


def guess(of: Described, image: int, judged: Sequence[Judged] = ()) -> list[tuple[str, float]]:
    """(class, 0..1) of all classes, the likeliest first, by the nearest others that nobody found bad; [] where nothing is
    known of the picture, or there is but one class."""
    at = of.place(image)
    if at is None or not of.known[at] or len(of.names) < 2:
        return []
    votes = chances(of, np.array([at]), judged)[0]
    order = np.argsort(-votes, kind="stable") if votes.any() else []
    return [(of.names[n], round(float(votes[n]), 3)) for n in order]


def chances(of: Described, places: np.ndarray, judged: Sequence[Judged] = ()) -> np.ndarray:
    """(B,) positions in Described -> (B, C) in 0..1: how much each looks like each class, by the nearest others that nobody
    found bad. A row sums to 1, or to 0 where nothing is known of the picture."""
    bank = np.flatnonzero(of.known & ~np.isin(of.ids, [one.image for one in judged if one.bad]))
    if len(bank) > BANK:
        bank = bank[np.linspace(0, len(bank) - 1, BANK).astype(np.intp)]
    votes = np.zeros((len(places), len(of.names)))
    if not len(bank) or not len(places):
        return votes
    without = slice(None, -len(of.names))  # what says the class itself
    near = unit(of.rows[places, without]) @ unit(of.rows[bank, without]).T
    near[places[:, None] == bank] = -np.inf
    near[~of.known[places]] = -np.inf
    nearest = np.argpartition(near, -min(NEIGHBOURS, len(bank)), axis=1)[:, -NEIGHBOURS:]
    weights = np.exp((np.take_along_axis(near, nearest, 1) - 1) / WARMTH)
    np.add.at(votes, (np.arange(len(places))[:, None], of.classes[bank[nearest]]), weights)
    return votes / np.maximum(votes.sum(1, keepdims=True), 1e-300)


def instead(of: Described, images: Sequence[int], labels: Sequence[str], judged: Sequence[Judged] = ()) -> list[str]:
    """Of each image that is not what its label says: the class that it is then, "" where that is not sure."""
    if len(of.names) < 2:
        return [""] * len(images)
    at = np.minimum(np.searchsorted(of.ids, images), len(of.ids) - 1)
    votes = chances(of, at, judged)
    votes[of.ids[at] != images] = 0
    number = {name: n for n, name in enumerate(of.names)}
    own = [(n, number[label]) for n, label in enumerate(labels) if label in number]
    votes[tuple(np.array(own, np.intp).reshape(-1, 2).T)] = 0
    best, most = votes.argmax(1), votes.max(1)
    sure = (most >= LEAST) & (most >= SURE * votes.sum(1))
    return [of.names[n] if is_sure else "" for n, is_sure in zip(best.tolist(), sure.tolist(), strict=True)]
