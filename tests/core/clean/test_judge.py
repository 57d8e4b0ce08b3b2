"""What was measured becomes findings, and examples on either side of each threshold."""

from __future__ import annotations

import random

from core.clean.judge import EXAMPLES, quality
from core.clean.quality import KINDS
from core.model import Measure

LIMIT = KINDS["blurred"].threshold


def measures(scores: list[float]) -> list[Measure]:
    return [Measure(image, {"blurred": score}) for image, score in enumerate(scores, start=1)]


def test_what_is_at_its_threshold_or_above_is_a_finding() -> None:
    found, _ = quality(measures([LIMIT, LIMIT - 0.01, 1.0, 0.0]))
    assert [(one.image, one.kind) for one in found] == [(1, "blurred"), (3, "blurred")]


def test_a_picture_that_cannot_be_read_is_corrupt_and_says_why() -> None:
    found, _ = quality([Measure(7, fault="The file is cut off.")])
    assert [(one.image, one.kind, one.note) for one in found] == [(7, "corrupt", "The file is cut off.")]


def test_the_examples_are_the_nearest_to_the_threshold_on_either_side_the_nearest_first() -> None:
    scores = [round(random.Random(5).random(), 2) if i % 9 else 0.0 for i in range(300)]
    random.Random(1).shuffle(scores)
    scores += [i / 100 for i in range(100)]
    border = quality(measures(scores))[1]["blurred"]
    ranked = sorted((score, image) for image, score in enumerate(scores, start=1))
    over = [image for score, image in ranked if score >= LIMIT]
    under = [image for score, image in ranked if 0 < score < LIMIT]
    assert border == {"threshold": LIMIT, "over": over[:EXAMPLES], "under": under[::-1][:EXAMPLES]}


def test_a_kind_that_nothing_was_measured_for_has_a_threshold_and_no_examples() -> None:
    assert quality([])[1]["dark"] == {"threshold": KINDS["dark"].threshold, "over": [], "under": []}
