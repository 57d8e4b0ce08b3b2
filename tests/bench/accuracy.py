"""How good each recipe is on real pictures: validation and test accuracy over several splits and seeds.

    WINNOW_HOME=HOME python tests/bench/accuracy.py --project fashion --seeds 3 [--epochs N] RECIPE ... [--json]

HOME is one whose project was fetched and cleaned (and reviewed, where the set needs it); it gets a split and a run of each
recipe for every seed, through the command line, as a user's would. All of a seed's recipes learn from the same split, in
which no group of near-duplicates is cut. `val` and `test` are means over the seeds; the interval is Wilson's over all
test pictures of all seeds together. Recipes were not chosen by these figures: the test part is read once, here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.evaluate import wilson  # noqa: E402


def call(*words: str) -> dict:
    done = subprocess.run([sys.executable, "-m", "core", *words, "--json"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.project or not options.recipes:  # as `make bench` calls it
        print("Nothing is measured without --project and a recipe: see the top of the file.")
        return
    project, found = ("--project", options.project), {recipe: [] for recipe in options.recipes}
    for seed in range(options.seeds):
        split = call("split", *project, "--seed", str(seed))
        for recipe in options.recipes:
            few = ("--epochs", str(options.epochs)) if options.epochs else ()
            [run] = call("train", *project, "--recipe", recipe, "--seed", str(seed), *few)["runs"]
            told = call("evaluate", *project, "--run", str(run["run"]), "--part", "test")
            name = next(name for name in told["models"] if name not in ("average", "priority"))
            test = told["models"][name]["accuracy"]
            found[recipe].append((run["val_accuracy"], test, split["test"], run["seconds"], run["images_per_second"]))
            print(f"seed {seed} {recipe}: val {run['val_accuracy']:.3f}, test {test:.3f}", file=sys.stderr)
    rows = []
    for recipe, seeds in found.items():
        total = sum(row[2] for row in seeds)
        right = round(sum(row[1] * row[2] for row in seeds))
        rows.append({
            "recipe": recipe, "val": round(sum(row[0] for row in seeds) / len(seeds), 3), "test": round(right / total, 3),
            "interval": [round(end, 3) for end in wilson(right, total)], "tests": [round(row[1], 3) for row in seeds],
            "seconds": round(sum(row[3] for row in seeds) / len(seeds), 1),
        })  # fmt: skip
    result = {"project": options.project, "seeds": options.seeds, "epochs": options.epochs, "rows": rows}
    print(json.dumps(result) if options.json else "\n".join(map(str, rows)))


if __name__ == "__main__":
    main()
