"""The whole program on one page: store -> verb -> store.

A step is a generator of Progress, and what it returns is the job's result (the JSON of the command line). The job
runner alone writes the job's row; it closes the generator to stop it. Whatever a step stores, it stores under its
claim, in units that have a key: run again, it skips what is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadInput, Refused
from core.model import PARTS, Candidate, Claim, Job, Part, Progress, Project, Recipe, Run
from core.project import key, spellings
from core.runs import cache_folder, choose, load_models, run_folder, summary

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.engine import Engine
    from core.settings import Settings
    from db.store import Store

Step = Generator[Progress, None, dict[str, Any]]
BATCH = 200  # candidates stored, or results committed, in one transaction
PAUSE = 0.5  # seconds after which a smaller batch is committed too, so that the page sees it


@dataclass(frozen=True, slots=True)
class Context:
    """What a step works with."""

    store: Store
    blobs: Blobs
    engine: Engine
    settings: Settings
    job: Job
    claim: Claim
    project: Project


def scrape(
    ctx: Context, source: str = "", limit: int = 400, query: str = "{class}", options: Mapping[str, str] | None = None,
    add_classes: bool = False, retry: bool = False,
) -> Step:  # fmt: skip
    """Find candidates, fetch each URL once, keep every image with its facts and every failure with its reason.

    With `retry` all that failed and may pass is tried once more: addresses, and whole searches as they were asked.
    """
    from core import scrape as s
    from core.engine import batches
    from core.sources.options import Options

    store, project = ctx.store, ctx.project
    if retry:
        store.retry(ctx.claim, project.id)
        source = "demo" if "demo" in store.sources(ctx.job.id) else ""  # the demo's own server has to be there again
    ended: dict[int, Refused | None] = {}  # searches that were asked again
    with s.reach(source, ctx.settings) as through:

        def found() -> Iterator[Candidate]:
            if retry:
                searches = store.searches(ctx.job.id)
                return s.again(searches, partial(store.urls, project.id), through, ctx.settings, ended)
            everything = s.candidates(
                source, project.classes, Options(**(options or {})), through, query, limit, add_classes
            )
            return itertools.islice(everything, store.positions(ctx.job.id), None)

        todo = _pending(ctx, found(), add_classes)
        fetched = ctx.engine.map(s.Fetcher(through), todo, need="io")
        kept = ctx.engine.map(s.Keep(ctx.settings.storage), _bytes(fetched), need="cpu")
        for batch in batches(kept, BATCH, PAUSE):
            store.add_fetched(ctx.claim, project.id, [s.outcome(*each) for each in batch])
            tally = store.tally(ctx.job.id)
            done = sum(tally.values()) - tally.get("pending", 0)
            yield Progress(done, sum(tally.values()), s.sentence(tally))
    store.searched(ctx.claim, ended)  # not before all they found is stored: a job broken off asks them once more
    tally = store.tally(ctx.job.id)
    result = {status: tally.get(status, 0) for status in ("fetched", "duplicate", "failed")}
    return {"found": sum(tally.values()), **result, "failures": store.failures(project.id, ctx.job.id)}


def _pending(ctx: Context, found: Iterator[Candidate], add_classes: bool) -> Iterator[Candidate]:
    """What is to be fetched, while more is being found: first what an earlier attempt of this job left over."""
    position, after = ctx.store.positions(ctx.job.id), 0
    while True:
        while page := ctx.store.pending(ctx.job.id, after, BATCH):
            after = page[-1][0]
            yield from (candidate for _, candidate in page)
        batch = list(itertools.islice(found, BATCH))
        if not batch:
            return
        if add_classes:
            labels = dict.fromkeys(c.label for c in batch if not c.error)
            now = ctx.store.add_classes(ctx.project.id, list(labels), respelled=True)
            spelling = spellings(now.classes)  # someone may have added it meanwhile, in other letters
            batch = [c if c.error else replace(c, label=spelling.get(key(c.label), c.label)) for c in batch]
        ctx.store.add_candidates(ctx.claim, ctx.project.id, position, batch)
        position += len(batch)


def _bytes(fetched: Iterable[tuple[Candidate, bytes, BaseException | None]]) -> Iterator[tuple]:
    """(candidate, bytes or the error that stands for them): a failure takes the same way as an image."""
    for candidate, data, error in fetched:
        yield candidate.url, error if error is not None else data


def clean(ctx: Context) -> Step:
    """Look for duplicates, near-duplicates, labels that disagree, pictures too small, files that changed on disk."""
    from core import clean as c

    yield Progress(0, None, "reading what is known")
    records = list(ctx.store.images(ctx.project.id))
    several = ctx.store.several_origins(ctx.project.id)
    found = [*c.exact(records, several), *c.quality(records)]
    damaged = {}
    checked = ctx.engine.map(c.Verify(ctx.settings.storage), (record.facts.sha256 for record in records), need="cpu")
    for done, (sha256, _, error) in enumerate(checked, start=1):
        if error is not None:
            damaged[sha256] = error
        yield Progress(done, len(records), "reading every file once: is it still what was fetched?")
    found += [c.corrupt(r, damaged[r.facts.sha256]) for r in records if r.facts.sha256 in damaged]
    for each in c.near([r for r in records if r.facts.sha256 not in damaged], ctx.blobs.thumb):
        if isinstance(each, Progress):
            yield each
        else:
            found.append(each)
    found += c.conflicts(records, [f for f in found if f.group], several)
    ctx.store.replace_findings(ctx.claim, ctx.project.id, list(c.KINDS), found)
    groups = {f.group for f in found if f.kind in ("near_duplicate", "exact_duplicate")}
    return {"images": len(records), "findings": ctx.store.finding_counts(ctx.project.id), "groups": len(groups)}


def split(
    ctx: Context, parts: str = "80/10/10", seed: int = 0, min_per_class: int = 50, keep_source_parts: bool = False
) -> Step:
    """Freeze what is kept into train, val and test; a near-duplicate group is never cut, so they are looked for first."""
    from core import split as s
    from core.clean import cleaned

    store, project = ctx.store, ctx.project
    if not cleaned(store, project.id):
        yield from clean(ctx)
    yield Progress(0, None, "reading what is kept")
    kept = list(store.images(project.id, ("keep", "undecided")))
    if not kept:
        raise BadInput("Nothing is kept: fetch images first, or take back some rejections.")
    groups = _groups(store, project.id)
    if keep_source_parts:
        made = s.keep_source_parts([(r.id, r.label, r.part) for r in kept], groups, project.classes, min_per_class)
    else:
        made = s.split([(r.id, r.label) for r in kept], groups, project.classes, s.shares(parts), seed, min_per_class)
    left = s.leak(made.parts, groups)
    frozen = store.add_split(ctx.claim, project.id, seed, made.parts, made.classes, made.left_out, left)
    sizes = {part: len(frozen.parts[part]) for part in PARTS}
    return {
        **sizes,
        "classes": list(frozen.classes),
        "leak": frozen.leak,
        "left_out": dict(frozen.left_out),
        "split": frozen.id,
    }


def _groups(store: Store, project: int) -> dict[int, str]:
    """image -> group, for everything that may not be cut: near-duplicates and exact ones joined."""
    from core.split import joined

    return joined([store.groups(project, kind) for kind in ("exact_duplicate", "near_duplicate")])


def train(
    ctx: Context,
    recipes: Sequence[Mapping[str, Any]],
    split: int | None = None,
    evaluate_on: Part | Literal[""] = "",
) -> Step:
    """Train each recipe on the split (the newest one by default); what an earlier attempt finished is not done again.

    With `evaluate_on`, a part, the trained runs and their ensembles are scored on it at the end.
    """
    from core import train as t
    from core.backbones import backbone
    from core.cache import cache, cached, pictures
    from core.checkpoint import load
    from core.device import describe, device

    store, project = ctx.store, ctx.project
    where = describe(device(ctx.settings.device))
    wanted = [Recipe(**recipe) for recipe in recipes]
    if not wanted:
        raise BadInput("There is no recipe to train: choose one or more.")
    begun = store.start_run(ctx.claim, project.id, store.split(project.id, split).id, wanted[0], 0)
    frozen = store.split(project.id, begun.split)  # a job that goes on stays with the split it began with
    sizes = sorted({backbone(recipe.backbone).size for recipe in wanted})
    folder = cache_folder(ctx.settings, frozen.id)
    shas = {part: _shas(store, project.id, frozen.parts[part]) for part in ("train", "val")}
    for part in ("train", "val"):
        yield from cache(ctx.blobs.get, shas[part], sizes, folder, ctx.engine.map)
    results = []
    for position, recipe in enumerate(wanted):
        run = store.start_run(ctx.claim, project.id, frozen.id, recipe, position)
        if run.status == "started":
            checkpoint = run_folder(ctx.settings, run.id)
            size = backbone(recipe.backbone).size
            train_pictures, val_pictures = (
                pictures(*cached(shas[part], size, folder), frozen.parts[part], frozen.classes) for part in shas
            )
            rows = t.fit(
                recipe, frozen.classes, train_pictures, val_pictures, checkpoint, ctx.settings.device,
                ctx.settings.threads, frozen.id,
            )  # fmt: skip
            yield from _fit(ctx, run, rows, position, wanted, where)
            facts = load(checkpoint).metrics
            store.finish_run(ctx.claim, run.id, {k: v for k, v in facts.items() if k != "history"})
        results.append(summary(store.run(project.id, run.id)))
    scored = (yield from evaluate(ctx, [run["run"] for run in results], evaluate_on)) if evaluate_on else {}
    return {"runs": results, "split": frozen.id, **({"evaluation": scored["evaluation"]} if scored else {})}


def _fit(
    ctx: Context, run: Run, rows: Iterator[Mapping[str, Any]], position: int, wanted: Sequence[Recipe], where: str
) -> Iterator[Progress]:
    total = sum(r.epochs for r in wanted)
    before = sum(r.epochs for r in wanted[:position])
    for row in rows:
        note = f"{run.recipe.name} on {where}: epoch {row['epoch']} of at most {run.recipe.epochs}"
        ended = "val_loss" in row
        if ended:
            ctx.store.add_epoch(ctx.claim, run.id, row["epoch"], row)
            note += f", validation accuracy {row['val_accuracy']:.1%}"
        else:
            note += f", {row['images']} of {row['of']} images"
        yield Progress(before + row["epoch"] - (not ended), total, f"{note} {row.get('warning', '')}".rstrip())


def evaluate(ctx: Context, runs: Sequence[int] = (), part: Part = "val") -> Step:
    """Score runs (the newest of each recipe by default) and their ensembles on a part; each opening of test is logged."""
    import numpy as np

    from core import evaluate as e
    from core.cache import cache, cached

    store, project = ctx.store, ctx.project
    chosen = choose(store, project.id, runs)
    models = load_models(ctx.settings, chosen)
    frozen = store.split(project.id, chosen[0].split)
    members = frozen.parts[part]
    if not members:
        raise BadInput(f"The part {part!r} of split {frozen.id} holds no image: make a split with more in it.")
    shas, folder = _shas(store, project.id, members), cache_folder(ctx.settings, frozen.id)
    sizes = sorted({model.size for model in models.values()})
    yield from cache(ctx.blobs.get, shas, sizes, folder, ctx.engine.map)
    decoded = {size: cached(shas, size, folder) for size in sizes}
    rows = [i for i in range(len(shas)) if all(good[i] for _, good in decoded.values())]
    yield Progress(0, len(rows), f"asking {len(models)} models about {len(rows)} images")
    labels = np.array([frozen.classes.index(members[i][1]) for i in rows])
    said = e.said(models, {size: pixels[rows] for size, (pixels, _) in decoded.items()})
    result = {
        "models": {name: e.score(labels, p, frozen.classes) for name, p in said.items()}, "part": part,
        "split": frozen.id, "classes": list(frozen.classes), "images": len(rows), "unreadable": len(shas) - len(rows),
        "runs": {name: run.id for name, run in zip(models, chosen, strict=True)},
    }  # fmt: skip
    predictions = (
        {"model": name, "image": members[i][0], "label": members[i][1], "predicted": frozen.classes[p.argmax()], "confidence": float(p.max())}
        for name, probabilities in said.items() for i, p in zip(rows, probabilities, strict=True)
    )  # fmt: skip
    number = store.add_evaluation(ctx.claim, project.id, [run.id for run in chosen], part, result, predictions)
    return {**result, "evaluation": number}


def demo(ctx: Context) -> Step:
    """The demo: fetch the drawn cars from their own little Openverse, then clean."""
    fetched = yield from scrape(ctx, source="demo")
    cleaned = yield from clean(ctx)
    return {**fetched, **cleaned}


STEPS: dict[str, Callable[..., Step]] = {
    "scrape": scrape, "clean": clean, "split": split, "train": train, "evaluate": evaluate, "demo": demo,
}  # fmt: skip


def _shas(store: Store, project: int, members: Iterable[tuple[int, str]]) -> list[str]:
    return [record.facts.sha256 for record in store.images_by_id(project, [image for image, _ in members])]
