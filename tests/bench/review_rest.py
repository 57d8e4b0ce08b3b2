"""How bad the rest of a class is that one press keeps: python tests/bench/review_rest.py [--images DIR --truth TABLE] [--json]

A simulated reviewer looks at a share of the pictures by the real queue (as in review_curve.py). Then, for several chances of
being good, the rest is taken as `core.review.together` would keep it, of all classes and of each: how many pictures it has,
how many of them the table rejects, and whether the interval that was told holds that number.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from review_curve import DATA, below, cleaned, fresh, read_truth  # noqa: E402

from core import review  # noqa: E402
from core.review import together  # noqa: E402
from core.review.learner import learner  # noqa: E402
from db.store.queue import Filter  # noqa: E402

ABOVE = (0.9, 0.95, 0.98, 0.99)
SEEN = (0.15, 0.25, 0.33, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, default=DATA)
    parser.add_argument("--truth", type=Path, help="default: manifest.csv among the images")
    parser.add_argument("--home", type=Path, help="keep the cleaned project here, and take it from here")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    truth = read_truth(args.truth or args.images / "manifest.csv")
    with tempfile.TemporaryDirectory() as folder:
        home = args.home or Path(folder)
        cleaned(args.images, home, None)
        rows = [row for seed in range(args.seeds) for row in reviewed(home, truth, seed)]
    figures = [summary(rows, seen, above) for seen in SEEN for above in ABOVE]
    print(json.dumps(figures) if args.json else "\n".join(map(str, figures)))


def reviewed(home: Path, truth: dict[tuple[str, str], bool], seed: int) -> list[dict]:
    with fresh(home) as store:
        project, chance = store.projects()[-1], np.random.default_rng(seed)
        bad = {one.id: truth.get(tuple(Path(one.origin).parts[-2:]), False) for one in store.images(project.id)}
        learns, rows, looked = learner(store, project, home / "cache" / "review"), [], 0
        for seen in SEEN:
            while looked < seen * len(bad):
                wanted = Filter(verdict="undecided", order="mixed")
                tiles = review.next_page(store, learns, project, wanted, "simulated", 50, chance=below(chance))
                said = [{"image": t.image, "verdict": "reject" if bad[t.image] else "keep"} for t in tiles]
                store.apply(project.id, review.decide(said, "simulated", project.classes)[0])
                looked += len(tiles)
            judged = store.judged(project.id)
            ranking = learns.rank(judged)
            for above in ABOVE:
                for label in ("", *project.classes):
                    found = together.rest(learns.of, ranking, judged, label, above)
                    number = sum(bad[image] for image in found.images.tolist())
                    rows.append({"seen": seen, "above": above, "label": label, "pictures": len(found.images), "bad": number,
                                 "told": found.bad is not None, "holds": found.low <= number <= found.high})  # fmt: skip
    return rows


def summary(rows: list[dict], seen: float, above: float) -> dict:
    some = [row for row in rows if (row["seen"], row["above"]) == (seen, above)]
    whole = [row for row in some if not row["label"]]
    told = [row for row in some if row["told"] and row["pictures"]]
    return {
        "seen": seen, "above": above, "pictures": float(np.mean([row["pictures"] for row in whole])),
        "bad": float(np.mean([row["bad"] for row in whole])),
        "told": len(told), "holds": round(float(np.mean([row["holds"] for row in told])), 3) if told else None,
    }  # fmt: skip


if __name__ == "__main__":
    main()
