"""Images/s from JPEG bytes to the eight dihedral hashes, against `imagehash.phash` one by one, in one run.

    python tests/bench/hashing.py [--images 240] [--rounds 5] [--json]

"One by one" is what a script does that wants mirrored and turned copies found: for each of four flips (as it is,
mirrored, upside down, half a turn) it opens the file with Pillow, turns it and calls `imagehash.phash`. "Decoded once"
is the same with one decode for the four. Winnow decodes once (`core.pixels.decode`) and makes all eight from one
transform (`core.phash.dihedral_hashes`); as a step does it, in a process for each core, and in one process alone.
They take turns set by set, on real photos of WINNOW_TEST_DATA (default ../shared); of the rounds the median counts.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import imagehash
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.phash import FLIPS, dihedral_hashes  # noqa: E402
from core.pixels import decode  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
SETS = ("sneakers", "porsche", "fashion", "seat")
GOAL = 8  # times as many images/s as one by one
_photos: dict[str, list[bytes]] = {}  # in a child process


def one_by_one(data: bytes) -> list:
    images = (Image.open(io.BytesIO(data)).convert("RGB") for _ in range(4))
    return [
        imagehash.phash(image if flip is None else image.transpose(flip))
        for image, flip in zip(images, FLIPS[:4], strict=True)
    ]


def decoded_once(data: bytes) -> list:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return [imagehash.phash(image if flip is None else image.transpose(flip)) for flip in FLIPS[:4]]


def winnow(data: bytes) -> tuple[int, ...]:
    return dihedral_hashes(decode(data))


def measured(photos: dict[str, list[bytes]], rounds: int) -> dict[str, dict[str, float]]:
    """Set -> way -> images/s."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), begin, (photos,)) as pool:
        pool.map(of_a_set, [(name, 0) for name in photos] * 8)
        ways: dict[str, Callable[[str], list]] = {
            "one by one": lambda name: [one_by_one(data) for data in photos[name]],
            "decoded once": lambda name: [decoded_once(data) for data in photos[name]],
            "one process": lambda name: [winnow(data) for data in photos[name]],
            "Winnow": lambda name: pool.map(of_a_set, [(name, n) for n in range(len(photos[name]))]),
        }
        seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        for turn in range(rounds):
            names = list(ways)[turn % 4 :] + list(ways)[: turn % 4]
            for kind, way in itertools.product(photos, names):
                start = time.perf_counter()
                ways[way](kind)
                seconds[kind, way].append(time.perf_counter() - start)
    return {
        kind: {way: round(len(photos[kind]) / statistics.median(seconds[kind, way]), 1) for way in ways}
        for kind in photos
    }


def begin(photos: dict[str, list[bytes]]) -> None:
    """The pictures, in a child process."""
    global _photos
    _photos = photos


def of_a_set(which: tuple[str, int]) -> tuple[int, ...]:
    return winnow(_photos[which[0]][which[1]])


def unequal(some: list[bytes]) -> int:
    """Images whose first hash is not `imagehash.phash`, bit for bit."""
    return sum(f"{winnow(data)[0]:016x}" != str(decoded_once(data)[0]) for data in some)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=240, help="in all, evenly from each real set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"There are no real images: {DATA} is not a folder; set WINNOW_TEST_DATA.")
    photos = {}
    for name in SETS:
        paths = sorted((DATA / name).rglob("*.jpg"))
        photos[name] = [
            path.read_bytes() for path in random.Random(0).sample(paths, min(args.images // len(SETS), len(paths)))
        ]
    photos["all"] = [data for some in photos.values() for data in some]
    result: dict[str, dict] = {}
    for name, rates in measured(photos, args.rounds).items():
        times = round(rates["Winnow"] / rates["one by one"], 2)
        alone = round(rates["one process"] / rates["one by one"], 2)
        result[name] = {**rates, "times": times, "times, one process": alone, "met": times >= GOAL,
                        "unequal": unequal(photos[name])}  # fmt: skip
        print(f"{name:9} {len(photos[name]):4} images  one by one {rates['one by one']:6.1f}/s  decoded once "
              f"{rates['decoded once']:6.1f}/s  Winnow {rates['Winnow']:7.1f}/s on {os.cpu_count()} cores = {times} times"
              f"{'' if times >= GOAL else '  MISSED'} (goal {GOAL}), {rates['one process']:6.1f}/s on one = {alone} times; "
              f"first hash unequal: {result[name]['unequal']}")  # fmt: skip
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
