"""How fast a review finds the bad pictures: python tests/bench/review_curve.py --images DIR --truth manifest.csv [--json]

DIR has a folder for each class; the table, without a head, has the columns class, file, keep or reject. The folder is
scraped and cleaned by the command line; then a simulated reviewer asks for page after page (`core.review.choose_page`, what
`review next` and the browser call) and decides each as a person would who thinks as the table does (`core.review.decide`). Nothing of the
table is read before its picture was shown, and every picture shown counts. Decisions are presses: one for each mark or row
of marks (a drag), one for all of a page, and Enter; counted until .93 of the bad ones are found (what nobody decided on is
kept, without a press). `--groups` counts presses alone, with what else a person has in the browser (review_groups.py).
`--home` keeps the cleaned project for another run.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))
import review_groups as groups  # noqa: E402

from core import review  # noqa: E402
from core.model import Project, Tile  # noqa: E402
from core.review.learner import learner, ridge  # noqa: E402
from db import open_store  # noqa: E402
from db.store import Store  # noqa: E402
from db.store.queue import Filter  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data" / "porsche"
AT = (0.10, 0.15, 0.20, 0.25, 0.30, 0.33, 0.40, 0.50)
NAME = "review"
ENOUGH = 0.93  # of the bad ones found: so far presses are counted


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, default=DATA)
    parser.add_argument("--truth", type=Path, help="default: manifest.csv among the images")
    parser.add_argument("--home", type=Path, help="keep the cleaned project here, and take it from here")
    parser.add_argument(
        "--detector", help="clean with this detector, as in yolo:car; the review learns from what it sees"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--size", type=int, default=50, help="pictures on a page")
    parser.add_argument("--growing", action="store_true", help="small pages at first, as in the browser")
    parser.add_argument(
        "--late",
        type=int,
        metavar="N",
        help="as in the browser the next page is chosen before this one is stored, and has not "
        "heard of its last N marks",
    )
    parser.add_argument("--order", default="mixed", choices=tuple(review.LEARNED))
    parser.add_argument("--upto", type=float, default=0.5, help="share of the pictures after which it stops")
    parser.add_argument("--plot", type=Path, help="draw all the curves into this HTML file")
    parser.add_argument("--most", type=int, help="pictures after which it stops")
    parser.add_argument("--groups", action="store_true", help="presses, by what a person makes use of")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    truth = read_truth(args.truth or args.images / "manifest.csv")
    with tempfile.TemporaryDirectory() as folder:
        home = args.home or Path(folder)
        cleaned(args.images, home, args.detector)
        if args.groups:
            figures = grouped(home, truth, args.seeds)
        else:
            runs = [simulate(home, seed, truth, args) for seed in range(args.seeds)]
            figures = summary(runs) | {"others": others(home, truth)}
    if args.plot and not args.groups:
        plot(args.plot, figures)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def read_truth(path: Path) -> dict[tuple[str, str], bool]:
    """(class, file) -> whether a person rejected it."""
    with path.open(newline="") as file:
        return {(row[0], row[1]): row[2].strip() == "reject" for row in csv.reader(file) if row}


def cleaned(images: Path, home: Path, detector: str | None) -> None:
    """A home with the folder scraped and cleaned; nothing is done where there is one."""
    if (home / "winnow.db").exists():
        return
    classes = ",".join(sorted(p.name for p in images.iterdir() if p.is_dir()))
    for words in (
        ["project", NAME, "--classes", classes],
        ["scrape", "--source", "folder", "--path", str(images)],
        ["clean"],
    ):
        env = os.environ | {"WINNOW_HOME": str(home), "WINNOW_PROJECT": NAME}
        env.setdefault("WINNOW_WEIGHTS", str(ROOT.parent / "shared" / "weights"))
        subprocess.run([sys.executable, "-m", "core", *words, "--json"], env=env, check=True, cwd=ROOT,
                       stdout=subprocess.DEVNULL)  # fmt: skip


def simulate(home: Path, seed: int, truth: dict[tuple[str, str], bool], args: argparse.Namespace) -> dict[str, Any]:
    """One review: shares seen, recalls, and what the learner thought when a tenth was seen."""
    with fresh(home) as store:
        return reviewed(store, store.projects()[-1], home, seed, truth, args)


@contextmanager
def fresh(home: Path) -> Iterator[Store]:
    """The cleaned project, to review once; it stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        with (
            closing(sqlite3.connect(home / "winnow.db")) as kept,
            closing(sqlite3.connect(f"{folder}/winnow.db")) as copy,
        ):
            kept.backup(copy)
        store = open_store(f"sqlite:///{folder}/winnow.db")
        try:
            yield store
        finally:
            store.close()


