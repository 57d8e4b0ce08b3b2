"""After clean and split: is any picture of validation or test in training as well? An independent check, by embedding.

    python tests/bench/leak.py [--sets sneakers,porsche,fashion] [--home DIR] [--sheets DIR] [--json]

Each set goes through the command line (scrape, clean, split 80/10/10) in a home of its own; `--home` takes the projects
of these names in a home where a person has done that on the pages. Then every picture of the split is embedded anew, at
another size than cleaning does it, upright and mirrored, and each one of validation and test is held against all pictures
of the other parts. Nothing of what cleaning stored is used.

How much such a check can see is measured in the same run: 100 pictures of each set are copied in seven forms, and the
share of the copies is told that lies from each cosine on. The 300 nearest pairs are looked at a second time, by what
cleaning does not use either: SIFT keypoints and a similarity transform between them (Lowe 2004; Fischler and Bolles 1981),
then the correlation of both pictures where they overlap. `--sheets` draws the pairs that pass, to be looked at.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2  # comes with ultralytics
import numpy as np
from PIL import Image, ImageDraw, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()
STEPS = (0.99, 0.97, 0.95, 0.93, 0.90)
PLANTED = 100  # pictures copied in each form
AGAIN = 300  # of the nearest pairs looked at a second time
LONGEST = 320  # px, for keypoints
INLIERS, CORRELATION = 12, 0.9  # keypoints that agree on one transform; grey values where both pictures are


def core(home: Path, *words: str) -> dict[str, Any]:
    env = {**os.environ, "WINNOW_HOME": str(home), "WINNOW_WEIGHTS": str(DATA / "weights")}
    done = subprocess.run(
        [sys.executable, "-m", "core", *words, "--json"], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


# the first look: vectors ----------------------------------------------------------------------------------------------


def vectors(images: Sequence[Callable[[], Image.Image]]) -> np.ndarray:
    """(N, D), of length 1: MobileNetV2's features of the middle 192 of 216 px."""
    import torch

    from core.pixels import tensor
    from core.weights import known, timm_file, timm_network

    name = "mobilenetv2_100"
    net, cfg = timm_network(name, timm_file(name, DATA / "weights")), known(name)
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            seen = [np.asarray(one().resize((216, 216)).crop((12, 12, 204, 204))) for one in images[start : start + 64]]
            found.append(net(tensor(np.stack(seen), cfg.mean, cfg.std, "cpu")).numpy())
    out = np.concatenate(found)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def opened(file: Path, mirrored: bool = False) -> Callable[[], Image.Image]:
    def read() -> Image.Image:
        image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        return ImageOps.mirror(image) if mirrored else image

    return read


# the second look: keypoints -------------------------------------------------------------------------------------------


def grey(image: Image.Image) -> np.ndarray:
    image = image.convert("L")
    image.thumbnail((LONGEST, LONGEST))
    return np.asarray(image)


