"""What the rejects of an earlier project are worth: python tests/bench/review_start.py [--home DIR] [--only WORDS] [--json]

The home holds the projects sneakers (rejects: sneakers.csv) and porsche (manifest.csv), scraped and cleaned; it is made where it
is missing, and only read. Of each pair the first project is decided as its table says, then a simulated reviewer goes through
the second one by the real pages, without and with the first as its reference. A half has some of a set's classes, and none of
the other half's. Told are the recalls of the second one's rejects, and the share of bad ones on the first pages.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))
import review_curve as curve  # noqa: E402

from core import review  # noqa: E402
from core.model import Reviewing  # noqa: E402
from core.review.learner import learner  # noqa: E402
from db import open_store  # noqa: E402
from db.store import Store  # noqa: E402
from db.store.queue import Filter  # noqa: E402

DATA = curve.DATA.parent
TABLES = {"sneakers": Path(__file__).with_name("sneakers.csv"), "porsche": DATA / "porsche" / "manifest.csv"}
AT = (0.02, 0.05, 0.10, 0.15, 0.25, 0.35)
FIRST = (10, 50)  # pictures
CARS, JORDANS = ("911", "Cayenne", "Panamera"), tuple(f"Air Jordan {n}" for n in (11, 12, 13, 14))
PAIRS: dict[
    str, tuple[str, tuple[str, ...], bool]
] = {  # set of the second project, classes of one half, whether that is the first
    "sneakers, then porsche": ("porsche", (), True),
    "porsche, then sneakers": ("sneakers", (), True),
    "three car lines, then the other two": ("porsche", CARS, True),
    "two car lines, then the other three": ("porsche", CARS, False),
    "four Jordans, then the other four": ("sneakers", JORDANS, True),
    "the other four Jordans, then these": ("sneakers", JORDANS, False),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, help="keep the cleaned projects here, and take them from here")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--only", default="", help="pairs whose name has these words")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, figures = args.home or Path(folder), {}
        if not (home / "winnow.db").exists():
            for name in TABLES:
                cleaned(home, name)
        for name, (of, half, first) in PAIRS.items():
            if args.only not in name:
                continue
            for helped in (False, True):
                runs = [one(home, of, half, first, helped, seed, args.size) for seed in range(args.seeds)]
                figures[f"{name}, {'with' if helped else 'without'}"] = told = {
                    key: [round(float(np.mean(some)), 3) for some in zip(*(run[key] for run in runs), strict=True)]
                    for key in ("recall", "first")
                }
                print(name, "with" if helped else "without", told, file=sys.stderr, flush=True)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def cleaned(home: Path, name: str) -> None:
    classes = ",".join(sorted(folder.name for folder in (DATA / name).iterdir() if folder.is_dir()))
    env = os.environ | {"WINNOW_HOME": str(home), "WINNOW_PROJECT": name}
    env.setdefault("WINNOW_WEIGHTS", str(DATA.parent / "weights"))
    for words in (
        ["project", name, "--classes", classes],
        ["scrape", "--source", "folder", "--path", str(DATA / name)],
        ["clean"],
    ):
        subprocess.run([sys.executable, "-m", "core", *words, "--json"], env=env, check=True, cwd=ROOT,
                       stdout=subprocess.DEVNULL)  # fmt: skip


def one(home: Path, of: str, half: tuple[str, ...], first: bool, helped: bool, seed: int, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        with (
            closing(sqlite3.connect(home / "winnow.db")) as kept,
            closing(sqlite3.connect(f"{folder}/winnow.db")) as copy,
        ):
            kept.backup(copy)
        store = open_store(f"sqlite:///{folder}/winnow.db")  # brings an older file up to date
        try:
            projects = {project.name: project.id for project in store.projects()}
            with closing(sqlite3.connect(f"{folder}/winnow.db")) as copy:
                before, after = arranged(copy, projects, of, half, first)
            return reviewed(store, before, after, of, helped, seed, size)
        finally:
            store.close()


def arranged(
    copy: sqlite3.Connection, projects: dict[str, int], of: str, half: tuple[str, ...], first: bool
) -> tuple[int, int]:
    """Numbers of the earlier project and of the one after it, nobody having decided anything."""
    copy.execute("PRAGMA foreign_keys = OFF")
    copy.execute("UPDATE images SET verdict = 'undecided', reason = '', label = source_label, version = 0, box = NULL")
    for table in ("showings", "leases", "decisions", "operations", "certificates"):
        copy.execute(f"DELETE FROM {table}")
    own = projects[of]
    other = next(number for name, number in projects.items() if name in TABLES and name != of)
    if half:  # the other half moves into the other set's project, in place of what is there
        of_half = f"(SELECT id FROM images WHERE project = {own} AND source_label IN ({','.join('?' * len(half))}))"
        some = [row[0] for row in copy.execute(of_half[1:-1], half)]
        copy.execute("CREATE TEMP TABLE moves (image INTEGER PRIMARY KEY)")
        copy.executemany("INSERT INTO moves VALUES (?)", [(image,) for image in some])
        for table in ("embeddings", "findings", "measures", "detections"):
            copy.execute(f"DELETE FROM {table} WHERE project = ?", (other,))
            copy.execute(f"UPDATE {table} SET project = ? WHERE image IN (SELECT image FROM moves)", (other,))
        copy.execute("DELETE FROM links")
        copy.execute("DELETE FROM candidates")
        copy.execute("DELETE FROM images WHERE project = ?", (other,))
        copy.execute("UPDATE images SET project = ? WHERE id IN (SELECT image FROM moves)", (other,))
        copy.execute(
            "UPDATE projects SET (classes, cleaning) = (SELECT classes, cleaning FROM projects WHERE id = ?) WHERE id = ?",
            (own, other),
        )
    copy.commit()
    return (own, other) if half and not first else (other, own)


def reviewed(store: Store, before: int, after: int, of: str, helped: bool, seed: int, size: int) -> dict[str, Any]:
    truth = {key: bad for table in TABLES.values() for key, bad in curve.read_truth(table).items()}
    by_id = {project.id: project for project in store.projects()}

    def bad(origin: str) -> bool:
        return truth.get((Path(origin).parent.name, Path(origin).name), False)

    def decide(project: int, rows: list[tuple[int, str]]) -> list[bool]:
        said = [bad(origin) for _, origin in rows]
        words = [
            {"image": image, "verdict": "reject" if one else "keep"} for (image, _), one in zip(rows, said, strict=True)
        ]
        store.apply(project, review.decide(words, "simulated", by_id[project].classes)[0])
        return said

    everything = [(image.id, image.origin) for image in store.images(before)]
    for start in range(0, len(everything), 500):
        decide(before, everything[start : start + 500])
    project = store.set_reviewing(after, replace(Reviewing(), references=(before,) if helped else ()))
    learns, chance = learner(store, project), curve.below(np.random.default_rng(seed))
    wanted, total = Filter(verdict="undecided", order="mixed"), [bad(image.origin) for image in store.images(after)]
    said: list[bool] = []
    while len(said) < AT[-1] * len(total):
        tiles = review.next_page(store, learns, project, wanted, "simulated", size, chance=chance)
        said += decide(after, [(tile.image, tile.origin) for tile in tiles])
    if helped and not seed:
        print(learns.note, file=sys.stderr, flush=True)
    found = np.concatenate([[0], np.cumsum(said)])
    return {
        "recall": [found[int(at * len(total))] / sum(total) for at in AT],
        "first": [found[many] / many for many in FIRST],
    }


if __name__ == "__main__":
    main()
