"""Checkpoints: enough to predict with, and never used when a byte is wrong."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import checkpoint
from core.backbones import BACKBONES
from core.checkpoint import Model, folded, load, load_state, metrics, save, save_state
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
    assert np.abs(model.probabilities(pixels) - expected).max() <= 1e-5


FILES = ["model-*.safetensors", "validation-*.safetensors", "checkpoint.json"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_byte_is_found(copy: Path, name: str, where: float) -> None:
    [path] = copy.glob(name)
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="damaged"):
        load(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_file_is_found(copy: Path, name: str, keep: float) -> None:
    [path] = copy.glob(name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(Damaged, match="damaged"):
        load(copy)


def test_a_missing_weights_file_is_named(copy: Path) -> None:
    [weights] = copy.glob("model-*.safetensors")
    weights.unlink()
    with pytest.raises(Damaged, match=f"{weights.name} is not there"):
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


def again(folder: Path, epochs: int = 2) -> None:
    """Put another checkpoint in the place of the one in the folder, as a training does that is stopped once more."""
    model = load(folder)
    weights = {name: t + 1 for name, t in BACKBONES["tiny24"].build(3, 24).state_dict().items()}
    background = torch.from_numpy(model.background)
    kept = {"logits": torch.zeros(24, 3), "labels": torch.from_numpy(model.val_labels), "background": background}
    save(folder, model.recipe, CLASSES, weights, kept, 1.0, 7, {"epochs": epochs, "finished": False})


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_killed_while_it_is_replaced_the_checkpoint_before_is_whole(
    copy: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    before, done, rename = load(copy), [], os.replace

    def replace(source: Path, target: Path) -> None:
        if len(done) == renamed:
            raise Killed
        done.append(target)
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            again(copy)
    assert np.array_equal(load(copy).val_logits, before.val_logits) and metrics(copy) == before.metrics
    again(copy)
    assert metrics(copy)["epochs"] == 2 and not load(copy).val_logits.any()
    assert len(list(copy.iterdir())) == 3, "what nothing names any more is gone"


def test_killed_before_the_old_files_are_gone_the_new_checkpoint_is_whole_and_the_next_end_removes_them(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "_drop_data", killed)
        with pytest.raises(Killed):
            again(copy)
    assert metrics(copy)["epochs"] == 2 and not load(copy).val_logits.any()
    assert len(list(copy.iterdir())) == 5
    checkpoint.tidy(copy)
    assert len(list(copy.iterdir())) == 3 and not load(copy).val_logits.any()


def test_replaced_while_it_is_read_it_is_the_new_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, verified = [], checkpoint._verified

    def slow(path: Path, sha256: str) -> bytes:
        if not read:
            read.append(path)
            again(copy)
        return verified(path, sha256)

    monkeypatch.setattr(checkpoint, "_verified", slow)
    assert metrics(copy)["epochs"] == 2


def early(folder: Path) -> None:
    """As the first release wrote it."""
    facts = json.loads((folder / "checkpoint.json").read_text())
    names = {name: f"{name.partition('-')[0]}.safetensors" for name in facts["sha256"]}
    for name, old in names.items():
        (folder / name).rename(folder / old)
    sha256 = {names[name]: value for name, value in facts.pop("sha256").items()}
    facts.pop("seal")
    (folder / "checkpoint.json").write_bytes(checkpoint._sealed({**facts, "sha256": sha256}))


def test_a_checkpoint_of_the_first_release_is_read_and_replaced(copy: Path) -> None:
    expected = load(copy).val_logits
    early(copy)
    names = {path.name for path in copy.iterdir()}
    assert names == {"model.safetensors", "validation.safetensors", "checkpoint.json"}
    assert np.array_equal(load(copy).val_logits, expected)
    again(copy)
    assert not load(copy).val_logits.any() and len(list(copy.iterdir())) == 3
    assert not names & {path.name for path in copy.glob("*.safetensors")}


def test_a_state_written_once_more_is_replaced_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_state(tmp_path, 1, {"net.w": torch.zeros(3)}, {"note": "first"})
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        if target.suffix == ".json":
            raise Killed
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            save_state(tmp_path, 1, {"net.w": torch.ones(3)}, {"note": "second"})
    tensors, facts, warnings = load_state(tmp_path) or pytest.fail("there is no state")
    assert (facts["note"], warnings) == ("first", []) and not tensors["net.w"].any()
    save_state(tmp_path, 1, {"net.w": torch.ones(3)}, {"note": "second"})
    tensors, facts, warnings = load_state(tmp_path) or pytest.fail("there is no state")
    assert (facts["note"], warnings) == ("second", []) and tensors["net.w"].all()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_state_of_the_first_release_is_read_and_goes_with_the_others(tmp_path: Path) -> None:
    save_state(tmp_path, 1, {"net.w": torch.ones(3)}, {})
    [data] = tmp_path.glob("*.safetensors")
    data.rename(tmp_path / "state-00001.safetensors")
    facts = json.loads((tmp_path / "state-00001.json").read_text())
    del facts["seal"], facts["file"]
    (tmp_path / "state-00001.json").write_bytes(checkpoint._sealed(facts))
    tensors, _, warnings = load_state(tmp_path) or pytest.fail("there is no state")
    assert tensors["net.w"].all() and not warnings
    for epoch in (2, 3):
        save_state(tmp_path, epoch, {"net.w": torch.ones(3)}, {})
    assert sorted(path.name[:11] for path in tmp_path.iterdir()) == ["state-00002"] * 2 + ["state-00003"] * 2


def test_what_a_killed_training_was_writing_goes_once_nobody_writes_it(copy: Path) -> None:
    old, fresh = (copy / f"state-00001.json.{letter * 32}.part" for letter in "ab")
    for path in (old, fresh):
        path.write_bytes(b"half")
    hour = time.time() - 3600
    os.utime(old, (hour, hour))
    again(copy)
    assert not old.exists() and fresh.exists()
