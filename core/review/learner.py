"""From what people said to a ranking of the rest: is this picture admissible?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.model import Judged, Showing
from core.review.alike import LIKELY
from core.review.described import Described, describe
from core.review.earlier import Earlier, earlier
from core.review.reasons import likely

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

PENALTY = 3.0  # of the regression, for rows of mean length 1
BALANCE = 0.25  # the power by which the rarer side weighs more: 0 = not at all, 1 = as much as the other side in all
USUAL = 5  # good ones that the least strange pictures count as before anybody looked at them
TAKEN = 2_000  # of these, at most
KEPT = 4  # rankings: of what is stored, and with the marks on the screens of some reviewers
NOT_DESCRIBED = "The pictures were not described yet: clean the project, so that there is something to learn from."

Reasons = Callable[
    [Sequence[int]], Mapping[int, tuple[str, float]]
]  # the likely ones of some images: core.review.reasons


@dataclass(frozen=True, slots=True)
class Ranking:
    """How likely each of N pictures is bad, and which of them wait."""

    ids: np.ndarray  # (N,) int64, rising
    bad: np.ndarray  # (N,) float32 in 0..1
    without: np.ndarray  # (N,) the same, of a decided one as it would be without its own decision
    open: np.ndarray  # (N,) bool: not shown to anybody, and not decided
    order: np.ndarray  # positions of those, the likeliest first
    learned: int  # decisions it has learned from; 0 = none yet
    reasons: Reasons = lambda images: {}
    like: np.ndarray | None = (
        None  # (N,) bool: looks like what was rejected in `earlier`; None = nothing is known of that
    )
    earlier: str = ""  # names of projects

    def among(self, allowed: np.ndarray | None) -> np.ndarray:
        """The order, of the allowed images only (None: all)."""
        return self.order if allowed is None else self.order[np.isin(self.ids[self.order], allowed)]

    def shown(self, places: np.ndarray, queue: str) -> list[Showing]:
        images = self.ids[places]
        found = self.reasons(images[self.bad[places] >= LIKELY].tolist()) if self.learned else {}
        return [
            self._showing(int(n), queue, found.get(int(i), ("", 0))[0]) for n, i in zip(places, images, strict=True)
        ]

    def _showing(self, n: int, queue: str, reason: str) -> Showing:
        chance = float(self.bad[n])
        if not self.learned:
            known = self.like is not None and self.like[n]
            why = f"looks like what was rejected in {self.earlier}" if known else "first look"
            return Showing(int(self.ids[n]), "first", chance, why)
        said = f"{chance:.0%} likely bad" if queue == "likely" else f"unsure, {chance:.0%} likely bad"
        return Showing(int(self.ids[n]), queue, chance, f"{said}: {reason}" if reason else said)


@dataclass
class Learner:
    """What is known of every picture, ready to be ranked again after each page."""

    of: Described
    earlier: Earlier | None = None  # what was rejected in earlier projects
    usual: np.ndarray = field(init=False, repr=False)  # the rows of some pictures of the less strange half
    # Digest of the decisions -> what `_chances` made of them, the newest last.
    last: dict[bytes, tuple[np.ndarray, np.ndarray, str]] = field(default_factory=dict, repr=False)
    like: np.ndarray | None = field(default=None, init=False, repr=False)  # as of Ranking

    def __post_init__(self) -> None:
        self.usual = least_strange(self.of)

    @property
    def note(self) -> str:
        """What the last ranking stands on, one sentence."""
        rankings = list(self.last.values())
        return rankings[-1][2] if rankings else ""

    def rank(self, judged: Sequence[Judged]) -> Ranking:
        """The ranking after these decisions. It learns again only where they are others than those of the last few times."""
        of = self.of
        at = np.searchsorted(of.ids, [one.image for one in judged])
        there = np.array([n < len(of.ids) and of.ids[n] == one.image for n, one in zip(at, judged, strict=True)], bool)
        said = np.array([one.bad is not None for one in judged], bool) & there
        rows, bad = at[said], np.array([bool(one.bad) for one in judged], bool)[said]
        key = hashlib.sha256(rows.tobytes() + bad.tobytes()).digest()
        made = self.last.pop(key, None) or self._chances(rows, bad)
        self.last[key] = made
        for old in list(self.last)[:-KEPT]:
            self.last.pop(old, None)  # another session may have done so
        chances, without, _ = made
        waits = np.ones(len(of.ids), bool)
        waits[at[there]] = False
        order = np.flatnonzero(waits)
        order = order[np.argsort(-chances[order], kind="stable")]
        learned = len(rows) if of.known.any() and bad.any() else 0
        named = partial(likely, of, judged)
        return Ranking(of.ids, chances, without, waits, order, learned, named, self.like, self._named)

    def leading(
        self, waiting: Sequence[Showing], judged: Sequence[Judged], size: int, allowed: np.ndarray | None = None
    ) -> list[Showing]:
        """What of that which was shown and is not decided leads a page of `size` still. With earlier projects, until a picture
        is rejected here, that is what would lead it anew: they may have been chosen after it was shown."""
        ranking = self.rank(judged)
        if ranking.learned or not self._named:
            return list(waiting)
        at = {one.image: self.of.place(one.image) for one in waiting if one.queue == "first"}
        chances = {image: float(ranking.bad[place]) for image, place in at.items() if place is not None}
        every = sorted([*ranking.bad[ranking.among(allowed)[:size]].tolist(), *chances.values()], reverse=True)
        least = every[min(size, len(every)) - 1] if every else 0.0
        return [one for one in waiting if chances.get(one.image, 1.0) >= least]

    def _chances(self, rows: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
        """(N,) how likely each picture is bad, after (n,) rows were said to be; (N,) the same, of these without their own
        decision; and what that stands on."""
        many = int(bad.sum())
        if not self.of.known.any():
            return self.of.cold, self.of.cold, NOT_DESCRIBED
        before = self.earlier if self.earlier and self.earlier.used else None
        left_out = "".join(f" {one}" for one in self.left_out)
        if not many:
            said = "nothing was decided yet" if not len(rows) else "no picture was rejected yet"
            first = "what cleaning noticed comes first."
            if before is None:
                note = f"Nothing was learned, because {said}: {first}{left_out}"
                return self.of.cold, self.of.cold, note
            first = f"what looks like the rejects of {self._named}, and what cleaning noticed, comes first."
            start = self._start(before, rows, bad)
            return start, start, f"Nothing was learned here, because {said}: {first}{left_out}"
        scores, honest = ridge(self.of.rows, rows, bad, self.usual, before)
        usual = np.quantile(scores[self.usual], (np.arange(USUAL) + 0.5) / USUAL)
        slope, offset = sigmoid(np.append(honest, usual), np.append(bad, np.zeros(USUAL, bool)))
        chances = (1 / (1 + np.exp(-(slope * scores + offset)))).astype(np.float32)
        without = chances.copy()
        without[rows] = 1 / (1 + np.exp(-(slope * honest + offset)))
        note = f"Learned from {len(rows):,} decisions, {many:,} of them on bad pictures."
        all_bad = "" if many < len(rows) else " Every one was rejected, so what is good is a guess."
        helped = f" The rejects of {self._named} count as well, less with each decision here." if before else ""
        return chances, without, note + all_bad + helped + left_out

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why earlier projects that were chosen are not used, a sentence each."""
        return self.earlier.left_out if self.earlier else ()

    @property
    def _named(self) -> str:
        """The earlier projects that are used."""
        return " and ".join(self.earlier.used) if self.earlier else ""

    def _start(self, before: Earlier, rows: np.ndarray, bad: np.ndarray) -> np.ndarray:
        """(N,) how likely each picture is bad, before one was rejected here."""
        of = self.of
        everything = np.vstack([of.rows, before.rows])
        scores, _ = ridge(everything, rows, bad, self.usual, before)
        here, there = scores[: len(of.ids)], scores[len(of.ids) :]
        self.like = of.known & (here > (there[before.bad].mean() + there[~before.bad].mean()) / 2)
        cold = np.clip(of.cold.astype(np.float64), 1e-4, 1 - 1e-4)
        raised = (here - here.mean()) / max(float(here.std()), 1e-9)
        return (1 / (1 + (1 - cold) / cold * np.exp(-raised))).astype(np.float32)


