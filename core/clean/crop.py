"""Which part of a picture shows the thing: a box beside the image, chosen from what a detector saw.

The image stays whole, whatever is found: no box is a finding, never a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.model import Box, Cropping, Detection

KINDS = ("no_box", "several_boxes", "cut_by_border", "small_box")  # what they mean: core.clean.KINDS
SURE = 0.25  # the score from which on a detection counts
ONE_THING = 0.7  # of the smaller box inside the other one: both are one thing, a car that is seen as a truck as well
SIMILAR = 0.4  # of the largest box's area: another thing of such a size could be meant as well
BORDER = 0.01  # of the picture's side: boxes end a little before the thing does
TOUCHING = 0.2  # of the box's outline on the border; a tightly framed car touches it with one bumper, and is whole


@dataclass(frozen=True, slots=True)
class Crop:
    """What `choose` made of one picture."""

    box: Box | None = None  # with its margin; None = the whole picture
    findings: tuple[tuple[str, float, str], ...] = ()  # kind, score 0..1, note


def choose(detections: Sequence[Detection], width: int, height: int, how: Cropping) -> Crop:
    """The largest thing of the wanted names in a picture of `width` x `height` px, and what is odd about it.

    A box under `how.least` of the picture's area is a finding and no crop: the picture stays whole.
    """
    wanted = [one for one in detections if one.label in set(how.want)]
    things = sorted(_things([one for one in wanted if one.score >= SURE]), key=lambda one: -_area(one.box))
    if not things:
        return Crop(None, (("no_box", *_missing(wanted, how.want)),))
    main = things[0]
    small = _small(main, width, height, how.least)
    found = {
        "several_boxes": _several(things),
        "cut_by_border": _cut(main, width, height),
        "small_box": small,
    }
    box = None if small else _widened(main.box, width, height, how.margin)
    return Crop(box, tuple((kind, round(said[0], 4), said[1]) for kind, said in found.items() if said))


def _things(detections: Sequence[Detection]) -> list[Detection]:
    """One detection for each thing. Large and sure ones speak first, so neither a window of a car nor a doubtful box
    around two cars takes the place of a car."""
    kept: list[Detection] = []
    for one in sorted(detections, key=lambda one: -one.score * _area(one.box)):
        if all(_shared(one.box, other.box) < ONE_THING for other in kept):
            kept.append(one)
    return kept


def _missing(wanted: Sequence[Detection], want: Sequence[str]) -> tuple[float, str]:
    names = " or ".join(filter(None, (", ".join(want[:-1]), *want[-1:])))
    best = max(wanted, key=lambda one: one.score, default=None)
    if best is None:
        return 1.0, f"no {names} was found"
    return round(1 - best.score, 4), f"no {names} was found; the best guess is a {best.label} at {best.score:.0%}"


def _several(things: Sequence[Detection]) -> tuple[float, str] | None:
    """How sure: the share of the largest one that the next one has, times its own score."""
    similar = [one for one in things[1:] if _area(one.box) >= SIMILAR * _area(things[0].box)]
    if not similar:
        return None
    score = max(one.score * _area(one.box) / _area(things[0].box) for one in similar)
    return score, f"{len(similar) + 1} things of similar size, the largest one is a {things[0].label}"


def _cut(main: Detection, width: int, height: int) -> tuple[float, str] | None:
    """How sure: the share of the box's outline that lies on the border of the picture."""
    left, top, right, bottom = main.box
    across, down = right - left, bottom - top
    touching = {
        "left": down if left <= BORDER * width else 0.0,
        "top": across if top <= BORDER * height else 0.0,
        "right": down if right >= (1 - BORDER) * width else 0.0,
        "bottom": across if bottom >= (1 - BORDER) * height else 0.0,
    }
    sides = [side for side, length in touching.items() if length]
    score = sum(touching.values()) / (2 * (across + down))
    if score < TOUCHING:
        return None
    return score, f"the {main.label} reaches the border: {', '.join(sides)}"


def _small(main: Detection, width: int, height: int, least: float) -> tuple[float, str] | None:
    """0.5 just under the limit, towards 1 for the smallest."""
    share = _area(main.box) / (width * height)
    if share >= least:
        return None
    return 1 - share / (2 * least), f"the {main.label} takes up {share:.1%} of the picture; {least:.1%} are wanted"


def _widened(box: Box, width: int, height: int, margin: float) -> Box:
    left, top, right, bottom = box
    across, down = margin * (right - left), margin * (bottom - top)
    return max(left - across, 0.0), max(top - down, 0.0), min(right + across, width), min(bottom + down, height)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _shared(one: Box, other: Box) -> float:
    """The share of the smaller box that lies in the other one."""
    both = (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    common = max(both[2] - both[0], 0.0) * max(both[3] - both[1], 0.0)
    smaller = min(_area(one), _area(other))
    return common / smaller if smaller else 1.0
