"""Where a mistake comes from: a wrong label, a picture of something else, or a hard one, with the training pictures most
like it as evidence. A guess to order a person's work by; nothing is decided by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.evaluate.strange import FALSE_ALARMS, limit

if TYPE_CHECKING:
    from core.evaluate.strange import Familiar
    from core.model import Answer
    from core.neighbours import Neighbours

Kind = Literal["label", "outside", "hard"]
NEAR = 6  # training pictures that are shown, and vote
AGREE = 4  # of them that have to bear the class which the model named


@dataclass(frozen=True, slots=True)
class Near:
    """A training picture like the one asked about."""

    image: int
    label: str  # the class under which it was learned
    likeness: float  # cosine, -1..1


@dataclass(frozen=True, slots=True)
class Cause:
    """One mistake, what it most likely is, and why."""

    answer: Answer
    kind: Kind
    why: str  # one sentence
    near: tuple[Near, ...]  # the most alike first


def near(of: Neighbours, classes: Sequence[str], vectors: np.ndarray, count: int = NEAR) -> list[tuple[Near, ...]]:
    """The `count` training pictures most like each of (B, D) vectors of length one; `classes` are the model's."""
    rows, likeness = of.nearest(vectors, count)
    return [
        tuple(
            Near(int(of.images[i]), classes[int(of.labels[i])], float(like)) for i, like in zip(row, likes, strict=True)
        )
        for row, likes in zip(rows, likeness, strict=True)
    ]


def causes(
    answers: Sequence[Answer], vectors: np.ndarray, of: Neighbours, familiar: Familiar | None, classes: Sequence[str],
    usual: Mapping[str, float],
) -> list[Cause]:  # fmt: skip
    """What each of B wrong answers most likely comes from; `vectors` (B, D) are what the model sees of their pictures.

    `usual` is, for each class, the mean probability that it got on the pictures that bear it. An answer as sure of another
    class as that speaks for a wrong label (confident learning, Northcutt et al. 2021, eq. 1), where most of the nearest
    training pictures bear that other class, too. What this model alone would call "none of these" is something else; of one
    that is not `familiar` with its pictures nothing is told to be that.
    """
    far = np.zeros(len(vectors), bool)
    if familiar is not None:
        far = familiar.distance(vectors) > limit(np.sort(familiar.validation))
    return [
        _cause(answer, around, outside, usual.get(answer.predicted, 1.0))
        for answer, around, outside in zip(answers, near(of, classes, vectors), far, strict=True)
    ]


def _cause(answer: Answer, around: tuple[Near, ...], far: bool, usual: float) -> Cause:
    votes = Counter(one.label for one in around)
    bear = votes[answer.predicted]
    if far:
        return Cause(answer, "outside", f"It lies further from the training pictures of the nearest class than {1 - FALSE_ALARMS:.0%} of the validation pictures do.", around)  # fmt: skip
    if answer.confidence >= usual and bear >= min(AGREE, len(around)):
        why = (
            f"Of the {len(around)} training pictures most like it {bear} are called {answer.predicted}, and the model is as sure "
            f"of that ({answer.confidence:.0%}) as of pictures that are ({usual:.0%} on average)."
        )
        return Cause(answer, "label", why, around)
    if votes[answer.label] > bear:
        why = f"The training pictures most like it are mostly called {answer.label}, as it is, and still the model says {answer.predicted}."
    elif len(votes) > 1:
        why = f"The training pictures most like it are divided: {', '.join(f'{n} {label}' for label, n in votes.most_common())}."
    else:
        why = f"The model is less sure ({answer.confidence:.0%}) than of most pictures called {answer.predicted} ({usual:.0%} on average)."
    return Cause(answer, "hard", why, around)


def usual(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """class -> the mean probability that it got on its own pictures: (N,) int labels, -1 = none, and (N, C)."""
    found = {}
    for at, name in enumerate(classes):
        own = probabilities[labels == at, at]
        if len(own):
            found[name] = float(own.mean())
    return found
