"""The nearest neighbours of new pictures among all, by the cosine of their vectors.

Blocks of new vectors are multiplied with blocks of all; only a block and the best so far are in memory. Long vectors
of many pictures are searched by their principal components, a fifth of the work, and the candidates are measured again
by the vectors themselves. What is new costs what it weighs: a hundred new among a million, a ten-thousandth of a pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

LEAST = 0.75  # cosine; of 2,200 planted copies, cut by a fifth or written on, 98 of 100 of the worst kind have more
NEAREST = 8
QUERIES, BLOCK = 512, 8192  # rows multiplied at once: 16 MB of cosines
MANY, NEW = 20_000, 5_000  # with so many, and so many new among them, finding the components pays
COMPONENTS = 256  # with 128 one neighbour in thirty is lost among 50,000, with 256 one in two hundred
SPARE = 4  # times as many candidates as wanted are measured again
SAMPLE = 8192  # vectors that the components are fitted on
PAIR = np.dtype([("i", np.int32), ("j", np.int32), ("cosine", np.float32)])


def neighbours(
    vectors: np.ndarray,
    fresh: np.ndarray,
    k: int = NEAREST,
    least: float = LEAST,
    where: torch.device | str = "cpu",
) -> Iterator[np.ndarray]:
    """(N, D) normalised vectors, (N,) bool -> pieces of (P,) `PAIR`, i < j, each unordered pair once.

    For every fresh picture the `k` nearest of all others with a cosine of `least` or more. `vectors` may be a memmap
    of float16; at most 512 * k pairs come at a time.
    """
    rows = np.flatnonzero(fresh)
    k = min(k, len(vectors) - 1)
    if not len(rows) or k < 1:
        return
    search = _Search(vectors, torch.device(where), len(rows) >= NEW)
    chosen = np.full((len(rows), k), -1, dtype=np.int32)
    place = np.full(len(vectors), -1, dtype=np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    for start in range(0, len(rows), QUERIES):
        asked = rows[start : start + QUERIES]
        found, cosines = search.nearest(asked, k, least)
        chosen[start : start + len(asked)] = found
        one, column = np.nonzero(found >= 0)
        i, j, cosine = asked[one], found[one, column], cosines[one, column]
        # A pair of two fresh ones may be found from both sides: the side that was asked later is silent.
        before = np.flatnonzero((place[j] >= 0) & (place[j] < place[i]))
        told = before[(chosen[place[j[before]]] == i[before, None]).any(1)]
        pairs = np.empty(len(i), dtype=PAIR)
        pairs["i"], pairs["j"], pairs["cosine"] = np.minimum(i, j), np.maximum(i, j), cosine
        pairs = np.delete(pairs, told)
        if len(pairs):
            yield pairs


class _Search:
    """What the blocks are multiplied with: the vectors, or their principal components where there are many."""

    def __init__(self, vectors: np.ndarray, where: torch.device, much: bool) -> None:
        self.vectors, self.where = vectors, where
        self.table: np.ndarray | torch.Tensor = vectors
        self.again = much and len(vectors) >= MANY and vectors.shape[1] > 2 * COMPONENTS
        if self.again:
            self.table = _components(vectors, where)
            if where.type != "cpu":
                self.table = self.table.to(where)

    def nearest(self, rows: np.ndarray, k: int, least: float) -> tuple[np.ndarray, np.ndarray]:
        """(Q,) rows -> (Q, k) int32 the nearest others, -1 where there are no more, and (Q, k) their cosines."""
        wide = min(SPARE * k, len(self.vectors) - 1) if self.again else k
        # Components know a cosine only roughly.
        found, cosines = self._best(rows, wide, least - 0.1 if self.again else least)
        if self.again:
            found, cosines = self._measured(rows, found, cosines)
        order = cosines.argsort(dim=1, descending=True, stable=True)[:, :k]
        found, cosines = found.gather(1, order), cosines.gather(1, order)
        found[cosines < least] = -1
        return found.to(torch.int32).cpu().numpy(), cosines.cpu().numpy()

    def _best(self, rows: np.ndarray, k: int, least: float) -> tuple[torch.Tensor, torch.Tensor]:
        asked = self._rows(rows)
        place = torch.as_tensor(rows, device=self.where)
        found = torch.full((len(rows), k), -1, dtype=torch.int64, device=self.where)
        cosines = torch.full((len(rows), k), least, device=self.where)
        for start in range(0, len(self.vectors), BLOCK):
            block = self._rows(slice(start, start + BLOCK))
            near = asked @ block.T
            own = (place >= start) & (place < start + len(block))
            near[own.nonzero()[:, 0], place[own] - start] = -2
            better = (near.amax(1) > cosines[:, -1]).nonzero()[:, 0]  # most blocks bring nothing to most rows
            if not len(better):
                continue
            top, which = near[better].topk(min(k, len(block)), 1)
            all_cosines = torch.cat([cosines[better], top], 1)
            all_found = torch.cat([found[better], which + start], 1)
            cosines[better], order = all_cosines.topk(k, 1)
            found[better] = all_found.gather(1, order)
        return found, torch.where(found < 0, -2.0, cosines)

    def _measured(
        self, rows: np.ndarray, found: torch.Tensor, cosines: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The candidates with the cosines of the vectors themselves; 64 rows at a time, for memory."""
        for start in range(0, len(rows), 64):
            some = slice(start, start + 64)
            asked = self._load(rows[some])
            named = found[some]
            index, back = np.unique(named.clamp(min=0).cpu().numpy(), return_inverse=True)
            near = asked @ self._load(index).T
            exact = near.gather(1, torch.as_tensor(back.reshape(named.shape), device=self.where))
            cosines[some] = torch.where(named < 0, -2.0, exact)
        return found, cosines

    def _rows(self, which: np.ndarray | slice) -> torch.Tensor:
        if isinstance(self.table, torch.Tensor):
            return self.table[which].float()
        return self._load(which)

    def _load(self, which: np.ndarray | slice) -> torch.Tensor:
        return torch.as_tensor(np.asarray(self.vectors[which], dtype=np.float32), device=self.where)


def _components(vectors: np.ndarray, where: torch.device) -> torch.Tensor:
    """(N, D) -> (N, 256) float16, fitted on a sample. The mean is not taken away: a product is nearly the cosine."""
    step = max(1, len(vectors) // SAMPLE)
    sample = torch.as_tensor(np.asarray(vectors[::step][:SAMPLE], dtype=np.float32), device=where)
    _, axes = torch.linalg.eigh(sample.T @ sample)
    axes = axes[:, -COMPONENTS:]
    table = torch.empty((len(vectors), COMPONENTS), dtype=torch.float16)
    for start in range(0, len(vectors), BLOCK):
        block = torch.as_tensor(np.asarray(vectors[start : start + BLOCK], dtype=np.float32), device=where)
        table[start : start + BLOCK] = (block @ axes).cpu()
    return table
