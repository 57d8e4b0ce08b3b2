"""Checkpoints: enough to predict with, and never used when a byte is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.backbones import BACKBONES
from core.checkpoint import EXACT, Model, folded, load, quick
from core.errors import Damaged, Missing
from core.evaluate import logits, softmax
from tests.drawn import CLASSES, drawn, tiny_backbones, trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("checkpoint")
    with tiny_backbones():
        trained("tiny24", path, epochs=1, split=7)
        yield path


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_it_holds_all_that_predicting_needs(folder: Path) -> None:
    model = load(folder)
    assert model.classes == CLASSES and model.size == 24 and model.split == 7 and model.recipe.backbone == "tiny24"
    chances = model.probabilities(drawn(5, 24, 3).pixels)
    assert chances.shape == (5, 3) and np.allclose(chances.sum(1), 1)
    assert model.val_logits.shape == (24, 3) and model.background.shape == (48, 24, 24, 3)


def test_it_says_what_the_training_saw_on_validation(folder: Path) -> None:
    model, pixels = load(folder), drawn(24, 24, 2).pixels
    again = logits(model.net, pixels, model.mean, model.std, model.device)
    assert np.allclose(again, model.val_logits, atol=1e-4)
    expected = softmax(model.val_logits, model.temperature)
    assert np.abs(model.probabilities(pixels) - expected).max() <= EXACT


def test_in_bf16_it_predicts_only_where_that_is_exact_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder)
    args = (model.net, model.background, model.mean, model.std, model.device)
    monkeypatch.setattr("core.device.has_bf16", lambda _where: True)
    assert next(quick(*args, temperature=10.0).parameters()).dtype == torch.bfloat16  # hot: nothing moves much
    assert quick(*args, temperature=1e-3) is model.net  # cold: the least difference of a logit decides
    monkeypatch.setattr("core.device.has_bf16", lambda _where: False)
    assert quick(*args, temperature=10.0) is model.net


@pytest.mark.parametrize("name", ["model.safetensors", "validation.safetensors", "checkpoint.json"])
@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_byte_is_found(copy: Path, name: str, where: float) -> None:
    data = bytearray((copy / name).read_bytes())
    data[int(len(data) * where)] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(Damaged, match="damaged"):
        load(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "validation.safetensors", "checkpoint.json"])
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_file_is_found(copy: Path, name: str, keep: float) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(Damaged, match="damaged"):
        load(copy)


def test_a_missing_weights_file_is_named(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(Damaged, match="model.safetensors is not there"):
        load(copy)


def test_a_folder_without_a_checkpoint_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="checkpoint.json is not there"):
        load(tmp_path)


def test_someone_elses_json_is_no_checkpoint(copy: Path) -> None:
    (copy / "checkpoint.json").write_text(json.dumps({"classes": ["a"]}))
    with pytest.raises(Damaged):
        load(copy)


def test_it_explains_itself_in_its_json(folder: Path) -> None:
    facts = json.loads((folder / "checkpoint.json").read_text())
    assert set(facts) >= {"recipe", "classes", "preprocessing", "split", "metrics", "temperature", "versions", "sha256"}
    assert facts["preprocessing"] == {"size": 24, "resize": "bicubic", "mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.mark.parametrize("name", BACKBONES)
def test_folding_batch_norm_changes_nothing_but_the_layers(name: str) -> None:
    torch.manual_seed(0)
    net = BACKBONES[name].build(4, BACKBONES[name].size)
    x = torch.randn(3, 3, BACKBONES[name].size, BACKBONES[name].size)
    with torch.no_grad():
        net.train()(torch.randn(8, *x.shape[1:]))  # statistics that are not 0 and 1
        expected = net.eval()(x)
        got = folded(net)(x)
    assert torch.allclose(got, expected, atol=1e-5, rtol=1e-4)
    assert not any("Norm" in type(module).__name__ for module in folded(net))


def test_loading_twice_gives_two_equal_models(folder: Path) -> None:
    one, two = load(folder), load(folder)
    assert isinstance(one, Model) and one.net is not two.net
    assert np.array_equal(one.probabilities(one.background[:3]), two.probabilities(one.background[:3]))
