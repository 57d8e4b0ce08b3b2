"""Which class a picture looks like: what to offer first to somebody who gives it another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model import Judged
from core.review.described import Described

NEIGHBOURS = 20
WARMTH = 0.1  # of the votes: how much nearer ones count for more


def guess(of: Described, image: int, judged: Sequence[Judged] = ()) -> list[tuple[str, float]]:
    """(class, 0..1) of all classes, the likeliest first, by the nearest others that nobody found bad; [] where nothing is
    known of the picture, or there is but one class."""
    at = of.place(image)
    if at is None or not of.known[at] or len(of.names) < 2:
        return []
    rows = of.rows[:, : -len(of.names)]  # without what says the class itself
    lengths = np.linalg.norm(rows, axis=1)
    near = (rows @ rows[at]) / np.maximum(lengths * lengths[at], 1e-9)
    near[~of.known] = -np.inf
    near[np.isin(of.ids, [one.image for one in judged if one.bad])] = -np.inf
    near[at] = -np.inf
    nearest = np.argpartition(near, -min(NEIGHBOURS, len(near)))[-NEIGHBOURS:]
    votes = np.bincount(of.classes[nearest], np.exp((near[nearest] - 1) / WARMTH), len(of.names))
    if not votes.sum():
        return []
    order = np.argsort(-votes, kind="stable")
    return [(of.names[n], round(float(votes[n] / votes.sum()), 3)) for n in order.tolist()]
