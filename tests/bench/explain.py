"""Explainers: seconds of a map beside the libraries' equivalents, and how faithful each one's maps are.

    python tests/bench/explain.py [--images 5] [--threads 2] [--json]
    python tests/bench/explain.py --home DIR --runs sneakers:17,18 porsche:25,26 [--each 8] [--json]

The first form needs no trained run: untrained networks (`vgg75-bn`, `vgg100-bn`, `mobilenetv2_100`), 50 background
pictures and pictures of `sneakers`, for one class, all ways taking turns picture by picture, warm. DeepLIFT is compared
with captum's `DeepLiftShap` and shap's `DeepExplainer`, expected gradients with captum's `GradientShap` and shap's
`GradientExplainer` of as many points. The second form takes the trained runs of a home and scores each explainer on
pictures of the validation part by deletion and insertion, beside a random order.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # in the place of this folder, whose coverage.py numba would take for the package
from core.backbones import BACKBONES, build, look  # noqa: E402
from core.checkpoint import folded  # noqa: E402
from core.errors import BadInput  # noqa: E402
from core.explainers import EXPLAINERS, SAMPLES  # noqa: E402
from core.explainers.network import last_map  # noqa: E402
from core.explainers.shap_gradient import AT_ONCE, TIMES  # noqa: E402
from core.model import Recipe  # noqa: E402
from core.pixels import squares, tensor  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data" / "sneakers"
NETWORKS = ("vgg75-bn", "vgg100-bn", "mobilenetv2_100")
CLASSES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--runs", nargs="+", default=[], metavar="PROJECT:R,R")
    parser.add_argument("--each", type=int, default=8, help="pictures of a class")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    if options.home:
        result = faithful(options.home, options.runs, options.each)
    elif DATA.is_dir():
        result = speed(options.images)
    else:
        sys.exit(f"{DATA} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    print(json.dumps(result) if options.json else json.dumps(result, indent=1))


def speed(images: int) -> dict[str, Any]:
    files = random.Random(0).sample(sorted(DATA.rglob("*.jpg")), SAMPLES + images + 1)
    told: dict[str, Any] = {}
    for name in NETWORKS:
        net, seen = network(name), look(Recipe(name))
        pixels = np.stack([squares(path.read_bytes(), [seen.size])[0] for path in files])
        x = tensor(pixels, seen.mean, seen.std, "cpu")
        background, pictures = x[:SAMPLES], x[SAMPLES:]
        layer = BACKBONES[name].last_conv if name in BACKBONES else last_map(net, seen.size)
        ways = fitting(net, background, layer) | references(net, background, name in BACKBONES)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for i in range(len(pictures)):
            for way, ask in ways.items():
                start = time.perf_counter()
                ask(pictures[i : i + 1])
                if i:  # the first one warms up
                    seconds[way].append(time.perf_counter() - start)
        told[name] = {way: round(statistics.median(each), 4) for way, each in seconds.items()}
        ours = [("captum DeepLiftShap", "shap"), ("shap DeepExplainer", "shap")]
        ours += [("captum GradientShap", "shap-gradient"), ("shap GradientExplainer", "shap-gradient")]
        ours += [("captum GuidedBackprop", "guided")]
        told[name]["times"] = {
            f"{theirs} / {own}": round(told[name][theirs] / told[name][own], 2)
            for theirs, own in ours
            if theirs in told[name] and own in told[name]
        }
    return told


def network(name: str) -> torch.nn.Sequential:
    """Untrained, with statistics that are not 0 and 1: speed does not depend on what was learned."""
    torch.manual_seed(1)
    net = build(Recipe(name), CLASSES).train()
    with torch.no_grad():
        net(torch.randn(16, 3, look(Recipe(name)).size, look(Recipe(name)).size))
    torch.nn.init.normal_(net.logits.weight, std=0.05)
    return folded(net).to(memory_format=torch.channels_last)


def fitting(net: torch.nn.Sequential, background: torch.Tensor, layer: str) -> dict[str, Callable[..., Any]]:
    found = {}
    for name, how in EXPLAINERS.items():
        try:
            how.fits(net, layer)
        except BadInput:
            continue
        found[name] = lambda x, how=how: how.maps(net, x, [0], background, layer)
    return found


def references(net: torch.nn.Sequential, background: torch.Tensor, rescale: bool) -> dict[str, Callable[..., Any]]:
    """The libraries' equivalents; those of DeepLIFT only for networks whose layers they have rules for."""
    from captum.attr import DeepLiftShap, GradientShap, GuidedBackprop
    from shap import DeepExplainer, GradientExplainer

    pick = torch.nn.Linear(CLASSES, 1, bias=False).requires_grad_(False)
    pick.weight[:] = torch.eye(CLASSES)[:1]
    chosen, points = torch.nn.Sequential(net, pick), TIMES * len(background)  # for shap, which explains every class

    def in_pieces(x: torch.Tensor) -> None:
        """Captum takes all points at once; as few at a time as ours is faster for it as well."""
        for _ in range(points // AT_ONCE):
            GradientShap(net).attribute(x, background, n_samples=AT_ONCE, target=0)

    ways = {
        "captum GradientShap": lambda x: GradientShap(net).attribute(x, background, n_samples=points, target=0),
        "captum GradientShap, 10 at a time": in_pieces,
        "shap GradientExplainer": lambda x: GradientExplainer(chosen, background).shap_values(
            x, nsamples=points, rseed=0
        ),
    }
    if rescale:
        ways |= {
            "captum DeepLiftShap": lambda x: DeepLiftShap(net).attribute(x, background, target=0),
            "shap DeepExplainer": lambda x: DeepExplainer(chosen, background).shap_values(x, check_additivity=False),
            "captum GuidedBackprop": lambda x: GuidedBackprop(net).attribute(x.clone(), target=0),
        }
    return ways


def faithful(home: Path, wanted: list[str], each: int) -> dict[str, Any]:
    """{project: {run's name: {explainer: figures}}}; as the job does it, so what was done once is not done again."""
    os.environ["WINNOW_HOME"] = str(home)
    from core import explain_sets, runs
    from core.blobs import Blobs
    from core.settings import load
    from db import open_store

    settings = load()
    store, blobs, told = open_store(settings.database), Blobs(settings.storage), {}
    for text in wanted:
        name, _, numbers = text.partition(":")
        project = store.project(name)
        chosen = runs.choose(store, project.id, [int(number) for number in numbers.split(",")])
        models = runs.load_models(settings, chosen)
        picked = explain_sets.pick(store.split(project.id, chosen[0].split), "val", (), each)
        sha256 = {record.id: record.facts.sha256 for record in store.images_by_id(project.id, picked.images)}
        numbers_of = {model: run.id for model, run in zip(models, chosen, strict=True)}
        folders = {model: runs.run_folder(settings, run) for model, run in numbers_of.items()}
        work = explain_sets.Work(models, numbers_of, folders, picked, SAMPLES)
        for _ in work.read(lambda image, sha256=sha256: blobs.get(sha256[image])):
            pass
        for model in models:
            for explainer in (explain_sets.RANDOM, *EXPLAINERS):
                for progress in work.look(model, explainer):
                    print(f"{name} {progress.note} {progress.done}/{progress.total}", end="\r", file=sys.stderr)
        ending = work.together(list(EXPLAINERS))
        try:
            while True:
                next(ending)
        except StopIteration as end:
            told[name] = {"images": end.value["images"]} | {
                model: rows["explainers"] for model, rows in end.value["models"].items()
            }
    return told


if __name__ == "__main__":
    main()
