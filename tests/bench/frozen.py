"""An epoch of a frozen network's head on kept features, against the same where every picture goes through the network.

    python tests/bench/frozen.py [--images 320] [--epochs 3] [--backbone mobilenetv2_100] [--set fashion] [--json]

WINNOW_WEIGHTS has to hold the weights. Both train the same head with the same optimiser in batches of 64 on the same
pictures; without kept features the network runs in evaluation mode and without gradients, in batches as well. The one
pass that makes the features is reported beside it, in epochs of the slow way.
"""

from __future__ import annotations

import argparse
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
from core.backbones import look, start  # noqa: E402
from core.pixels import squares, tensor  # noqa: E402
from core.recipes import read  # noqa: E402
from core.train import Pictures, fit  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--set", default="fashion", choices=("sneakers", "porsche", "fashion"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    weights = Path(os.environ.get("WINNOW_WEIGHTS", DATA / "weights"))
    classes = sorted(path.name for path in (DATA / "data" / options.set).iterdir() if path.is_dir())
    files = [(f, i) for i, name in enumerate(classes) for f in sorted((DATA / "data" / options.set / name).iterdir())]
    random.Random(0).shuffle(files)
    recipe = read(f"{options.backbone}:train=head", epochs=options.epochs + 1, patience=99)
    seen = look(recipe)
    pixels = np.stack([squares(path.read_bytes(), [seen.size])[0] for path, _ in files[: options.images]])
    pictures = Pictures(pixels, np.array([label for _, label in files[: options.images]]))
    kept, making, began = [], 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        few = Pictures(pixels[:8], pictures.labels[:8])
        for row in fit(recipe, classes, pictures, few, Path(folder), "cpu", 2, weights=weights):
            if not row["epoch"]:
                making = time.perf_counter() - began
            elif "val_loss" in row:
                kept.append(len(pictures) / row["images_per_second"])
    net, slow = start(recipe, len(classes), weights).to(memory_format=torch.channels_last), []
    trunk, head = net.trunk.eval(), net.logits
    optimiser = torch.optim.AdamW(head.parameters(), lr=recipe.lr)
    labels = torch.as_tensor(pictures.labels)
    for _ in range(options.epochs):
        began = time.perf_counter()
        for at in torch.randperm(len(pictures)).split(recipe.batch):
            x = tensor(pixels[at.numpy()], seen.mean, seen.std, "cpu").contiguous(memory_format=torch.channels_last)
            with torch.inference_mode():
                features = trunk(x)
            nn.functional.cross_entropy(head(features.clone()), labels[at]).backward()
            optimiser.step()
            optimiser.zero_grad()
        slow.append(time.perf_counter() - began)
    fast, slowly = statistics.median(kept[1:]), statistics.median(slow)
    result = {
        "set": options.set, "backbone": options.backbone, "images": len(pictures), "times_as_fast": round(slowly / fast),
        "features_cost_epochs": round(making / slowly, 2), "seconds_kept": round(fast, 4), "seconds_not_kept": round(slowly, 2),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
