"""Planted copies among real photos: how many are found by kind, and what is merged that should not be.

    python tests/bench/planted.py [--sets sneakers,porsche,fashion] [--originals 150] [--embed auto|plain] [--json]

For each set, copies of random originals are added to all of its photos: resized, saved again, cut at a random place,
mirrored, written on, in other colours, with a margin. Then pairs are suspected by hashes and by embeddings, looked at
again and grouped, as clean does, with its default limit (strict) and at the loose end of the slider. A copy is found
when it stands in the group of its original.

Pairs of unplanted photos in one group are compared with `planted.csv`, where it is written down of pairs that were looked
at by eye whether they are the `same` photo, one thing taken twice within a `moment` as far as one can see, or an `other`
photo; pairs that are not in it are `unseen`. Wrong merges are images in a group with another photo.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()
LOOSE = 0.8
BATCH = 128


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    to = io.BytesIO()
    image.save(to, "JPEG", quality=quality)
    return to.getvalue()


def resized(image: Image.Image, share: float) -> bytes:
    size = round(image.width * share), round(image.height * share)
    return jpeg(image.resize(size, Image.Resampling.LANCZOS))


def cut(image: Image.Image, share: float, rng: random.Random) -> Image.Image:
    """Without `share` of its width and of its height, at a random place."""
    width, height = round(image.width * (1 - share)), round(image.height * (1 - share))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def written_on(image: Image.Image, rng: random.Random) -> Image.Image:
    """A line of text, 8 to 14 % of the height, somewhere."""
    image, text = image.copy(), rng.choice(["www.shoes.example", "SALE -30%", "(c) photo agency", "New arrival 2019"])
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(max(9, image.height * rng.uniform(0.08, 0.14)))
    _, _, right, bottom = (int(side) for side in draw.textbbox((0, 0), text, font=font))
    place = rng.randint(0, max(0, image.width - right)), rng.randint(0, max(0, image.height - bottom))
    ink, edge = rng.choice([("white", "black"), ("black", "white"), ("red", "white")])
    draw.text(place, text, font=font, fill=ink, stroke_width=1, stroke_fill=edge)
    return image


def recoloured(image: Image.Image, rng: random.Random) -> Image.Image:
    """Red, green and blue up to a fifth stronger or weaker, colours .6 to 1.5 times as strong."""
    gain = np.array([rng.uniform(0.8, 1.2) for _ in range(3)])
    shifted = Image.fromarray(np.clip(np.asarray(image) * gain, 0, 255).astype(np.uint8))
    return ImageEnhance.Color(shifted).enhance(rng.uniform(0.6, 1.5))


def framed(image: Image.Image, rng: random.Random) -> Image.Image:
    """With a white or black margin of 3 to 12 %."""
    across, down = (round(side * rng.uniform(0.03, 0.12)) for side in image.size)
    out = Image.new("RGB", (image.width + 2 * across, image.height + 2 * down), rng.choice(["white", "black"]))
    out.paste(image, (across, down))
    return out


KINDS: dict[str, Callable[[Image.Image, random.Random], bytes]] = {
    "resize .75": lambda image, rng: resized(image, 0.75),
    "resize .5": lambda image, rng: resized(image, 0.5),
    "recompress q 50": lambda image, rng: jpeg(image, 50),
    "mirror": lambda image, rng: jpeg(mirrored(image), 85),
    "crop 4 %": lambda image, rng: jpeg(cut(image, 0.04, rng)),
    "crop 10 %": lambda image, rng: jpeg(cut(image, 0.1, rng)),
    "crop 10 %, mirror": lambda image, rng: jpeg(mirrored(cut(image, 0.1, rng))),
    "crop 20 %": lambda image, rng: jpeg(cut(image, 0.2, rng)),
    "margin": lambda image, rng: jpeg(framed(image, rng)),
    "text": lambda image, rng: jpeg(written_on(image, rng)),
    "colour": lambda image, rng: jpeg(recoloured(image, rng)),
}


class Pile:
    """What clean knows of each picture: hashes, mean colours, the small picture, the vector."""

    def __init__(self, embedder: Callable[[np.ndarray], np.ndarray], size: int) -> None:
        self.embedder, self.size = embedder, size
        self.names: list[str] = []
        self.kinds: list[str] = []  # "" for an unplanted one
        self.origins: list[int] = []  # the first picture with the same pixels, or the one it was made of
        self.hashes: list[tuple[int, ...]] = []
        self.small: list[np.ndarray] = []
        self.waiting: list[np.ndarray] = []
        self.vectors: list[np.ndarray] = []
        self.first: dict[str, int] = {}

    def add(self, data: bytes, name: str, kind: str = "", origin: int | None = None) -> int:
        """The row of the picture; one with the same pixels as another is that one."""
        from core.clean.look import small
        from core.pixels import ingest, squares

        facts, thumb = ingest(data)
        row = self.first.setdefault(facts.pixels, len(self.names))
        if row < len(self.names):
            return row
        self.names.append(name)
        self.kinds.append(kind)
        self.origins.append(row if origin is None else self.origins[origin])
        self.hashes.append(facts.hashes)
        self.small.append(small(thumb))
        self.waiting += squares(data, [self.size])
        if len(self.waiting) == 32:
            self.embed()
        return row

    def embed(self) -> None:
        if self.waiting:
            self.vectors.append(self.embedder(np.stack(self.waiting)).astype(np.float16))
            self.waiting = []


def planted(name: str, originals: int, embed: str) -> Pile:
    from core.embed import embedder

    chosen = embedder(embed, SHARED / "weights", "cpu")
    print(f"{name}: embedding with {chosen.name}", file=sys.stderr)
    pile, rng = Pile(chosen, chosen.size), random.Random(5)
    paths = sorted((SHARED / "data" / name).rglob("*.jp*g"))
    for path in paths:
        pile.add(path.read_bytes(), path.relative_to(SHARED / "data" / name).as_posix())
    for row in sorted(rng.sample(range(len(pile.names)), min(originals, len(pile.names)))):
        image = Image.open(SHARED / "data" / name / pile.names[row]).convert("RGB")
        for kind, change in KINDS.items():
            pile.add(change(image, rng), pile.names[row], kind, row)
    pile.embed()
    return pile


def suspicions(pile: Pile) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Batches of pairs (P, 2), how the first is turned (P,), and the cosine of their vectors (P,) where that is known."""
    from core.clean.hashes import suspects
    from core.clean.look import coarse
    from core.clean.neighbours import neighbours

    fresh = np.ones(len(pile.names), dtype=bool)
    fields = np.stack([coarse(one) for one in pile.small]).round().astype(np.uint8)
    for some in suspects(np.array(pile.hashes, dtype=np.uint64), fields, fresh):
        for start in range(0, len(some), BATCH):
            part = some[start : start + BATCH]
            yield part[:, :2], part[:, 2], None
    for some in neighbours(np.concatenate(pile.vectors), fresh):
        for start in range(0, len(some), BATCH):
            part = some[start : start + BATCH]
            yield np.stack([part["i"], part["j"]], axis=1), np.zeros(len(part), np.int32), part["cosine"]


