"""One prediction by the ensemble of `vgg75-bn` and `vgg100-bn`, warm, against two separate naive models, in one run.

    python tests/bench/predict.py [--images 40] [--threads 2] [--json]

"Naive" is what two notebooks joined do: each model opens and decodes the bytes with Pillow, resizes, makes its own
tensor and runs its network as the textbook writes it (fp32, batch norm, ReLU before the pool; evaluation mode, no
gradients), softmax, mean. "Winnow" is `core.predict.Predictor`. Both have the same weights and see the same bytes, taking turns picture by picture; what
they say is compared too. `web` is the seat photos enlarged to 2 megapixels, `camera` to 12, as a phone takes them.

`many` is what a table of pictures takes: `Predictor.ask`, which decodes 32 side by side and asks about them together,
against `Predictor.predict` of one after the other, on the same files, taking turns 32 by 32.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.backbones import backbone  # noqa: E402
from core.checkpoint import Model, folded  # noqa: E402
from core.model import Recipe  # noqa: E402
from core.pixels import squares  # noqa: E402
from core.predict import AT_ONCE, Predictor  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
NAMES, CLASSES = ("vgg75-bn", "vgg100-bn"), 8
SETS = {"sneakers": "sneakers", "seat": "seat", "web": "seat", "camera": "seat"}
ENLARGED = {"web": (1600, 1200), "camera": (4000, 3000)}  # px


def networks() -> dict[str, torch.nn.Sequential]:
    """Untrained, but with statistics that are not 0 and 1: speed does not depend on what was learned."""
    out = {}
    for name in NAMES:
        torch.manual_seed(1)
        net, size = backbone(name).build(CLASSES, backbone(name).size).train(), backbone(name).size
        with torch.no_grad():
            net(torch.randn(16, 3, size, size))
        torch.nn.init.normal_(net.logits.weight, std=0.05)
        out[name] = net.eval()
    return out


def as_written(net: torch.nn.Sequential) -> torch.nn.Sequential:
    """The same function in the order of the textbook: convolution, batch norm, ReLU, and only then the pool."""
    layers = list(copy.deepcopy(net))
    for i, layer in enumerate(layers):
        if isinstance(layer, torch.nn.ReLU) and isinstance(layers[i - 1], torch.nn.MaxPool2d):
            layers[i - 1], layers[i] = layers[i], layers[i - 1]
    return torch.nn.Sequential(*layers)


def model(name: str, net: torch.nn.Sequential) -> Model:
    kind, rng, cpu = backbone(name), np.random.default_rng(0), torch.device("cpu")
    ready = folded(copy.deepcopy(net)).to(memory_format=torch.channels_last)
    photos = [squares(path.read_bytes(), [kind.size])[0] for path in sorted((DATA / "sneakers").rglob("*.jpg"))[::60]]
    background = np.stack(photos)
    return Model(
        Recipe(name), tuple(f"class {i}" for i in range(CLASSES)), ready, kind.size, kind.mean, kind.std, 1.0, 1, {}, cpu,
        rng.normal(size=(80, CLASSES)).astype(np.float32), np.arange(80) % CLASSES, background,
    )  # fmt: skip


def naive(nets: dict[str, torch.nn.Sequential], data: bytes) -> np.ndarray:
    said = []
    for name, net in nets.items():
        size = backbone(name).size
        look = transforms.Compose(
            [transforms.Resize((size, size), transforms.InterpolationMode.BICUBIC), transforms.ToTensor(),
             transforms.Normalize((0.5,) * 3, (0.25,) * 3)]
        )  # fmt: skip
        x = look(Image.open(io.BytesIO(data)).convert("RGB"))[None]
        with torch.no_grad():
            said.append(torch.softmax(net(x), dim=1)[0].numpy())
    return np.mean(said, axis=0)


def enlarged(path: Path, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").resize(size).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def photos(folder: str, count: int) -> list[Path]:
    files = [
        path for path in sorted((DATA / SETS[folder]).rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ]
    return random.Random(0).sample(files, min(count, len(files)))


def bytes_of(folder: str, path: Path) -> bytes:
    return enlarged(path, ENLARGED[folder]) if folder in ENLARGED else path.read_bytes()


def many(folder: str, count: int, predictor: Predictor) -> dict[str, float]:
    """Pictures a second together and one by one, and how far apart what they say is."""
    files, seconds, apart = [bytes_of(folder, path) for path in photos(folder, count)], [0.0, 0.0], 0.0
    for start in range(0, len(files), AT_ONCE):
        piece = files[start : start + AT_ONCE]
        for turn in range(2 if start else 3):  # the first time warms up
            begin = time.perf_counter()
            together = [asked.said for asked in predictor.ask((str(i), data) for i, data in enumerate(piece))]
            middle = time.perf_counter()
            alone = [predictor.predict(data) for data in piece]
            if start or turn:
                seconds[0] += middle - begin
                seconds[1] += time.perf_counter() - middle
            apart = max([apart, *(abs(a.confidence - b.confidence) for a, b in zip(together, alone, strict=True))])
    rates = [2 * len(files) / spent for spent in seconds]
    return {
        "together_per_s": round(rates[0], 1), "one_by_one_per_s": round(rates[1], 1), "ratio": round(rates[0] / rates[1], 2),
        "largest_difference_of_a_probability": round(apart, 6),
    }  # fmt: skip


def measure(folder: str, count: int, nets: dict, predictor: Predictor) -> dict[str, float]:
    files = photos(folder, count)
    times: dict[str, list[float]] = {"winnow": [], "naive": []}
    apart = []
    for i, path in enumerate([*files[:3], *files]):  # three to warm up
        data = bytes_of(folder, path)
        start = time.perf_counter()
        ours = predictor.predict(data)
        middle = time.perf_counter()
        theirs = naive(nets, data)
        end = time.perf_counter()
        if i >= 3:
            times["winnow"].append(middle - start)
            times["naive"].append(end - middle)
            apart.append(np.abs(np.array(list(ours.models["average"].values())) - theirs).max())
    ours, theirs = (statistics.median(times[name]) * 1000 for name in ("winnow", "naive"))
    slow, slower = (float(np.quantile(times[name], 0.95)) * 1000 for name in ("winnow", "naive"))
    return {
        "winnow_ms_p50": round(ours, 1), "naive_ms_p50": round(theirs, 1), "ratio": round(theirs / ours, 2),
        "winnow_ms_p95": round(slow, 1), "naive_ms_p95": round(slower, 1), "ratio_p95": round(slower / slow, 2),
        "largest_difference_of_a_probability": round(float(max(apart)), 4),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    torch.set_num_threads(options.threads)
    nets = networks()
    plain = {name: as_written(net) for name, net in nets.items()}
    predictor = Predictor({name: model(name, net) for name, net in nets.items()})
    result = {name: measure(name, options.images, plain, predictor) for name in options.sets.split(",")}
    result["many"] = {name: many(name, 3 * options.images, predictor) for name in options.sets.split(",")}
    result["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(result) if options.json else "\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