def least_strange(of: Described) -> np.ndarray:
    """Places of some pictures of the less strange half."""
    half = np.argsort(of.cold, kind="stable")[: max(1, len(of.cold) // 2)]
    return half[:: max(1, len(half) // TAKEN)]


def ridge(
    x: np.ndarray, rows: np.ndarray, bad: np.ndarray, usual: np.ndarray, before: Earlier | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) scores of all of (N, D) by regression towards +1 (bad) and -1 on the rows (n,), and (n,) what each of those would
    have got without itself.

    The `usual` rows count as good ones, all together as USUAL of them: so the first rejection says something. The rarer
    side weighs a little more: as much as in a balanced set would let a few bad ones tear the line about. The scores
    without itself cost no second fit (Cook and Weisberg 1982; Rifkin and Lippert 2007). What was decided in earlier projects
    counts as a fixed number of decisions in all, so that those made here outgrow it.
    """
    many, good = int(bad.sum()), int((~bad).sum()) + USUAL
    weigh_bad, weigh_good = (((many + good) / (2 * max(1, number))) ** BALANCE for number in (many, good))
    weights, aim = np.where(bad, weigh_bad, weigh_good), np.where(bad, 1.0, -1.0)
    z, taken = _with_one(x[rows]), _with_one(x[usual])
    mass = weigh_good * USUAL / len(usual)
    square = (z.T * weights) @ z + mass * (taken.T @ taken) + PENALTY * np.eye(z.shape[1])
    to = z.T @ (weights * aim) - mass * taken.sum(0)
    if before is not None:
        theirs = _with_one(before.rows)
        square += (theirs.T * before.mass) @ theirs
        to += theirs.T @ (before.mass * np.where(before.bad, 1.0, -1.0))
    inverse = np.linalg.inv(square)
    beta = inverse @ to
    own = weights * ((z @ inverse) * z).sum(1)
    without = aim - (aim - z @ beta) / np.maximum(1 - own, 1e-6)
    return x @ beta[:-1].astype(x.dtype) + np.float32(beta[-1]), without


def _with_one(rows: np.ndarray) -> np.ndarray:
    return np.hstack([rows, np.ones((len(rows), 1), rows.dtype)]).astype(np.float64)


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
    of = describe(store, project, folder)
    return Learner(of, earlier(store, project, of, least_strange(of)) if len(of.ids) else None)
