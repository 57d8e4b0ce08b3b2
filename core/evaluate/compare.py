"""Two models on the same pictures: which one is better, for each class, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.model import Paired

SURE = 0.05  # differences as large come by chance in one of twenty comparisons of equal models


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more of a class the first of two models finds than the second."""

    label: str  # "" = all classes together
    images: int
    gain: float  # accuracy of the first - accuracy of the second, -1..1
    low: float  # its 95 % interval
    high: float
    p: float  # of McNemar's test; for a class, corrected for the number of classes (Holm 1979)

    @property
    def sure(self) -> bool:
        return self.p < SURE


def mcnemar(first: int, second: int) -> float:
    """The two-sided exact p of McNemar's test (1947): of the pictures that one model alone has right, `first` and `second`
    are counted; if the models were equal each would be a coin's toss."""
    from scipy.stats import binomtest

    return float(binomtest(first, first + second).pvalue) if first + second else 1.0


def gain(pairs: Paired) -> tuple[float, float, float]:
    """(difference of two shares of the same pictures, low, high): the adjusted Wald interval of Agresti and Min 2005."""
    total = pairs.total
    n, first, second = total + 2, pairs.first + 0.5, pairs.second + 0.5
    middle = (first - second) / n
    half = 1.959963984540054 * ((first + second) - (first - second) ** 2 / n) ** 0.5 / n
    point = (pairs.first - pairs.second) / max(total, 1)
    return point, max(-1.0, min(point, middle - half)), min(1.0, max(point, middle + half))


def differences(pairs: Mapping[str, Paired]) -> tuple[Difference, list[Difference]]:
    """All classes together, and each class, the largest gain first; `pairs` are by true class."""
    whole = Paired(*(sum(getattr(one, name) for one in pairs.values()) for name in Paired.__slots__))
    each = {label: mcnemar(one.first, one.second) for label, one in pairs.items()}
    corrected, worst = {}, 0.0
    for place, label in enumerate(sorted(each, key=each.__getitem__)):
        worst = max(worst, min(1.0, each[label] * (len(each) - place)))
        corrected[label] = worst
    rows = [Difference(label, one.total, *gain(one), corrected[label]) for label, one in pairs.items()]
    overall = Difference("", whole.total, *gain(whole), mcnemar(whole.first, whole.second))
    return overall, sorted(rows, key=lambda row: (-row.gain, row.label))


def sentence(first: str, second: str, overall: Difference, each: Sequence[Difference]) -> str:
    """What the comparison comes to, in words a reader can act on."""
    if not overall.images:
        return "There is no picture that both were asked about."
    words = f"{_amount(abs(overall.gain))} percentage points"
    if overall.sure:
        better, worse = (first, second) if overall.gain > 0 else (second, first)
        said = f"{better} is better than {worse} by {words}; that is hardly chance (p = {_p(overall.p)})."
    elif overall.gain:
        ahead = first if overall.gain > 0 else second
        said = f"{ahead} has {words} more right on these pictures, which may be chance (p = {_p(overall.p)})."
    else:
        said = "Both have equally many pictures right."
    for name, rows in ((first, [r for r in each if r.sure and r.gain > 0]), (second, [r for r in each if r.sure and r.gain < 0])):  # fmt: skip
        if rows:
            said += f" {name} is better on {_listed([row.label for row in rows])}."
    if not any(row.sure for row in each):
        said += " For no single class is the difference beyond chance."
    return said


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _amount(share: float) -> str:
    return f"{100 * share:.1f}"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else "under 0.001"
