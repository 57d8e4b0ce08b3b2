"""Is the next doubling foretold? Accuracy with all pictures, told from a half, a quarter and an eighth of them.

    WINNOW_HOME=HOME python tests/bench/learning_curve.py --project sneakers --recipe simplecnn:epochs=12 [--seeds 0 1 2] --json

HOME holds a project with a split. What the curve wants and is not there yet is trained through the command line, so it can
be stopped and gone on with: all pictures and each of the smaller shares, for each seed. Then the smaller shares alone are
asked what all pictures would bring, all seeds together and each seed alone, and the answer is put beside what they did
bring. Each is done twice: with as many steps for every share as the app has it, and with as many epochs, which is less work
for few pictures. Two other ways to draw the line are set beside: accuracy against the number of doublings, and the last
doubling's gain repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core import learning_curve as curve  # noqa: E402
from core.model import Recipe, Run, Split  # noqa: E402
from core.recipes import read, written  # noqa: E402
from core.settings import load  # noqa: E402
from db import open_store  # noqa: E402


def asked(recipe: Recipe, seeds: list[int]) -> dict[str, list[Recipe]]:
    """How it is trained -> every recipe of it."""
    whole = [replace(recipe, seed=seed) for seed in seeds]
    return {
        "as many steps": [*whole, *(curve.part_of(one, share) for one in whole for share in curve.SHARES)],
        "as many epochs": [*whole, *(replace(one, share=share) for one in whole for share in curve.SHARES)],
    }


def trained(project: str, wanted: list[Recipe]) -> dict[Recipe, Run]:
    """A run of each recipe on the newest split, trained where there is none."""
    store = open_store(load().database)
    number = store.project(project).id
    split = store.newest_split(number)

    def there() -> dict[Recipe, Run]:
        return {run.recipe: run for run in store.runs(number, split) if run.status == "done" and run.kept}

    missing = [recipe for recipe in wanted if recipe not in there()]
    if missing:
        words = [word for recipe in missing for word in ("--recipe", written(recipe))]
        call = [sys.executable, "-m", "core", "train", "--project", project, *words, "--json"]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr[-500:])
    found = there()
    store.close()
    return {recipe: found[recipe] for recipe in wanted}


def foretold(found: list[curve.Point], validation: int, classes: int) -> dict[str, Any]:
    """Accuracy with all pictures by each way to draw a line through the smaller shares."""
    fewer = [one for one in found if one.share < 1 and one.low > 1 / classes]
    truth = statistics.mean(one.accuracy for one in found if one.share == 1)
    told = curve.outlook(fewer, validation, classes)
    mean = {s: statistics.mean(p.accuracy for p in found if p.share == s) for s in curve.SHARES}
    slope, level = np.polyfit([math.log2(p.share) for p in fewer], [p.accuracy for p in fewer], 1)
    row = {"truth": truth, "straight": float(level), "last gain again": 2 * mean[0.5] - mean[0.25], "a half": mean[0.5]}
    if told:
        low, high = told.then
        row |= {"app": told.accuracy + told.gain, "low": low, "high": high, "held": low <= truth <= high}
    return row


def measured(project: str, recipe: Recipe, seeds: list[int]) -> dict[str, Any]:
    out: dict[str, Any] = {"project": project, "recipe": written(recipe), "seeds": seeds}
    store = open_store(load().database)
    split: Split = store.split(store.project(project).id)
    validation, classes = len(split.parts["val"]), len(split.classes)
    for how, wanted in asked(recipe, seeds).items():
        runs = trained(project, wanted)
        every = curve.points(list(runs.values()), split)
        of = {recipe.seed: [] for recipe in runs}
        for one in runs.values():
            of[one.recipe.seed].append(one)
        out[how] = {
            "accuracy": {f"{share:g}": [round(p.accuracy, 4) for p in every if p.share == share] for share in (*curve.SHARES, 1.0)},
            "images": {f"{p.share:g}": p.images for p in every},
            "seconds": {f"{share:g}": round(sum(r.result["seconds"] for r in runs.values() if r.recipe.share == share)) for share in (*curve.SHARES, 1.0)},
            "together": foretold(every, validation, classes),
            "alone": [foretold(curve.points(some, split), validation, classes) for some in of.values()],
            "sentence": curve.sentence(curve.outlook(every, validation, classes)),
            "sentences": [curve.sentence(curve.outlook(curve.points(some, split), validation, classes)) for some in of.values()],
        }  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", required=True)
    parser.add_argument("--recipe", default="simplecnn:epochs=12")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    told = measured(args.project, read(args.recipe), args.seeds)
    for how in ("as many steps", "as many epochs"):
        one = told[how]
        print(f"\n{told['project']}, {told['recipe']}, {how}; seconds: {one['seconds']}")
        for share, accuracy in one["accuracy"].items():
            print(f"  {one['images'][share]:6,} pictures: {'  '.join(f'{a:.1%}' for a in accuracy)}")
        for name, row in (("together", one["together"]), *((f"seed {s}", r) for s, r in zip(told["seeds"], one["alone"], strict=True))):  # fmt: skip
            print(f"  {name}: {', '.join(f'{k} {v:.1%}' if k != 'held' else f'held {v}' for k, v in row.items())}")
        print(f"  {one['sentence']}")
    if args.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
