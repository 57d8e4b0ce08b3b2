"""Whether "about N bad pictures are left (a to b)" holds: tests/bench/coverage.py [--reviews 1000] [--only WORD] [--json]

Simulated reviews, page by page. Each scenario is a number of pictures, a share of bad ones, a ranker and a reviewer:
good (AUROC .97), mediocre (.85), useless (.5), hostile (good, but a third of the bad ones are ranked last, so that only
draws find them); exact, overlooks (2 % of the bad ones), errs (and 2 % of the good ones are called bad). Pages are the
learner's, with 2 draws on each, until PATIENCE in a row had no bad picture; then all 50 are drawn, until one is bad. A
review stops when the upper bound is at most 1 % of what is left; to see whether the interval holds at every page, it
then goes on to the end.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.review.estimate import FALSE_ALARMS, FEWER, MISSED, MORE, RATE, UPPER, Draws, estimate  # noqa: E402

CONFIDENCE = 0.95
PATIENCE = 3
NEAR = 0.1  # of the limit, in logarithms of wealth
PAGE, DRAWN = 50, 2  # pictures on a page, and how many of them are drawn on one of the learner's
RANKERS = {
    "good": 2.66,
    "mediocre": 1.466,
    "useless": 0.0,
    "hostile": 2.66,
}  # how far the bad ones' scores lie from the rest
REVIEWERS = {"exact": (0.0, 0.0), "overlooks": (0.02, 0.0), "errs": (0.02, 0.02)}  # misses of the bad, false alarms
SMALL, LARGE = (1_000, 3_000), (20_000,)
SHARES = (0.01, 0.05, 0.18)


@dataclass
class Review:
    """One simulated review: was the truth within the interval, and what had it taken when it turned green."""

    high_held = low_held = True  # at every page so far
    stop: dict[str, float] | None = None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reviews", type=int, default=1000, help="of each scenario")
    parser.add_argument("--only", default="", help="scenarios with this word in their name")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    scenarios = [*product(SMALL, SHARES, RANKERS, REVIEWERS), *product(LARGE, SHARES, ("good", "hostile"), ("exact",))]
    figures: dict[str, Any] = {}
    for count, share, ranker, reviewer in scenarios:
        name = f"{count} pictures, {share:.0%} bad, {ranker} ranker, reviewer {reviewer}"
        if args.only not in name:
            continue
        runs = [
            review(np.random.default_rng([seed, count, round(100 * share)]), count, share, ranker, reviewer)
            for seed in range(args.reviews)
        ]
        figures[name] = summary(runs)
        if not args.json:
            print(name, json.dumps(figures[name]), flush=True)
    kinds = ("held at stopping", "held at every page", "high held at every page", "low held at every page")
    worst = {
        f"worst {kind}": min((one[kind], one["reviews"], name) for name, one in figures.items())
        for kind in kinds
        if figures
    }
    print(json.dumps({"scenarios": figures, **worst} if args.json else worst))


def review(rng: np.random.Generator, count: int, share: float, ranker: str, reviewer: str) -> Review:
    """From the first page to the last."""
    bad = np.arange(count) < round(share * count)
    score = rng.normal(size=count) + RANKERS[ranker] * bad
    if ranker == "hostile":
        score[: bad.sum() // 3] -= 1000
    missed, false = REVIEWERS[reviewer]
    called = np.where(bad, rng.random(count) >= missed, rng.random(count) < false)
    ranked, chance = np.argsort(-score), rng.permutation(count)  # drawn in this order, those not shown before
    shown = np.zeros(count, bool)
    said, drawn = np.zeros(count, bool), np.zeros(count, bool)  # in the order of showing
    clean, at, done, ends = 0, 0, Review(), []  # clean: pages in a row without a bad one
    exact = bool((called == bad).all())
    while at < count:
        start = at
        ranked, chance = ranked[~shown[ranked]], chance[~shown[chance]]
        for by_chance, some in page(ranked, chance, clean < PATIENCE):
            shown[some] = True
            said[at : at + len(some)], drawn[at : at + len(some)] = called[some], by_chance
            at += len(some)
        clean = 0 if said[start:at].any() else clean + 1
        ends.append(at)
        if done.stop is None or not exact:
            look(done, said[:at], np.flatnonzero(drawn[:at]), count, int((bad & ~shown).sum()), not exact)
    if exact:
        held(done, said, np.flatnonzero(drawn), np.array(ends), rng)
    return done


def page(ranked: np.ndarray, chance: np.ndarray, learning: bool) -> list[tuple[bool, np.ndarray]]:
    """The next page of those not shown: some that are drawn and some that are ranked, or drawn ones only."""
    drawn = chance[: DRAWN if learning else PAGE]
    if not learning:
        return [(True, drawn)]
    rest = [some for some in ranked[:PAGE].tolist() if some not in drawn.tolist()]
    return [(True, drawn), (False, np.array(rest[: PAGE - len(drawn)], int))]


def look(done: Review, called: np.ndarray, draws: np.ndarray, count: int, truth: int, every: bool) -> None:
    """What the screen would say after this page, compared with the truth; `draws` are places in the order of
    showing. Not `every`: only whether it stops here.
    """
    left = count - len(called)
    told = standing(called, draws, count)
    if every:
        high, low = holds(told, truth)
        done.high_held &= high
        done.low_held &= low
    if done.stop is None and (left == 0 or told.too_many(int(RATE * left) + 1)):
        said = estimate(told.among, told.bad, told.since, left, CONFIDENCE)
        assert (said.low <= truth <= said.high) == all(holds(told, truth))
        done.stop = {
            "held": said.low <= truth <= said.high, "seen": len(called) / count, "drawn": len(draws),
            "residual": truth / max(left, 1), "certified": said.rate, "above": truth > RATE * left,
        }  # fmt: skip


def standing(called: np.ndarray, draws: np.ndarray, count: int) -> Draws:
    """What `estimate` knows when so many are called."""
    since = np.cumsum(called[::-1])[::-1][draws]
    return Draws(count - draws, called[draws], since, count - len(called), CONFIDENCE, RATE)


def holds(told: Draws, truth: int) -> tuple[bool, bool]:
    """Whether the truth is not above and not below the interval, as `estimate` would say, without looking for its ends."""
    return truth == 0 or not told.too_many(truth), truth == told.left or not told.too_few(truth)


def held(done: Review, said: np.ndarray, draws: np.ndarray, ends: np.ndarray, rng: np.random.Generator) -> None:
    """The interval at every page of an exact reviewer, at once.

    What the truth says of a draw's chance does not change after it if nothing is called wrongly, so the wealth against the
    truth is a running sum. The real thing is asked at each page where that comes near the limit, and at one page by lot,
    where both have to agree.
    """
    count = len(said)
    among, bad = count - draws, said[draws]
    there = (said.sum() - np.cumsum(said) + said)[draws]  # bad ones among those, itself included
    high = running((1 - MISSED) * there / among, bad, FEWER * (1, RATE, 1))
    low = running((1 - FALSE_ALARMS) * (1 - there / among), ~bad, MORE)
    limits = -np.log((1 - CONFIDENCE) * UPPER), -np.log((1 - CONFIDENCE) * (1 - UPPER))
    so_far = np.searchsorted(draws, ends)  # draws up to each page
    lot = int(rng.integers(len(ends)))
    for n in {lot, *np.flatnonzero((high[so_far] > limits[0] - NEAR) | (low[so_far] > limits[1] - NEAR)).tolist()}:
        told, truth = standing(said[: ends[n]], draws[: so_far[n]], count), int(said[ends[n] :].sum())
        above, below = holds(told, truth)
        done.high_held &= above
        done.low_held &= below
        assert above == (truth == 0 or high[so_far[n]] < limits[0]), "the running sum is not what is asked"
        assert below == (truth == told.left or low[so_far[n]] < limits[1]), "the running sum is not what is asked"


def running(chance: np.ndarray, happened: np.ndarray, bets: np.ndarray) -> np.ndarray:
    """`log_wealth` after 0, 1, ... K draws: (K + 1,)."""
    part, drop, keep = bets.T[:, :, None]
    forecast = np.maximum(chance - drop, keep * chance)
    factors = np.where(happened, forecast, 1 - forecast) / np.where(happened, chance, 1 - chance)
    sums = np.hstack([np.zeros((len(bets), 1)), np.log(factors).cumsum(axis=1)])
    return np.logaddexp.reduce(np.log(part) + sums)


def summary(runs: list[Review]) -> dict[str, float]:
    def mean(values: list[Any]) -> float:
        return round(float(np.mean(values)), 4)

    stops = [run.stop for run in runs if run.stop]
    return {
        "reviews": len(runs),
        "held at stopping": mean([stop["held"] for stop in stops]),
        "held at every page": mean([run.high_held and run.low_held for run in runs]),
        "high held at every page": mean([run.high_held for run in runs]),
        "low held at every page": mean([run.low_held for run in runs]),
        "stopped with more than the rate": mean([stop["above"] for stop in stops]),
        "share seen": mean([stop["seen"] for stop in stops]),
        "pictures drawn": round(float(np.mean([stop["drawn"] for stop in stops]))),
        "rate left": mean([stop["residual"] for stop in stops]),
        "rate certified": mean([stop["certified"] for stop in stops]),
    }


if __name__ == "__main__":
    main()
