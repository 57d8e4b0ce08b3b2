"""A project that went all the way, put into a store by the store's own methods: what pages show when all is there."""

from __future__ import annotations

import io
import math
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import insert

from core import pixels
from core.blobs import Blobs
from core.errors import Permanent, Refused
from core.evaluate import Answers, keep, scored
from core.model import (
    ENSEMBLES,
    Candidate,
    Claim,
    Cleaning,
    Decision,
    Finding,
    Job,
    Measure,
    Operation,
    Project,
    Recipe,
)
from core.scrape import Tally
from db.store import Store
from db.store.base import now
from db.tables import jobs

CLASSES = ("sedan", "coupe", "suv")
HOSTILE = ("[x](javascript:alert(1))", ":red[x] $x^2$ `y` **z**", "![i](https://example.org/i.png) :material/home:")


def jpeg(number: int) -> bytes:
    """A picture that shows its number, wide, square or tall by turns."""
    width, height = ((320, 200), (240, 240), (180, 270))[number % 3]
    image = Image.new("RGB", (width, height), f"hsl({number * 47 % 360}, 45%, {35 + number % 5 * 9}%)")
    pen = ImageDraw.Draw(image)
    for k in range(8):
        x, y = (number * (k + 3) * 29) % width, (number * (k + 7) * 31) % height
        pen.ellipse(
            (x, y, x + 30 + 9 * k, y + 24 + 8 * k), outline=f"hsl({(number * 13 + k * 40) % 360}, 70%, 70%)", width=5
        )
    pen.text((14, 10), str(number), fill="white", font_size=44)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def begin(store: Store, project: Project, verb: str, **params) -> tuple[Job, Claim]:
    """A job that runs already, so that the worker of a running app leaves it alone."""
    at, need = now(), "gpu" if verb == "train" else "cpu"
    with store._write() as c:
        job = c.execute(insert(jobs).values(
            project=project.id, verb=verb, params=params, need=need, status="running", created=at, started=at, updated=at,
            fence=1, attempts=1, cancel=False, done=0, note="", result={}, error="", machine="here",
            lease=at + timedelta(hours=1),
        ).returning(jobs.c.id)).scalar_one()  # fmt: skip
    return store.job(job), Claim(job, 1)


def scraped(store: Store, home: Path, name: str = "cars", classes: Sequence[str] = CLASSES, each: int = 12) -> Project:
    """`each` drawn pictures of every class, and four addresses that failed, two of which may be tried again."""
    project, blobs = store.add_project(name, classes), Blobs(str(home.absolute()))
    job, claim = begin(store, project, "scrape", source="folder")
    candidates, outcomes = [], []
    for i in range(each * len(classes)):
        data = jpeg(i)
        facts, thumb = pixels.ingest(data)
        blobs.put(facts.sha256, data, thumb)
        candidates.append(Candidate(f"/pictures/{i}.jpg", classes[i % len(classes)], "folder", licence="CC BY 4.0"))
        outcomes.append((candidates[-1].url, facts, ""))
    for i in range(4):
        candidates.append(Candidate(f"https://example.org/{i}.jpg", classes[0], "urls"))
        error = Refused("timeout", "example.org did not deliver within 20 seconds.") if i % 2 else Permanent(
            "not an image", "What came is HTML, not a picture.")  # fmt: skip
        outcomes.append((candidates[-1].url, error, ""))
    store.add_candidates(claim, project.id, 0, candidates)
    store.add_fetched(claim, project.id, outcomes)
    store.finish(claim, "done", Tally(store.tally(job.id)).result())
    return project


def measured(store: Store, claim: Claim, project: Project) -> None:
    """A clean took every picture through all its stages."""
    read = [Measure(record.id, fields=bytes(108)) for record in store.images(project.id)]
    store.add_measures(claim, project.id, 1, read)
    store.set_cleaning(project.id, Cleaning(checked=store.newest_image(project.id)))


def cleaned(store: Store, project: Project) -> None:
    ids = [record.id for record in store.images(project.id)]
    _, claim = begin(store, project, "clean")
    found = [Finding(i, "near_duplicate", 0.9, "phash", f"group {n // 2}") for n, i in enumerate(ids[:6])]
    found += [Finding(i, "too_small", 0.5, "size", note="60 x 40 px") for i in ids[10:13]]
    measured(store, claim, project)
    store.replace_findings(claim, project.id, ["near_duplicate", "too_small"], found)
    store.finish(claim, "done", {"images": len(ids), "findings": store.finding_counts(project.id), "groups": 3})


