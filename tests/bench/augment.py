"""Pictures/s of `core.augment`: against what it was with three fixed changes, against torchvision per item, and each alone.

    python tests/bench/augment.py [--rounds 15] [--batch 64] [--threads 1] [--set sneakers] [--json]

Real pictures, decoded once, in batches on the CPU. In each round all take their turn; the medians count, and of ratios
the median over rounds. Figures are processor time, all threads together, so that a neighbour on the machine moves them
little. "Before" is the function of the first release, kept here to compare with: one crop, flip and colour on pixels
that were normalised already, and normalising is counted. "Per item" is torchvision's v2 transforms on uint8 tensors,
one picture after the other, as a DataLoader would. The step of a training is `vgg75-bn` in the precision that training
chooses: forward, backward and AdamW.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import affine_grid, cross_entropy, grid_sample
from torchvision.transforms import v2

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core import device as devices  # noqa: E402
from core.augment import AUGMENTATIONS, COLOUR, CROP, augment, mix  # noqa: E402
from core.backbones import backbone  # noqa: E402
from core.model import Recipe  # noqa: E402
from core.pixels import squares, tensor  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
MEAN, STD = (0.5,) * 3, (0.25,) * 3
CPU = torch.device("cpu")
USUAL = Recipe("vgg75-bn").augment


def before(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """What `augment` was."""
    count = len(x)
    u = torch.rand((8, count), generator=draw)
    side = CROP[0] + (CROP[1] - CROP[0]) * u[0]
    stretch = 1 + 0.08 * (2 * u[1] - 1)
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    theta = torch.zeros((count, 2, 3))
    theta[:, 0, 0] = width * torch.where(u[2] < 0.5, -1.0, 1.0)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (1 - width) * (2 * u[3] - 1)
    theta[:, 1, 2] = (1 - height) * (2 * u[4] - 1)
    grid = affine_grid(theta, list(x.shape), align_corners=False)
    x = grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    brightness, contrast, saturation = ((COLOUR * (2 * v - 1)).view(-1, 1, 1, 1) for v in u[5:8])
    grey = x.mean(dim=1, keepdim=True)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    gain = (1 + saturation) * (1 + contrast)
    return x * gain + (grey * (1 + contrast - gain) + (brightness - contrast * middle))


def per_item(size: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same three changes by torchvision, (B, S, S, 3) uint8 -> (B, 3, S, S) float32."""
    look = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.56, 1.0), ratio=(0.85, 1.18), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.25, 0.25, 0.25),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    return lambda pixels: torch.stack([look(one.permute(2, 0, 1)) for one in pixels])


def spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def turns(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work in each round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(rounds + 1):
        for name, work in works.items():
            took = spent(work)
            if round_:
                seconds[name].append(took)
    return seconds


def ratio(over: list[float], under: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(over, under, strict=True)), 3)


def batches(name: str, size: int, batch: int) -> torch.Tensor:
    files = sorted(path for path in (DATA / name).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    chosen = random.Random(0).sample(files, batch)
    return torch.from_numpy(np.stack([squares(path.read_bytes(), [size])[0] for path in chosen]))


def step(size: int, batch: int) -> Callable[[], object]:
    """One step of a training at that size."""
    net = backbone(f"vgg{size}-bn").build(8).to(memory_format=torch.channels_last).train()
    kind = devices.dtype(devices.precision(CPU, net, size))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)
    x, y = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last), torch.arange(batch) % 8

    def work() -> None:
        with torch.autocast("cpu", kind, enabled=kind is not None):
            out = net(x)
        cross_entropy(out.float(), y).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", default="sneakers")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (DATA / options.set).is_dir():
        sys.exit(f"{DATA / options.set} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    torch.set_num_threads(options.threads)
    devices.keep_memory()  # as a training does
    draw, result = torch.Generator().manual_seed(0), {"batch": options.batch, "threads": options.threads}
    y = torch.arange(options.batch)
    for size in (75, 100):
        pixels = batches(options.set, size, options.batch)
        plain = tensor(pixels, MEAN, STD, CPU)
        item = per_item(size)

        def once(names: tuple[str, ...], pixels: torch.Tensor = pixels) -> object:
            return augment(pixels, names, MEAN, STD, CPU, draw)

        works: dict[str, Callable[[], object]] = {
            "now": lambda: once(USUAL),
            "before": lambda pixels=pixels: before(tensor(pixels, MEAN, STD, CPU), draw),
            "per item": lambda item=item, pixels=pixels: item(pixels),
            "none": lambda: once(()),
            "geometric": lambda: once(("crop", "shift", "flip", "rotation", "zoom")),
            "all": lambda: once(tuple(AUGMENTATIONS)),
            "step": step(size, options.batch),
        }
        for name in AUGMENTATIONS:
            works[f"+{name}"] = (
                (lambda name=name, plain=plain: mix(plain, y, (name,), draw))
                if name in ("mixup", "cutmix")
                else (lambda name=name: once((name,)))
            )
        took = turns(works, options.rounds)
        middle = {name: statistics.median(seconds) for name, seconds in took.items()}
        alone = {
            name: middle[f"+{name}"] - (middle["none"] if name not in ("mixup", "cutmix") else 0)
            for name in AUGMENTATIONS
        }
        result[f"{size} px"] = {
            "pictures_per_second": {name: round(options.batch / middle[name]) for name in ("now", "before", "per item", "none", "geometric", "all")},
            "now_to_before": ratio(took["before"], took["now"]),
            "now_to_per_item": ratio(took["per item"], took["now"]),
            "step_ms": round(1000 * middle["step"], 1),
            "usual_share_of_step": round(middle["now"] / middle["step"], 4),
            "share_of_step": {name: round(seconds / middle["step"], 4) for name, seconds in alone.items()},
        }  # fmt: skip
    result["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(result) if options.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
