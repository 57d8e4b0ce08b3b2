"""Vectors for drawn pictures, as a clean would have stored them, so that a review has something to learn from."""

from __future__ import annotations

import numpy as np

from core.model import Project
from db.store import Store
from tests.pages import filled

KINDS = 3  # of pictures: the first two of them bad
BY = "drawn"


def kind(image: int) -> int:
    """0 and 1 are bad, each in its own way; every fifth picture is of either."""
    return min(image % 5, KINDS - 1)


def described(store: Store, project: Project) -> list[int]:
    """Store a vector for each picture: those of one bad kind lie close together, the good ones anywhere. Their ids."""
    chance = np.random.default_rng(2)
    ids = [record.id for record in store.images(project.id)]
    rows, places = chance.normal(size=(len(ids), 48)), chance.normal(size=(KINDS - 1, 48))
    for row, image in zip(rows, ids, strict=True):
        if kind(image) < KINDS - 1:
            row[:] = places[kind(image)] + 0.3 * row
    _, claim = filled.begin(store, project, "clean")
    vectors = [(image, row.astype("<f2").tobytes()) for image, row in zip(ids, rows, strict=True)]
    store.add_embeddings(claim, project.id, BY, vectors)
    store.finish(claim, "done", {"borders": {}, "embedder": BY})
    return ids
