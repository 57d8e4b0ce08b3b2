"""What a review is worth to the model: python tests/bench/review_train.py [--images DIR] [--truth FILE] [--home DIR] [--json]

One network (`vgg100-bn`) is trained three times on one split: on everything that was fetched, on what is left when a review by
the learned mix has seen 25 % (pages of 50 from the real queue, decided as in review_curve.py), and on what is left without
any picture that the table rejects. The split is that of the command line before anybody decided: no group of copies is cut.
What a reviewer rejected is taken out of training and validation; the test part is the same for all three, and told twice:
the pictures that the table keeps, and the part as it comes, with its junk. Epochs are the same for all, so fewer pictures
have fewer steps. Each seed is another split, another review and another start of the network. Training and evaluation are
the command line's. `--home` keeps everything, and a run that was broken off goes on there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))
import review_curve as curve  # noqa: E402

from core.evaluate import wilson  # noqa: E402
from core.split import leak  # noqa: E402
from core.steps import _groups  # noqa: E402
from db import open_store  # noqa: E402

WAYS = ("everything", "reviewed", "cleaned")
DRAWS = 10_000  # of the bootstrap


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, default=curve.DATA)
    parser.add_argument("--truth", type=Path, help="default: manifest.csv among the images")
    parser.add_argument(
        "--cleaned", type=Path, help="a home that review_curve.py --home has left, to save the cleaning"
    )
    parser.add_argument("--home", type=Path, help="keep everything here")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--parts", default="70/10/20", help="a larger test part than usual: it is what the interval is of"
    )
    parser.add_argument("--seen", type=float, default=0.25, help="share that the review has looked at")
    parser.add_argument("--recipe", default="vgg100-bn")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    truth = curve.read_truth(args.truth or args.images / "manifest.csv")
    with tempfile.TemporaryDirectory() as folder:
        home = args.home or Path(folder)
        clean = args.cleaned or home / "cleaned"
        curve.cleaned(args.images, clean, None)
        rows = [one for seed in range(args.seeds) for one in compared(clean, home, seed, truth, args)]
        figures = summary(rows, args.seeds)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def compared(
    clean: Path, home: Path, seed: int, truth: dict[tuple[str, str], bool], args: argparse.Namespace
) -> list[dict[str, Any]]:
    """The three trainings of one seed."""
    places = {way: home / f"{way}-{seed}" for way in WAYS}
    done = {way: place / "row.json" for way, place in places.items()}
    if not done["everything"].exists():
        copied(clean, places["everything"])
        core(places["everything"], "split", "--parts", args.parts, "--seed", seed)
        trained(places["everything"], seed, truth, args, done["everything"])
    for way in WAYS[1:]:
        if not done[way].exists():
            copied(clean, places[way])
            out = rejected(places[way], truth, seed, args.seen if way == "reviewed" else None)
            frozen_without(out, places["everything"], places[way])
            trained(places[way], seed, truth, args, done[way])
    return [json.loads(file.read_text()) | {"way": way, "seed": seed} for way, file in done.items()]


def copied(clean: Path, home: Path) -> None:
    """The cleaned project once more; picture files are never altered, so they are linked."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name in ("images", "thumbs"):
        shutil.copytree(clean / name, home / name, copy_function=os.link)
    if (clean / "cache").exists():
        shutil.copytree(clean / "cache", home / "cache")
    with closing(sqlite3.connect(clean / "winnow.db")) as kept, closing(sqlite3.connect(home / "winnow.db")) as copy:
        kept.backup(copy)


def rejected(home: Path, truth: dict[tuple[str, str], bool], seed: int, upto: float | None) -> set[int]:
    """What the simulated reviewer takes out, by the learned mix until a share is seen; without one, all that is bad."""
    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    try:
        project = store.projects()[-1]
        if upto is None:
            return {one.id for one in store.images(project.id) if truth.get(tuple(Path(one.origin).parts[-2:]), False)}
        asked = argparse.Namespace(size=50, growing=False, order="mixed", upto=upto, most=None)
        curve.reviewed(store, project, home, seed, truth, asked)
        return {one.id for one in store.images(project.id, ("reject",))}
    finally:
        store.close()


def frozen_without(out: Collection[int], before: Path, home: Path) -> None:
    """Freeze the split of `before` without these pictures in training and validation; its test part stays."""
    store, other = (open_store(f"sqlite:///{place / 'winnow.db'}") for place in (home, before))
    try:
        project = store.projects()[-1]
        whole = other.split(other.projects()[-1].id)
        parts = {
            part: tuple(one for one in members if part == "test" or one[0] not in out)
            for part, members in whole.parts.items()
        }
        store.submit("split", {}, project.id)
        taken = store.claim("bench", 600)  # no worker runs in this home yet
        assert taken and taken[0].verb == "split"
        lost = leak(parts, _groups(store, project))
        store.add_split(taken[1], project.id, whole.seed, parts, whole.classes, whole.left_out, lost)
        store.finish(taken[1], "done")
    finally:
        store.close()
        other.close()


