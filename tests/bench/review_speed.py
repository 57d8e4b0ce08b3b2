"""How long the next page takes: python tests/bench/review_speed.py [--most 1000000] [--json]

Made-up vectors in a real database. Told for each number of pictures: learning again from all decisions and ranking all that
is left; the whole next page through the store; how many bad ones are left; and the memory of the process. 1,000 decisions,
then 10,000. What is done once for a project, when its first page is opened, stands beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core import review  # noqa: E402
from core.model import Judged  # noqa: E402
from core.review.certificate import standing  # noqa: E402
from core.review.described import DIMENSIONS, Described, frame_of  # noqa: E402
from core.review.learner import Learner  # noqa: E402
from db import open_store  # noqa: E402
from db.store import Store  # noqa: E402
from db.store.base import now  # noqa: E402
from db.store.queue import Filter  # noqa: E402
from db.tables import decisions, images, operations, showings  # noqa: E402

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CLASSES = 50


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = {f"{size:,}": measured(size) for size in SIZES if size <= args.most}
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def measured(size: int) -> dict[str, Any]:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(size, DIMENSIONS + CLASSES)).astype(np.float32) / np.float32(np.sqrt(DIMENSIONS))
    bad = rows[:, :5].sum(1) > 0.2
    classes, ids = np.arange(size, dtype=np.int32) % CLASSES, np.arange(1, size + 1)
    names = tuple(f"class {n}" for n in range(CLASSES))
    learner = Learner(
        Described(ids, rows, classes, chance.random(size, np.float32), np.ones(size, bool), names, "made up")
    )
    figures: dict[str, Any] = {"once, components of 1,280 numbers": once(size, chance)}
    for many in (1_000, 10_000):
        if many <= size // 2:
            figures[f"{many:,} decisions"] = asked(learner, names, ids[:many], bad)
    figures["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def asked(learner: Learner, names: tuple[str, ...], ids: np.ndarray, bad: np.ndarray) -> dict[str, float]:
    """Seconds, after decisions on `ids`."""
    wanted, said = (
        Filter(verdict="undecided", order="mixed"),
        [Judged(int(i), bool(bad[i - 1]), queue="likely") for i in ids],
    )
    every = range(len(bad) + 1)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/winnow.db")
        project = store.add_project("cars", names)
        filled(store, project.id, len(bad))
        decided(store, project.id, ids, bad)

        def anew() -> Learner:
            learner.last.clear()  # as after a new decision
            return learner

        told = {
            "learn and rank": seconds(lambda: anew().rank(said)),
            "next page": seconds(lambda: review.next_page(store, anew(), project, wanted, "ann", without=every)),
            "how many are left": seconds(lambda: standing(store, project)),
        }
        store.close()
    return told


def once(size: int, chance: np.random.Generator) -> float:
    vectors = chance.normal(size=(size, 1280)).astype(np.float16) if size <= 100_000 else np.zeros((0, 1280))
    began = time.perf_counter()
    if len(vectors):
        frame_of([vectors]).of([vectors])
    return round(time.perf_counter() - began, 3)


def seconds(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return round(float(np.median(taken)), 4)


def filled(store: Store, project: int, size: int) -> None:
    at = now()
    for start in range(0, size, 50_000):
        with store._write() as c:
            c.execute(insert(images), [
                {"project": project, "sha256": f"{n:064x}", "pixels": f"{n:064x}", "width": 300, "height": 200, "format": "JPEG",
                 "size": 9000, "hashes": n.to_bytes(64, "big"), "origin": f"http://host/{n}", "part": "", "verdict": "undecided",
                 "source_label": f"class {n % CLASSES}", "label": f"class {n % CLASSES}", "created": at}
                for n in range(start, min(start + 50_000, size))
            ])  # fmt: skip


def decided(store: Store, project: int, ids: np.ndarray, bad: np.ndarray) -> None:
    """As a review leaves them: shown, one in 25 at random, and decided."""
    at, key, every = now(), f"{ids[0]:036d}", store.newest_image(project)
    said = {int(i): "reject" if bad[i - 1] else "keep" for i in ids}
    with store._write() as c:
        c.execute(
            insert(operations).values(
                id=key, project=project, reviewer="ann", stored=len(ids), conflicts=[], created=at
            )
        )
        c.execute(insert(showings), [
            {"project": project, "image": i, "queue": "random" if i % 25 == 0 else "likely", "score": 0.5, "why": "",
             "among": every - i + 1 if i % 25 == 0 else None, "newest": every, "reviewer": "ann", "created": at} for i in said
        ])  # fmt: skip
        c.execute(insert(decisions), [
            {"operation": key, "image": i, "version": 1, "verdict": verdict, "reason": "", "label": "class 0",
             "was_verdict": "undecided", "was_reason": "", "was_label": "class 0", "created": at} for i, verdict in said.items()
        ])  # fmt: skip
        for verdict in ("keep", "reject"):
            some = [i for i, one in said.items() if one == verdict]
            c.connection.cursor().executemany(
                "UPDATE images SET verdict = ?, version = 1 WHERE id = ?", [(verdict, i) for i in some]
            )


if __name__ == "__main__":
    main()
