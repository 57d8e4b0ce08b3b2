"""How many bad pictures are left among those not looked at: an interval that may be read after every page.

Most pictures of a page are chosen by the learner, a few are drawn: uniformly, without replacement, among all that were
not shown before. Only the draws are evidence here; what the other pictures turned out to be is counted exactly.

**The formula.** Suppose that l bad ones are among the M pictures not shown now. Then draw k was made among N_k pictures
of which l + since_k were bad: since_k of them were shown from that draw on, itself included, until now, whoever chose
them. So it was bad with probability p_k = (l + since_k) / N_k. A bet that forecasts q_k before the draw, and whose
stake is multiplied by q_k / p_k if it is bad and by (1 - q_k) / (1 - p_k) if not, wins nothing in the mean where l is
the truth, whatever rule chose the other pictures. Its wealth then ever reaches 1 / a with a probability of at most a
(Ville 1939). The interval is all l against which it stands below that now; one may look at any time, and stop for any
reason (Waudby-Smith & Ramdas 2020; Waudby-Smith, Stark & Ramdas 2021). Several such bets share the stake. To leave out
what was refuted once for good would hold too; it saves few draws, and no later draw could set it right.

**The bets** depend on the hypothesis: q_k = max(p_k - drop, keep * p_k), that is "the share of bad ones is lower by
drop". With drop = the rate that the review aims at, a bet compares "l are left" with "the review is done" all the way:
it risks hardly anything (about drop^2 / 2 p_k a draw) as long as many bad ones are left, and nearly all, but for
`keep`, at the end. So early draws do not spoil it, and it needs no restart, no forgetting and no forecast of the
learner's. Every factor grows with p_k, so the wealth grows with l, and the bound is found by bisection. The lower bound
bets on good ones in that way.

**Mistakes.** l counts what is bad, not what this reviewer calls bad. For the upper bound p_k is (1 - MISSED) times the
above: no more than the true probability of a bad verdict, if each bad picture is recognised with probability 0.98 or
more, whatever went before. For a picture overlooked since then lowers since_k, and the good ones called bad since then,
which raise it, raise that probability by at least as much, because they were among the N_k. A wealth that grows with
p_k is then never above that of a fair game. For the lower bound p_k is FALSE_ALARMS + (1 - FALSE_ALARMS) times the
above, with the same proof. Good pictures called bad thus only raise the upper bound: who calls 2 % of them bad cannot
show that less is left before nearly all were looked at. Bad pictures that were shown and overlooked are not among those
left, and not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import BadInput

Counts = Sequence[int] | np.ndarray
Verdicts = Sequence[bool] | np.ndarray
RATE = 0.01  # of the pictures left may be bad for the review to be done
MISSED = 0.02  # of the bad pictures are overlooked, at most
FALSE_ALARMS = 0.02  # of the good pictures are called bad, at most
UPPER = 0.8  # of the error allowed is the upper bound's: it is what people stop by
# A row per bet: its part of the stake; drop, in units of the rate aimed at; keep. Among very many pictures they take
# 381 clean draws to show 1 %, and 624, 867, 1107 with 1, 2, 3 bad ones; a sample of fixed size 300, 474, 630, 775.
FEWER = np.array([(0.9, 1, 0.12), (0.1, np.inf, 0.5)])
MORE = np.array([(0.25, 0.02, 0.5), (0.25, 0.05, 0.5), (0.25, 0.15, 0.5), (0.25, 0.4, 0.5)])  # drop in shares of all


@dataclass(frozen=True, slots=True)
class Estimate:
    """What can be said of the pictures not looked at: 0 <= low <= bad <= high <= left."""

    left: int  # pictures not looked at
    bad: float | None  # about how many of them are bad; None before the first draw, when nothing is known
    low: int
    high: int
    draws: int
    bad_draws: int
    confidence: float  # that the truth is within low..high at every look of the whole review

    @property
    def rate(self) -> float:
        """At most this share of those left is bad, 0..1."""
        return self.high / self.left if self.left else 0.0


def estimate(
    among: Counts, bad: Verdicts, since: Counts, left: int, confidence: float = 0.95,
    *, rate: float = RATE,
) -> Estimate:  # fmt: skip
    """The interval for the bad ones among the `left` pictures, from the draws in the order of showing.

    Of each draw: among how many pictures it was made, itself included; whether it was called bad; how many were called
    bad from it on until now, itself included, drawn or not. Pictures in `among` that nobody was shown and that are not
    left any more only raise the upper bound; those that came since a draw are not allowed, leave such draws out. `rate`
    is what the review aims at: the interval holds for any that is not chosen by what was drawn, and is short for this
    one. Raises BadInput.
    """
    draws = Draws(among, bad, since, left, confidence, rate)
    count, found = len(draws.bad), int(draws.bad.sum())
    if left == 0 or count == 0:
        return Estimate(left, None if left else 0.0, 0, left, count, found, confidence)
    high = max(_first(draws.too_many, left + 1) - 1, 0)
    low = min(_first(lambda some: not draws.too_few(some), left), high)
    return Estimate(left, draws.likeliest(low, high), low, high, count, found, confidence)


def needed(
    left: int, rate: float = RATE, among: Counts = (), bad: Verdicts = (), since: Counts = (),
    confidence: float = 0.95,
) -> int:  # fmt: skip
    """About how many more draws, none of them bad, until the upper bound is at most `rate` of what is left then.

    The draws so far are as of `estimate`. 0 where that is so now, `left` where it takes all. Raises BadInput.
    """
    draws = Draws(among, bad, since, left, confidence, rate)

    def enough(more: int) -> bool:
        allowed = int(rate * (left - more))
        return more == left or draws.clean(more).too_many(allowed + 1)

    some = 0
    while some < left and not enough(some):
        some = min(2 * some + 50, left)
    return _first(enough, some)


class Draws:
    """The K draws so far, (K,) each, and what they say of a number of bad ones left."""

    def __init__(self, among: Counts, bad: Verdicts, since: Counts, left: int, confidence: float, rate: float) -> None:
        """All as of `estimate`."""
        for name, share in (("confidence", confidence), ("rate", rate)):
            if not 0 < share < 1:
                raise BadInput(f"The {name} {share} does not fit: wanted a number between 0 and 1, without these.")
        if left < 0:
            raise BadInput(f"There cannot be {left} pictures left: wanted 0 or more.")
        if not len(among) == len(bad) == len(since):
            raise BadInput(
                f"{len(among)} sizes, {len(bad)} verdicts and {len(since)} counts do not fit: wanted one of each for every draw."
            )
        self.left, self.confidence, self.rate = left, confidence, rate
        self.among, self.since = np.asarray(among, np.float64), np.asarray(since, np.float64)
        self.bad = np.asarray(bad, bool)
        self._check()

    def _check(self) -> None:
        for k in np.flatnonzero(self.among <= self.left)[:1].tolist():
            raise BadInput(
                f"Draw {k + 1} cannot have been made among {self.among[k]:.0f} pictures with {self.left} left now: wanted more than are left, itself included."
            )
        fewest, most = self.bad + np.append(self.since[1:], 0), self.among - self.left - ~self.bad
        for k in np.flatnonzero((self.since < fewest) | (self.since > most))[:1].tolist():
            raise BadInput(
                f"From draw {k + 1} on {self.since[k]:.0f} bad pictures do not fit: wanted {fewest[k]:.0f} to {most[k]:.0f}, each draw in the order of showing and counted itself."
            )

    def clean(self, more: int) -> Draws:
        """With so many draws more, none of them bad."""
        after = Draws((), (), (), self.left - more, self.confidence, self.rate)
        after.among = np.append(self.among, self.left - np.arange(more, dtype=np.float64))
        after.since, after.bad = np.append(self.since, np.zeros(more)), np.append(self.bad, np.zeros(more, bool))
        return after

    def too_many(self, count: int) -> bool:
        """Whether `count` bad ones left are refuted as too many; then every larger count is."""
        chance = (1 - MISSED) * (count + self.since) / self.among
        return log_wealth(chance, self.bad, FEWER * (1, self.rate, 1)) >= -np.log((1 - self.confidence) * UPPER)

    def too_few(self, count: int) -> bool:
        """Whether `count` bad ones left are refuted as too few; then every smaller count is."""
        chance = (1 - FALSE_ALARMS) * (1 - (count + self.since) / self.among)
        return log_wealth(chance, ~self.bad, MORE) >= -np.log((1 - self.confidence) * (1 - UPPER))

    def likeliest(self, low: float, high: float) -> float:
        """The count in low..high under which the draws are likeliest.

        Half a bad and half a good draw are added to the first one (Krichevsky & Trofimov 1981): after two good draws
        "none" would be rash. At the end they change nothing, if bad ones were found since.
        """
        ones, others = self.bad.astype(float), (~self.bad).astype(float)
        ones[0] += 0.5
        others[0] += 0.5
        while high - low > 1e-3:  # the log-likelihood is concave: where it rises, its peak is above
            count = (low + high) / 2 + self.since
            rises = (ones / count - others / np.maximum(self.among - count, 1e-9)).sum() > 0
            low, high = ((low + high) / 2, high) if rises else (low, (low + high) / 2)
        return round(low, 2)


def log_wealth(chance: np.ndarray, happened: np.ndarray, bets: np.ndarray) -> float:
    """The logarithm of what a stake of 1 becomes by betting that something happens less often than a hypothesis says.

    (K,) chances of the hypothesis, (K,) whether it happened, (B, 3) bets. Grows with every chance.
    """
    part, drop, keep = bets.T[:, :, None]
    forecast = np.maximum(chance - drop, keep * chance)  # (B, K)
    factors = np.where(happened, forecast, 1 - forecast) / np.where(happened, chance, 1 - chance)
    return float(np.logaddexp.reduce(np.log(part[:, 0]) + np.log(factors).sum(axis=1)))


def _first(holds: Callable[[int], bool], end: int) -> int:
    """The first number in 0..end - 1 for which it holds, and holds for those after it; `end` where there is none."""
    start = 0
    while start < end:
        middle = (start + end) // 2
        start, end = (start, middle) if holds(middle) else (middle + 1, end)
    return start
