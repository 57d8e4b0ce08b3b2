"""The search for near-duplicates (`core.clean.hashes`): time, memory and growth; against faiss; all eight turns.

    python tests/bench/near.py [--rounds 3] [--ten-million] [--json]

Random hashes, a tenth of them copies of others with up to 8 bits changed. Each size runs in a process of its own, so
that its peak memory is its own. At 100,000 the pairs are compared with brute force (numpy, all pairs) and with faiss
(IndexBinaryFlat, IndexBinaryMultiHash), which take turns with our search, all with one thread for each core. The eight
turns are searched as `clean` does: radius 11, mean colours asked, one picture in a hundred a turned copy of another.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.clean import hashes  # noqa: E402
from core.clean.look import turned  # noqa: E402

RADIUS = 8
GOAL = 10  # times faster than faiss IndexBinaryFlat at 100,000
SIZES = (10_000, 100_000, 1_000_000)
FRESH = 1_000  # new pictures among many known ones


def random_hashes(count: int, seed: int = 0) -> np.ndarray:
    """(N,) uint64; a tenth are others with up to 8 bits changed."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 2**64, count, dtype=np.uint64)
    copies = rng.choice(count, count // 10, replace=False)
    noise = np.zeros(len(copies), np.uint64)
    for _ in range(8):
        bit = np.uint64(1) << rng.integers(0, 64, len(copies)).astype(np.uint64)
        noise |= np.where(rng.random(len(copies)) < 0.7, bit, np.uint64(0))
    table[copies] = table[rng.integers(0, count, len(copies))] ^ noise
    return table


def random_pictures(count: int) -> tuple[np.ndarray, np.ndarray, set[tuple[int, int, int]]]:
    """Eight hashes (N, 8) and fields (N, 6, 6, 3), and the planted (i, j, flip): one in a hundred is a turned copy."""
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2**64, (count, 8), dtype=np.uint64)
    fields = rng.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    planted = set()
    copies = rng.choice(np.arange(count // 2, count), count // 100, replace=False).tolist()
    for copy, of in zip(copies, rng.choice(count // 2, len(copies), replace=False).tolist(), strict=True):
        flip = int(rng.integers(8))
        noise = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, 10).astype(np.uint64))
        table[copy, hashes.INVERSE[flip]] = table[of, 0] ^ noise  # turned back, the copy has the picture's hash
        fields[copy] = np.clip(turned(fields[of], flip) + rng.normal(10, 6, (6, 6, 3)), 0, 255)
        planted.add((of, copy, flip))
    return table, fields, planted


def timed(way: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = way()
    return time.perf_counter() - start, found


def one_size(count: int, rounds: int) -> dict[str, Any]:
    """Pairs at radius 8, in this process."""
    table = random_hashes(count)
    first, _ = timed(lambda: hashes.pairs(table[: hashes.FEW + 1], RADIUS))
    before, spent = memory(), time.process_time()
    tries = [timed(lambda: hashes.pairs(table, RADIUS)) for _ in range(rounds)]
    spent = round((time.process_time() - spent) / rounds, 2)
    return {
        "seconds": middle(tries),
        "processor, s": spent,
        "pairs": len(tries[0][1]),
        "first call": round(first, 2),
    } | (grown(before))


def eight_turns(count: int, rounds: int) -> dict[str, Any]:
    """What `clean` searches, in this process: everything, and a few fresh ones among the rest."""
    table, fields, planted = random_pictures(count)
    few = np.arange(count) >= count - FRESH
    hashes.pairs(table[: hashes.FEW + 1, 0], RADIUS)
    before, spent = memory(), time.process_time()

    def search(fresh: np.ndarray) -> set[tuple[int, int, int]]:
        return {tuple(row) for piece in hashes.suspects(table, fields, fresh) for row in piece.tolist()}

    whole = [timed(lambda: search(np.ones(count, bool))) for _ in range(rounds)]
    grew, spent = grown(before), round((time.process_time() - spent) / rounds, 2)
    fresh = [timed(lambda: search(few)) for _ in range(rounds)]
    wanted = {one for one in planted if one[1] >= count - FRESH}
    return {
        "seconds": middle(whole), "processor, s": spent, "planted": len(planted), "missed": len(planted - whole[0][1]),
        "strangers": len(whole[0][1] - planted), f"seconds, {FRESH} fresh": middle(fresh),
        "missed, fresh": len(wanted - fresh[0][1]),
    } | grew  # fmt: skip


def against(rounds: int) -> dict[str, Any]:
    """100,000: our pairs, brute force's, and those of faiss, in turns."""
    import faiss

    table = random_hashes(100_000)
    queries = table.view(np.uint8).reshape(-1, 8)
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    flat, multi = faiss.IndexBinaryFlat(64), faiss.IndexBinaryMultiHash(64, 4, 16)
    flat.add(queries)

    def asked(index: Any) -> np.ndarray:
        limits, _, others = index.range_search(queries, RADIUS + 1)
        found = np.column_stack([np.repeat(np.arange(len(table)), np.diff(limits.astype(np.int64))), others])
        found = found[found[:, 0] < found[:, 1]]
        return found[np.lexsort((found[:, 1], found[:, 0]))]

    def multi_hash() -> np.ndarray:
        multi.reset()
        multi.add(queries)
        multi.nflip = RADIUS // 4
        return asked(multi)

    ways = {"Winnow": lambda: hashes.pairs(table, RADIUS), "IndexBinaryFlat": lambda: asked(flat),
            "IndexBinaryMultiHash": multi_hash}  # fmt: skip
    hashes.pairs(table[: hashes.FEW + 1], RADIUS)
    tries: dict[str, list] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            tries[name].append(timed(way))
    slow, expected = timed(lambda: brute(table))
    seconds = {name: middle(some) for name, some in tries.items()}
    equal = {name: bool(np.array_equal(some[0][1], expected)) for name, some in tries.items()}
    times = {name: round(seconds[name] / seconds["Winnow"], 1) for name in ways if name != "Winnow"}
    return {"seconds": seconds | {"brute force, numpy": round(slow, 2)}, "pairs": len(expected),
            "equal to brute force": equal, "times": times, "met": times["IndexBinaryFlat"] >= GOAL}  # fmt: skip


def brute(table: np.ndarray) -> np.ndarray:
    found = []
    for start in range(0, len(table), 64):
        near = np.argwhere(np.bitwise_count(table[start : start + 64, None] ^ table[start:]) <= RADIUS)
        near += start
        found.append(near[near[:, 0] < near[:, 1]])
    return np.concatenate(found)


def memory() -> tuple[int, int]:
    """(now, the most so far), bytes."""
    import resource

    return psutil.Process().memory_info().rss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def grown(before: tuple[int, int]) -> dict[str, int]:
    peak = memory()[1]
    return {"peak, MB": peak >> 20, "of it the search, MB": max(0, peak - max(before[0], 0)) >> 20}


def middle(tries: list[tuple[float, Any]]) -> float:
    return round(statistics.median(seconds for seconds, _ in tries), 3)


def alone(what: str, rounds: int, cache: str = "") -> dict[str, Any]:
    argv = [sys.executable, __file__, "--alone", what, "--rounds", str(rounds)]
    env = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    return json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True, env=env).stdout)


def measured(rounds: int, ten_million: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"radius": RADIUS, "cores": os.cpu_count(), "load": os.getloadavg()[0], "pairs": {}}
    with tempfile.TemporaryDirectory() as empty:
        result["first call, compiling"] = alone(f"pairs {SIZES[0]}", 1, empty)["first call"]
    for count in (*SIZES, *((10_000_000,) if ten_million else ())):
        said = alone(f"pairs {count}", 1 if count > SIZES[-1] else rounds)
        result["first call, compiled before"] = said.pop("first call")
        result["pairs"][count] = said
        print(f"{count:10,} hashes  {said['seconds']:8.3f} s ({said['processor, s']} s of a core)  {said['pairs']:9,} pairs  peak {said['peak, MB']:5} MB, "
              f"of it the search {said['of it the search, MB']} MB")  # fmt: skip
    print(f"the first call takes {result['first call, compiling']} s more where it compiles, "
          f"{result['first call, compiled before']} s afterwards")  # fmt: skip
    result["100,000"] = said = alone("against", rounds)
    for name, seconds in said["seconds"].items():
        print(f"   100,000 hashes  {seconds:8.3f} s  {name}")
    print(f"   times {said['times']}, equal to brute force {said['equal to brute force']}; goal {GOAL}"
          f"{'' if said['met'] else '  MISSED'}")  # fmt: skip
    result["eight turns"] = {}
    for count in SIZES[1:]:
        result["eight turns"][count] = said = alone(f"turns {count}", 1 if count == SIZES[-1] else rounds)
        print(f"{count:10,} pictures, eight turns, radius 11: {said['seconds']:.2f} s ({said['processor, s']} s of a core), {said['missed']} of "
              f"{said['planted']:,} copies missed, {said['strangers']} strangers; {FRESH:,} fresh ones "
              f"{said[f'seconds, {FRESH} fresh']:.2f} s; peak {said['peak, MB']} MB, of it the search "
              f"{said['of it the search, MB']} MB")  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ten-million", action="store_true", help="also 10,000,000 hashes, once")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        kind, *count = args.alone.split()
        ways = {"pairs": one_size, "turns": eight_turns, "against": against}
        print(json.dumps(ways[kind](*map(int, count), args.rounds)))
        return
    result = measured(args.rounds, args.ten_million)
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
