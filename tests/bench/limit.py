"""A training's images/s as a share of its limit: the same network and precision on random tensors already on the device.

    python tests/bench/limit.py [--backbone vgg75-bn] [--set sneakers] [--steps 200] [--batch 64] [--device cpu] [--json]

Steps of the two take turns in one process, so that whatever else the machine does meets both alike. Winnow's is the body
of its epoch: read the batch, augment it (crop, flip, colour), set the rate, step. The limit's is no more than forward,
backward, gradients clipped, AdamW, on one batch that is never read anew. `of_the_limit` is the limit's time over Winnow's,
summed over all steps; `middle` the median over the pairs.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.backbones import backbone  # noqa: E402
from core.device import device  # noqa: E402
from core.model import Recipe  # noqa: E402
from core.pixels import squares  # noqa: E402
from core.train import Pictures, optimise  # noqa: E402
from core.train.feed import Feed  # noqa: E402
from core.train.training import Training  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
PLANNING = 6  # steps that plan kernels, and are not counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="vgg75-bn")
    parser.add_argument("--set", default="sneakers")
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data, where, size = DATA / options.set, device(options.device), backbone(options.backbone).size
    if not data.is_dir():
        sys.exit(f"{data} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    classes = sorted(path.name for path in data.iterdir() if path.is_dir())
    files = [(file, i) for i, name in enumerate(classes) for file in sorted((data / name).iterdir())]
    random.Random(0).shuffle(files)
    files = files[: options.images]
    pixels = np.stack([squares(path.read_bytes(), [size])[0] for path, _ in files])
    pictures = Pictures(pixels, np.array([label for _, label in files]))
    few = Pictures(pixels[:8], pictures.labels[:8])
    torch.set_num_threads(options.threads or len(os.sched_getaffinity(0)))
    recipe = Recipe(options.backbone, epochs=10_000, batch=options.batch)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, tuple(classes), pictures, few, Path(folder), where, options.threads or 1, None)
        torch.set_num_threads(options.threads or len(os.sched_getaffinity(0)))
        training.resume()
        bare = copy.deepcopy(training.net)
        optimise.learning(training.net), optimise.learning(bare)
        optimiser = torch.optim.AdamW(bare.parameters(), lr=1e-3, fused=where.type != "mps")
        x = torch.randn(options.batch, 3, size, size, device=where).contiguous(memory_format=torch.channels_last)
        y = torch.randint(0, len(classes), (options.batch,), device=where)
        draw, feed = torch.Generator().manual_seed(0), Feed(pixels, where)
        order = (rows for _ in range(options.steps) for rows in training._order(draw))
        ours, limits, waits = [], [], []
        for step, rows in zip(range(options.steps + PLANNING), order, strict=False):
            began = time.perf_counter()
            batch = training._batch(next(feed([rows])), rows, draw)
            waits.append(time.perf_counter() - began)
            training._set_lr(step, [])
            training._step(*batch, draw, len(rows))
            finish(where)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            with torch.autocast(where.type, training.dtype, enabled=training.dtype is not None):
                out = bare(x[: len(rows)])
            nn.functional.cross_entropy(out.float(), y[: len(rows)], label_smoothing=recipe.label_smoothing).backward()
            torch.nn.utils.clip_grad_norm_(bare.parameters(), 5.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            finish(where)
            limits.append(time.perf_counter() - began)
    ours, limits, waits = ours[PLANNING:], limits[PLANNING:], waits[PLANNING:]
    result = {
        "set": options.set, "backbone": options.backbone, "batch": options.batch, "precision": training.precision,
        "steps": len(ours), "of_the_limit": round(sum(limits) / sum(ours), 3),
        "middle": round(statistics.median(b / a for a, b in zip(ours, limits, strict=True)), 3),
        "images_per_second": round(options.batch * len(ours) / sum(ours), 1),
        "data": round(sum(waits) / sum(ours), 4), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


def finish(where: torch.device) -> None:
    if where.type == "cuda":
        torch.cuda.synchronize(where)


if __name__ == "__main__":
    main()
