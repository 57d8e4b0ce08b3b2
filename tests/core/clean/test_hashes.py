"""Pairs of hashes within a radius equal brute force; suspects come once, turned, fresh, and with like colours."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.clean import fields as colours
from core.clean import hashes, look
from core.phash import FLIPS, dihedral_hashes

ROOT = Path(__file__).resolve().parents[3]


def clustered(seed: int, count: int = 60, clusters: int = 4) -> np.ndarray:
    """Hashes at distances from 0 to 18 of one another."""
    rng = random.Random(seed)
    middles = [rng.getrandbits(64) for _ in range(clusters)]
    return np.array([rng.choice(middles) ^ sum(1 << b for b in rng.sample(range(64), rng.randrange(10)))
                     for _ in range(count)], dtype=np.uint64)  # fmt: skip


def brute(table: np.ndarray, radius: int) -> np.ndarray:
    near = np.argwhere(np.bitwise_count(table[:, None] ^ table) <= radius)
    return near[near[:, 0] < near[:, 1]]


def pile(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 8) hashes and (N, 6, 6, 3) fields: turned and changed copies of a few pictures, with like and unlike colours."""
    rng = np.random.default_rng(seed)
    middles = np.stack([clustered(seed + k, 8, clusters=8) for k in range(6)])
    looks = rng.integers(0, 256, (6, 6, 6, 3))
    all_hashes, all_fields = np.empty((count, 8), np.uint64), np.empty((count, 6, 6, 3), np.uint8)
    for n in range(count):
        which, turn = rng.integers(6), int(rng.integers(8))
        noise = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, 5).astype(np.uint64))
        # What turning the turned copy gives: the group of the square, as FLIPS composes.
        all_hashes[n] = middles[which][[product(turn, k) for k in range(8)]] ^ noise
        change = looks[which] + rng.integers(-40, 60) + rng.normal(0, rng.choice([3, 20, 60]), (6, 6, 3))
        all_fields[n] = np.clip(look.turned(change, turn), 0, 255)
    return all_hashes, all_fields


def product(first: int, then: int) -> int:
    """The one of FLIPS that does the same as two of them."""
    square = np.arange(12).reshape(2, 2, 3)
    both = look.turned(look.turned(square, first), then)
    return next(k for k in range(8) if np.array_equal(look.turned(square, k), both))


def brute_suspects(table, fields, fresh, radius) -> list[tuple[int, int, int]]:
    order = [*np.flatnonzero(~fresh).tolist(), *np.flatnonzero(fresh).tolist()]
    found = []
    for a, later in enumerate(order):
        for earlier in order[:a]:
            for flip in range(8):
                near = (int(table[later, flip]) ^ int(table[earlier, 0])).bit_count() <= radius
                if fresh[later] and near and like(look.turned(fields[later], flip), fields[earlier]):
                    found.append((later, earlier, flip) if later < earlier else (earlier, later, hashes.INVERSE[flip]))
    return sorted(found)


def like(one: np.ndarray, other: np.ndarray) -> bool:
    """The rule of `core.clean.fields` as one would say it, for one pair, in fractions."""
    apart = one.astype(np.float64) - other
    apart = apart - apart.mean()
    ninths = np.abs(apart.reshape(3, 2, 3, 2, 3).mean((1, 3)))
    told = np.abs(apart).mean(), np.abs(apart).max(), ninths.mean(), ninths.max()
    return all(value <= limit for value, limit in zip(told, colours.LIMITS, strict=True))


def rows(pieces) -> list[tuple[int, int, int]]:
    return sorted(tuple(row) for piece in pieces for row in piece.tolist())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.integers(0, 10**6), st.integers(0, 15))
def test_pairs_equal_brute_force(some, seed, radius):
    table = np.concatenate([np.array(some, dtype=np.uint64), clustered(seed, 30)])
    assert np.array_equal(hashes.pairs(table, radius), brute(table, radius))


def test_the_compiled_search_finds_each_planted_pair_once(monkeypatch):
    monkeypatch.setattr(hashes, "FEW", 0)
    table = clustered(1, 300)
    expected = brute(table, 8)
    assert len(expected) > 1000
    assert np.array_equal(hashes.pairs(table, 8), expected)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.integers(0, 10**6), st.integers(0, 15))
