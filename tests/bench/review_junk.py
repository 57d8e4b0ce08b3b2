"""How fast a review finds pictures that do not belong at all: python tests/bench/review_junk.py [--home DIR] [--json]

Photos of another set, or drawn posters and text cards, are mixed into sneakers and into the porsches that their reviewer
kept, 5, 10 and 20 % of all, each under a class of that set. Told is the share of them found once 1.2 times as many pictures
were seen as there are, from the first to the last tile of a page (the first pages are small, as in the browser). The sneakers' own junk (3 to 6 % by eye) is in no
table: it counts as good, and what is spent on it counts against the figure. `--groups` tells the presses until .97 of the
junk is found instead, with what a person has in the browser (review_groups.py).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))
import review_curve as curve  # noqa: E402
import review_groups as groups  # noqa: E402

from core.demo.junk import poster  # noqa: E402
from db import open_store  # noqa: E402
from db.store import Store  # noqa: E402

DATA = curve.DATA.parent
SHARES = (0.05, 0.10, 0.20)
BUDGET = 1.2  # pictures seen for each bad one
CARDS = 300
ENOUGH = 0.97  # of the junk: so far presses are counted
POLICIES = {
    "pages of 50, small ones first": groups.Policy(50, growing=True),
    "pages of 100, small ones first": groups.Policy(growing=True),
    "pages of 100, small ones first, stacks, hasty": groups.Policy(growing=True, stacks=True, hasty=True),
    "pages of 100, small ones first, look-alikes, hasty": groups.Policy(growing=True, alike=True, hasty=True),
    "pages of 100, small ones first, copies folded, the rest accepted": groups.Policy(
        growing=True, folded=True, rest=True
    ),
}
PAGES = ("measures", "embeddings", "detections", "findings", "candidates")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, help="keep the cleaned projects here, and take them from here")
    parser.add_argument("--only", default="", help="what has these words in its name, as in 'cards in sneakers'")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--groups", action="store_true", help="presses, by what a person makes use of")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, figures = args.home or Path(folder), {}
        for name, junk in (("sneakers", ("Handbags", "Watches", "Shirts", "cards")), ("porsche", ("seat", "cards"))):
            kinds = [kind for kind in junk if args.only in f"{kind} in {name}"]
            if kinds:
                mixed(home / name, name, junk)
            for kind in kinds:
                for share in SHARES:
                    if args.groups:
                        figures[f"{kind} in {name}, {share:.0%}"] = grouped(home / name, kind, share, args.seeds)
                        continue
                    runs = [found(home / name, kind, share, seed, args.size) for seed in range(args.seeds)]
                    figures[f"{kind} in {name}, {share:.0%}"] = round(float(np.mean(runs)), 4)
                    print(f"{kind} in {name}, {share:.0%}: {np.mean(runs):.3f}", file=sys.stderr)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def mixed(home: Path, name: str, junk: Sequence[str]) -> None:
    """A home with the set and all the junk under its classes, cleaned. File names say what is what."""
    if (home / "winnow.db").exists():
        return
    folder, chance = home / "pictures", random.Random(0)
    classes = sorted(p.name for p in (DATA / name).iterdir() if p.is_dir())
    rejected = {key for key, bad in truth_of(name).items() if bad}
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for file in (DATA / name / label).glob("*.jpg"):
            if (label, file.name) not in rejected:
                shutil.copy(file, folder / label / f"own-{file.name}")
    for kind in junk:
        if kind == "cards":
            for n in range(CARDS):
                drawn = poster((320, 240), chance.choice(["sedan", "coupe", "suv", "truck"]), chance)
                drawn.convert("RGB").save(folder / chance.choice(classes) / f"cards-{n}.jpg", quality=88)
        else:
            for file in sorted((DATA / ("seat" if kind == "seat" else f"fashion/{kind}")).rglob("*.jpg")):
                shutil.copy(file, folder / chance.choice(classes) / f"{kind}-{file.name}")
    curve.cleaned(folder, home, None)


def truth_of(name: str) -> dict[tuple[str, str], bool]:
    table = DATA / name / "manifest.csv"
    return curve.read_truth(table) if table.exists() else {}


def found(home: Path, kind: str, share: float, seed: int, size: int) -> float:
    """The share of this junk that is found within BUDGET, where it is `share` of all."""
    with fresh(home, kind, share, seed) as (store, folder, bad):
        truth = {tuple(Path(origin).parts[-2:]): True for origin in bad}
        args = argparse.Namespace(size=size, growing=True, order="mixed", upto=1.0, most=BUDGET * len(bad))
        run: dict[str, Any] = curve.reviewed(store, store.projects()[-1], folder, seed, truth, args)
        return sum(run["said"][: round(BUDGET * len(bad))]) / len(bad)


def grouped(home: Path, kind: str, share: float, seeds: int) -> dict[str, Any]:
    """Presses of some policies of review_groups.py."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in POLICIES}
    for seed in range(seeds):
        with fresh(home, kind, share, seed) as (_, folder, origins):
            junk = set(origins)
            for name, policy in POLICIES.items():
                with curve.fresh(folder) as store:
                    project = store.projects()[-1]
                    bad = {one.id: one.origin in junk for one in store.images(project.id)}
                    runs[name].append(groups.counted(store, project, folder / "known", seed, bad, policy, ENOUGH))
                print(f"{kind}, {share:.0%}, {name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    return {name: groups.means(some) for name, some in runs.items()}


@contextmanager
def fresh(home: Path, kind: str, share: float, seed: int) -> Iterator[tuple[Store, Path, list[str]]]:
    """A project with so much of this junk in it, a folder for it, and the junk's origins."""
    with tempfile.TemporaryDirectory() as folder:
        with (
            closing(sqlite3.connect(home / "winnow.db")) as kept,
            closing(sqlite3.connect(f"{folder}/winnow.db")) as copy,
        ):
            kept.backup(copy)
            bad = only(copy, kind, share, random.Random(seed))
        store = open_store(f"sqlite:///{folder}/winnow.db")
        try:
            yield store, Path(folder), bad
        finally:
            store.close()


def only(copy: sqlite3.Connection, kind: str, share: float, chance: random.Random) -> list[str]:
    """Leave the set's own pictures and as much of this junk in the database, as if no other had ever been there; where
    that is the junk's origins."""
    rows = copy.execute("SELECT id, origin FROM images").fetchall()
    own = [image for image, origin in rows if Path(origin).name.startswith("own-")]
    junk = [(image, origin) for image, origin in rows if Path(origin).name.startswith(f"{kind}-")]
    many = min(len(junk), round(share / (1 - share) * len(own)))
    own = chance.sample(own, min(len(own), round(many * (1 - share) / share)))
    chosen = chance.sample(junk, many)
    copy.execute("PRAGMA foreign_keys = OFF")
    copy.execute("CREATE TEMP TABLE stays (image INTEGER PRIMARY KEY)")
    copy.executemany("INSERT INTO stays VALUES (?)", [(image,) for image in [*own, *(image for image, _ in chosen)]])
    for table in PAGES:
        copy.execute(f"DELETE FROM {table} WHERE image NOT IN (SELECT image FROM stays)")
    copy.execute("DELETE FROM links")
    copy.execute("DELETE FROM images WHERE id NOT IN (SELECT image FROM stays)")
    copy.commit()
    return [origin for _, origin in chosen]


if __name__ == "__main__":
    main()