def grouped(home: Path, truth: dict[tuple[str, str], bool], seeds: int) -> dict[str, Any]:
    """Presses of each policy of review_groups.py."""
    figures = {}
    for name, policy in groups.POLICIES.items():
        runs = []
        for seed in range(seeds):
            with fresh(home) as store:
                project = store.projects()[-1]
                bad = {one.id: truth.get(Path(one.origin).parts[-2:], False) for one in store.images(project.id)}
                runs.append(groups.counted(store, project, home / "cache" / "review", seed, bad, policy, ENOUGH))
        figures[name] = groups.means(runs)
        print(name, figures[name], file=sys.stderr, flush=True)
    return figures


def reviewed(
    store: Store, project: Project, home: Path, seed: int, truth: dict[tuple[str, str], bool], args: argparse.Namespace
) -> dict[str, Any]:
    def bad(origin: str) -> bool:
        path = Path(origin)
        return truth.get((path.parent.name, path.name), False)

    total = {one.id: bad(one.origin) for one in store.images(project.id)}  # only to count with
    learns, chance = learner(store, project, home / "cache" / "review"), np.random.default_rng(seed)
    wanted = Filter(verdict="undecided", order=args.order)
    said: list[bool] = []
    pressed = 0
    seen, found, curve, seconds, auroc = 0, 0, [(0.0, 0.0)], [], None

    def choose(here: Sequence[Tile]) -> list[Tile]:
        """The next page; `here`: the one on the screen, if it is not stored yet."""
        began, known = time.perf_counter(), [n for n, tile in enumerate(here) if bad(tile.origin)]
        known = known[: len(known) - (args.late or 0)]
        looked_at = here[: known[-1] + 1] if known else ()  # behind the last mark nothing is known
        marks = {tile.image: "" if bad(tile.origin) else None for tile in looked_at}
        page = review.choose_page(
            store,
            learns,
            project,
            wanted,
            "simulated",
            args.size,
            {tile.image for tile in here},
            below(chance),
            args.growing,
            marks,
        )
        store.show(project.id, "simulated", page.chosen, 0, below(chance))
        seconds.append(time.perf_counter() - began)
        return page.tiles

    tiles = choose(())
    while tiles and seen < min(args.upto * len(total), args.most or np.inf):
        following = choose(tiles) if args.late is not None else []
        rows = [{"image": t.image, "verdict": "reject" if bad(t.origin) else "keep"} for t in tiles]
        operation, _ = review.decide(rows, "simulated", project.classes)
        store.apply(project.id, operation)
        page = [row["verdict"] == "reject" for row in rows]
        if sum(said) < ENOUGH * sum(total.values()):
            pressed += 1 + groups.marks(page)
        said += page
        seen, found = seen + len(tiles), sum(said)
        curve.append((seen / len(total), found / max(1, sum(total.values()))))
        if auroc is None and seen >= 0.15 * len(total):
            auroc = ranked(store, project, learns, total)
        tiles = following or choose(())
    return {
        "curve": curve,
        "said": said,
        "pressed": pressed,
        "seconds": seconds,
        "auroc": auroc,
        "images": len(total),
        "bad": sum(total.values()),
    }


def below(chance: np.random.Generator) -> Callable[[int], int]:
    return lambda n: int(chance.integers(n))


