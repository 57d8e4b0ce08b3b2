"""How good each recipe is on real pictures: validation and test accuracy over several splits and seeds.

    WINNOW_HOME=HOME python tests/bench/accuracy.py FILE --set fashion [--seeds 0 1 2] [--epochs N] --recipes RECIPE ...
    python tests/bench/accuracy.py FILE [--compare A B]

All of it goes through the command line, as a user's would. The set is fetched from its folder into HOME and cleaned, and
every picture is decided by the set's table of rejects (fashion has none: all are kept). Then a split of each seed, and a
run of each recipe. All recipes of a seed learn from the same split, in which no group of near-duplicates is cut. Each run
is one line of JSON in FILE, and what stands there is not done again, so hours of it can be stopped and gone on with;
without --set the lines are put together as a table. `val` and `test` are means over the seeds; the interval is Wilson's
over all test pictures of all seeds together. Recipes were not chosen by these figures: the test part is read once, here.
`--compare` shows how the recall of two recipes differs by class; both have to be from one HOME, as pictures are numbered in
the order in which they came in, and a seed deals by number.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.evaluate import wilson  # noqa: E402

BENCH = Path(__file__).parent
DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"
REJECTS = {"porsche": DATA / "porsche" / "manifest.csv", "sneakers": BENCH / "sneakers.csv"}


def call(*words: str) -> dict:
    done = subprocess.run([sys.executable, "-m", "core", *words, "--json"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def prepare(project: str) -> None:
    """The set fetched, cleaned and decided, where HOME does not have it yet."""
    source = DATA / project
    labels = sorted(folder.name for folder in source.iterdir() if folder.is_dir())
    if call("project", project, "--classes", ",".join(labels))["funnel"]["split"]:
        return
    call("scrape", "--project", project, "--source", "folder", "--path", str(source))
    call("clean", "--project", project)
    if project in REJECTS:
        with REJECTS[project].open() as table:
            rejected = {(row[0], row[1]) for row in csv.reader(table) if row[2] == "reject"}
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as table:
            rows = csv.writer(table)
            rows.writerow(["image", "verdict"])
            for image in call("review", "next", "--project", project, "--size", "1000000")["images"]:
                label, name = unquote(image["origin"]).split("/")[-2:]
                rows.writerow([image["image"], "reject" if (label, name) in rejected else "keep"])
            table.flush()
            call("review", "decide", "--project", project, "--table", table.name)


def measure(file: Path, project: str, seeds: list[int], epochs: int | None, recipes: list[str]) -> None:
    prepare(project)
    there = {(r["project"], r["seed"], r["recipe"], r["epochs"]) for r in rows(file)}
    for seed in seeds:
        wanted = [recipe for recipe in recipes if (project, seed, recipe, epochs) not in there]
        split = call("split", "--project", project, "--seed", str(seed)) if wanted else {}
        for recipe in wanted:
            few = ("--epochs", str(epochs)) if epochs else ()
            [run] = call("train", "--project", project, "--recipe", recipe, "--seed", str(seed), *few)["runs"]
            told = call("evaluate", "--project", project, "--run", str(run["run"]), "--part", "test")
            name = next(name for name in told["models"] if name not in ("average", "priority"))
            test = told["models"][name]
            recall = {label: figures["recall"] for label, figures in test["per_class"].items()}
            row = {
                "project": project, "seed": seed, "recipe": recipe, "epochs": epochs, "val": run["val_accuracy"],
                "test": test["accuracy"], "recall": recall, "tests": split["test"], "trains": split["train"],
                "seconds": run["seconds"], "images_per_second": run["images_per_second"], "ran": run["epochs"],
            }  # fmt: skip
            with file.open("a") as out:
                out.write(json.dumps(row) + "\n")
                os.fsync(out.fileno())
            print(f"{project}, seed {seed}, {recipe}: val {row['val']:.3f}, test {row['test']:.3f}", flush=True)


def rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def table(file: Path) -> None:
    groups: dict[tuple, list[dict]] = {}
    for row in rows(file):
        groups.setdefault((row["project"], row["recipe"], row["epochs"]), []).append(row)
    print(
        "| set | recipe | epochs | seeds | validation | test | 95 % | seconds a run |\n|---|---|---|---|---|---|---|---|"
    )
    for (project, recipe, _), seeds in sorted(groups.items(), key=lambda group: group[0][0]):
        total = sum(row["tests"] for row in seeds)
        right = round(sum(row["test"] * row["tests"] for row in seeds))
        low, high = wilson(right, total)
        ran = sorted({row["ran"] for row in seeds})
        mean = [sum(row[key] for row in seeds) / len(seeds) for key in ("val", "seconds")]
        print(
            f"| {project} | `{recipe}` | {' '.join(map(str, ran))} | {len(seeds)} | {mean[0]:.3f} | {right / total:.3f}"
            f" | {low:.3f} to {high:.3f} | {mean[1]:.0f} |"
        )


def compare(file: Path, one: str, other: str) -> None:
    """Recall by class, means over the seeds that both recipes have, and by how much `other` is above `one`."""
    found = {
        name: {(r["project"], r["seed"]): r["recall"] for r in rows(file) if r["recipe"] == name}
        for name in (one, other)
    }
    print(f"| class | seeds | `{one}` | `{other}` | difference | of each seed |\n|---|---|---|---|---|---|")
    both = sorted(found[one].keys() & found[other].keys())
    for project in dict.fromkeys(project for project, _ in both):
        seeds = [key for key in both if key[0] == project]
        for label in found[one][seeds[0]]:
            a, b = ([found[name][key][label] for key in seeds] for name in (one, other))
            each = " ".join(f"{y - x:+.2f}" for x, y in zip(a, b, strict=True))
            mean = [sum(values) / len(seeds) for values in (a, b)]
            print(
                f"| {project}, {label} | {len(seeds)} | {mean[0]:.2f} | {mean[1]:.2f} | {mean[1] - mean[0]:+.2f} | {each} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--set", choices=("sneakers", "fashion", "porsche"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--recipes", nargs="+", default=[], metavar="RECIPE")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"))
    options = parser.parse_args()
    if options.file is None:  # as `make bench` calls it
        print("Nothing is measured without a file, --set and a recipe: see the top of the file.")
    elif options.compare:
        compare(options.file, *options.compare)
    elif options.set:
        measure(options.file, options.set, options.seeds, options.epochs, options.recipes)
    else:
        table(options.file)


if __name__ == "__main__":
    main()
