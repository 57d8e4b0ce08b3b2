"""Pictures of something else: which ones an evaluation is given to be fooled by.

They come from other projects of the same home (what is kept there) and from this project's own rejects that show none of
its classes: interiors, posters, other makes. A picture that this project has as well, or a copy of one, is no distractor.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.model import DUPLICATE, ImageRecord

if TYPE_CHECKING:
    from core.model import Project, Split
    from db.store import Store

REJECTED = "rejected"  # instead of a project's name: this project's own
MOST = 500  # pictures drawn of each source: a share of them is then known to within 2 to 4 percentage points
SEED = 0
ALIKE = 6  # bits of 64: what was resized, recompressed or mirrored lies within (core.clean.compare)
BLOCK = 64  # pictures compared with all of the project's at once
# Rejected for these reasons a picture still shows its class, or says nothing of what it shows.
OWN_CLASS = (DUPLICATE, "several objects", "blurred", "too small in the picture", "part only")


@dataclass(slots=True)
class Source:
    """One source of distractors, and what became of its pictures."""

    name: str  # of a project, or REJECTED
    found: int = 0  # pictures that might be taken
    copies: int = 0  # left out: the project has them, or a copy
    same_class: int = 0  # left out: they bear the name of one of the classes
    unreadable: int = 0
    records: list[ImageRecord] = field(default_factory=list)  # those drawn


def check(store: Store, project: Project, names: Sequence[str]) -> None:
    """Raises BadInput for what is neither another project nor REJECTED."""
    there = [other.name for other in store.projects() if other.id != project.id]
    for name in names:
        if name == project.name:
            raise BadInput(
                f"{name!r} cannot be its own distractor: name another project, or {REJECTED!r} for its rejects."
            )
        if name != REJECTED and name not in there:
            raise BadInput(
                f"There is no other project {name!r} to take distractors from: wanted {REJECTED!r}"
                + (f" or one of {', '.join(there[:20])}." if there else ".")
            )


def draw(store: Store, project: Project, split: Split, names: Sequence[str]) -> list[Source]:
    """MOST pictures at most of each source, always the same ones. Raises BadInput as `check` does, and where none is left."""
    names = list(dict.fromkeys(names))
    check(store, project, names)
    inside, groups = (
        {image for part in split.parts.values() for image, _ in part},
        store.groups(project.id, "near_duplicate"),
    )
    known, copied, upright, rejects = set[str](), set[str](), [], []
    for record in store.images(project.id):
        if record.verdict == "reject" and record.id not in inside:
            rejects.append(record)
            continue
        known |= {record.facts.sha256, record.facts.pixels}
        upright.append(record.facts.hashes[0])
        copied |= {groups[record.id]} if record.id in groups else set()
    hashes = np.array(upright, np.uint64)
    found = []
    for name in names:
        if name == REJECTED:
            there = [r for r in rejects if r.reason not in OWN_CLASS]
            new = [r for r in there if not {r.facts.sha256, r.facts.pixels} & known and groups.get(r.id) not in copied]
            source = Source(name, len(there), len(there) - len(new))
        else:
            there = list(store.images(store.project(name).id, ("keep", "undecided")))
            other = [r for r in there if r.label not in split.classes]
            new = [r for r in other if not {r.facts.sha256, r.facts.pixels} & known]
            alike = near(np.array([r.facts.hashes for r in new], np.uint64).reshape(-1, 8), hashes)
            new = [r for r, copy in zip(new, alike, strict=True) if not copy]
            source = Source(name, len(there), len(other) - len(new), len(there) - len(other))
        source.records = random.Random(SEED).sample(new, min(MOST, len(new)))
        known |= {r.facts.sha256 for r in source.records}  # no picture counts twice
        found.append(source)
    if not any(source.records for source in found):
        raise BadInput(f"There is no picture of something else in {', '.join(names)}: choose other distractors.")
    return found


def near(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N, 8) uint64 dihedral hashes, (K,) uint64 upright ones -> (N,) bool: one of the K is within ALIKE bits, turned or not."""
    found = np.zeros(len(hashes), bool)
    for start in range(0, len(hashes), BLOCK):
        some = slice(start, start + BLOCK)
        for turned in hashes[some].T if len(known) else ():
            found[some] |= (np.bitwise_count(turned[:, None] ^ known) <= ALIKE).any(axis=1)
    return found
