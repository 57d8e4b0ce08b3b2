"""Images/s of a whole epoch of `vgg75-bn`: Winnow's pipeline against the loop everyone writes first, in one run.

    python tests/bench/train.py [--images 640] [--rounds 3] [--threads 2] [--backbone vgg75-bn] [--set sneakers] [--json]

"Naive" is the same network in fp32 (ReLU before the pool, as the textbook writes it) fed by a per-item loader: a torch
Dataset that opens, converts and resizes each file with Pillow and augments it with torchvision transforms, in a
DataLoader (no workers; `--workers N` gives it some). "Winnow" is `core.train.fit` on the decode-once cache, in the
precision it chooses. Both see the same images in batches of 64, with crop, flip and colour, and train on the same number
of threads, each in a process of its own; the rounds take turns, the median counts. An epoch is the training pass, from
the first byte of the first batch to the last step of the optimiser; `web` is the seat photos enlarged to 2 megapixels.
The decoding that fills the cache happens once and is reported beside it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.backbones import backbone  # noqa: E402
from core.model import Recipe  # noqa: E402
from core.pixels import squares  # noqa: E402
from core.train import Pictures, fit  # noqa: E402
from tests.bench.predict import ENLARGED, as_written, enlarged  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"


class Photos(Dataset):
    """As in PyTorch's own tutorial."""

    def __init__(self, files: list[tuple[Path, int]], size: int) -> None:
        self.files = files
        self.look = transforms.Compose(
            [
                transforms.Resize((size, size)),
                transforms.RandomResizedCrop(size, scale=(0.6, 1.0)),
                transforms.RandomHorizontalFlip(),
                transforms.ColorJitter(0.25, 0.25, 0.25),
                transforms.ToTensor(),
                transforms.Normalize((0.5,) * 3, (0.25,) * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        path, label = self.files[i]
        return self.look(Image.open(path).convert("RGB")), label


class Naive:
    def __init__(self, name: str, files: list[tuple[Path, int]], classes: int, workers: int) -> None:
        kind = backbone(name)
        self.net = as_written(kind.build(classes, kind.size)).train()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.loader = DataLoader(Photos(files, kind.size), batch_size=64, shuffle=True, num_workers=workers)
        self.images = len(files)

    def epoch(self) -> tuple[float, float]:
        """images/s, and the share of the time spent waiting for data."""
        start = before = time.perf_counter()
        waiting = 0.0
        for x, y in self.loader:
            waiting += time.perf_counter() - before
            loss = nn.functional.cross_entropy(self.net(x), y)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            before = time.perf_counter()
        seconds = time.perf_counter() - start
        return self.images / seconds, waiting / seconds


def apart(pipe: Connection, threads: int, name: str, files: list[tuple[Path, int]], classes: int, workers: int) -> None:
    """The naive loop in a process of its own, so that no setting of ours helps it; an epoch for each word it is sent."""
    torch.set_num_threads(threads)
    naive = Naive(name, files, classes, workers)
    while pipe.recv():
        pipe.send(naive.epoch())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--backbone", default="vgg75-bn")
    parser.add_argument("--set", default="sneakers", choices=("sneakers", "porsche", "fashion", "seat", "web"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = DATA / ("seat" if options.set == "web" else options.set)
    if not data.is_dir():
        sys.exit(f"{data} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    torch.set_num_threads(options.threads)
    classes = sorted(path.name for path in data.iterdir() if path.is_dir())
    files = [(file, i) for i, name in enumerate(classes) for file in sorted((data / name).iterdir())]
    random.Random(0).shuffle(files)
    large = tempfile.TemporaryDirectory()
    if options.set == "web":
        for i, (path, label) in enumerate(files):
            files[i] = (Path(large.name) / f"{i}.jpg", label)
            files[i][0].write_bytes(enlarged(path, ENLARGED["web"]))
    files = (files * (options.images // len(files) + 1))[: options.images]  # seat has 166
    size = backbone(options.backbone).size

    start = time.perf_counter()
    pixels = np.stack([squares(path.read_bytes(), [size])[0] for path, _ in files])
    decoding = len(files) / (time.perf_counter() - start)
    pictures = Pictures(pixels, np.array([label for _, label in files]))
    few = Pictures(pixels[:8], pictures.labels[:8])

    spawn = multiprocessing.get_context("spawn")
    pipe, other = spawn.Pipe()
    spawn.Process(
        target=apart, args=(other, options.threads, options.backbone, files, len(classes), options.workers), daemon=True
    ).start()
    recipe = Recipe(options.backbone, epochs=options.rounds + 1, batch=64, patience=99)
    with tempfile.TemporaryDirectory() as folder:
        rows = (
            row
            for row in fit(recipe, classes, pictures, few, Path(folder), "cpu", options.threads)
            if "val_loss" in row
        )
        ours, theirs, waits, naive_waits = [], [], [], []
        for round_ in range(options.rounds + 1):
            pipe.send(True)
            speed, wait = pipe.recv()
            row = next(rows)
            if round_:  # the first round plans kernels and warms caches on both sides
                ours, theirs = [*ours, row["images_per_second"]], [*theirs, speed]
                waits, naive_waits = [*waits, row["waiting"]], [*naive_waits, wait]
            print(f"round {round_}: winnow {row['images_per_second']:.0f}, naive {speed:.0f} images/s", file=sys.stderr)
        rows.close()
        pipe.send(False)
    large.cleanup()
    median = statistics.median
    result = {
        "set": options.set, "backbone": options.backbone, "images": len(files), "threads": options.threads, "workers": options.workers,
        "winnow_images_per_second": round(median(ours), 1), "naive_images_per_second": round(median(theirs), 1),
        "ratio": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 2),
        "waiting": round(median(waits), 4), "naive_waiting": round(median(naive_waits), 4),
        "decode_once_images_per_second": round(decoding, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