def reviewed(store: Store, project: Project) -> None:
    ids = [record.id for record in store.images(project.id)]
    decisions = tuple(Decision(i, "reject" if n % 5 == 0 else "keep") for n, i in enumerate(ids[: len(ids) // 2]))
    store.apply(project.id, Operation(str(uuid.uuid4()), "ann", decisions))


def split(store: Store, project: Project, leak: int = 1) -> None:
    _, claim = begin(store, project, "split", parts="80/10/10", seed=0)
    kept = [(r.id, r.label) for r in store.images(project.id, ("keep", "undecided"))]
    parts = {"train": kept[: len(kept) // 2], "val": kept[len(kept) // 2 : -4], "test": kept[-4:]}
    made = store.add_split(claim, project.id, 0, parts, project.classes, {"lorry": "only 3 pictures are kept."}, leak)
    store.finish(claim, "done", {**{part: len(rows) for part, rows in parts.items()}, "classes": list(project.classes),
                                 "leak": leak, "split": made.id})  # fmt: skip


def trained(
    store: Store, project: Project, recipes: Sequence[str] = ("vgg75-bn", "vgg100-bn"), epochs: int = 8
) -> list[int]:
    """Runs with their curves, without a network on disk."""
    _, claim = begin(store, project, "train")
    runs = []
    for position, name in enumerate(recipes):
        run = store.start_run(claim, project.id, store.split(project.id).id, Recipe(name), position)
        for epoch in range(1, epochs + 1):
            store.add_epoch(claim, run.id, epoch, {
                "epoch": epoch, "loss": math.exp(-epoch / 9), "accuracy": 1 - math.exp(-epoch / 8), "val_loss": math.exp(-epoch / 11),
                "val_accuracy": 0.9 - math.exp(-epoch / 7), "lr": 0.001, "seconds": 1.5, "images_per_second": 400.0, "waiting": 0.02,
            })  # fmt: skip
        store.finish_run(claim, run.id, {"val_accuracy": 0.84, "best_epoch": epochs, "epochs": epochs, "images_per_second": 400.0,
                                         "seconds": 12.0, "device": "cpu", "precision": "bf16", "waiting": 0.02})  # fmt: skip
        runs.append(run.id)
    store.finish(claim, "done", {"runs": []})
    return runs


def evaluated(store: Store, project: Project, runs: Sequence[int], home: Path) -> int:
    """Scores of guesses that are right three times in four, by the program's own arithmetic."""
    job, claim = begin(store, project, "evaluate", part="val")
    frozen = store.split(project.id)
    members, classes = frozen.parts["val"], list(frozen.classes)
    truth, draw = np.array([classes.index(label) for _, label in members]), np.random.default_rng(0)
    sources = store.sources([image for image, _ in members])
    models, rows, names = {}, [], ("vgg75-bn", "vgg100-bn", *ENSEMBLES)
    folder = home / "evaluations" / str(job.id)
    with keep(folder, np.array([image for image, _ in members]), truth, len(names), len(classes)) as table:
        for n, name in enumerate(names):
            guess = np.where(draw.random(len(truth)) < 0.75, truth, draw.integers(0, len(classes), len(truth)))
            said = np.full((len(truth), len(classes)), 0.1) + 0.7 * np.eye(len(classes))[guess]
            table[n] = said = said / said.sum(axis=1, keepdims=True)
            models[name] = scored(Answers.of(truth, said), classes, sources=[sources[image] for image, _ in members])
            rows += [{"model": name, "image": image, "label": label, "predicted": classes[g], "confidence": 0.8, "truth": float(p[t])}
                     for (image, label), g, p, t in zip(members, guess, said, truth, strict=True)]  # fmt: skip
    number = store.add_evaluation(claim, project.id, runs, "val", {
        "models": models, "classes": classes, "images": len(members), "split": frozen.id, "kept": job.id, "part": "val",
        "runs": dict(zip(names, runs, strict=False)), "weights": {"vgg75-bn": 0.4, "vgg100-bn": 0.6},
    }, rows)  # fmt: skip
    store.finish(claim, "done", {"evaluation": number})
    return number


def everything(store: Store, home: Path, name: str = "cars", classes: Sequence[str] = CLASSES) -> Project:
    project = scraped(store, home, name, classes)
    cleaned(store, project)
    reviewed(store, project)
    split(store, project)
    evaluated(store, project, trained(store, project), home)
    _, claim = begin(store, project, "clean")
    store.finish(claim, "failed", error="The image 0123456789ab is not in images: was it deleted by hand?")
    _, claim = begin(store, project, "clean")
    store.finish(claim, "done", {"images": 36, "findings": {}, "groups": 3})
    return project
