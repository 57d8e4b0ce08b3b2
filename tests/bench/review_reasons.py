"""How often the likely reason is right: python tests/bench/review_reasons.py [--images DIR --truth TABLE] [--home DIR] [--json]

The table, without a head, has the columns class, file, reject, reason: sneakers.csv is by one person. A number of rejects
with their reasons is known, drawn by lot; of all others the likely reason is asked for (`core.review.reasons`). Printed:
the share that gets one, and how many of these are right; beside it the share of the commonest reason.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from review_curve import DATA, ROOT, cleaned  # noqa: E402

from core.model import Judged  # noqa: E402
from core.review import reasons  # noqa: E402
from core.review.learner import learner  # noqa: E402
from db import open_store  # noqa: E402

KNOWN = (10, 30, 100, 200)
ROUNDS = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, default=DATA.parent / "sneakers")
    parser.add_argument("--truth", type=Path, default=ROOT / "tests" / "bench" / "sneakers.csv")
    parser.add_argument("--home", type=Path, help="keep the cleaned project here, and take it from here")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with args.truth.open(newline="") as file:
        truth = {(row[0], row[1]): row[3] for row in csv.reader(file) if len(row) > 3 and row[3]}
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(args.home or Path(folder), args.images, truth)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def measured(home: Path, images: Path, truth: dict[tuple[str, str], str]) -> dict:
    cleaned(images, home, None)
    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    project = store.projects()[-1]
    origins = {one.id: tuple(Path(one.origin).parts[-2:]) for one in store.images(project.id)}
    of = learner(store, project, home / "cache" / "review").of
    store.close()
    said = {image: truth[place] for image, place in origins.items() if place in truth}
    ids, chance, rows = list(said), np.random.default_rng(0), {}
    for known in [n for n in KNOWN if n < len(ids)]:
        named = right = asked = 0
        for _ in range(ROUNDS):
            some = [ids[n] for n in chance.permutation(len(ids))]
            judged = [Judged(image, True, "likely", said[image]) for image in some[:known]]
            found = reasons.likely(of, judged, some[known:])
            asked, named = asked + len(some) - known, named + len(found)
            right += sum(said[image] == reason for image, (reason, _) in found.items())
        rows[str(known)] = {"named": round(named / asked, 3), "right": round(right / max(1, named), 3)}
    commonest = Counter(said.values()).most_common(1)[0][1] / len(said)
    return {"rejects": len(said), "reasons": len(set(said.values())), "commonest": round(commonest, 3), "known": rows}


if __name__ == "__main__":
    main()
