"""A shelf of pictures in a real store and real files, cleaned by the real step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from core import steps
from core.blobs import Blobs
from core.engine.serial import Serial
from core.model import Candidate, Claim, Decision, Finding, ImageRecord, Progress, Project
from core.pixels import ingest
from core.settings import load
from db.store import Store
from tests.db.conftest import operation


class Shelf:
    def __init__(self, store: Store, classes: tuple[str, ...] = ("sedan", "coupe", "suv")) -> None:
        self.store, self.settings = store, load()
        self.blobs = Blobs(self.settings.storage)
        self._id = store.add_project("cars", classes).id
        self.told: list[Progress] = []
        self._position = 0

    @property
    def project(self) -> Project:
        return next(p for p in self.store.projects() if p.id == self._id)

    def add(self, *pictures: bytes, label: str = "sedan", **more: Any) -> list[int]:
        """The pictures as a scrape leaves them; their images' numbers."""
        _, claim = self._claimed("scrape")
        ids = self.add_under(claim, *pictures, label=label, **more)
        self.store.finish(claim, "done")
        return ids

    def add_under(self, claim: Claim, *pictures: bytes, label: str = "sedan", **more: Any) -> list[int]:
        outcomes, candidates, hashes = [], [], []
        for data in pictures:
            facts, thumb = ingest(data)
            self.blobs.put(facts.sha256, data, thumb)
            self._position += 1
            candidates.append(Candidate(f"http://host/{self._position}.jpg", label, "urls", **more))
            outcomes.append((candidates[-1].url, facts, ""))
            hashes.append(facts.sha256)
        self.store.add_candidates(claim, self._id, 0, candidates)
        self.store.add_fetched(claim, self._id, outcomes)
        of = {record.facts.sha256: record.id for record in self.store.images(self._id)}
        return [of[sha256] for sha256 in hashes]

    def context(self, verb: str = "clean") -> steps.Context:
        return steps.Context(self.store, self.blobs, Serial(), self.settings, *self._claimed(verb), self.project)

    def clean(self, watch: Callable[[Progress], None] = lambda _: None, **changes: Any) -> dict[str, Any]:
        """What the step returns; colours and edges describe the pictures unless something else is asked for. `watch` is
        told of all progress, before the step goes on."""
        ctx = self.context()
        self.told = []
        result = self.end(steps.clean(ctx, **{"embedder": "plain"} | changes), watch)
        self.store.finish(ctx.claim, "done", result)
        return result

    def end(self, step: steps.Step, watch: Callable[[Progress], None] = lambda _: None) -> dict[str, Any]:
        """What a step returns at its end."""
        while True:
            try:
                self.told.append(next(step))
                watch(self.told[-1])
            except StopIteration as end:
                return end.value

    def killed(self, when: Callable[[Progress], bool], **changes: Any) -> None:
        """A clean that is cut off as soon as `when` holds."""
        ctx = self.context()
        step = steps.clean(ctx, **{"embedder": "plain"} | changes)
        assert any(when(progress) for progress in step), "it came to its end before"
        step.close()
        self.store.finish(ctx.claim, "stopped")

    def found(self, kind: str) -> dict[int, Finding]:
        return {finding.image: finding for finding in self.store.findings(self._id, kind)}

    def groups(self, kind: str = "near_duplicate") -> list[set[int]]:
        members = defaultdict(set)
        for image, group in self.store.groups(self._id, kind).items():
            members[group].add(image)
        return sorted(members.values(), key=min)

    def record(self, image: int) -> ImageRecord:
        return self.store.images_by_id(self._id, [image])[0]

    def file(self, image: int, kind: str = "images") -> Path:
        return Path(self.blobs.path(self.record(image).facts.sha256, kind))

    def reject(self, images: Iterable[int]) -> None:
        self.store.apply(self._id, operation(*(Decision(image, "reject", "other") for image in images)))

    def _claimed(self, verb: str) -> Any:
        self.store.submit(verb, {}, self._id)
        taken = self.store.claim("here", 3600)
        assert taken is not None
        return taken


@pytest.fixture
def shelf(store: Store) -> Shelf:
    return Shelf(store)
