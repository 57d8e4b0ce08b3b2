"""A project, claims and images for the tests of the store."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

import pytest

from core.model import Candidate, Claim, Decision, Finding, ImageFacts, Operation, Project
from db.store import Store


def candidate(url: str, label: str = "sedan", **more: str) -> Candidate:
    return Candidate(url, label, "urls", **more)


def facts(name: str) -> ImageFacts:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return ImageFacts(sha256, sha256[::-1], 640, 480, "JPEG", 1000, (2**64 - 1, 0, 1, 2, 3, 4, 5, 6))


def operation(*decisions: Decision, who: str = "ann", undoes: str = "") -> Operation:
    return Operation(str(uuid.uuid4()), who, decisions, undoes)


def reject(image: int, version: int | None = None, reason: str = "interior") -> Decision:
    return Decision(image, "reject", reason, version=version)


def finding(image: int, kind: str = "too_small", score: float = 0.5, group: str = "") -> Finding:
    return Finding(image, kind, score, "size", group)


def statuses(store: Store, job: int) -> dict[str, int]:
    """status -> how many of the job's candidates."""
    found: dict[str, int] = {}
    for (_, _, status, _), number in store.tally(job).items():
        found[status] = found.get(status, 0) + number
    return found


@pytest.fixture
def project(store: Store) -> Project:
    return store.add_project("cars", ["sedan", "coupe"])


@pytest.fixture
def claim(store: Store, project: Project) -> Callable[..., Claim]:
    """A job of this verb, claimed."""

    def claim(verb: str = "scrape", need: str = "cpu") -> Claim:
        job = store.submit(verb, {}, project.id, need)
        while True:
            claimed = store.claim("here", 60)
            assert claimed, f"job {job.id} was taken by someone else"
            if claimed[1].job == job.id:
                return claimed[1]

    return claim


@pytest.fixture
def images(store: Store, project: Project, claim: Callable[..., Claim]) -> Callable[..., list[int]]:
    """n images of a label; their ids."""

    def images(n: int, label: str = "sedan", name: str = "picture") -> list[int]:
        by = claim()
        urls = [f"http://host/{name}/{label}/{i}" for i in range(n)]
        store.add_candidates(by, project.id, 0, [candidate(url, label) for url in urls])
        store.add_fetched(by, project.id, [(url, facts(url), "") for url in urls])
        store.finish(by, "done")
        return [record.id for record in store.images(project.id) if record.origin in set(urls)]

    return images
