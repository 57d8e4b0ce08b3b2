"""The detector crop on real photos: python tests/bench/crop.py [--set seat|porsche] [--sheets DIR] [--json]

How many photos have a box, which findings they get, and images/s batched against one by one, taking turns in one run.
With `--set porsche` also how well the findings meet one person's rejects in manifest.csv. `--sheets` draws the boxes
on contact sheets, to be looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.clean.crop import KINDS, Crop, choose  # noqa: E402
from core.detectors import Detector, detector, in_the_original, propose, shrink  # noqa: E402
from core.device import device  # noqa: E402
from core.model import Cropping, Detection  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()
SHEET, TILE = 42, 230  # pictures on a sheet; px


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=("seat", "porsche"), default="seat")
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = DATA / "data" / args.set
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    name, want, reason = propose(sorted({p.parent.name for p in files}))
    found = detector(name, DATA / "weights", device(), args.threads)
    started = time.perf_counter()
    images = [Image.open(p).convert("RGB") for p in files]
    small = [shrink(image, found.size) for image in images]
    decoding = time.perf_counter() - started
    detections, rates = timed(found, small)
    crops = []
    for image, seen, pixels in zip(images, detections, small, strict=True):
        boxes = list(in_the_original(seen, pixels.shape[1::-1], image.size))
        crops.append(choose(boxes, *image.size, Cropping("yolo", tuple(want))))
    figures = {
        "set": args.set, "images": len(files), "detector": name, "want": want, "reason": reason, "size": found.size,
        "with_box": sum(crop.box is not None for crop in crops),
        "findings": dict(Counter(kind for crop in crops for kind, _, _ in crop.findings)),
        "decode_images_per_second": round(len(files) / decoding, 1), **rates,
    }  # fmt: skip
    if (folder / "manifest.csv").exists():
        figures["rejects"] = against(folder / "manifest.csv", files, crops)
    if args.sheets:
        sheets(args.sheets, args.set, files, images, crops)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def timed(found: Detector, images: list[np.ndarray]) -> tuple[list[list[Detection]], dict]:
    """Detections of all, and images/s: 64 at once, and, for the first few hundred, one by one, in turn."""
    found.detect(images[:4])
    seen: list[list[Detection]] = []
    spent = {"batched": 0.0, "single": 0.0}
    work = {"batched": 0.0, "single": 0.0}  # processor seconds, which other programs do not lengthen
    count = min(len(images), 192)
    for start in range(0, len(images), 64):
        some = images[start : start + 64]
        for way in spent if start < count else ("batched",):
            clock, processor = time.perf_counter(), time.process_time()
            answers = found.detect(some) if way == "batched" else [found.detect([one])[0] for one in some]
            if start < count:
                spent[way] += time.perf_counter() - clock
                work[way] += time.process_time() - processor
            seen += answers if way == "batched" else []
    rates = {f"{way}_images_per_second": round(count / seconds, 1) for way, seconds in spent.items()}
    return seen, rates | {
        "ratio": round(spent["single"] / spent["batched"], 2),
        "batched_images_per_processor_second": round(count / work["batched"], 1),
        "ratio_of_processor_time": round(work["single"] / work["batched"], 2),
        "threads": torch.get_num_threads(),
    }


def against(manifest: Path, files: list[Path], crops: list[Crop]) -> dict:
    """Precision and recall of the findings, taken as rejections, against a person's."""
    rows = [row for row in csv.reader(manifest.open()) if len(row) == 3]
    rejected = {(label, name) for label, name, verdict in rows if verdict == "reject"}
    truth = np.array([(p.parent.name, p.name) in rejected for p in files])
    result = {"rejected": int(truth.sum())}
    groups = {kind: (kind,) for kind in KINDS} | {"no_box or small_box": ("no_box", "small_box"), "any": KINDS}
    for name, kinds in groups.items():
        said = np.array([any(kind in kinds for kind, _, _ in crop.findings) for crop in crops])
        both = int((said & truth).sum())
        result[name] = {
            "found": int(said.sum()), "precision": round(both / max(said.sum(), 1), 3),
            "recall": round(both / max(truth.sum(), 1), 3),
        }  # fmt: skip
    return result


def sheets(to: Path, name: str, files: list[Path], images: list[Image.Image], crops: list[Crop]) -> None:
    """The boxes, and under each picture its number, its file and its findings."""
    to.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(files), SHEET):
        page = Image.new("RGB", (7 * TILE, 6 * (TILE - 20)), "white")
        draw = ImageDraw.Draw(page)
        for place, index in enumerate(range(start, min(start + SHEET, len(files)))):
            image, crop = images[index], crops[index]
            scale = min((TILE - 6) / image.width, (TILE - 50) / image.height)
            x, y = place % 7 * TILE, place // 7 * (TILE - 20)
            page.paste(image.resize((round(image.width * scale), round(image.height * scale))), (x, y))
            if crop.box:
                draw.rectangle([x + crop.box[0] * scale, y + crop.box[1] * scale, x + crop.box[2] * scale - 1, y + crop.box[3] * scale - 1], outline="red", width=2)  # fmt: skip
            words = " ".join(f"{kind} {score:.2f}" for kind, score, _ in crop.findings)
            draw.text((x, y + TILE - 48), f"{index} {files[index].name[-26:]}\n{words}", fill="black")
        page.save(to / f"{name}-{start:04}.png")


if __name__ == "__main__":
    main()
