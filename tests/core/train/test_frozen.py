"""A frozen network sees each picture once; heads and baselines learn from what it saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.checkpoint import load
from core.evaluate import softmax
from core.recipes import read
from core.train import Pictures, fit
from tests.drawn import CLASSES, drawn
from tests.pretrained import SMALL, drawn_by_lot

SIZE = 64
TRAIN, VAL = drawn(48, SIZE, 1), drawn(24, SIZE, 2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    drawn_by_lot(SMALL, folder)
    return folder


def rows(
    folder: Path, weights: Path, text: str, train: Pictures = TRAIN, kept: Path | None = None, **more: object
) -> list:
    recipe = read(f"{SMALL}:size={SIZE},{text}", **more)
    return list(fit(recipe, CLASSES, train, VAL, folder, "cpu", 1, weights=weights, kept=kept))


@pytest.mark.parametrize("text", ["head=knn", "head=nearest-mean", "head=logistic"])
def test_a_baseline_is_one_row_and_a_model_like_any_other(tmp_path: Path, weights: Path, text: str) -> None:
    [row] = [row for row in rows(tmp_path, weights, text) if "val_loss" in row]
    model = load(tmp_path)
    said = model.probabilities(VAL.pixels)
    assert (said.argmax(1) == VAL.labels).mean() == pytest.approx(row["val_accuracy"], abs=1 / 24)
    assert row["val_accuracy"] > 0.5  # even drawn weights tell colours apart
    assert np.allclose(said.sum(1), 1)


def test_logistic_regression_is_scikit_learns(tmp_path: Path, weights: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    from core.backbones import look, start
    from core.pixels import tensor

    rows(tmp_path, weights, "head=logistic")
    recipe = read(f"{SMALL}:size={SIZE},head=logistic")
    seen, trunk = look(recipe), start(recipe, 3, weights).trunk.eval()
    with torch.inference_mode():
        one, two = (trunk(tensor(p.pixels, seen.mean, seen.std, "cpu")).numpy() for p in (TRAIN, VAL))
    mean, std = one.mean(0), one.std(0) + 1e-6
    theirs = min(
        (LogisticRegression(C=c / one.shape[1], max_iter=1000, class_weight="balanced").fit((one - mean) / std, TRAIN.labels)
         for c in (0.01, 0.1, 1.0, 10.0)),
        key=lambda model: -np.log(model.predict_proba((two - mean) / std)[np.arange(24), VAL.labels]).mean(),
    )  # fmt: skip
    ours = load(tmp_path)
    chance = torch.tensor(ours.val_logits).softmax(1).numpy()
    assert np.allclose(chance, theirs.predict_proba((two - mean) / std), atol=1e-3)


def test_two_classes_work_for_logistic_regression_too(tmp_path: Path, weights: Path) -> None:
    train, val = drawn(20, SIZE, 1, 2), drawn(10, SIZE, 2, 2)
    recipe = read(f"{SMALL}:size={SIZE},head=logistic")
    [*_, row] = fit(recipe, CLASSES[:2], train, val, tmp_path, "cpu", 1, weights=weights)
    assert row["val_accuracy"] == pytest.approx((load(tmp_path).val_logits.argmax(1) == val.labels).mean())


@pytest.mark.parametrize("head", ["linear", "bn-dropout"])
def test_a_head_learns_on_what_the_network_saw_and_the_trunk_stays(tmp_path: Path, weights: Path, head: str) -> None:
    from safetensors.torch import load_file

    seen = [row for row in rows(tmp_path, weights, f"train=head,head={head},epochs=15") if "val_loss" in row]
    assert seen[-1]["loss"] < seen[0]["loss"]
    before, after = load_file(weights / f"{SMALL}.safetensors"), load_file(*tmp_path.glob("model-*.safetensors"))
    trunk = {name.removeprefix("trunk."): t for name, t in after.items() if name.startswith("trunk.")}
    assert trunk and all(torch.equal(before[name], t) for name, t in trunk.items())
    model = load(tmp_path)
    asked, noted = model.probabilities(VAL.pixels), softmax(model.val_logits, model.temperature)
    assert np.abs(asked - noted).max() <= 1e-4


def test_what_the_network_saw_is_kept_and_used_by_the_next_training(tmp_path: Path, weights: Path) -> None:
    kept = tmp_path / "kept"
    train = Pictures(TRAIN.pixels, TRAIN.labels, "those")
    first = rows(tmp_path / "1", weights, "train=head,epochs=2", train, kept)
    [file] = kept.glob("those-*.npy")
    again = rows(tmp_path / "2", weights, "head=knn", train, kept)
    assert sum(row["of"] == 48 for row in first if not row["epoch"]) > 0
    assert sum(row["of"] == 48 for row in again if not row["epoch"]) == 0
    file.write_bytes(file.read_bytes()[:200])  # cut: it is made again
    assert (
        sum(row["of"] == 48 for row in rows(tmp_path / "3", weights, "head=knn", train, kept) if not row["epoch"]) > 0
    )


def test_stopped_and_resumed_a_head_ends_as_if_never_stopped(tmp_path: Path, weights: Path) -> None:
    text = "train=head,head=bn-dropout,epochs=4"
    rows(tmp_path / "unbroken", weights, text)
    recipe = read(f"{SMALL}:size={SIZE},{text}")
    training = fit(recipe, CLASSES, TRAIN, VAL, tmp_path / "broken", "cpu", 1, weights=weights)
    for row in training:
        if row["epoch"] == 2 and "val_loss" in row:
            break
    training.close()
    rows(tmp_path / "broken", weights, text)
    one, two = load(tmp_path / "broken"), load(tmp_path / "unbroken")
    assert np.array_equal(one.val_logits, two.val_logits)


@pytest.mark.parametrize("train", ["last-block", "half", "all"])
def test_the_rest_of_the_network_learns_where_it_is_told_to(tmp_path: Path, weights: Path, train: str) -> None:
    [row, *_] = [row for row in rows(tmp_path, weights, f"train={train},epochs=1,batch=12") if "val_loss" in row]
    assert np.isfinite(row["val_loss"]) and load(tmp_path).metrics["epochs"] == 1
