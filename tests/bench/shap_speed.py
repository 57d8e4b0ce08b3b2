"""SHAP of one picture for one class: seconds of Winnow's and of `shap.DeepExplainer`, and whether they say the same.

    python tests/bench/shap_speed.py [--images 5] [--samples 50] [--threads 2] [--json]

Both work on the same network with batch norm folded in and the same background of real photos, taking turns picture by
picture, warm. `additivity` is the largest error of a heat map's sum, as a share of the output's difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # in the place of this folder, whose coverage.py numba would take for the package
from core.backbones import backbone  # noqa: E402
from core.explainers.shap import shap  # noqa: E402
from core.pixels import squares, tensor  # noqa: E402
from tests.bench.predict import DATA, NAMES, networks  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    warnings.simplefilter("ignore")
    from shap import DeepExplainer

    from core.checkpoint import folded

    torch.set_num_threads(options.threads)
    files = random.Random(0).sample(sorted((DATA / "sneakers").rglob("*.jpg")), options.samples + options.images + 1)
    result: dict[str, object] = {}
    for name, net in networks().items():
        kind = backbone(name)
        net = folded(net).to(memory_format=torch.channels_last)
        pick = torch.nn.Linear(net.logits.out_features, 1, bias=False).requires_grad_(False)
        pick.weight[:] = torch.eye(net.logits.out_features)[:1]
        chosen = torch.nn.Sequential(net, pick)  # for shap, so that it explains one class too
        pixels = np.stack([squares(path.read_bytes(), [kind.size])[0] for path in files])
        x = tensor(pixels, kind.mean, kind.std, "cpu")
        background, pictures = x[: options.samples], x[options.samples :]
        ours, theirs, off, apart = [], [], [], []
        for i in range(len(pictures)):
            start = time.perf_counter()
            heat, sums = shap(net, pictures[i : i + 1], [0], background)
            middle = time.perf_counter()
            reference = DeepExplainer(chosen, background).shap_values(pictures[i : i + 1], check_additivity=False)
            end = time.perf_counter()
            if i:  # the first one warms up
                ours, theirs = [*ours, middle - start], [*theirs, end - middle]
            off.append(float(abs(heat[0].sum() - sums[0]) / abs(sums[0])))
            reference = np.asarray(reference).reshape(3, kind.size, kind.size).sum(axis=0)
            apart.append(float(np.abs(heat[0] - reference).max() / np.abs(reference).max()))
        result[name] = {
            "winnow_seconds": round(statistics.median(ours), 3), "shap_seconds": round(statistics.median(theirs), 3),
            "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
            "additivity": round(max(off), 6), "largest_difference": round(max(apart), 6),
        }  # fmt: skip
    assert set(NAMES) == set(result)
    result["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(result) if options.json else "\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
