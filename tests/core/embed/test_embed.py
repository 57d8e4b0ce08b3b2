"""The embedders: one contract for all of them, and which one is taken when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.embed import CPU, GPU, Embedder, embedder
from core.errors import BadInput, Damaged, Missing
from core.pixels import squares
from tests.pretrained import NO_EXPORT, SMALL, drawn_by_lot, no_hub

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    return [drawn_by_lot(name, folder) for name in (SMALL, NO_EXPORT)][0].parent


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_hub(tmp_path / "hub", monkeypatch)


@pytest.fixture(scope="module", params=["plain", SMALL, NO_EXPORT])
def each(request: pytest.FixtureRequest, weights: Path) -> Embedder:
    return embedder(request.param, weights, "cpu", threads=1)


def pictures(many: int, size: int) -> np.ndarray:
    patches = np.random.default_rng(1).integers(0, 256, (many, 5, 5, 3), np.uint8)
    return patches.repeat(size // 5 + 1, 1).repeat(size // 5 + 1, 2)[:, :size, :size]


def test_vectors_are_finite_and_of_length_one(each: Embedder) -> None:
    vectors = each(pictures(5, each.size))
    assert vectors.shape == (5, each.dims) and vectors.dtype == np.float32
    assert np.isfinite(vectors).all() and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_company(each: Embedder) -> None:
    some = pictures(each.batch + 5, each.size)
    together, alone = each(some), np.concatenate([each(some[i : i + 1]) for i in range(len(some))])
    assert np.abs(together - alone).max() < 1e-4
    assert np.abs(each(some[::-1].copy())[::-1] - together).max() < 1e-4


def test_no_pictures_give_no_vectors(each: Embedder) -> None:
    assert each(np.zeros((0, each.size, each.size, 3), np.uint8)).shape == (0, each.dims)


def test_a_blank_picture_has_a_vector_of_numbers(each: Embedder) -> None:
    blank = np.stack([np.full((each.size, each.size, 3), grey, np.uint8) for grey in (0, 255)])
    assert np.isfinite(each(blank)).all()


def test_what_is_nearly_the_same_lies_nearer_than_what_is_not(each: Embedder) -> None:
    some = pictures(4, each.size)
    noise = np.random.default_rng(2).integers(-6, 7, some.shape)
    copies = (some.astype(int) + noise).clip(0, 255).astype(np.uint8)
    likeness = each(some) @ each(copies).T
    assert (likeness.argmax(1) == np.arange(4)).all()


def test_another_process_says_the_same(weights: Path) -> None:
    code = f"""
import numpy as np
from pathlib import Path
from core.embed import embedder
from tests.core.embed.test_embed import pictures
for name in ("plain", {SMALL!r}):
    each = embedder(name, Path({str(weights)!r}), "cpu", 1)
    print(*each(pictures(3, each.size)).ravel().tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    for name, line in zip(("plain", SMALL), done.stdout.splitlines(), strict=True):
        here = embedder(name, weights, "cpu", 1)
        there = np.array(line.split(), np.float32)
        assert np.abs(here(pictures(3, here.size)).ravel() - there).max() < 1e-6


def test_without_weights_a_cpu_takes_the_plain_one_and_says_what_is_missing(tmp_path: Path) -> None:
    found = embedder("auto", tmp_path, "cpu")
    assert found.name == "plain"
    assert "colours and edges alone" in found.about
    assert f"put {CPU}.safetensors into the folder that WINNOW_WEIGHTS names ({tmp_path})" in found.about


def test_without_weights_a_gpu_asks_for_those_it_would_like_best(tmp_path: Path) -> None:
    found = embedder("auto", tmp_path, "cuda")
    assert found.name == "plain" and f"put {GPU}.safetensors into the folder" in found.about


def test_a_network_asked_for_by_name_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=rf"put {SMALL}\.safetensors"):
        embedder(SMALL, tmp_path, "cpu")


def test_a_damaged_file_is_no_missing_one(tmp_path: Path) -> None:
    (tmp_path / f"{CPU}.safetensors").write_bytes(b"no weights")
    with pytest.raises(Damaged, match=f"{CPU}.safetensors is no whole safetensors file"):
        embedder("auto", tmp_path, "cpu")


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(BadInput, match="did you mean mobilenetv2_100"):
        embedder("mobilenet_v2_100", None, "cpu")


def test_with_real_weights_a_class_lies_together(test_data: Path) -> None:
    found = embedder("auto", test_data / "weights", "cpu")
    assert found.name == CPU and found.dims == 1280 and CPU in found.about

    def vectors(label: str) -> np.ndarray:
        files = sorted((test_data / "data" / "fashion" / label).iterdir())[:6]
        return found(np.stack([squares(file.read_bytes(), [found.size])[0] for file in files]))

    watches, tops = vectors("Watches"), vectors("Tops")
    assert (watches @ watches.T).mean() > (watches @ tops.T).mean() + 0.2
