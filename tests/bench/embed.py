"""Vectors of real pictures: how fast on this CPU, how true to torch, how well they tell classes apart.

    python tests/bench/embed.py [--images 256] [--labelled 1000] [--threads 0] [--json]

Speed: pictures of fashion and seat, decoded before; onnxruntime in batches of 32 (the way of `core.embed`), torch in
batches of 32 and torch one by one take turns, 32 pictures at a time; the median of each counts. Agreement: the least
cosine between the first and the last. Memory: of this process, before the network, with it, and after all pictures.
Quality: the share of pictures whose five nearest others name their class, for each embedder and set.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.embed import CPU, PLAIN, Embedder, embedder  # noqa: E402
from core.pixels import squares, tensor  # noqa: E402
from core.weights import known, timm_file, timm_network  # noqa: E402

SHARED = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared"))
DATA, WEIGHTS = SHARED / "data", SHARED / "weights"
NEIGHBOURS = 5


def photos(name: str, many: int) -> list[Path]:
    paths = sorted(path for path in (DATA / name).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return random.Random(0).sample(paths, min(many, len(paths)))


def batches(paths: list[Path], size: int, many: int) -> Iterator[np.ndarray]:
    for start in range(0, len(paths), many):
        yield np.stack([squares(path.read_bytes(), [size])[0] for path in paths[start : start + many]])


def torch_way() -> Callable[[np.ndarray], np.ndarray]:
    """What a script does: the network from timm, in evaluation mode."""
    net, cfg = timm_network(CPU, timm_file(CPU, WEIGHTS)), known(CPU)

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return torch.nn.functional.normalize(net(tensor(pixels, cfg.mean, cfg.std, "cpu"))).numpy()

    return run


def speed(found: Embedder, paths: list[Path]) -> dict[str, float]:
    plain = torch_way()
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "onnxruntime, 32 at once": found,
        "torch, 32 at once": plain,
        "torch, one by one": lambda some: np.concatenate([plain(some[i : i + 1]) for i in range(len(some))]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    decoding, agreement = [], 1.0
    for way in ways.values():
        way(np.zeros((32, found.size, found.size, 3), np.uint8))
    start = time.perf_counter()
    for some in batches(paths, found.size, 32):
        decoding.append((time.perf_counter() - start) / len(some))
        said = {}
        for name, way in ways.items():
            start = time.perf_counter()
            said[name] = way(some)
            seconds[name].append((time.perf_counter() - start) / len(some))
        first, *_, last = said.values()
        agreement = min(agreement, float((first * last).sum(1).min()))
        start = time.perf_counter()
    rates = {name: round(1 / statistics.median(some), 1) for name, some in seconds.items()}
    first, *_, last = rates.values()
    return {**rates, "times": round(first / last, 2), "decoding": round(1 / statistics.median(decoding), 1),
            "least cosine": round(agreement, 7)}  # fmt: skip


def told_apart(found: Embedder, paths: list[Path]) -> float:
    """Leave one out: the class that most of the nearest others have; the nearest decides a draw."""
    vectors = np.concatenate([found(some) for some in batches(paths, found.size, 128)])
    classes, labels = np.unique([path.parent.name for path in paths], return_inverse=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    nearest = np.argsort(-likeness, 1)[:, :NEIGHBOURS]
    weights = np.ones(NEIGHBOURS) + 0.1 * (np.arange(NEIGHBOURS) == 0)
    votes = (np.eye(len(classes))[labels[nearest]] * weights[None, :, None]).sum(1)
    return round(float((votes.argmax(1) == labels).mean()), 3)


def megabytes() -> int:
    return round(psutil.Process().memory_info().rss / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=256, help="of each set, for the speed")
    parser.add_argument("--labelled", type=int, default=1000, help="of each set, for the quality; 0 = leave it out")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"There are no real images: {DATA} is not a folder; set WINNOW_TEST_DATA.")
    if args.threads:
        torch.set_num_threads(args.threads)
    memory = {"before": megabytes()}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        embedder(CPU, WEIGHTS, "cpu", args.threads, Path(folder))
        exported = time.perf_counter()
        found = embedder(CPU, WEIGHTS, "cpu", args.threads, Path(folder))
        opening = {"first, s": round(exported - start, 1), "kept, s": round(time.perf_counter() - exported, 2)}
    memory["with the network"] = megabytes()
    for some in batches(photos("fashion", args.images), found.size, 32):
        found(some)
    memory["after its pictures"] = megabytes()
    result: dict[str, dict] = {"opening": opening, "memory, MB": memory, "speed": {}, "told apart": {}}
    print(f"opening {opening}; memory, MB: {memory}; {torch.get_num_threads()} threads")
    for name in ("fashion", "seat"):
        result["speed"][name] = speed(found, photos(name, args.images))
        print(f"{name:9} images/s: {result['speed'][name]}")
    for name in ("sneakers", "porsche", "fashion") if args.labelled else ():
        paths = photos(name, args.labelled)
        each = {one.name: told_apart(one, paths) for one in (found, embedder(PLAIN, None, "cpu"))}
        result["told apart"][name] = each
        print(f"{name:9} {len(paths)} pictures, class by the {NEIGHBOURS} nearest: {each}")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
