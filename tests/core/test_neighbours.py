"""The training pictures most like a picture, by what the network sees before its last layer."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import neighbours
from core.checkpoint import Model
from core.evaluate.strange import learn
from core.neighbours import Neighbours, vectors
from tests.drawn import drawn, tiny_backbones, trained

PICTURES = drawn(3, 24, 5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with tiny_backbones():
        yield trained("tiny24", tmp_path_factory.mktemp("model"))


def unit(rows: list[list[float]]) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def made(train: np.ndarray) -> Neighbours:
    count = len(train)
    return Neighbours(np.arange(10, 10 + count), np.zeros(count, np.int64), train.astype(np.float16), train[:1].astype(np.float16))  # fmt: skip


def test_vectors_are_what_the_last_layer_gets_with_length_one(model: Model) -> None:
    seen = vectors(model, PICTURES.pixels)
    assert np.allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    last = list(model.net.children())[-1]
    assert isinstance(last, torch.nn.Linear) and seen.shape == (len(PICTURES), last.in_features)
    whole = model.net(torch.from_numpy(PICTURES.pixels[:1]).permute(0, 3, 1, 2).float() / 255 * 4 - 2)
    direction = (whole - last.bias) / torch.linalg.norm(whole - last.bias)
    assert torch.allclose(
        torch.nn.functional.normalize(torch.from_numpy(seen[:1]) @ last.weight.T), direction, atol=1e-3
    )


def test_a_picture_is_nearest_to_itself_and_the_rest_follows_by_likeness() -> None:
    train = unit([[1, 0], [0, 1], [1, 1], [-1, 0]])
    rows, likeness = made(train).nearest(train[2:3], 4)
    assert rows.tolist() == [[2, 0, 1, 3]]
    assert likeness[0] == pytest.approx([1, 2**-0.5, 2**-0.5, -(2**-0.5)], abs=2e-3)


def test_more_neighbours_than_there_are_gives_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(unit([[1, 0], [0, 1]])).nearest(unit([[1, 0.1]]), 9)[0].tolist() == [[0, 1]]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_ = np.random.default_rng(3)
    train, asked = unit(drawn_.normal(size=(57, 6)).tolist()), unit(drawn_.normal(size=(4, 6)).tolist())
    whole = made(train).nearest(asked, 5)
    monkeypatch.setattr(neighbours, "BLOCK", 8)
    rows, likeness = made(train).nearest(asked, 5)
    assert np.array_equal(rows, whole[0]) and np.allclose(likeness, whole[1])


def test_what_is_kept_is_read_again_and_that_of_other_weights_is_not(model: Model, tmp_path: Path) -> None:
    assert neighbours.load(model, tmp_path) is None
    kept = made(unit([[1, 0], [0, 1]]))
    neighbours._write(tmp_path / neighbours.FILE, model, kept)
    found = neighbours.load(model, tmp_path)
    assert found is not None and np.array_equal(found.vectors, kept.vectors) and found.images.tolist() == [10, 11]
    other = copy.deepcopy(model.net)
    with torch.no_grad():
        other[-1].bias.add_(1.0)  # type: ignore[union-attr]
    assert neighbours.load(dataclasses.replace(model, net=other), tmp_path) is None


def test_half_a_file_counts_as_none(model: Model, tmp_path: Path) -> None:
    neighbours._write(tmp_path / neighbours.FILE, model, made(unit([[1, 0], [0, 1]])))
    data = (tmp_path / neighbours.FILE).read_bytes()
    (tmp_path / neighbours.FILE).write_bytes(data[: len(data) // 2])
    assert neighbours.load(model, tmp_path) is None


def test_what_none_of_these_is_judged_by_is_kept_beside_and_read_with_the_model(model: Model, tmp_path: Path) -> None:
    assert neighbours.familiar(model, tmp_path) is None
    train, validation = vectors(model, PICTURES.pixels), np.tile(vectors(model, PICTURES.pixels[:2]), (12, 1))
    learned = learn(train, PICTURES.labels, validation)
    neighbours._write(tmp_path / neighbours.FAMILIAR, model, learned)
    found = neighbours.familiar(model, tmp_path)
    assert found is not None and np.array_equal(found.means, learned.means) and len(found.validation) == 24
    assert found.distance(train) == pytest.approx(learned.distance(train))
    fewer = dataclasses.replace(model, val_labels=model.val_labels[1:])
    assert neighbours.familiar(fewer, tmp_path) is None, "other validation pictures than in training"
    logits, strange = dataclasses.replace(model, familiar=found).seen(PICTURES.pixels)
    assert np.allclose(logits, model.logits(PICTURES.pixels), atol=1e-5)
    assert strange == pytest.approx(learned.distance(train), rel=1e-3)
