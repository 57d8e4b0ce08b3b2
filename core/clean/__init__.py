"""From pictures to findings: what the machine thinks is wrong with them. A finding takes nothing out by itself.

A clean goes through five stages. Each keeps what it learns of a picture in the store, once: a job that was killed goes
on where it was, and pictures that come later cost what they weigh.

measure.py     1 every new picture read once: is it still what was fetched?     quality.py  what is wrong with it
               overlay.py      a mark that the pictures of one site carry
embed.py       2 one vector for each picture (core.embed)
compare.py     3 which pictures are one photo, kept as links                     hashes.py   suspects by their hashes
               neighbours.py   suspects by their vectors                         buckets.py  the compiled search
               fields.py  look.py  align.py   the first and the second look      heaps.py    a thousand copies of one
detect.py      4 what stands where in it (core.detectors)
judge.py       5 findings                groups.py  copies, and the one to keep  labels.py   what looks like another class
               crop.py         the part that counts
               stacked.py      tables that are too large for memory                thumb.py  the small picture of each
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.clean.compare import compare
from core.clean.detect import detect, load
from core.clean.embed import embed, embedder
from core.clean.judge import judge
from core.clean.look import ALIKE
from core.clean.measure import measure
from core.clean.quality import KINDS as QUALITY
from core.errors import BadInput
from core.model import TOLD, Cleaning, Progress, Project

if TYPE_CHECKING:
    from db.store import Store
__all__ = [
    "KINDS",
    "QUALITY",
    "changed",
    "cleaned",
    "compare",
    "detect",
    "embed",
    "embedder",
    "judge",
    "last",
    "load",
    "measure",
    "told",
]

KINDS: dict[str, str] = {
    "corrupt": "The stored file can no longer be read as the image it was.",
    "label_conflict": "Copies of this picture stand in different classes: at most one of them can be right.",
    "label_issue": "It looks more like another class than like its own.",
    "far_from_class": "It looks like nothing else in its class.",
    "exact_duplicate": "The same picture, pixel by pixel, is in the project more than once.",
    "near_duplicate": "The same photo is there in another size, cut, mirrored or saved again.",
    "no_box": "The detector saw nothing of what you look for in it. The picture stays whole.",
    "several_boxes": "Several things of what you look for are in it, of about the same size.",
    "cut_by_border": "What you look for is cut off by the border of the picture.",
    "small_box": "What you look for is only a small part of the picture. The picture stays whole.",
    **{kind: about.sentence for kind, about in QUALITY.items()},
    TOLD: "Somebody asked about it on the page Predict, found the answer wrong, and said what it is.",
}


def cleaned(store: Store, project: Project) -> bool:
    """Whether everything that was fetched has been checked: a check ended that began after the newest fetch, and no
    picture came since it began, as one does of a fetch that was stopped and went on.

    The demo's job fetches and checks; a split checks first where nobody has.
    """

    def newest(verbs: Sequence[str], done: bool) -> int:
        found = (job for verb in verbs for job in store.jobs(project.id, verb))
        return max((job.id for job in found if job.status == "done" or not done), default=0)

    ended = newest(("clean", "demo", "split"), done=True) >= max(1, newest(("scrape", "demo"), done=False))
    return ended and store.newest_image(project.id) <= project.cleaning.checked


def last(store: Store, project: Project) -> Mapping[str, Any]:
    """What the newest clean that ended said (`core.clean.judge`), a split's too; empty where there was none."""
    jobs = (job for verb in ("clean", "demo", "split") for job in store.jobs(project.id, verb))
    said = {job.id: result for job in jobs if "borders" in (result := job.result.get("clean", job.result))}
    return said[max(said)] if said else {}


def changed(was: Cleaning, changes: Mapping[str, Any]) -> Cleaning:
    """`changes`: likeness, embedder, detector, want, margin, least; None leaves one as it was. Raises BadInput."""
    from core.detectors import DETECTORS, NAMES
    from core.embed import PLAIN
    from core.weights import known

    given = {name: value for name, value in changes.items() if value is not None}
    names = ("detector", "want", "margin", "least")
    crop = replace(was.crop, **{name: given.pop(name) for name in names if name in given})
    how = replace(was, **given, crop=crop)
    for name, value, low in (("likeness", how.likeness, ALIKE), ("margin", crop.margin, 0), ("least", crop.least, 0)):
        if not low <= value <= 1:
            raise BadInput(f"{name}={value} does not fit: wanted a number from {low} to 1.")
    if crop.detector not in ("none", *DETECTORS):
        raise BadInput(f"detector={crop.detector!r} is not known: wanted one of none, {', '.join(DETECTORS)}.")
    for name in crop.want:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 3) or list(NAMES)[:5]
            raise BadInput(f"want={name!r} is nothing the detectors know: they know {', '.join(near)}, and others.")
    if crop.detector != "none" and not crop.want:
        raise BadInput("A detector wants to know what to look for: name it, as in --want car,truck.")
    if changes.get("embedder") not in (None, "auto", PLAIN):
        known(how.embedder)
    if changes.get("want") and crop.detector == "none":
        raise BadInput(f"want={','.join(crop.want)!r} wants a detector: choose one, as in --detector yolo.")
    return how


def told(stages: Sequence[tuple[str, Generator[Progress, None, Any]]]) -> Generator[Progress, None, Any]:
    """The stages one after the other, each with its number, name and pace; what the last one returns.

    What a stage held goes with it: a network holds 400 MB for its next pictures.
    """
    from core.device import free_memory

    result = None
    for number, (name, stage) in enumerate(stages, start=1):
        detail = {"stage": {"number": number, "of": [name for name, _ in stages], "began": time.time()}}
        yield Progress(0, None, name, detail)
        with closing(stage):
            while True:
                try:
                    progress = next(stage)
                except StopIteration as end:
                    result = end.value
                    break
                yield replace(progress, detail=detail)
        free_memory()
    return result