def trained(home: Path, seed: int, truth: dict[tuple[str, str], bool], args: argparse.Namespace, to: Path) -> None:
    """Train and evaluate by the command line, and write down what was said of each test picture."""
    [run] = core(home, "train", "--recipe", args.recipe, "--epochs", args.epochs, "--seed", seed)["runs"]
    core(home, "evaluate", "--run", run["run"], "--part", "test")
    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    try:
        project = store.projects()[-1]
        frozen, told = store.split(project.id), store.run(project.id, run["run"])
        origins = {one.id: one.origin for one in store.images(project.id)}
    finally:
        store.close()
    with closing(sqlite3.connect(home / "winnow.db")) as rows:
        said = rows.execute(
            "SELECT image, label = predicted FROM predictions WHERE model = ?", (args.recipe,)
        ).fetchall()
    bad = {image for image, origin in origins.items() if truth.get(tuple(Path(origin).parts[-2:]), False)}
    row = {
        **{part: len(members) for part, members in frozen.parts.items()},
        "bad": {part: sum(image in bad for image, _ in members) for part, members in frozen.parts.items()},
        "leak": frozen.leak, "val_accuracy": run["val_accuracy"], "best_epoch": run["best_epoch"],
        "images_per_second": run["images_per_second"], "seconds": run["seconds"],
        "epochs": [[round(one[key], 3) for key in ("accuracy", "val_accuracy", "val_loss")] for one in told.epochs],
        "right": {origins[image]: [bool(right), image in bad] for image, right in said},
    }  # fmt: skip
    to.write_text(json.dumps(row))
    print(to.parent.name, {key: row[key] for key in ("train", "bad", "val_accuracy", "seconds")},
          {key: round(wide["accuracy"], 4) for key, wide in parts_of(row).items()}, file=sys.stderr, flush=True)  # fmt: skip


def core(home: Path, *words: object) -> dict[str, Any]:
    env = os.environ | {"WINNOW_HOME": str(home), "WINNOW_PROJECT": curve.NAME}
    done = subprocess.run([sys.executable, "-m", "core", *map(str, words), "--json"], cwd=ROOT, env=env,
                          stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
    return json.loads(done.stdout)


def parts_of(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Accuracy on the test part's good pictures, and on all of it."""
    found = {}
    for name, wanted in (("good ones", {False}), ("as it comes", {False, True})):
        right = [one for one, bad in row["right"].values() if bad in wanted]
        found[name] = {"accuracy": float(np.mean(right)), "interval": wilson(sum(right), len(right)), "of": len(right)}
    return found


def summary(rows: list[dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Each training, all seeds together, and the difference to everything. Intervals over all seeds are a bootstrap over
    pictures: one that is in the test part of two splits is drawn with both."""
    figures: dict[str, Any] = {"runs": [{k: v for k, v in row.items() if k != "right"} | parts_of(row) for row in rows]}
    for name, wanted in (("good ones", {False}), ("as it comes", {False, True})):
        pictures = sorted({origin for row in rows for origin, (_, bad) in row["right"].items() if bad in wanted})
        at = {origin: n for n, origin in enumerate(pictures)}
        right, asked = (np.zeros((len(WAYS), len(pictures))) for _ in range(2))
        for row in rows:
            for origin, (one, bad) in row["right"].items():
                if bad in wanted:
                    right[WAYS.index(row["way"]), at[origin]] += one
                    asked[WAYS.index(row["way"]), at[origin]] += 1
        drawn = np.random.default_rng(0).multinomial(len(pictures), np.full(len(pictures), 1 / len(pictures)), DRAWS)
        means = (drawn @ right.T) / (drawn @ asked.T)  # (draws, ways)
        mean = right.sum(1) / asked.sum(1)
        figures[name] = {
            "pictures": len(pictures), "asked": int(asked[0].sum()), "seeds": seeds,
            **{way: told(mean[n], means[:, n]) for n, way in enumerate(WAYS)},
            **{f"{way} - everything": told(mean[n] - mean[0], means[:, n] - means[:, 0])
               for n, way in enumerate(WAYS) if n},
            "cleaned - reviewed": told(mean[2] - mean[1], means[:, 2] - means[:, 1]),
        }  # fmt: skip
    return figures


def told(value: float, draws: np.ndarray) -> list[float]:
    """The figure and its 95 % interval."""
    return [round(float(one), 4) for one in (value, *np.quantile(draws, (0.025, 0.975)))]


if __name__ == "__main__":
    main()
