"""A project whose pictures are there, and two trained networks on its split."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import settings as core_settings
from core.blobs import Blobs
from core.model import Decision, Operation, Project
from core.settings import Settings
from tests.drawn import CLASSES, tiny_backbones, trained
from tests.pages import filled

Export = Callable[..., dict[str, Any]]


def end(step: Generator[Any, None, dict[str, Any]]) -> dict[str, Any]:
    """What a step returns."""
    while True:
        try:
            next(step)
        except StopIteration as over:
            return over.value


@pytest.fixture
def blobs(home: Path) -> Blobs:
    return Blobs(str(home.absolute()))


@pytest.fixture
def settings(home: Path) -> Settings:
    return core_settings.load()


@pytest.fixture
def project(store, home: Path) -> Project:
    """36 pictures: 18 train, 14 val, 4 test; nobody decided anything."""
    made = filled.scraped(store, home, classes=CLASSES)
    filled.split(store, made, leak=0)
    return made


@pytest.fixture
def export(store, blobs: Blobs, project: Project, tmp_path: Path) -> Export:
    """`export("coco", licence="open")` into the folder `out`."""
    from core.export.dataset import dataset

    def run(form: str, to: Path = tmp_path / "out", licence: str = "") -> dict[str, Any]:
        return end(dataset(store, blobs, project, form, to, licence))

    return run


def reject(store, project: Project, image: int, reason: str = "interior") -> None:
    store.apply(project.id, Operation(f"reject {image}", "ann", (Decision(image, "reject", reason),)))


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Checkpoints of tiny24 and tiny32."""
    folder = tmp_path_factory.mktemp("networks")
    with tiny_backbones():
        for name in ("tiny24", "tiny32"):
            trained(name, folder / name, epochs=2)
    yield folder


@pytest.fixture
def runs(store, home: Path, project: Project, networks: Path) -> Iterator[list[int]]:
    """Two runs with their checkpoints."""
    import shutil

    with tiny_backbones():
        made = filled.trained(store, project, ("tiny24", "tiny32"), epochs=2)
        for run, name in zip(made, ("tiny24", "tiny32"), strict=True):
            shutil.copytree(networks / name, home / "runs" / str(run))
        yield made
