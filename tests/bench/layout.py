"""What channels-last and torch.compile do for a training step, network by network, in one run.

    python tests/bench/layout.py [--steps 12] [--device cpu] [--json] [BACKBONE[@BATCH] ...]

The same network three times, its steps in turn: channels-last (as Winnow trains), contiguous, and channels-last compiled
by torch.compile. `channels_last` is the contiguous network's time over the channels-last one's; `compiled` the plain
channels-last one's over the compiled one's; both medians over the rounds, above 1 = it helps. `compiling` is the time of
the compiled network's first two steps, in steps of the plain one: so many steps it has to save before it pays.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core import device as devices  # noqa: E402
from core.backbones import build, look  # noqa: E402
from core.recipes import read  # noqa: E402

DEFAULT = ["vgg75-bn@64", "vgg100-bn@64", "simplecnn@64", "mobilenetv2_100@16", "resnet18@16"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("backbones", nargs="*", default=DEFAULT)
    options = parser.parse_args()
    where, rows = devices.device(options.device), []
    devices.keep_memory()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    for wanted in options.backbones:
        name, _, batch = wanted.partition("@")
        rows.append(measure(name, int(batch or 16), options.steps, where))
        print(json.dumps(rows[-1]) if options.json else rows[-1], flush=True)


def measure(name: str, batch: int, steps: int, where: torch.device) -> dict:
    recipe = read(name)
    size = look(recipe).size
    torch.manual_seed(0)
    plain = build(recipe, 10).to(where).train()
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    compiled_net = copy.deepcopy(last)
    dtype = devices.dtype(devices.precision(where, last, size))
    x = torch.randn(batch, 3, size, size, device=where)
    x_last, y = x.contiguous(memory_format=torch.channels_last), torch.randint(0, 10, (batch,), device=where)
    each = {
        "contiguous": (plain, plain, x), "last": (last, last, x_last),
        "compiled": (torch.compile(compiled_net), compiled_net, x_last),
    }  # fmt: skip
    optimisers = {key: torch.optim.AdamW(net.parameters(), lr=1e-4, fused=True) for key, (_, net, _) in each.items()}
    times: dict[str, list[float]] = {key: [] for key in each}
    error = ""
    for _ in range(steps + 2):
        for key, (forward, _, pixels) in each.items():
            if key == "compiled" and error:
                continue
            began = time.perf_counter()
            try:
                with torch.autocast(where.type, dtype, enabled=dtype is not None):
                    out = forward(pixels)
                nn.functional.cross_entropy(out.float(), y).backward()
            except RuntimeError as failed:  # no compiler on this machine, say
                error = str(failed).splitlines()[0][:120]
                continue
            optimisers[key].step()
            optimisers[key].zero_grad(set_to_none=True)
            if where.type == "cuda":
                torch.cuda.synchronize(where)
            times[key].append(time.perf_counter() - began)
    pairs = zip(times["contiguous"][2:], times["last"][2:], strict=True)
    result = {
        "backbone": name, "size": size, "batch": batch, "precision": str(dtype or "fp32").removeprefix("torch."),
        "images_per_second": round(batch / statistics.median(times["last"][2:]), 1),
        "channels_last": round(statistics.median(a / b for a, b in pairs), 2),
    }  # fmt: skip
    if error:
        return result | {"compiled": error}
    pairs = zip(times["last"][2:], times["compiled"][2:], strict=True)
    return result | {
        "compiled": round(statistics.median(a / b for a, b in pairs), 2),
        "compiling": round(sum(times["compiled"][:2]) / statistics.median(times["last"][2:])),
    }


if __name__ == "__main__":
    main()
