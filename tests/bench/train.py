"""Images/s of a whole epoch of `vgg75-bn`: Winnow's pipeline against its limit and against other loops, in one run.

    python tests/bench/train.py [--images 640] [--rounds 3] [--threads 2] [--backbone vgg75-bn] [--set sneakers] [--json]

"Naive" is the same network in fp32 (ReLU before the pool, as the textbook writes it) fed by a per-item loader: a torch
Dataset that opens, converts and resizes each file with Pillow and augments it with torchvision transforms, in a
DataLoader (no workers; `--workers N` gives it some). "Timm" is the loop of timm's training script on the same network
and precision as Winnow: its loader with its usual crop, flip and colour, AdamW, gradients clipped. The "limit" is the same
network in the same precision, fed again and again the same random tensors on the device. "Winnow" is `core.train.fit` on the decode-once cache, in the
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
from core.device import dtype  # noqa: E402
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


class Timm:
    """As in timm's train.py: create_dataset, create_loader, and the body of its train_one_epoch."""

    def __init__(self, name: str, folder: Path, classes: int, workers: int, dtype: torch.dtype | None) -> None:
        from timm.data import create_dataset, create_loader

        kind = backbone(name)
        self.net = kind.build(classes, kind.size).to(memory_format=torch.channels_last).train()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        data = create_dataset("", root=str(folder), split="train", is_training=True)
        self.images, self.dtype = len(data), dtype
        self.loader = create_loader(
            data, (3, kind.size, kind.size), 64, is_training=True, use_prefetcher=False, num_workers=workers,
            scale=(0.6, 1.0), color_jitter=0.25, mean=kind.mean, std=kind.std, device=torch.device("cpu"),
            persistent_workers=False,
        )  # fmt: skip

    def epoch(self) -> float:
        """images/s; its loader leaves out a last batch that is not full."""
        start, seen = time.perf_counter(), 0
        for x, y in self.loader:
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", self.dtype, enabled=self.dtype is not None):
                loss = nn.functional.cross_entropy(self.net(x), y, label_smoothing=0.05)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimiser.step()
            self.optimiser.zero_grad()
            seen += len(y)
        return seen / (time.perf_counter() - start)


def limit(name: str, classes: int, images: int, dtype: torch.dtype | None) -> float:
    """images/s of the same steps on random tensors that are on the device already."""
    kind = backbone(name)
    net = kind.build(classes, kind.size).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    x = torch.randn(64, 3, kind.size, kind.size).contiguous(memory_format=torch.channels_last)
    y, steps, start = torch.randint(0, classes, (64,)), max(1, images // 64), 0.0
    for step in range(steps + 2):  # two to plan the kernels
        if step == 2:
            start = time.perf_counter()
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            out = net(x)
        nn.functional.cross_entropy(out.float(), y, label_smoothing=0.05).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return steps * 64 / (time.perf_counter() - start)


def apart(
    pipe: Connection, threads: int, name: str, files: list[tuple[Path, int]], classes: int, workers: int, folder: Path
) -> None:  # fmt: skip
    """The others' loops in a process of their own, so that no setting of ours helps them; an epoch for each word it is
    sent: "naive", or the precision that timm's is to use."""
    torch.set_num_threads(threads)
    naive, theirs = Naive(name, files, classes, workers), None
    while word := pipe.recv():
        if word == "naive":
            pipe.send(naive.epoch())
        else:
            theirs = theirs or Timm(name, folder, classes, workers, dtype(word))
            pipe.send((theirs.epoch(), 0.0))


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

    folders = tempfile.TemporaryDirectory()  # as timm reads them: a folder for each class
    for i, (path, label) in enumerate(files):
        at = Path(folders.name) / "train" / f"{label:03d}" / f"{i}{path.suffix}"
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(path)
    spawn = multiprocessing.get_context("spawn")
    pipe, other = spawn.Pipe()
    spawn.Process(
        target=apart,
        args=(other, options.threads, options.backbone, files, len(classes), options.workers, Path(folders.name)),
        daemon=options.workers == 0,  # one that is may have no children
    ).start()
    recipe = Recipe(options.backbone, epochs=options.rounds + 1, batch=64, patience=99)
    with tempfile.TemporaryDirectory() as folder:
        rows = (
            row
            for row in fit(recipe, classes, pictures, few, Path(folder), "cpu", options.threads)
            if "val_loss" in row
        )
        ours, theirs, timms, limits, waits, naive_waits = [], [], [], [], [], []
        chosen = ""
        for round_ in range(options.rounds + 1):
            pipe.send("naive")
            speed, wait = pipe.recv()
            row = next(rows)
            [state] = [json.loads(f.read_text()) for f in sorted(Path(folder).glob("state-*.json"))[-1:]]
            chosen = state["precision"]
            most = limit(options.backbone, len(classes), len(files), dtype(chosen))
            pipe.send(chosen)
            timm_speed, _ = pipe.recv()
            if round_:  # the first round plans kernels and warms caches on all sides
                ours, theirs = [*ours, row["images_per_second"]], [*theirs, speed]
                timms, limits = [*timms, timm_speed], [*limits, most]
                waits, naive_waits = [*waits, row["waiting"]], [*naive_waits, wait]
            print(
                f"round {round_}: winnow {row['images_per_second']:.0f}, limit {most:.0f}, naive {speed:.0f}, timm"
                f" {timm_speed:.0f} images/s", file=sys.stderr,
            )  # fmt: skip
        rows.close()
        pipe.send("")
    large.cleanup()
    folders.cleanup()
    median = statistics.median
    result = {
        "set": options.set, "backbone": options.backbone, "images": len(files), "threads": options.threads, "workers": options.workers,
        "winnow_images_per_second": round(median(ours), 1), "naive_images_per_second": round(median(theirs), 1),
        "timm_images_per_second": round(median(timms), 1), "limit_images_per_second": round(median(limits), 1),
        "precision": chosen, "ratio": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 2),
        "of_the_limit": round(median(a / b for a, b in zip(ours, limits, strict=True)), 3),
        "against_timm": round(median(a / b for a, b in zip(ours, timms, strict=True)), 2),
        "waiting": round(median(waits), 4), "naive_waiting": round(median(naive_waits), 4),
        "decode_once_images_per_second": round(decoding, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
