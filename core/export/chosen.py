"""Which pictures an export holds: those of the newest split, in its parts and under its classes, or all that are kept.

A rejected picture is never among them, also where it was rejected after the split was frozen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.credits import known_first
from core.credits.attribution import allowed, licence
from core.errors import BadInput
from core.licences import FILTERS
from core.model import PARTS, Box, ImageRecord, Origin, Project, Split

if TYPE_CHECKING:
    from db.store import Store

ONE_PART = "train"  # what everything is called where there is no split, as data sets without one are elsewhere


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an export."""

    record: ImageRecord
    origins: tuple[Origin, ...]  # what counts for its licence is the first; never empty
    part: str
    label: str
    box: Box | None  # what of it counts, px of the upright picture


class Chosen:
    """The pictures of a project that go out, in order of their number. Read as often as it is gone through, in short
    transactions; `left_out` tells of the last time."""

    def __init__(self, store: Store, project: Project, wanted: str = "") -> None:
        """`wanted`, a key of FILTERS, lets only pictures of such a licence pass ("" = all). Raises BadInput for another
        word, and where nothing is kept at all."""
        if wanted and wanted not in FILTERS:
            raise BadInput(f"{wanted!r} is no licence filter: wanted one of {', '.join(FILTERS)}.")
        self._store, self.project, self.wanted = store, project, wanted
        number = store.newest_split(project.id)
        self.split: Split | None = store.split(project.id, number) if number else None
        parts = self.split.parts if self.split else {}
        self._of = {image: (part, label) for part, members in parts.items() for image, label in members}
        self.classes = self.split.classes if self.split else project.classes
        self.parts: tuple[str, ...] = tuple(part for part in PARTS if parts.get(part)) or (ONE_PART,)
        funnel = store.funnel(project.id)
        self.most = len(self._of) if self.split else funnel.kept  # pictures, before the licence is looked at
        self.left_out: Counter[str] = Counter()
        if not funnel.kept:
            raise BadInput("There is no picture to export: fetch some first, or take back some rejections.")

    def __iter__(self) -> Iterator[Picture]:
        self.left_out = Counter({"rejected": sum(self.rejections().values())})
        for record, origins in self._store.kept_origins(self.project.id):
            part, label = self._of.get(record.id, ("", "")) if self.split else (ONE_PART, record.label)
            origins = known_first(record, origins)
            if not part:
                self.left_out["not in the split"] += 1
            elif not allowed(licence(origins[0].candidate.licence), self.wanted):
                self.left_out["licence"] += 1
            else:
                box = self.split.boxes.get(record.id) if self.split else record.box
                yield Picture(record, origins, part, label, box)

    def rejections(self) -> Counter[str]:
        """reason -> how many pictures were rejected for it; "no reason given" where nobody gave one."""
        counted = (record.reason or "no reason given" for record in self._store.images(self.project.id, ("reject",)))
        return Counter(counted)
