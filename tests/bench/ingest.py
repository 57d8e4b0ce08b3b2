"""Images/s of `core.pixels.ingest` (one pass) against what a script does with separate opens, in one run.

    python tests/bench/ingest.py [--images 400] [--rounds 5] [--json]

Both sides make the same things of the same bytes: sha256, proof that the file decodes, sha256 of the pixels, size and
format, a thumbnail of 256 px, and the eight perceptual hashes. "Separate" opens and decodes for each of them with
Pillow and imagehash; "shared" is the same script after its first clean-up, with one Pillow decode for all. They take
turns image by image on one thread; of the rounds the median counts.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import imagehash
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.phash import FLIPS  # noqa: E402
from core.pixels import decode as decoded  # noqa: E402
from core.pixels import ingest, square, squares  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
SETS = ("sneakers", "porsche", "fashion", "seat")


def upright(path: Path) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def thumbnail(image: Image.Image) -> bytes:
    image.thumbnail((256, 256))
    to = io.BytesIO()
    image.save(to, "JPEG", quality=85)
    return to.getvalue()


def separate(path: Path) -> tuple:
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    Image.open(path).verify()
    Image.open(path).load()
    size, kind = Image.open(path).size, Image.open(path).format
    pixels = hashlib.sha256(upright(path).tobytes()).hexdigest()
    thumb = thumbnail(upright(path))
    hashes = [imagehash.phash(upright(path) if flip is None else upright(path).transpose(flip)) for flip in FLIPS]
    return sha, size, kind, pixels, thumb, hashes


def shared(path: Path) -> tuple:
    data = path.read_bytes()
    image = Image.open(io.BytesIO(data))
    kind = image.format
    image = ImageOps.exif_transpose(image).convert("RGB")
    hashes = [imagehash.phash(image if flip is None else image.transpose(flip)) for flip in FLIPS]
    pixels = hashlib.sha256(image.tobytes()).hexdigest()
    return hashlib.sha256(data).hexdigest(), image.size, kind, pixels, hashes, thumbnail(image)


def one_pass(path: Path) -> tuple:
    return ingest(path.read_bytes())


def measured(ways: dict[str, Callable], items: list, rounds: int) -> dict[str, float]:
    """Images/s of each way: they take turns image by image, and the median of the rounds counts for each image."""
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in items] for name in ways}
    for way in ways.values():
        way(items[0])
    for _ in range(rounds):
        for number, item in enumerate(items):
            for name, way in ways.items():
                start = time.perf_counter()
                way(item)
                seconds[name][number].append(time.perf_counter() - start)
    return {name: round(len(items) / sum(map(statistics.median, some)), 1) for name, some in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=400, help="in all, evenly from each real set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"There are no real images: {DATA} is not a folder; set WINNOW_TEST_DATA.")
    result: dict[str, dict] = {"ingest": {}, "squares": {}}
    everything = []
    for name in SETS:
        paths = sorted(path for path in (DATA / name).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        everything += random.Random(0).sample(paths, min(args.images // len(SETS), len(paths)))
    ways = {"separate": separate, "shared": shared, "one pass": one_pass}
    for name in (*SETS, "all"):
        some = [path for path in everything if name in ("all", path.relative_to(DATA).parts[0])]
        rates = measured(ways, some, args.rounds)
        result["ingest"][name] = {**rates, "times separate": round(rates["one pass"] / rates["separate"], 2),
                                  "times shared": round(rates["one pass"] / rates["shared"], 2)}  # fmt: skip
        print(f"{name:9} {len(some):4} images  separate {rates['separate']:6.1f}/s  shared {rates['shared']:6.1f}/s  one "
              f"pass {rates['one pass']:6.1f}/s = {result['ingest'][name]['times separate']} x separate")  # fmt: skip
    data = [path.read_bytes() for path in everything if path.relative_to(DATA).parts[0] == "seat"]
    both = {"whole": lambda one: [square(decoded(one), size) for size in (75, 100)],
            "squares": lambda one: squares(one, [75, 100])}  # fmt: skip
    rates = measured(both, data, args.rounds)
    result["squares"] = {**rates, "times": round(rates["squares"] / rates["whole"], 2)}
    print(f"75 and 100 px of 640 px photos: two whole decodes {rates['whole']}/s, squares {rates['squares']}/s = "
          f"{result['squares']['times']} x")  # fmt: skip
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
