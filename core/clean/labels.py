"""Pictures that do not look like their class: more like another one of the project, or like none.

What to expect (tests/bench/labels.py, a network's vectors): of label issues, planted among ten per cent, three of four
to nine of ten are right, and half to nine tenths of the wrong labels are found; the more alike the classes, the fewer.
Pictures far from their class are junk where there is junk; in a set without any they are the class's rare views, such as
folded shirts among worn ones. Strangers of a sister class mostly show as label issues. The plain descriptor finds less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.model import Finding

if TYPE_CHECKING:
    import numpy as np

LEAST = 5  # different photos of a class: of fewer nobody can tell what is usual
LEAD = 0.4  # another class must be likelier than the given one by as much


def left_out(labels: Sequence[str], photos: Sequence[Hashable]) -> dict[str, str]:
    """Class -> the sentence that says why its pictures were not compared with their class. `photos`: of each label, which
    photo it belongs to; copies are one."""
    counts = Counter(label for label, _ in set(zip(labels, photos, strict=True)))
    return {
        label: f"Class {label!r} has only {count} of the at least {LEAST} different photos that it takes to know its look."
        for label, count in sorted(counts.items())
        if count < LEAST
    }


def issues(
    vectors: np.ndarray, labels: Sequence[str], images: Sequence[int], together: Mapping[int, str] | None = None,
    folder: Path | None = None,
) -> Iterator[Finding]:  # fmt: skip
    """Findings `label_issue` and `far_from_class`; `vectors` is (N, D), float16 or float32, a row for each image.

    `together`: image -> group of copies; copies never speak for each other. Images of a class with fewer than LEAST
    are passed over (`left_out`). The same input gives the same findings. `folder`: as of `stacked`.
    """
    import numpy as np

    from core.clean import classes as c
    from core.clean.outliers import LIMIT, strangeness

    photos = [(together or {}).get(i, f"image {i}") for i in images]
    short = left_out(labels, photos).keys()
    rows = [i for i, label in enumerate(labels) if label not in short]
    if not rows:
        return
    ids = [images[i] for i in rows]
    names, of = _numbered([labels[i] for i in rows])
    copies = _numbered([photos[i] for i in rows])[1]
    reduced = c.reduced(vectors, np.array(rows), folder=folder)
    white = c.whitened(reduced, folder)
    if len(names) > 1:
        for some, chances, near in c.probabilities(reduced, white, of, copies):
            yield from _label_issues(ids[some], names, of[some], chances, near)
    strange = strangeness(reduced, white, of, copies)
    sizes = np.bincount(of)
    for i in np.flatnonzero(strange >= LIMIT).tolist():
        as_strange = int((strange[of == of[i]] >= strange[i]).sum())
        note = (
            f"unlike the other pictures of {names[of[i]]}: number {as_strange} of {sizes[of[i]]}, the strangest first"
        )
        score = float(strange[i] / (strange[i] + LIMIT))
        yield Finding(ids[i], "far_from_class", round(score, 4), "embedding", note=note)


def _numbered(names: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """What there is in order, and (N,) the number of each. (`np.unique` would make room for the longest N times.)"""
    import numpy as np

    known = sorted(set(names))
    number = {name: k for k, name in enumerate(known)}
    return known, np.array([number[name] for name in names])


def _label_issues(
    ids: Sequence[int], names: Sequence[str], of: np.ndarray, chances: np.ndarray, near: np.ndarray
) -> Iterator[Finding]:
    """Of some pictures. `chances`: (B, C) probabilities; `near`: (B, C) how many of the nearest pictures are of each class.

    The score is cleanlab's normalized margin, turned so that 1 is surest (Northcutt et al. 2021, Kuan and Mueller 2022).
    """
    import numpy as np
    from cleanlab.rank import get_label_quality_scores

    quality = get_label_quality_scores(of, chances.astype(np.float64), method="normalized_margin")
    for i in np.flatnonzero(
        1 - 2 * quality >= LEAD
    ).tolist():  # the margin runs from 1, surely right, to 0, surely wrong
        other, given = int(chances[i].argmax()), int(of[i])
        note = (
            f"looks more like {names[other]} ({chances[i, other]:.0%}) than {names[given]} ({chances[i, given]:.0%}); "
            f"{near[i, other]} of the {near[i].sum()} most similar pictures are {names[other]}"
        )
        yield Finding(ids[i], "label_issue", round(float(1 - quality[i]), 4), "embedding", note=note)
