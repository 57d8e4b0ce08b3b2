"""From what people said to a ranking of the rest: is this picture admissible, and if not, why?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.model import Judged, Showing
from core.review.described import Described, describe

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

PENALTY = 2.0  # of the regression, for rows of mean length 1
LEAST = 3  # bad ones, and good ones, that it takes to learn anything


@dataclass(frozen=True, slots=True)
class Ranking:
    """How likely each of N pictures is bad, and which of them wait."""

    ids: np.ndarray  # (N,) int64, rising
    bad: np.ndarray  # (N,) float32 in 0..1
    open: np.ndarray  # (N,) bool: not shown to anybody, and not decided
    order: np.ndarray  # positions of those, the likeliest first
    learned: int  # decisions it has learned from; 0 = none yet
    note: str  # what it stands on, one sentence
    reasons: tuple[str, ...] = ()  # of each of `bad` above a half: what is likely wrong with it; or none known

    def among(self, allowed: np.ndarray | None) -> np.ndarray:
        """The order, of the allowed images only (None: all)."""
        return self.order if allowed is None else self.order[np.isin(self.ids[self.order], allowed)]

    def shown(self, places: np.ndarray, queue: str) -> list[Showing]:
        return [self._showing(int(n), queue) for n in places]

    def _showing(self, n: int, queue: str) -> Showing:
        chance = float(self.bad[n])
        if not self.learned:
            return Showing(int(self.ids[n]), "first", chance, "first look")
        said = f"{chance:.0%} likely bad" if queue == "likely" else f"unsure, {chance:.0%} likely bad"
        return Showing(int(self.ids[n]), queue, chance, said)


@dataclass
class Learner:
    """What is known of every picture, ready to be ranked again after each page."""

    of: Described
    last: tuple[tuple[Judged, ...], Ranking] | None = field(default=None, repr=False)

    @property
    def note(self) -> str:
        """What the last ranking stands on, one sentence."""
        return self.last[1].note if self.last else ""

    def rank(self, judged: Sequence[Judged]) -> Ranking:
        """The ranking after these decisions; the last one where nothing changed."""
        now = tuple(judged)
        if self.last is None or self.last[0] != now:
            self.last = now, self._rank(now)
        return self.last[1]

    def _rank(self, judged: Sequence[Judged]) -> Ranking:
        of = self.of
        at = np.searchsorted(of.ids, [one.image for one in judged])
        there = np.array([n < len(of.ids) and of.ids[n] == one.image for n, one in zip(at, judged, strict=True)], bool)
        waits = np.ones(len(of.ids), bool)
        waits[at[there]] = False
        said = np.array([one.bad is not None for one in judged], bool) & there
        rows, bad = at[said], np.array([bool(one.bad) for one in judged], bool)[said]
        chances, note = self._chances(rows, bad)
        order = np.flatnonzero(waits)
        order = order[np.argsort(-chances[order], kind="stable")]
        learned = len(rows) if chances is not of.cold else 0
        return Ranking(of.ids, chances, waits, order, learned, note)

    def _chances(self, rows: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, str]:
        """(N,) how likely each picture is bad, after (n,) rows were said to be; and what that stands on."""
        many, good = int(bad.sum()), int((~bad).sum())
        if not self.of.rows.shape[1]:
            return (
                self.of.cold,
                "The pictures were not described yet: clean the project, so that there is something to learn from.",
            )
        if min(many, good) < LEAST:
            said = (
                "no picture was rejected"
                if not many
                else "every picture was rejected"
                if not good
                else "too few were decided"
            )
            return self.of.cold, f"Nothing was learned yet, because {said}: what cleaning noticed comes first."
        scores, honest = ridge(self.of.rows, rows, bad)
        slope, offset = sigmoid(honest, bad)
        chances = 1 / (1 + np.exp(-(slope * scores + offset)))
        return chances.astype(np.float32), f"Learned from {len(rows):,} decisions, {many:,} of them on bad pictures."


def ridge(x: np.ndarray, rows: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) scores of all of (N, D) by regression towards +1 (bad) and -1 on the rows (n,), and (n,) what each of those would
    have got without itself.

    The rarer side weighs more, but by the square root: as much as in a balanced set would let a few bad ones tear the
    line about. The scores without itself cost no second fit (Cook and Weisberg 1982; Rifkin and Lippert 2007).
    """
    n, many = len(rows), int(bad.sum())
    weights = np.where(bad, np.sqrt(n / (2 * many)), np.sqrt(n / (2 * (n - many))))
    z = np.hstack([x[rows], np.ones((n, 1), x.dtype)]).astype(np.float64)
    aim = np.where(bad, 1.0, -1.0)
    inverse = np.linalg.inv((z.T * weights) @ z + PENALTY * np.eye(z.shape[1]))
    beta = inverse @ (z.T @ (weights * aim))
    own = weights * np.einsum("ij,jk,ik->i", z, inverse, z, optimize=True)
    without = aim - (aim - z @ beta) / np.maximum(1 - own, 1e-6)
    return x @ beta[:-1].astype(x.dtype) + np.float32(beta[-1]), without


def sigmoid(scores: np.ndarray, bad: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make probabilities of scores (Platt 1999, with his targets for few examples)."""
    many, good = bad.sum(), (~bad).sum()
    aim = np.where(bad, (many + 1) / (many + 2), 1 / (good + 2))
    slope, offset = 1.0, float(np.log((many + 1) / (good + 1)))
    for _ in range(50):  # Newton's method, a little damped
        p = 1 / (1 + np.exp(-(slope * scores + offset)))
        gradient = np.array([((p - aim) * scores).sum(), (p - aim).sum()])
        w = np.maximum(p * (1 - p), 1e-6)
        hessian = np.array(
            [[(w * scores**2).sum(), (w * scores).sum()], [(w * scores).sum(), w.sum()]]
        ) + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        slope, offset = slope - np.clip(step[0], -1, 1), offset - np.clip(step[1], -1, 1)
        if np.abs(step).max() < 1e-6:
            break
    return max(float(slope), 1e-3), float(offset)


def learner(store: Store, project: Project, folder: Path | None = None) -> Learner:
    """The project's learner. `folder`: as of `describe`."""
    return Learner(describe(store, project, folder))
