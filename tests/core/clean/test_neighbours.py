"""The nearest of all, for what is new, each pair once."""

from __future__ import annotations

import numpy as np
import pytest

from core.clean import neighbours as n
from core.clean.neighbours import neighbours


def vectors(count: int, dims: int = 32, seed: int = 0, spread: float = 0.5) -> np.ndarray:
    """In clumps of five, as copies and look-alikes are."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(-(-count // 5), dims)).repeat(5, axis=0)[:count]
    found = middles + spread * rng.normal(size=(count, dims))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def expected(table: np.ndarray, fresh: np.ndarray, k: int, least: float) -> set[tuple[int, int]]:
    full = table.astype(np.float32) @ table.astype(np.float32).T
    np.fill_diagonal(full, -2)
    pairs = {
        (i, int(j)) for i in np.flatnonzero(fresh).tolist() for j in np.argsort(-full[i])[:k] if full[i, j] >= least
    }
    return {(min(pair), max(pair)) for pair in pairs}


def found(table: np.ndarray, fresh: np.ndarray, k: int = 3, least: float = 0.3) -> np.ndarray:
    pieces = list(neighbours(table, fresh, k, least))
    return np.concatenate(pieces) if pieces else np.empty(0, n.PAIR)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.02])
def test_the_nearest_of_the_new_ones_are_found_each_pair_once(monkeypatch: pytest.MonkeyPatch, share: float):
    monkeypatch.setattr(n, "QUERIES", 37)
    monkeypatch.setattr(n, "BLOCK", 101)
    table, fresh = vectors(600), np.random.default_rng(1).random(600) < share
    pairs = found(table, fresh)
    named = list(zip(pairs["i"].tolist(), pairs["j"].tolist(), strict=True))
    assert len(named) == len(set(named))
    assert set(named) == expected(table, fresh, 3, 0.3)
    assert all(i < j and (fresh[i] or fresh[j]) for i, j in named)
    exact = (table[pairs["i"]].astype(np.float32) * table[pairs["j"]].astype(np.float32)).sum(1)
    assert np.allclose(pairs["cosine"], exact, atol=1e-3)


def test_what_is_not_near_enough_is_left_out():
    table, fresh = vectors(200), np.ones(200, dtype=bool)
    assert len(found(table, fresh, least=0.3)) > 100
    assert (found(table, fresh, least=0.8)["cosine"] >= 0.8).all()
    assert len(found(table, fresh, least=0.999)) == 0


def test_few_pictures_and_nothing_new_have_few_pairs():
    assert len(found(vectors(1), np.ones(1, dtype=bool))) == 0
    assert len(found(vectors(50), np.zeros(50, dtype=bool))) == 0
    assert len(found(np.repeat(vectors(1), 2, axis=0), np.ones(2, dtype=bool), k=8)) == 1


def test_many_are_searched_by_components_and_measured_by_the_vectors(monkeypatch: pytest.MonkeyPatch):
    mixed = vectors(3000, 64).astype(np.float32) @ np.random.default_rng(2).normal(size=(64, 400))
    table, fresh = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float16), np.ones(3000, dtype=bool)
    whole = found(table, fresh, k=4, least=0.5)
    monkeypatch.setattr(n, "MANY", 1000)
    monkeypatch.setattr(n, "NEW", 1000)
    monkeypatch.setattr(n, "COMPONENTS", 128)
    monkeypatch.setattr(n, "SAMPLE", 1000)
    by_components = found(table, fresh, k=4, least=0.5)
    pairs, pairs_whole = (
        set(zip(each["i"].tolist(), each["j"].tolist(), strict=True)) for each in (by_components, whole)
    )
    assert len(pairs & pairs_whole) >= 0.97 * len(pairs_whole)
    exact = (table[by_components["i"]].astype(np.float32) * table[by_components["j"]].astype(np.float32)).sum(1)
    assert np.allclose(by_components["cosine"], exact, atol=1e-3)


def test_a_table_on_disk_serves_as_well(tmp_path):
    table, fresh = vectors(300), np.arange(300) >= 250
    table.tofile(tmp_path / "vectors")
    mapped = np.memmap(tmp_path / "vectors", dtype=np.float16, mode="r", shape=table.shape)
    assert np.array_equal(found(mapped, fresh), found(table, fresh))
