"""Maps kept beside the run: read after a restart, worked out anew where anything they depend on is another one."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import explained
from core.checkpoint import Model
from core.errors import BadInput
from core.explained import FOLDER, ask
from core.faithful import RANDOM
from tests.drawn import drawn, tiny_backbones, trained

PICTURE = drawn(3, 24, 5).pixels[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with tiny_backbones():
        yield trained("tiny24", tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = tmp_path / "runs" / "7"
    run.mkdir(parents=True)
    return run


def files(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_ino for path in (folder / FOLDER).rglob("*") if path.is_file()}


def test_what_was_asked_is_read_the_next_time(model: Model, folder: Path) -> None:
    first = ask(model, 7, folder, PICTURE, ["red", "blue"], "shap", 5)
    written = files(folder)
    assert len(written) == 2
    second = ask(model, 7, folder, PICTURE, ["blue", "red"], "shap", 5)
    assert files(folder) == written
    for one, other in zip(first, reversed(second), strict=True):
        assert np.array_equal(one.heat, other.heat) and np.array_equal(other.pixels, PICTURE)
        named = [field.name for field in dataclasses.fields(one) if field.name not in ("heat", "pixels")]
        assert all(getattr(one, name) == getattr(other, name) for name in named)
        assert 0 <= one.deletion <= 1 and 0 <= one.insertion <= 1


def test_a_figure_that_there_is_not_stays_none(model: Model, folder: Path) -> None:
    for _ in range(2):
        [found] = ask(model, 7, folder, PICTURE, ["red"], "saliency", 5)
        assert np.isnan(found.additivity) and found.seconds > 0


def test_all_that_a_map_depends_on_makes_it_another_one(model: Model, folder: Path) -> None:
    ask(model, 7, folder, PICTURE, ["red"], "shap", 5)
    other = copy.deepcopy(model.net)
    with torch.no_grad():
        other.logits.weight += 0.01
    for changed in (
        lambda: ask(model, 7, folder, PICTURE[::-1], ["red"], "shap", 5),
        lambda: ask(model, 7, folder, PICTURE, ["green"], "shap", 5),
        lambda: ask(model, 7, folder, PICTURE, ["red"], "saliency", 5),
        lambda: ask(model, 7, folder, PICTURE, ["red"], "shap", 6),
        lambda: ask(dataclasses.replace(model, net=other), 7, folder, PICTURE, ["red"], "shap", 5),
    ):
        before = len(files(folder))
        changed()
        assert len(files(folder)) == before + 1


def test_a_file_that_is_damaged_is_worked_out_again(model: Model, folder: Path) -> None:
    [found] = ask(model, 7, folder, PICTURE, ["red"], "shap", 5)
    [path] = files(folder)
    path.write_bytes(path.read_bytes()[:50])
    [again] = ask(model, 7, folder, PICTURE, ["red"], "shap", 5)
    assert again.heat == pytest.approx(found.heat) and path.stat().st_size > 50


def test_the_folder_of_a_run_that_was_deleted_does_not_come_back(model: Model, folder: Path) -> None:
    folder.rmdir()
    [found] = ask(model, 7, folder, PICTURE, ["red"], "shap", 5)
    assert found.heat.any() and not folder.exists()


def test_nothing_is_kept_of_what_cannot_be_explained(model: Model, folder: Path) -> None:
    with pytest.raises(BadInput, match="grey"):
        ask(model, 7, folder, PICTURE, ["grey"], "shap", 5)
    assert not files(folder)


def test_the_random_order_is_asked_for_like_an_explainer(model: Model, folder: Path) -> None:
    first, second = (ask(model, 7, folder, PICTURE, ["red"], RANDOM, 5)[0] for _ in range(2))
    assert (first.deletion, first.insertion) == (second.deletion, second.insertion)
    assert first.explainer == RANDOM and len(files(folder)) == 1


def test_the_maps_nobody_looked_at_for_longest_make_room(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("red", "green", "blue")
    for age, label in zip((30, 20, 10), labels, strict=True):
        before = set(files(folder))
        ask(model, 7, folder, PICTURE, [label], "saliency", 5)
        [new] = set(files(folder)) - before
        at = new.stat().st_mtime - age
        os.utime(new, (at, at))
    ask(model, 7, folder, PICTURE, ["red"], "saliency", 5)  # looked at just now: the second one is the oldest
    names = set(files(folder))
    monkeypatch.setattr(explained, "MOST", 3 * max(path.stat().st_size for path in names))
    ask(model, 7, folder, PICTURE, ["red"], "guided", 5)
    gone = names - set(files(folder))
    assert len(gone) == 1
    again = set(files(folder))
    ask(model, 7, folder, PICTURE, ["red", "blue"], "saliency", 5)
    assert set(files(folder)) == again, "both are still there"