def test_the_compiled_search_equals_brute_force_at_every_radius(some, seed, radius):
    table = np.concatenate([np.array(some, dtype=np.uint64), clustered(seed, 200)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "FEW", 0)
        patch.setattr(hashes, "ROWS", 64)
        assert np.array_equal(hashes.pairs(table, radius), brute(table, radius))


def test_no_hashes_and_one_hash_have_no_pairs():
    assert hashes.pairs(np.array([], dtype=np.uint64), 8).shape == (0, 2)
    assert hashes.pairs(np.array([7], dtype=np.uint64), 8).shape == (0, 2)
    none = np.empty((0, 8), np.uint64), np.empty((0, 6, 6, 3), np.uint8), np.empty(0, bool)
    assert rows(hashes.suspects(*none)) == []
    with pytest.raises(ValueError, match="radius=16"):
        hashes.pairs(np.array([7], dtype=np.uint64), 16)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.0], ids=lambda share: f"{share:.0%} fresh")
@pytest.mark.parametrize("few", [hashes.FEW, 0], ids=["all compared", "in buckets"])
def test_suspects_equal_brute_force_in_all_eight_flips(monkeypatch, few, share):
    monkeypatch.setattr(hashes, "FEW", few)
    monkeypatch.setattr(hashes, "ROWS", 40)
    table, fields = pile(3, 150)
    fresh = np.random.default_rng(5).random(150) < share
    expected = brute_suspects(table, fields, fresh, 11)
    assert rows(hashes.suspects(table, fields, fresh, 11)) == expected
    assert {flip for _, _, flip in expected} == (set(range(8)) if fresh.any() else set())
    assert all(i < j for i, j, _ in expected)


@pytest.mark.parametrize("flip", range(8))
def test_a_turned_picture_is_suspected_with_the_flip_that_turned_it(flip):
    picture = np.random.default_rng(flip).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(picture).resize((240, 240), Image.Resampling.NEAREST)
    other = image.transpose(FLIPS[flip]) if flip else image
    table = np.array([dihedral_hashes(image), dihedral_hashes(other)], dtype=np.uint64)
    fields = np.stack([picture, look.turned(picture, flip)])
    assert (0, 1, flip) in rows(hashes.suspects(table, fields, np.array([False, True])))
    assert (0, 1, flip) in rows(hashes.suspects(table, fields, np.array([True, False])))


@given(st.integers(0, 10**6), st.floats(0, 40), st.integers(-60, 60))
@settings(deadline=None, max_examples=60)
def test_the_first_look_in_whole_numbers_is_the_one_in_fractions(seed, noise, brighter):
    rng = np.random.default_rng(seed)
    one = rng.integers(0, 256, (40, 6, 6, 3))
    other = np.clip(one + brighter + rng.normal(0, noise, one.shape), 0, 255).astype(np.uint8)
    one = one.astype(np.uint8)
    assert colours.likely(one, other).tolist() == [like(*pair) for pair in zip(one, other, strict=True)]


def test_collisions_without_like_colours_cost_no_memory_and_like_ones_come_in_pieces(monkeypatch):
    monkeypatch.setattr(hashes, "FEW", 0)
    table = np.full((1200, 8), 12345, dtype=np.uint64)  # as all pictures on white would have the same hash
    rng = np.random.default_rng(1)
    strangers = rng.integers(0, 2, (1200, 6, 6, 3), dtype=np.uint8) * 255
    fresh = np.ones(1200, bool)
    assert sum(len(piece) for piece in hashes.suspects(table, strangers, fresh, 8)) == 0
    twins = np.zeros_like(strangers)
    sizes = [len(piece) for piece in hashes.suspects(table[:600], twins[:600], fresh[:600], 8)]
    assert sum(sizes) == 8 * 600 * 599 // 2
    assert max(sizes) <= 2**17


def test_a_caller_may_stop_in_between(monkeypatch):
    monkeypatch.setattr(hashes, "FEW", 0)
    table, fields = pile(4, 300)
    pieces = hashes.suspects(table, fields, np.ones(300, bool))
    assert next(pieces).shape[1] == 3
    pieces.close()
    assert list(pieces) == []


def test_a_few_pictures_need_no_compiler():
    program = (
        "import sys, numpy as np; from core.clean.hashes import pairs, suspects; n = 2000\n"
        "table = np.arange(8 * n, dtype=np.uint64).reshape(n, 8) * np.uint64(0x9E3779B97F4A7C15)\n"
        "found = sum(map(len, suspects(table, np.zeros((n, 6, 6, 3), np.uint8), np.ones(n, bool), 15)))\n"
        "assert found and len(pairs(table[:, 0], 20 - 5)) and 'numba' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
