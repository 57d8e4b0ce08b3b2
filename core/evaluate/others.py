"""How often models are fooled by pictures of something else: what "none of these" finds of them, and GAP with and without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BadInput, Damaged, Missing, Refused
from core.evaluate.distractors import REJECTED, Source, draw
from core.evaluate.ensemble import Ensemble, ask
from core.evaluate.figures import Answers, gaps
from core.evaluate.strange import FALSE_ALARMS, Strange, caught
from core.model import Box, Progress

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.model import Split
    from core.steps import Context

WORST = 24  # pictures that are named: not found out, and taken for a class most surely
TOGETHER = "all together"  # the rule by all models, beside that of each


def measure(
    ctx: Context, split: Split, models: Mapping[str, Model], ensemble: Ensemble, names: Sequence[str],
    answers: Mapping[str, Answers], mine: np.ndarray, photos: np.ndarray,
) -> Generator[Progress, None, dict[str, Any]]:  # fmt: skip
    """Ask the models about distractors (`core.evaluate.distractors.draw` of `names`) as well.

    Of the pictures that belong, `answers` are what each model and ensemble said, `mine` (M, N) how strange they are to
    each model, and `photos` (N,) which photo each shows. Returns what stands under `distractors` in an evaluation's result:
    `models` {name: GAP without and with the distractors, and where no answer is given to what is "none of these"}, `rule`
    {model or TOGETHER: as `core.evaluate.strange.caught`}, `sources`, `worst` and `taken_for` {class: how many}.
    Raises BadInput where there is no such source, or nothing of it can be read.
    """
    from core.cache import cache, cached, picked
    from core.runs import cache_folder

    sources = draw(ctx.store, ctx.project, split, names)
    views = []
    for source in sources:
        views += yield from _views(ctx, split, models, source)
    every = [(source, record) for source in sources for record in source.records]
    folder, sizes = cache_folder(ctx.settings, split.id), sorted({model.size for model in models.values()})
    yield from cache(ctx.blobs.get, views, sizes, folder, ctx.engine.map)
    good = np.logical_and.reduce([cached(views, size, folder)[1] for size in sizes])
    for source, source_good in zip((source for source, _ in every), good, strict=True):
        source.unreadable += not source_good
    rows = np.flatnonzero(good).tolist()
    if not rows:
        raise BadInput(f"None of the {len(views):,} pictures of something else can be read.")
    there, seen = [every[row] for row in rows], {size: picked(views, size, folder, rows) for size in sizes}
    said, theirs = yield from ask(models, ensemble, seen, np.full(len(rows), -1))
    strange = ensemble.strange
    yield Progress(len(rows), len(rows), "working out how many are found out")
    photo = np.array(list(_photos(ctx, there)))
    photos = np.unique(np.r_[photos.astype(str), photo], return_inverse=True)[1]
    own, other = strange.together(mine), strange.together(theirs)
    alarms = np.r_[own, other] > strange.limit
    word = "average" if len(models) > 1 else next(iter(models))
    return {
        "asked": list(names), "by_logits": list(strange.by_logits), "images": len(rows), "rate": FALSE_ALARMS,
        "models": {name: _gaps(answers[name], said[name], alarms, photos) for name in answers},
        "rule": _rules(models, mine, theirs, photos) | ({TOGETHER: caught(own, other, strange.limit, photos)} if len(models) > 1 else {}),
        "sources": [_source(source, there, own, other, strange.limit, photos) for source in sources],
        "word": word, "worst": _worst(split, there, said[word], other, strange),
        "taken_for": dict(Counter(split.classes[guess] for guess in said[word].guess[other <= strange.limit]).most_common()),
    }  # fmt: skip


def _views(
    ctx: Context, split: Split, models: Mapping[str, Model], source: Source
) -> Generator[Progress, None, list[str]]:
    """What is asked about of each picture: cropped in the same way as the pictures that the models learned from."""
    from core.cache import view
    from core.predict import cropper

    shas = [record.facts.sha256 for record in source.records]
    if split.crop.detector == "none":
        return [view(sha256) for sha256 in shas]
    if source.name == REJECTED:
        return [view(record.facts.sha256, record.box) for record in source.records]
    crop, found = cropper(models.values(), ctx.settings), []
    for n, sha256 in enumerate(shas):
        yield Progress(n, len(shas), f"looking for what to crop in the pictures of {source.name}")
        found.append(view(sha256, _box(ctx, sha256, crop)))
    return found


def _box(ctx: Context, sha256: str, crop: Any) -> Box | None:
    try:
        return crop(ctx.blobs.get(sha256))
    except (Refused, Missing, Damaged):  # it is counted with its reason where it is decoded
        return None


def _photos(ctx: Context, there: Sequence[tuple[Source, Any]]) -> Iterator[str]:
    """Which photo each distractor shows: near-duplicates are no further evidence."""
    groups: dict[str, dict[int, str]] = {}
    for source, record in there:
        if source.name not in groups:
            project = ctx.project if source.name == REJECTED else ctx.store.project(source.name)
            groups[source.name] = ctx.store.groups(project.id, "near_duplicate")
        yield f"{source.name}: {groups[source.name].get(record.id, f'image {record.id}')}"


def _gaps(own: Answers, others: Answers, alarms: np.ndarray, photos: np.ndarray) -> dict[str, Any]:
    every = Answers.joined([own, others])
    held_back = Answers(
        every.labels,
        np.where(alarms, -2, every.guess),
        np.where(alarms, -1.0, every.confidence),
        every.truth,
        every.rank,
    )
    told: dict[str, Any] = {}
    for name, of, which in (
        ("without", own, photos[: len(own.labels)]),
        ("with", every, photos),
        ("rule", held_back, photos),
    ):
        told[name], told[f"{name}_interval"] = gaps(of, np.unique(which, return_inverse=True)[1])
    return told


def _rules(models: Mapping[str, Model], own: np.ndarray, others: np.ndarray, photos: np.ndarray) -> dict[str, Any]:
    """The rule as each model has it alone."""
    found = {}
    for name, model, mine, other in zip(models, models.values(), own, others, strict=True):
        alone = Strange({name: model})
        found[name] = caught(alone.together(mine[None]), alone.together(other[None]), alone.limit, photos)
    return found


def _source(
    source: Source, there: Sequence[tuple[Source, Any]], own: np.ndarray, other: np.ndarray, limit: float, photos: np.ndarray
) -> dict[str, Any]:  # fmt: skip
    of = np.array([one is source for one, _ in there])
    told = {
        "name": source.name, "found": source.found, "copies": source.copies, "same_class": source.same_class,
        "drawn": len(source.records), "unreadable": source.unreadable,
    }  # fmt: skip
    if not of.any():
        return told
    which = np.unique(np.r_[photos[: len(own)], photos[len(own) :][of]], return_inverse=True)[1]
    return told | caught(own, other[of], limit, which)


def _worst(
    split: Split, there: Sequence[tuple[Source, Any]], said: Answers, other: np.ndarray, strange: Strange
) -> list[dict[str, Any]]:
    """The distractors that were not found out, the surest answers first."""
    missed = np.flatnonzero(other <= strange.limit)
    order = missed[np.argsort(-said.confidence[missed], kind="stable")][:WORST]
    return [
        {"source": there[i][0].name, "image": there[i][1].id, "sha256": there[i][1].facts.sha256,
         "predicted": split.classes[said.guess[i]], "confidence": float(said.confidence[i])}
        for i in order
    ]  # fmt: skip