def links(pile: Pile) -> tuple[dict[tuple[int, int], float], int]:
    """Pairs (i, j) with their likeness, and how many were looked at."""
    from core.clean.look import likeness, turned

    found: dict[tuple[int, int], float] = {}
    looked = 0
    for pairs, flips, cosine in suspicions(pile):
        one = np.stack([turned(pile.small[i], flip) for i, flip in zip(pairs[:, 0], flips, strict=True)])
        said = likeness(one, np.stack([pile.small[j] for j in pairs[:, 1]]), cosine)
        looked += len(pairs)
        for i, j, value in zip(*pairs.T.tolist(), said.tolist(), strict=True):
            if value:
                found[i, j] = max(value, found.get((i, j), 0.0))
    return found, looked


def grouped(found: dict[tuple[int, int], float], limit: float) -> list[set[int]]:
    from core.clean.groups import both_ways, groups
    from core.model import Link

    taken = (Link(i, j, value, "") for (i, j), value in found.items() if value >= limit)
    return [set(group) for group in groups(both_ways(taken))]


def recall(pile: Pile, groups: list[set[int]]) -> dict[str, float]:
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    hits: dict[str, list[bool]] = defaultdict(list)
    for row, kind in enumerate(pile.kinds):
        if kind:
            hits[kind].append(group_of.get(row, -1) == group_of.get(pile.origins[row], -2))
    return {kind: round(sum(each) / len(each), 4) for kind, each in hits.items()}


def merges(pile: Pile, groups: list[set[int]], found: dict[tuple[int, int], float], seen: dict) -> dict:
    """What the groups join besides planted copies."""
    pairs: dict[tuple[str, str], float] = {}
    wrong: set[int] = set()
    for group in groups:
        names = sorted({pile.names[pile.origins[row]] for row in group})
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                pairs[one, other] = max(
                    (value for (i, j), value in found.items() if i in group and j in group
                     and {pile.names[i], pile.names[j]} == {one, other}), default=0.0,
                )  # fmt: skip
                if seen.get((one, other)) == "other":
                    wrong |= {row for row in group if pile.names[row] in (one, other)}
    told = {
        verdict: [pair for pair in pairs if seen.get(pair) == verdict] for verdict in ("same", "moment", "other", None)
    }
    return {
        "pairs_one_photo": len(told["same"]),
        "pairs_within_a_moment": len(told["moment"]),
        "wrong_pairs": [[*pair, round(pairs[pair], 3)] for pair in told["other"]],
        "unseen_pairs": [[*pair, round(pairs[pair], 3)] for pair in told[None]],
        "images_merged_wrongly": len(wrong),
        "share_wrong": round(len(wrong) / len(pile.names), 5),
    }


def verdicts(name: str) -> dict[tuple[str, str], str]:
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        return {(row["one"], row["other"]): row["photo"] for row in csv.DictReader(file) if row["set"] == name}


def measured(name: str, originals: int, embed: str) -> dict:
    from core.clean.look import SURE

    pile = planted(name, originals, embed)
    started = time.process_time()
    found, looked = links(pile)
    seconds = time.process_time() - started
    figures = {"images": len(pile.names), "pairs_looked_at": looked, "cpu_seconds": round(seconds, 1)}
    for limit in (SURE, LOOSE):
        groups = grouped(found, limit)
        figures[f"limit {limit}"] = {"recall": recall(pile, groups), **merges(pile, groups, found, verdicts(name))}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sets", default="sneakers,porsche,fashion")
    parser.add_argument("--originals", type=int, default=150)
    parser.add_argument("--embed", default="auto")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = {name: measured(name, args.originals, args.embed) for name in args.sets.split(",")}
    print(json.dumps(figures, indent=None if args.json else 1))


if __name__ == "__main__":
    main()
