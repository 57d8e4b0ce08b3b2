"""How far two people agree, how well each finds what is known, how fast they work."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.evaluate import wilson
from core.model import Pair, Word

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

ENOUGH = 10  # pictures that both looked at, before there is a word on how far they agree
PAUSE = timedelta(minutes=2)  # longer between two operations, and the time does not count as work
NAMES = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"), (0.0, "slight"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two ratings of the same pictures agree."""

    pictures: int
    agreed: int
    kappa: float | None  # Cohen's, -1..1: 1 = always, 0 = as often as by chance; None where it is not defined
    low: float | None = None  # the 95 % interval
    high: float | None = None
    note: str = ""  # why there is none

    @property
    def words(self) -> str:
        """`substantial, 0.72 (0.55 to 0.89)`, by the names of Landis and Koch 1977; or why there is none."""
        if self.kappa is None:
            return self.note
        name = next((name for least, name in NAMES if self.kappa > least), "none beyond chance")
        return f"{name}, {self.kappa:.2f} ({self.low:.2f} to {self.high:.2f})"


def said(word: Word) -> str:
    """The kind of a word: keep, reject, or the other class that was given."""
    return word.verdict if word.verdict == "reject" or not word.label else f"keep as {word.label}"


def kappa(words: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa (1960) of what two people said of each picture.

    The interval is that of the share on which they agreed (Wilson 1927), with the agreement by chance as it is. Of 20 to
    200 pictures it held the true kappa in 94 to 98 % of the trials; that of the large-sample error (Fleiss, Cohen and
    Everitt 1969) in as few as 79 %, and it is a point where they agreed on every picture.
    """
    n, agreed = len(words), sum(a == b for a, b in words)
    if n < ENOUGH:
        return Agreement(n, agreed, None, note=f"too early to say: {n} of {ENOUGH} pictures so far")
    one, other = (Counter(side) for side in zip(*words, strict=True))
    by_chance = sum(one[kind] * other[kind] for kind in one)  # in n * n
    if by_chance == n * n:
        return Agreement(n, agreed, None, note=f"both said {words[0][0]} of all {n} pictures, so chance explains it")
    value, low, high = (
        max(-1.0, (some * n - by_chance) / (n * n - by_chance))
        for some in (agreed, *(n * end for end in wilson(agreed, n)))
    )
    return Agreement(n, agreed, value, low, high)


def between(pairs: Iterable[Pair]) -> dict[tuple[str, str], Agreement]:
    """Two names, in order -> how far these two agree; check pictures aside, for half of those are bad on purpose."""
    words: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for pair in pairs:
        if not pair.known:
            one, other = sorted((pair.first, pair.second), key=lambda word: word.reviewer)
            words[one.reviewer, other.reviewer].append((said(one), said(other)))
    return {names: kappa(some) for names, some in sorted(words.items())}


def of_one(pairs: Iterable[Pair], reviewer: str) -> Agreement:
    """How far one agrees with all others, taken together."""
    words = [(pair.first, pair.second) for pair in pairs if not pair.known]
    own = [(one, other) if one.reviewer == reviewer else (other, one) for one, other in words
           if reviewer in (one.reviewer, other.reviewer)]  # fmt: skip
    return kappa([(said(one), said(other)) for one, other in own])


def checked(pairs: Iterable[Pair], shown: int, reviewer: str) -> dict[str, Any]:
    """What one found of the check pictures: `shown`, `answered`, `right` of these with `low`..`high` (95 %, Wilson), `bad`
    among the answered, `found` of these with `found_low`..`found_high`. Right = bad or not, as the trusted one said."""
    mine = [pair for pair in pairs if pair.known and pair.second.reviewer == reviewer]
    bad = [pair for pair in mine if said(pair.first) != "keep"]
    right = sum((said(pair.first) == "keep") == (said(pair.second) == "keep") for pair in mine)
    found = sum(said(pair.second) != "keep" for pair in bad)
    (low, high), (found_low, found_high) = wilson(right, len(mine)), wilson(found, len(bad))
    return {"shown": shown, "answered": len(mine), "right": right, "low": low, "high": high, "bad": len(bad),
            "found": found, "found_low": found_low, "found_high": found_high}  # fmt: skip


def pace(work: Iterable[tuple[str, datetime, int]]) -> dict[str, float | None]:
    """Reviewer -> decisions per minute of work; None where no two operations follow each other.

    `work`: reviewer, when, how many decisions, by reviewer and time. Minutes are those between two operations of one
    person, as long as they are not more than PAUSE apart: a pause is no work, nor is it known how long the first one of a
    sitting took.
    """
    minutes: dict[str, float] = defaultdict(float)
    made: dict[str, int] = defaultdict(int)
    before: dict[str, datetime] = {}
    for reviewer, when, number in work:
        gap = when - before.get(reviewer, when - 2 * PAUSE)
        if gap <= PAUSE:
            minutes[reviewer] += gap.total_seconds() / 60
            made[reviewer] += number
        before[reviewer] = when
    return {name: made[name] / minutes[name] if minutes[name] else None for name in before}


def dispute(pair: Pair) -> str:
    """Both words, as a person reads them: `anna: keep · ben: reject, interior`."""
    return " · ".join(f"{word.reviewer}: {said(word)}{f', {word.reason}' if word.reason else ''}" for word in (pair.first, pair.second))  # fmt: skip


def agreements(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """`between`, for a file: reviewers, pictures, agreed, kappa, low, high, note of each two."""
    return [
        {"reviewers": list(names), "pictures": of.pictures, "agreed": of.agreed, "kappa": of.kappa, "low": of.low,
         "high": of.high, "note": of.note} for names, of in between(pairs).items()
    ]  # fmt: skip


def standing(store: Store, project: Project) -> dict[str, Any]:
    """All of it, for the command line: `agreement` of each two; `checks` and `pace` by reviewer; `disputed`, a count."""
    pairs, shown = store.pairs(project.id), store.check_counts(project.id)
    return {
        "agreement": agreements(pairs),
        "checks": {name: checked(pairs, number, name) for name, number in sorted(shown.items())},
        "pace": pace(store.work(project.id)),
        "disputed": len(store.disputes(project.id)),
    }