def ranked(store: Store, project: Project, learns: Any, total: dict[int, bool]) -> float:
    """Area under the ROC curve over what nobody has seen yet."""
    from sklearn.metrics import roc_auc_score

    ranking = learns.rank(store.judged(project.id))
    rest = ranking.order
    return float(roc_auc_score([total[int(i)] for i in ranking.ids[rest]], ranking.bad[rest]))


def others(home: Path, truth: dict[tuple[str, str], bool]) -> dict[str, dict[str, float]]:
    """Recall where the pictures are looked at in another order: what others do, what is known without any decision, the
    same regression taught by four fifths of the whole truth (the ceiling of these features), and who knows it all."""
    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    project = store.projects()[-1]
    of = learner(store, project, home / "cache" / "review").of
    bad = np.array([truth.get(tuple(Path(one.origin).parts[-2:]), False) for one in store.images(project.id)])
    vectors = {
        image: np.frombuffer(vector, "<f2") for image, vector, _ in store.embeddings(project.id, of.by.split(" ")[0])
    }
    store.close()
    known = np.stack([vectors[int(image)] for image in of.ids]).astype(np.float32)
    chance = np.random.default_rng(0)
    scores = {
        "random": chance.random(len(bad)),
        "distance to the centre of the class": apart(known, of.classes),
        "cleanlab": doubtful(known, of.classes),
        "cold start": of.cold,
        "supervised, five folds": supervised(of.rows, bad, chance),
        "oracle": bad.astype(float),
    }
    return {name: recalled(bad[np.argsort(-score, kind="stable")]) for name, score in scores.items()}


def recalled(bad: np.ndarray) -> dict[str, float]:
    found = np.cumsum(bad) / max(1, bad.sum())
    return {f"{at:.2f}": round(float(found[max(0, int(at * len(bad)) - 1)]), 4) for at in AT}


def apart(vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
    middle = np.stack([vectors[classes == c].mean(0) for c in range(int(classes.max()) + 1)])
    return np.linalg.norm(vectors - middle[classes], axis=1)


def doubtful(vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """cleanlab's own way: out-of-fold probabilities of a logistic regression, then the label quality score."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    chances = cross_val_predict(LogisticRegression(max_iter=300), vectors * 10, classes, cv=5, method="predict_proba")
    return 1 - get_label_quality_scores(classes, chances)


def supervised(rows: np.ndarray, bad: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    fold, scores = chance.permutation(len(bad)) % 5, np.zeros(len(bad))
    for k in range(5):
        taught = np.flatnonzero(fold != k)
        scores[fold == k] = ridge(rows, taught, bad[taught], taught[~bad[taught]])[0][fold == k]
    return scores


def plot(path: Path, figures: dict[str, Any]) -> None:
    import plotly.graph_objects as go

    curves = {"Winnow": figures["recall_at"], **figures["others"]}
    lines = [go.Scatter(x=[0, *map(float, one)], y=[0, *one.values()], name=name) for name, one in curves.items()]
    chart = go.Figure(lines).update_layout(
        title="Bad pictures found", xaxis_title="share of the pictures seen", yaxis_title="share of the bad ones found",
        xaxis_tickformat=".0%", yaxis_tickformat=".0%",
    )  # fmt: skip
    chart.write_html(path)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    recalls = {at: [float(np.interp(at, *zip(*run["curve"], strict=True))) for run in runs] for at in AT}
    return {
        "images": runs[0]["images"],
        "bad": runs[0]["bad"],
        "recall_at": {f"{at:.2f}": round(float(np.mean(some)), 4) for at, some in recalls.items()},
        "spread": {f"{at:.2f}": round(float(np.std(some)), 4) for at, some in recalls.items()},
        "decisions_per_1000": round(float(np.mean([1000 * run["pressed"] / run["images"] for run in runs])), 1),
        "auroc": round(float(np.mean([run["auroc"] for run in runs])), 4),
        "seconds_a_page": round(float(np.median(np.concatenate([run["seconds"] for run in runs]))), 4),
    }


if __name__ == "__main__":
    main()
