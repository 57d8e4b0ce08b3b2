"""The whole clean step over many pictures: kill -9 in every stage, memory, pictures a second.

    python tests/bench/clean.py [--images 50000] [--detector none|yolo] [--json]

The pictures are made of the photos of WINNOW_TEST_DATA (sneakers, porsche, fashion): each is two of them laid over one
another in other proportions, 300 px, so that all differ as photos do; every 50th is a copy of the one before it, saved
again smaller. They are put into a store as a scrape would, then the real job cleans them by the real worker. It is killed
with -9 once in each stage, when the stage has stored something (the last one stores at its end: after two seconds), and
the worker goes on by itself. Memory is that of the job and all its children, shared pages counted once: all of it, and
what is their own, for the system takes the pages of files back when it wants them (PSS on Linux; elsewhere RSS and USS). At the end: what every picture has of measures, vectors, comparisons and detections, how many planted copies are
grouped, and then a second clean, which has nothing new to do.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared"))
CLASSES = ("sneakers", "porsche", "fashion")
COPY = 50  # every so many a copy
ENOUGH = 4 * 3600.0  # seconds


def made(number: int, seed: int = 0) -> Iterator[tuple[bytes, str]]:
    """JPEG and class of so many pictures, the same for the same seed."""
    from PIL import Image

    photos = {label: sorted((DATA / "data" / label).rglob("*.jp*g")) for label in CLASSES}
    rng, last = random.Random(seed), Image.new("RGB", (300, 300))
    for i in range(number):
        label = CLASSES[i % len(CLASSES)]
        if i % COPY == COPY - 1:
            yield jpeg(last.resize((240, last.height * 240 // 300)), 70), CLASSES[(i - 1) % len(CLASSES)]
            continue
        size = (300, rng.randrange(200, 320))
        one, other = (Image.open(rng.choice(photos[label])).convert("RGB").resize(size) for _ in range(2))
        other = other.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else other
        last = Image.blend(one, other, rng.uniform(0.3, 0.5))
        yield jpeg(last, 88), label


def jpeg(image: Any, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def filled(settings: Any, number: int) -> tuple[Any, Any]:
    """A store with one project of so many pictures, as a scrape leaves it."""
    from core.blobs import Blobs
    from core.model import Candidate
    from core.pixels import ingest
    from db import open_store

    store, blobs = open_store(settings.database), Blobs(settings.storage)
    project = store.add_project("bench", CLASSES)
    store.submit("scrape", {}, project.id)
    claimed = store.claim("bench", 24 * 3600)
    assert claimed is not None
    candidates, outcomes, position = [], [], 0

    def stored() -> None:
        nonlocal candidates, outcomes, position
        store.add_candidates(claimed[1], project.id, position, candidates)
        store.add_fetched(claimed[1], project.id, outcomes)
        position += len(candidates)
        candidates, outcomes = [], []

    for i, (data, label) in enumerate(made(number)):
        facts, thumb = ingest(data)
        blobs.put(facts.sha256, data, thumb)
        candidates.append(Candidate(f"/pictures/{i}.jpg", label, "folder"))
        outcomes.append((candidates[-1].url, facts, ""))
        if len(candidates) == 1000:
            stored()
    stored()
    store.finish(claimed[1], "done")
    return store, project


def memory(pid: int) -> tuple[int, int]:
    """MB of a process and all it started: all of it, and without pages of files; 0 where it is gone."""
    every = own = 0
    with suppress(psutil.Error, OSError):
        job = psutil.Process(pid)
        for process in [job, *job.children(recursive=True)]:
            if sys.platform == "linux":
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
                kilobytes = {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}
                every += kilobytes["Pss"] * 1024
                own += (kilobytes["Pss_Anon"] + kilobytes["Pss_Shmem"] + kilobytes["SwapPss"]) * 1024
            else:
                info = process.memory_full_info()
                every, own = every + info.rss, own + info.uss
    return round(every / 1e6), round(own / 1e6)


def cleaned(store: Any, settings: Any, project: Any, params: dict[str, Any], kills: bool) -> dict[str, Any]:
    """Run one clean job; seconds and memory by stage, and when it was killed."""
    from core import jobs

    job = store.submit("clean", params, project.id)
    jobs.ensure_worker(settings)
    began, killed, stages, last = time.monotonic(), set(), {}, None
    while time.monotonic() - began < ENOUGH:
        row = store.job(job.id)
        if row.status == "failed" and len(killed) == len(row.result["stage"]["of"]):
            store.again(job.id)  # as many deaths as a job is given; a person presses "Try again"
            continue
        if row.status not in ("queued", "running"):
            break
        stage = row.result.get("stage")
        if stage and row.pid:
            name = stage["of"][stage["number"] - 1]
            if name not in stages and last:
                print(last[0], told(**stages[last[0]]), file=sys.stderr, flush=True)
            here = stages.setdefault(name, {"seconds": 0.0, "memory": []})
            here["memory"].append((row.done / row.total if row.total else 0.0, *memory(row.pid)))
            now = time.monotonic()
            if last and last[0] == name:
                here["seconds"] += now - last[1]
            last = (name, now)
            at_work = row.done > row.total * 0.4 if row.total else name == stage["of"][-1] and here["seconds"] > 2
            if kills and name not in killed and at_work:
                killed.add(name)
                os.kill(row.pid, signal.SIGKILL)
                last = None
        time.sleep(0.5)
        jobs.ensure_worker(settings)
    row = store.job(job.id)
    assert row.status == "done", f"{row.status}: {row.error}"
    return {
        "seconds": round(time.monotonic() - began), "killed in": sorted(killed), "result": dict(row.result),
        "stages": {name: told(**stage) for name, stage in stages.items()},
    }  # fmt: skip


def told(seconds: float, memory: list[tuple[float, int, int]]) -> dict[str, Any]:
    """Of a stage: (share done, MB, own MB) at each look -> the most of each, and the most of its own in each quarter."""
    quarters = [[own for done, _, own in memory if min(int(done * 4), 3) == quarter] for quarter in range(4)]
    return {
        "seconds": round(seconds),
        "MB at most": max(every for _, every, _ in memory),
        "own MB at most": max(own for *_, own in memory),
        "own MB at most by quarters": [max(quarter, default=None) for quarter in quarters],
    }


def what_is_there(store: Any, project: Any, by: str, seen: str) -> dict[str, Any]:
    """Counts of what the clean kept, by that embedder and detector: nothing may be missing or there twice."""
    measures, vectors = list(store.measures(project.id)), list(store.embeddings(project.id, by))
    ids = [r.id for r in store.images(project.id)]
    copies = [(ids[i - 1], ids[i]) for i in range(COPY - 1, len(ids), COPY)]
    groups = store.groups(project.id, "near_duplicate")
    return {
        "images": len(ids), "measured": len(measures), "not compared": sum(not done for _, done in measures),
        "vectors": len(vectors), "vectors not compared": sum(not done for *_, done in vectors),
        "planted copies": len(copies),
        "planted copies grouped": sum(groups.get(a, "a") == groups.get(b, "b") for a, b in copies),
        "images in groups": len(groups),
        "detections": sum(1 for _ in store.detections(project.id, seen)) if seen else 0,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--detector", choices=("none", "yolo"), default="none")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="winnow-clean-"))
    os.environ |= {"WINNOW_HOME": str(home), "WINNOW_WEIGHTS": str(DATA / "weights")}
    from core import settings as s

    settings = s.load()
    try:
        began = time.monotonic()
        store, project = filled(settings, args.images)
        answer: dict[str, Any] = {"made in": round(time.monotonic() - began)}
        params = {"detector": args.detector, "want": ["car"] if args.detector != "none" else []}
        answer["clean"] = cleaned(store, settings, project, params, kills=True)
        from core.clean.detect import load

        sees = load(args.detector, settings)
        answer["there"] = what_is_there(store, project, answer["clean"]["result"]["embedder"], sees.key if sees else "")
        answer["again"] = cleaned(store, settings, project, params, kills=False)
        for one in ("clean", "again"):
            answer[one]["result"].pop("borders", None)
        if args.json:
            print(json.dumps(answer))
        else:
            print(json.dumps(answer, indent=1))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
