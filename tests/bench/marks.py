"""Marks that a site lays over its pictures, planted on real photos: are they told, and in which pictures?

    python tests/bench/marks.py [--json]

Of porsche and fashion, photos of the size that most have; a name is written over all photos of two classes, as strong as
it says (1 is opaque), across the middle (16 % of the height), along the lower edge (8 %), or small into the corner (6 %),
and the picture saved as JPEG. "told": of so many pairs of classes, in how many the mark is noticed, by as few pictures as
it takes. "with", "without": the share of marked pictures, and of untouched ones, which count as carrying it. "none planted":
pairs and threes of classes as they are, and how many of them seem to share a mark; and the photos of one class, drawn by lot
into two of 16, as two models of a shoe would come from one shop. "area": the greatest that those without a mark share.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.clean.overlay import LEAST, MOST, common, shared, shown  # noqa: E402
from core.clean.quality import KINDS  # noqa: E402
from core.pixels import decode, ingest  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
SETS = {"porsche": (300, 300), "fashion": (224, 224)}
PLACES = {"across the middle": ("photostock.example", 0.16, 0.5, 0.5), "along the edge": ("photostock.example", 0.08, 0.5, 0.92),
          "in the corner": ("photo.example", 0.06, 0.8, 0.94)}  # fmt: skip
STRENGTHS = (0.1, 0.15, 0.25, 0.5)
PAIRS, DRAWS = 10, 20


def marked(image: Image.Image, place: str, strength: float) -> Image.Image:
    words, height, x, y = PLACES[place]
    over = Image.new("RGBA", image.size)
    ImageDraw.Draw(over).text(
        (image.width * x, image.height * y), words, fill=(255, 255, 255, round(255 * strength)), stroke_width=1,
        stroke_fill=(0, 0, 0, round(120 * strength)), font=ImageFont.load_default(image.height * height), anchor="mm",
    )  # fmt: skip
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def grey(image: Image.Image) -> np.ndarray:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return np.asarray(Image.open(io.BytesIO(ingest(out.getvalue())[1])).convert("L"))


def photos(name: str) -> dict[str, list[Image.Image]]:
    found = {}
    for label in sorted(p for p in (DATA / name).iterdir() if p.is_dir()):
        images = (decode(file.read_bytes()) for file in sorted(label.glob("*.jpg")))
        some = list(itertools.islice((image for image in images if image.size == SETS[name]), MOST))
        if len(some) >= LEAST:
            found[label.name] = some
    return found


def stacked(greys: dict[str, list[np.ndarray]], labels: Sequence[str]) -> list[np.ndarray]:
    return [np.stack(greys[label]) for label in labels]


def none(groups: list[list[np.ndarray]]) -> dict:
    """Of groups without a mark."""
    area = max(float(common(group).where.any(0).mean()) for group in groups)
    return {"groups": len(groups), "told": sum(shared(group) is not None for group in groups), "area": round(area, 4)}


def measured(name: str) -> dict:
    images = photos(name)
    untouched = {label: [grey(image) for image in some] for label, some in images.items()}
    groups = [*itertools.combinations(images, 2), *itertools.combinations(images, 3)]
    rng = np.random.default_rng(0)
    alone = [np.stack(some)[rng.permutation(len(some))] for some in untouched.values() for _ in range(DRAWS)]
    figures: dict = {
        "classes": len(images),
        "none planted": none([[some[:LEAST] for some in stacked(untouched, group)] for group in groups]),
        "one class as two": none([[some[:LEAST], some[LEAST : 2 * LEAST]] for some in alone]),
    }
    pairs = list(itertools.combinations(images, 2))[:PAIRS]
    for place, strength in itertools.product(PLACES, STRENGTHS):
        planted = {label: [grey(marked(image, place, strength)) for image in some] for label, some in images.items()}
        told, scores = 0, {"with": [], "without": []}
        for pair in pairs:
            mark = shared([some[:LEAST] for some in stacked(planted, pair)])
            if mark is None:
                continue
            told += 1
            scores["with"] += [shown(one, mark) for label in images for one in planted[label]]
            scores["without"] += [shown(one, mark) for label in images for one in untouched[label]]
        share = {
            k: round(float(np.mean(np.array(v) >= KINDS["watermark"].threshold)), 4) for k, v in scores.items() if v
        }
        figures[f"{place}, {strength}"] = {"pairs": len(pairs), "told": told, **share}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = {name: measured(name) for name in SETS}
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
