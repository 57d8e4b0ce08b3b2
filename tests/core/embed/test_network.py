"""Networks: the exported one says what torch says, is exported once, and torch takes over where that cannot be."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.embed.network import _on_gpu, _probe, _seen, network
from core.errors import Damaged
from core.pixels import tensor
from core.weights import timm_network
from tests.pretrained import NO_EXPORT, SMALL, drawn_by_lot

CPU = torch.device("cpu")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return drawn_by_lot(SMALL, tmp_path / "weights")


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def by_torch(name: str, file: Path) -> np.ndarray:
    seen = _seen(name)
    with torch.inference_mode():
        return timm_network(name, file, **seen.shape)(tensor(_probe(seen.size), seen.mean, seen.std, "cpu")).numpy()


def test_the_exported_network_says_what_torch_says(file: Path) -> None:
    found = network(SMALL, file.parent, CPU, 1)
    assert found.name == SMALL and found.size == 160 and found.dims == 256
    assert cosines(found(_probe(160)), by_torch(SMALL, file)).min() > 1 - 1e-5


def test_it_is_exported_once(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "embed"
    first = network(SMALL, file.parent, CPU, 1, kept)(_probe(160))
    names = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    again = network(SMALL, file.parent, CPU, 1, kept)(_probe(160))
    assert np.array_equal(first, again)
    assert names == {path.name: path.stat().st_mtime_ns for path in kept.iterdir()} and len(names) == 2


def test_other_weights_are_exported_again(file: Path, tmp_path: Path) -> None:
    first = network(SMALL, file.parent, CPU, 1, tmp_path / "cache")(_probe(160))
    drawn_by_lot(SMALL, file.parent, seed=1)
    other = network(SMALL, file.parent, CPU, 1, tmp_path / "cache")(_probe(160))
    assert np.abs(first - other).max() > 1e-3
    assert len(list((tmp_path / "cache").glob("*.onnx"))) == 2


def test_vectors_of_other_weights_are_kept_under_another_key(file: Path) -> None:
    first = network(SMALL, file.parent, CPU, 1)
    drawn_by_lot(SMALL, file.parent, seed=1)
    other = network(SMALL, file.parent, CPU, 1)
    assert first.name == other.name and first.key != other.key
    assert [key.rpartition("@")[0] for key in (first.key, other.key)] == [SMALL, SMALL]


def test_a_kept_network_that_is_damaged_is_made_again(file: Path, tmp_path: Path) -> None:
    first = network(SMALL, file.parent, CPU, 1, tmp_path / "cache")(_probe(160))
    kept = next((tmp_path / "cache").glob("*.onnx"))
    whole = kept.read_bytes()
    kept.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert np.array_equal(network(SMALL, file.parent, CPU, 1, tmp_path / "cache")(_probe(160)), first)
    assert kept.read_bytes() == whole


def test_what_cannot_be_exported_runs_in_torch_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    file = drawn_by_lot(NO_EXPORT, tmp_path / "weights")
    with caplog.at_level(logging.WARNING):
        found = network(NO_EXPORT, file.parent, CPU, 1, tmp_path / "cache")
    assert f"{NO_EXPORT} runs in torch, more slowly: it could not be exported to ONNX" in caplog.text
    assert capsys.readouterr().out == ""
    assert cosines(found(_probe(160)), by_torch(NO_EXPORT, file)).min() > 1 - 1e-6
    assert not (tmp_path / "cache").exists()


def test_weights_that_do_not_fit_leave_nothing_behind(file: Path, tmp_path: Path) -> None:
    held = load_file(file)
    held.popitem()
    save_file(held, file)
    with pytest.raises(Damaged, match=SMALL):
        network(SMALL, file.parent, CPU, 1, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_half_precision_says_nearly_the_same(file: Path) -> None:
    run = _on_gpu(SMALL, file, _seen(SMALL), CPU)  # the code of a GPU, run here
    said, plain = run(_probe(160)), by_torch(SMALL, file)
    assert cosines(said, plain).min() > 1 - 1e-3
    assert np.abs(said - plain).max() > 0, "it did not run in half precision"


def test_what_half_precision_cannot_hold_runs_in_full(file: Path) -> None:
    held = load_file(file)
    held["conv_stem.weight"] *= 1e6
    save_file(held, file)
    run = _on_gpu(SMALL, file, _seen(SMALL), CPU)
    assert np.isfinite(run(_probe(160))).all()
    assert cosines(run(_probe(160)), by_torch(SMALL, file)).min() > 1 - 1e-6


def test_dinov2_looks_at_a_smaller_square_than_it_was_trained_with() -> None:
    assert _seen("vit_small_patch14_dinov2.lvd142m").size == 224
    assert _seen("mobilenetv2_100").size == 224


@pytest.mark.slow
def test_dinov2_runs(tmp_path: Path) -> None:
    name = "vit_small_patch14_dinov2.lvd142m"  # its file holds the positions of 518 px, as the hub's does
    found = network(name, drawn_by_lot(name, tmp_path / "weights").parent, CPU, 1)
    assert found.dims == 384 and found.size == 224
    assert np.allclose(np.linalg.norm(found(_probe(224)), axis=1), 1, atol=1e-5)
