"""What is said of a group of copies, and what a press decides: `pages/parts/grouped.py` draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.clean.groups import best, worth
from core.clean.look import COPY, SURE
from core.model import DUPLICATE, UNKNOWN_LICENCE, Decision, ImageRecord, Measure
from db.store.groups import CONFLICT, EXACT, NEAR, Member

ABOUT = {
    "": "Each box is one photo that is here more than once. Keep one copy of it, or say that they are different photos.",
    CONFLICT: "The same photo stands in different classes, and at most one of them is right. Choose the class: the copy "
              "that stays gets it.",
    NEAR: "The same photo in another size, cut, mirrored or saved again. Keep one copy, or say that they are different "
          "photos.",
    EXACT: "The same picture, pixel by pixel. Nothing is lost when all copies but one go.",
}  # fmt: skip
TITLES = {"": "All", CONFLICT: "Different classes", NEAR: "Near copies", EXACT: "Exact copies"}


@dataclass(frozen=True, slots=True)
class Proposal:
    image: int
    why: str


def propose(members: Sequence[Member], measures: Mapping[int, Measure]) -> Proposal:
    """The copy to keep, and why in words."""
    images, licensed = [one.image for one in members], {one.image.id for one in members if licence(one)}
    chosen = best(images, measures, licensed)
    return Proposal(chosen.id, ", ".join(reasons(images, chosen, measures, licensed)))


def reasons(
    images: Sequence[ImageRecord], chosen: ImageRecord, measures: Mapping[int, Measure], licensed: Collection[int]
) -> list[str]:
    """What decided for the chosen one, in the order in which it was asked."""
    rest, said = [one for one in images if one is not chosen], []
    for words, value in worth(images, measures, licensed):
        if any(value(one) < value(chosen) for one in rest):
            said.append(words)
        rest = [one for one in rest if value(one) == value(chosen)]
    return said or ["all are equally good, and it came first"]


def likeness(member: Member, chosen: ImageRecord) -> str:
    """How like the chosen copy it is, in words."""
    if member.image.facts.pixels == chosen.facts.pixels:
        return "the same pixels"
    if member.likeness >= COPY:
        return "the same photo, saved again"
    return "surely the same photo" if member.likeness >= SURE else "looks alike"


def licence(member: Member) -> str:
    """The first one known; "" = none is."""
    named = (origin.candidate.licence for origin in member.origins)
    return next((name for name in named if name not in ("", UNKNOWN_LICENCE)), "")


def host(member: Member) -> str:
    """Where it came from: `images.example.org and 2 more`."""
    hosts = list(dict.fromkeys(urlsplit(origin.candidate.url).hostname or "this computer" for origin in member.origins))
    return (hosts[0] if hosts else "unknown") + (f" and {len(hosts) - 1} more" if len(hosts) > 1 else "")


def classes(members: Sequence[Member], known: Collection[str]) -> list[str]:
    """The classes that a group's copies carry, the one most of them have first.

    Of a picture that nobody decided on, those of all places it came from.
    """
    carried: Counter[str] = Counter()
    for one in members:
        named = {one.image.label}
        if one.image.verdict == "undecided":
            named |= {origin.candidate.label for origin in one.origins}
        carried.update(named)
    return [label for label, _ in sorted(carried.items(), key=lambda item: (-item[1], item[0])) if label in known]


def keep_one(images: Sequence[ImageRecord], kept: int, label: str = "") -> tuple[Decision, ...]:
    """All others are rejected as copies. The one that stays is decided on only where its class is chosen with it."""
    others = tuple(Decision(one.id, "reject", DUPLICATE, version=one.version) for one in images if one.id != kept)
    version = next(one.version for one in images if one.id == kept)
    return (*others, Decision(kept, "keep", DUPLICATE, label, version)) if label else others


def keep_all(images: Sequence[ImageRecord]) -> tuple[Decision, ...]:
    """They are different photos."""
    return tuple(Decision(one.id, "keep", DUPLICATE, version=one.version) for one in images if one.verdict != "keep")