def one_photo(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one grey picture is the other, moved, scaled, turned or mirrored."""
    return any(_agree(one, turned) for turned in (other, np.ascontiguousarray(other[:, ::-1])))


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    sift = cv2.SIFT_create(600, contrastThreshold=0.02)
    (points, first), (others, second) = sift.detectAndCompute(one, None), sift.detectAndCompute(other, None)
    if first is None or second is None or min(len(first), len(second)) < INLIERS:
        return False
    pairs = [pair for pair in cv2.BFMatcher().knnMatch(first, second, k=2) if len(pair) == 2]
    good = [a for a, b in pairs if a.distance < 0.8 * b.distance]
    if len(good) < INLIERS:
        return False
    here = np.array([points[match.queryIdx].pt for match in good], np.float32)
    there = np.array([others[match.trainIdx].pt for match in good], np.float32)
    moved, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=2.0)
    if moved is None or int(inliers.sum()) < INLIERS:
        return False
    height, width = other.shape
    over = cv2.warpAffine(one, moved, (width, height))
    both = cv2.warpAffine(np.full_like(one, 255), moved, (width, height)) == 255
    if both.mean() < 0.3:
        return False
    return float(np.corrcoef(over[both], other[both])[0, 1]) >= CORRELATION


# what the check can see -----------------------------------------------------------------------------------------------


def saved(image: Image.Image, quality: int) -> Image.Image:
    image.save(to := io.BytesIO(), "JPEG", quality=quality)
    return Image.open(to).convert("RGB")


def cut(image: Image.Image, share: float) -> Image.Image:
    across, down = image.width * share, image.height * share
    return image.crop((round(across * 0.7), round(down * 0.3), round(image.width - across * 0.3), round(image.height - down * 0.7)))  # fmt: skip


FORMS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved at 85": lambda image: saved(image, 85),
    "saved at 50": lambda image: saved(image, 50),
    "half the size": lambda image: image.resize((max(1, image.width // 2), max(1, image.height // 2))),
    "mirrored": ImageOps.mirror,
    "cut by 4 %": lambda image: cut(image, 0.04),
    "cut by 10 %": lambda image: cut(image, 0.1),
    "cut by 10 %, mirrored": lambda image: ImageOps.mirror(cut(image, 0.1)),
}


def seen(files: Sequence[Path], upright: np.ndarray, mirrored: np.ndarray) -> dict[str, dict[str, float]]:
    """Of copies planted in each form: the share from each cosine on, and of those the share that the second look passes."""
    told = {}
    for form, change in FORMS.items():
        copies = [lambda file=file, change=change: change(opened(file)()) for file in files]
        of = vectors(copies)
        cosine = np.maximum((of * upright).sum(1), (of * mirrored).sum(1))
        again = [one_photo(grey(opened(file)()), grey(copy())) for file, copy in zip(files, copies, strict=True)]
        told[form] = {f"from {step}": round(float((cosine >= step).mean()), 3) for step in STEPS}
        told[form]["again"] = round(float(np.mean(again)), 3)
    return told


# a split --------------------------------------------------------------------------------------------------------------


def across(home: Path, name: str, sheets: Path | None) -> dict[str, Any]:
    """Pairs of one picture of validation or test and one of another part, by cosine and by the second look."""
    from core.blobs import Blobs
    from db import open_store

    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    project = store.project(name)
    split = store.split(project.id)
    part = {image: part for part, members in split.parts.items() for image, _ in members}
    records = store.images_by_id(project.id, sorted(part))
    blobs = Blobs(str(home))
    files = [Path(blobs.path(record.facts.sha256)) for record in records]
    upright = vectors([opened(file) for file in files])
    mirrored = vectors([opened(file, mirrored=True) for file in files])
    cosine = np.maximum(upright @ upright.T, upright @ mirrored.T)
    parts = np.array([part[record.id] for record in records])
    cosine = np.where((parts[:, None] != parts[None, :]) & np.triu(np.ones(cosine.shape, bool), 1), cosine, -1)
    near = [(int(i), int(j)) for i, j in np.argwhere(cosine >= STEPS[-1])]
    near.sort(key=lambda pair: -cosine[pair])
    again = [pair for pair in near[:AGAIN] if one_photo(*(grey(opened(files[k])()) for k in pair))]
    some = random.Random(0).sample(range(len(files)), min(PLANTED, len(files)))
    if sheets:
        drawn(sheets / f"{name}.png", [(f"{cosine[i, j]:.3f}", files[i], files[j]) for i, j in again])
        drawn(sheets / f"{name}-nearest.png", [(f"{cosine[i, j]:.3f}", files[i], files[j]) for i, j in near[:40]])
    return {
        "images": len(records), "leak": split.leak,
        **{f"pairs from {step}": int((cosine >= step).sum()) for step in STEPS},
        "looked at again": min(AGAIN, len(near)),
        "of them one photo": [
            (round(float(cosine[pair]), 3), *(f"{parts[k]}: {records[k].origin}" for k in pair)) for pair in again
        ],
        "nearest": [(round(float(cosine[pair]), 3), *(records[k].origin for k in pair)) for pair in near[:20]],
        "seen of planted copies": seen([files[k] for k in some], upright[some], mirrored[some]),
    }  # fmt: skip


def drawn(to: Path, pairs: Sequence[tuple[str, Path, Path]], side: int = 150, columns: int = 5) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    rows = max(1, -(-len(pairs) // columns))
    sheet = Image.new("RGB", (columns * (2 * side + 20), rows * (side + 24)), "white")
    for number, (said, *two) in enumerate(pairs):
        x, y = number % columns * (2 * side + 20), number // columns * (side + 24)
        for k, file in enumerate(two):
            image = opened(file)()
            image.thumbnail((side, side))
            sheet.paste(image, (x + k * side, y + 16))
        ImageDraw.Draw(sheet).text((x + 2, y + 2), f"{number}: {said}", "black")
    sheet.save(to)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="sneakers,porsche,fashion")
    parser.add_argument("--home", type=Path, help="where a person has scraped, cleaned and split them")
    parser.add_argument("--sheets", type=Path, help="draw the pairs that pass the second look, and the nearest ones")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    answer: dict[str, Any] = {}
    for name in args.sets.split(","):
        with tempfile.TemporaryDirectory(prefix="winnow-leak-") as folder:
            home, at = args.home or Path(folder), DATA / "data" / name
            if not args.home:
                classes = ",".join(sorted(p.name for p in at.iterdir() if p.is_dir()))
                core(home, "project", name, "--classes", classes)
                core(home, "scrape", "--project", name, "--source", "folder", "--path", str(at))
                core(home, "clean", "--project", name)
                core(home, "split", "--project", name)
            answer[name] = across(home, name, args.sheets)
        if not args.json:
            print(name, json.dumps(answer[name], indent=1), flush=True)
    if args.json:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
