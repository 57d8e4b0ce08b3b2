"""The rest of a class, kept by one press without a look at each: how many that takes, and about how many of them are bad."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.model import TOGETHER, Applied, Decision, Judged, Operation, Project

if TYPE_CHECKING:
    from core.review.described import Described
    from core.review.learner import Learner, Ranking
    from db.store import Store

ABOVE = 0.98  # what is likelier good than that is the rest, unless a person chooses otherwise
ENOUGH = 10  # random pictures like these, before there is a word on how many are bad


@dataclass(frozen=True, slots=True)
class Rest:
    """What would be kept, and what the random pictures that are like it say of it."""

    images: np.ndarray  # (n,) int64
    bad: float | None  # about how many of them; None where there were too few random ones
    low: int  # the 95 % interval of that
    high: int
    draws: int  # random pictures that were decided, as likely good as these without their own decision
    bad_draws: int
    everywhere: bool  # they are of all classes, because there were too few of this one


def rest(of: Described, ranking: Ranking, judged: Sequence[Judged], label: str = "", above: float = ABOVE) -> Rest:
    """Pictures of a class ("" = of all) that nobody was shown, each more than `above` (0..1) likely good.

    Its error is that of the random pictures decided so far that would be among them. The interval is exact for a sample
    of fixed size (Clopper & Pearson 1934): read it when you decide, it is none that holds at every look. Raises BadInput
    where nothing was learned, and for a class or chance that is none.
    """
    if not 0 < above < 1:
        raise BadInput(f"The chance {above} does not fit: wanted a number between 0 and 1, without these.")
    if label and label not in of.names:
        raise BadInput(f"There is no picture of the class {label!r}.")
    if not ranking.learned:
        raise BadInput("Nothing was learned yet: reject some pictures first, then the rest can be told from them.")
    inside = of.known & (of.classes == of.names.index(label) if label else True)
    images = of.ids[inside & ranking.open & (ranking.bad < 1 - above)]
    good = of.known & (ranking.without < 1 - above)
    drawn = [(of.place(one.image), one.bad) for one in judged if one.queue == "random" and one.bad is not None]
    like = [(n, bad) for n, bad in drawn if n is not None and good[n]]
    own = [bad for n, bad in like if inside[n]]
    everywhere = len(own) < ENOUGH and len(own) < len(like)
    said = [bad for _, bad in like] if everywhere else own
    if len(said) < ENOUGH:
        return Rest(images, None, 0, len(images), len(said), sum(said), everywhere)
    from scipy.stats import binomtest

    low, high = binomtest(sum(said), len(said)).proportion_ci(method="exact")
    many = len(images)
    about = round(many * sum(said) / len(said), 1)
    return Rest(images, about, int(low * many), int(np.ceil(high * many)), len(said), sum(said), everywhere)


def accept(
    store: Store, learner: Learner, project: Project, reviewer: str, label: str = "", above: float = ABOVE
) -> tuple[Rest, Applied]:
    """Keep the rest, as one operation that one undo takes back; random pictures are drawn from it still.

    What somebody decided on meanwhile is left to them. Raises BadInput as `rest` does, and where there is nothing.
    """
    judged = store.judged(project.id)
    found = rest(learner.of, learner.rank(judged), judged, label, above)
    tiles = [one for one in store.tiles(project.id, found.images.tolist()) if one.verdict == "undecided"]
    if not tiles:
        raise BadInput(f"No picture that nobody has seen is {above:.1%} likely good.")
    decisions = tuple(Decision(one.image, "keep", TOGETHER, version=one.version) for one in tiles)
    return found, store.apply(project.id, Operation(str(uuid.uuid4()), reviewer, decisions))


def sentence(found: Rest, label: str, above: float) -> str:
    """The same, as a person reads it."""
    many, of = len(found.images), f" of {label}" if label else ""
    if not many:
        return (
            f"No picture{of} that nobody has seen is at least {above:.1%} likely good: look at more, or ask for less."
        )
    said = f"{many:,} {'picture' if many == 1 else 'pictures'}{of} that nobody has seen {'is' if many == 1 else 'are'} at least {above:.1%} likely good."
    if found.bad is None:
        return f"{said} It is too early to say how many of them are bad: only {found.draws} random {'one' if found.draws == 1 else 'ones'} like them {'was' if found.draws == 1 else 'were'} decided."
    where = " of all classes" if found.everywhere and label else ""
    some = round(found.bad)
    about = f"About {some:,} of them {'is' if some == 1 else 'are'}" if some else "Hardly any of them is"
    return (
        f"{said} {about} bad (95 % interval: {found.low:,} to {found.high:,}): of "
        f"{found.draws:,} random ones like them{where} {found.bad_draws:,} {'was' if found.bad_draws == 1 else 'were'}."
    )
