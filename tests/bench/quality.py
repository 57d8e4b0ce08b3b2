"""Quality of pictures against CleanVision, on real photos: python tests/bench/quality.py [--every N] [--json]

What both find and what only one finds, by kind and set, with the names; faults planted in photos that have none and how
many are found, with false alarms on the untouched; pictures per second of processor time of both in one run. Needs cleanvision. `--every 10` takes each tenth picture for the planted faults and the speed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"
SETS = ("sneakers", "porsche", "fashion", "seat")
NAMED = 12  # pictures named where only one of both finds a kind
# CleanVision's kind -> ours; its odd size has none of ours, four of ours have none of its.
THEIRS = {"dark": "dark", "light": "light", "odd_aspect_ratio": "odd_aspect", "low_information": "low_information",
          "blurry": "blurred", "grayscale": "greyscale"}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = {name: agreement(pictures(name)) for name in SETS}
    some = {name: pictures(name)[:: args.every] for name in SETS}
    figures["planted"] = {name: planted(files) for name, files in some.items()}
    figures["drawn"] = drawn()
    figures["speed"] = speed([file for files in some.values() for file in files])
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def pictures(name: str) -> list[Path]:
    return sorted((DATA / name).rglob("*.jpg"))


def found(image: Image.Image) -> set[str]:
    from core.clean.quality import KINDS, measure

    return {kind for kind, score in measure(image).items() if score >= KINDS[kind].threshold}


def read(file: Path) -> Image.Image:
    from core.pixels import decode

    return decode(file.read_bytes())


def agreement(files: Sequence[Path]) -> dict:
    ours = {str(file): found(read(file)) for file in files}
    theirs = cleanvision(files)
    figures = {}
    for kind in sorted(set().union(*ours.values(), THEIRS.values())):
        we = {file for file, kinds in ours.items() if kind in kinds}
        they = {file for file, kinds in theirs.items() if kind in kinds}
        figures[kind] = {
            "ours": len(we), "cleanvision": len(they), "both": len(we & they), "images": len(files),
            "only_ours": names(we - they), "only_cleanvision": names(they - we),
        }  # fmt: skip
    return figures


def names(files: set[str]) -> list[str]:
    return [f"{Path(file).parent.name}/{Path(file).name}" for file in sorted(files)[:NAMED]]


def cleanvision(files: Sequence[Path]) -> dict[str, set[str]]:
    os.environ["TQDM_DISABLE"] = "1"  # its progress bar
    from cleanvision import Imagelab

    lab = Imagelab(filepaths=[str(file) for file in files])
    lab.find_issues({kind: {} for kind in THEIRS}, n_jobs=1, verbose=False)
    told: dict[str, set[str]] = {str(file): set() for file in files}
    for theirs, ours in THEIRS.items():
        for file, wrong in lab.issues[f"is_{theirs}_issue"].to_dict().items():
            if wrong:
                told[str(file)].add(ours)
    return told


def levels(low: float, high: float, power: float = 1.0) -> Callable[[Image.Image], Image.Image]:
    table = [round(255 * (low + (high - low) * (level / 255) ** power)) for level in range(256)] * 3
    return lambda image: image.point(table)


def enlarged(image: Image.Image) -> Image.Image:
    small = image.resize((max(1, image.width // 4), max(1, image.height // 4)), Image.Resampling.LANCZOS)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def piece(image: Image.Image) -> Image.Image:
    """A corner of it, 15 % of each side, on white."""
    on = Image.new("RGB", image.size, "white")
    width, height = image.width * 15 // 100, image.height * 15 // 100
    middle = image.crop((image.width // 2, image.height // 2, image.width // 2 + width, image.height // 2 + height))
    on.paste(middle, (image.width // 3, image.height // 3))
    return on


def words(image: Image.Image) -> Image.Image:
    on, rng = image.copy(), random.Random(image.width)
    draw, font = ImageDraw.Draw(on), ImageFont.load_default(on.height / 7)
    for row, line in enumerate(rng.sample(["GIVEAWAY", "UNBOXING", "RETRO 17", "Comparison", "1999 vs 2017"], 2)):
        draw.text(
            (on.width / 2, on.height * (0.12 + 0.76 * row)), line, fill="white", font=font, anchor="mm",
            stroke_width=max(1, on.height // 150), stroke_fill="black",
        )  # fmt: skip
    return on


FAULTS: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "blur, sigma 1 px": ("blurred", lambda image: image.filter(ImageFilter.GaussianBlur(1))),
    "blur, sigma 2 px": ("blurred", lambda image: image.filter(ImageFilter.GaussianBlur(2))),
    "blur, sigma 4 px": ("blurred", lambda image: image.filter(ImageFilter.GaussianBlur(4))),
    "enlarged four times": ("blurred", enlarged),
    "levels 0 to .3": ("dark", levels(0, 0.3)),
    "gamma 5": ("dark", levels(0, 1, 5)),
    "levels .93 to 1": ("light", levels(0.93, 1)),
    "gamma .2": ("light", levels(0, 1, 0.2)),
    "a tenth of the contrast": ("low_information", levels(0.45, 0.55)),
    "grey": ("greyscale", lambda image: image.convert("L").convert("RGB")),
    "40 px wide": ("too_small", lambda image: image.resize((40, 40))),
    "a strip": ("odd_aspect", lambda image: image.crop((0, 0, image.width, max(1, image.height // 5)))),
    "a small piece on white": ("almost_empty", piece),
    "two lines of words": ("text", words),
}


def planted(files: Sequence[Path]) -> dict:
    images = [read(file) for file in files]
    clean = [found(image) for image in images]
    figures: dict = {"images": len(files), "with any finding untouched": sum(map(bool, clean)) / len(files)}
    for name, (kind, spoil) in FAULTS.items():
        unspoilt = [image for image, kinds in zip(images, clean, strict=True) if kind not in kinds]
        hits = sum(kind in found(spoil(image)) for image in unspoilt)
        figures[name] = {"kind": kind, "recall": round(hits / max(len(unspoilt), 1), 4)}
    return figures


def drawn() -> dict:
    """Posters and sketches of the kind the weights were fitted on, other ones, and text cards."""
    from core.demo.junk import WORDS, poster

    rng = random.Random(77)
    posters = [poster((rng.randint(300, 600), 360), rng.choice(list(WORDS)), rng) for _ in range(60)]
    cards = [words(Image.new("RGB", (480, 360), tuple(rng.randrange(160) for _ in range(3)))) for _ in range(60)]
    return {
        name: {kind: sum(kind in found(image) for image in some) / len(some) for kind in ("drawing", "text")}
        for name, some in (("posters and sketches", posters), ("text cards", cards))
    }


def speed(files: Sequence[Path]) -> dict:
    """Pictures per second of processor time, decoding included, after a first round of each."""
    one, other = [], []
    for file in files[:5]:
        found(read(file))
    cleanvision(files[:5])
    for start in range(0, len(files), 50):  # in turns, so that other work on the machine hinders both alike
        some = files[start : start + 50]
        one.append(seconds(lambda some=some: [found(read(file)) for file in some]))
        other.append(seconds(lambda some=some: cleanvision(some)))
    return {
        "images": len(files), "ours": round(len(files) / sum(one), 1), "cleanvision": round(len(files) / sum(other), 1)
    }  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
