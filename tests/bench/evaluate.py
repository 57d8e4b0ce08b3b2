"""An evaluation of many pictures: images a second and memory at 10,000 and 100,000, and what the page reads of it.

    python tests/bench/evaluate.py [--images 10000,100000] [--classes 20] [--size 32] [--models 2] [--json]

Each number of pictures is a project of its own in a folder for temporary files. Its rows are real, its pictures are made up
(a colour for each class, on noise) and lie decoded in the cache, as after an earlier evaluation; the models are trained for
a moment on some of them. Then the step `evaluate` runs as a job's process runs it, in a process of its own, and after that
what the page Evaluate reads of it, in another one. Processor seconds are told because other programs on the machine lengthen
them less than time. `memory` is what a process holds apart from mapped files, at its most
(RssAnon), in MB; what it held before it began is told beside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def anonymous() -> float:
    """MB that are not mapped from a file."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


class Watched:
    """The most memory held until it is asked."""

    def __init__(self) -> None:
        self.before = self.most = anonymous()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.most = max(self.most, anonymous())
            time.sleep(0.02)


def pictures(count: int, classes: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(B, S, S, 3) uint8 and (B,) labels, B at a time: a colour for each class that noise covers half the time."""
    rng = np.random.default_rng(0)
    colours = rng.integers(60, 196, (classes, 3))
    for start in range(0, count, 1000):
        labels = np.arange(start, min(start + 1000, count)) % classes
        noise = rng.normal(0, 40, (len(labels), size, size, 3)) + rng.normal(0, 40, (len(labels), 1, 1, 3))
        yield np.clip(colours[labels][:, None, None] + noise, 0, 255).astype(np.uint8), labels


def prepare(count: int, options: argparse.Namespace) -> None:
    """The project with its split, its decoded pictures and its trained models, in WINNOW_HOME."""
    from sqlalchemy import insert

    from core.cache import cache, view, views_of
    from core.model import Claim
    from core.recipes import read
    from core.runs import cache_folder, left, run_folder
    from core.settings import load
    from core.train import Pictures, fit
    from db import open_store
    from db.store.base import now
    from db.tables import images

    settings = load()
    store = open_store(settings.database)
    names = [f"class {n}" for n in range(options.classes)]
    project = store.add_project("many", names)

    def begun(verb: str) -> Claim:
        store.submit(verb, {}, project.id)
        return store.claim("here", 36_000)[1]  # type: ignore[index]

    claim, at = begun("split"), now()
    with store._write(claim) as c:
        for start in range(0, count, 10_000):
            c.execute(insert(images), [
                {"project": project.id, "sha256": hashlib.sha256(str(n).encode()).hexdigest(), "pixels": f"{n:064x}", "width": 640, "height": 480,
                 "format": "JPEG", "size": 1, "hashes": n.to_bytes(64, "big"), "origin": f"/made/up/{n}.jpg", "source_label": names[n % options.classes],
                 "part": "", "label": names[n % options.classes], "verdict": "keep", "reason": "", "version": 1, "created": at}
                for n in range(start, min(start + 10_000, count))
            ])  # fmt: skip
    known = [(one.id, one.label) for one in store.images(project.id)]
    split = store.add_split(claim, project.id, 0, {"train": (), "val": known, "test": ()}, names, {}, 0)
    store.finish(claim, "done", {})

    def made(work: Callable, items: Iterable[str], need: str) -> Iterator[tuple[str, list[np.ndarray], None]]:
        views = iter(items)
        for some, _ in pictures(count, options.classes, options.size):
            for picture in some:
                yield next(views), [picture], None

    views = views_of(store, project.id, split, "val")
    assert views[0] == view(hashlib.sha256(b"0").hexdigest())
    for _ in cache(lambda sha: b"", views, [options.size], cache_folder(settings, split.id), made):
        pass
    some, labels = next(pictures(1000, options.classes, options.size))
    train, val = Pictures(some[:600], labels[:600]), Pictures(some[600:], labels[600:])
    claim = begun("train")
    for seed in range(options.models):
        recipe = read(f"simplecnn:size={options.size},epochs=3", seed=seed)
        run = store.start_run(claim, project.id, split.id, recipe, seed)
        for _ in fit(recipe, names, train, val, run_folder(settings, run.id), "cpu", split=split.id):
            pass
        store.finish_run(claim, run.id, left(settings, run.id))
    store.finish(claim, "done", {})
    store.submit("evaluate", {"part": "val", "runs": [run.id for run in store.runs(project.id)]}, project.id)
    store.close()


def evaluate(pipe: Connection) -> None:
    """The step, as a job's process runs it."""
    from core import steps
    from core.blobs import Blobs
    from core.device import keep_memory
    from core.engine.serial import Serial
    from core.settings import load
    from db import open_store

    keep_memory()
    import torch  # noqa: F401  # what any job holds that computes

    settings = load()
    store = open_store(settings.database)
    job, claim = store.claim("here", 36_000)  # type: ignore[misc]
    ctx = steps.Context(store, Blobs(settings.storage), Serial(), settings, job, claim, store.project("many"))
    watched, began, used = Watched(), time.perf_counter(), time.process_time()
    stages: list[list[Any]] = []  # name, seconds, MB at its end
    step = steps.evaluate(ctx, **job.params)
    last, at = "reading", began
    while True:
        try:
            told = next(step)
        except StopIteration as end:
            result = end.value
            break
        note = re.sub(r"figures of .*", "figures", told.note)
        if note != last:
            stages.append([last, round(time.perf_counter() - at, 2), round(watched.most)])
            last, at = note, time.perf_counter()
    stages.append([f"{last}, rows stored", round(time.perf_counter() - at, 2), round(watched.most)])
    seconds = time.perf_counter() - began
    store.finish(claim, "done", result)
    size = len(json.dumps(result))
    cpu = time.process_time() - used
    pipe.send({"seconds": seconds, "cpu_seconds": cpu, "images_per_second": result["images"] / seconds, "memory": watched.most, "before": watched.before,
               "stages": stages, "result_kilobytes": size / 1000, "accuracy": result["models"]["average"]["accuracy"]})  # fmt: skip


def read(pipe: Connection) -> None:
    """What the page reads, in its order, each as often as once; and the report."""
    import scipy.stats  # noqa: F401  # loaded once by a server, in seconds
    import sklearn.metrics  # noqa: F401

    from core import evaluation_report
    from core.blobs import Blobs
    from core.evaluate import compare, kept
    from core.runs import evaluation_folder
    from core.settings import load
    from db import open_store

    settings = load()
    store = open_store(settings.database)
    project = store.project("many")
    watched, told = Watched(), {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        found = work()
        told[name] = round(time.perf_counter() - began, 3)
        return found

    [found] = timed("the evaluation", lambda: store.evaluations(project.id))
    names = list(found.result["models"])
    timed("two models side by side", lambda: compare.differences(store.paired(found.id, names[0], names[1])))
    timed("a cell of the matrix", lambda: store.predicted(found.id, "average", "class 0", "class 1"))
    split = timed("the split", lambda: store.split(project.id, found.result["split"]))
    drawn = [image for image, _ in split.parts["val"][:: max(1, len(split.parts["val"]) // 100)]][:100]
    timed("a random hundred", lambda: store.answered(found.id, "average", drawn))
    timed("worst mistakes", lambda: store.answers(found.id, "average", wrong=True))
    said = timed("what was said", lambda: kept.read(evaluation_folder(settings, found.result["kept"])))
    timed("precision and recall", lambda: [kept.precision_recall(said.probabilities[n, :, 0], said.labels == 0) for n in range(len(names))])  # fmt: skip
    timed("runs", lambda: store.runs(project.id))
    page, most = sum(told.values()), watched.most
    report = timed("the report", lambda: evaluation_report.write(store, Blobs(settings.storage), settings, project))
    pipe.send({"page": page, "reads": told, "memory": most, "with_report": watched.most, "before": watched.before, "report_kilobytes": len(report) / 1000})  # fmt: skip


def alone(work: Callable, *args: Any) -> Any:
    """In a process of its own, with what it sends; None where it sends nothing."""
    here, there = multiprocessing.Pipe()
    spawned = multiprocessing.get_context("spawn").Process(
        target=work, args=(there, *args) if work is not prepare else args
    )
    spawned.start()
    there.close()
    try:
        told = None if work is prepare else here.recv()
    finally:
        spawned.join()
    if spawned.exitcode:
        sys.exit(f"{work.__name__} ended with {spawned.exitcode}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="10000,100000")
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    for count in map(int, args.images.split(",")):
        home = Path(tempfile.mkdtemp(prefix="winnow-evaluate-"))
        os.environ.update(WINNOW_HOME=str(home), WINNOW_DATABASE_URL=f"sqlite:///{home}/winnow.db", WINNOW_DEVICE="cpu")
        try:
            alone(prepare, count, args)
            rows.append({"images": count, "evaluate": alone(evaluate), "read": alone(read)})
        finally:
            shutil.rmtree(home, ignore_errors=True)
        step, page = rows[-1]["evaluate"], rows[-1]["read"]
        print(
            f"{count:,} pictures: {step['images_per_second']:,.0f} a second, {count / step['cpu_seconds']:,.0f} a second of a processor, {step['memory']:.0f} MB (before: {step['before']:.0f})"
        )
        for name, seconds, memory in step["stages"]:
            print(f"    {seconds:7.2f} s, {memory} MB until its end: {name}")
        print(f"    the result: {step['result_kilobytes']:.0f} KB; accuracy {step['accuracy']:.1%}")
        print(
            f"    the page reads for {page['page']:.2f} s, {page['memory']:.0f} MB (before: {page['before']:.0f}): {page['reads']}"
        )
        print(f"    the report: {page['report_kilobytes']:.0f} KB, {page['with_report']:.0f} MB")  # fmt: skip
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        for name, of in (("images a second", "images_per_second"), ("memory", "memory")):
            print(f"{name}, {last['images']:,} against {first['images']:,}: {last['evaluate'][of] / first['evaluate'][of]:.2f}")  # fmt: skip
    if args.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
