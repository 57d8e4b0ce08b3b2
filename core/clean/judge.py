"""From what is known of every picture to findings. They take nothing out: a person decides."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from core.clean import groups as g
from core.clean.embed import vectors
from core.clean.quality import KINDS as QUALITY
from core.model import Finding, ImageRecord, Measure, Progress

if TYPE_CHECKING:
    from core.detectors import Detector
    from core.embed import Embedder
    from core.model import Cleaning, Cropping
    from core.steps import Context

EXAMPLES = 6  # pictures shown on either side of a threshold


def judge(
    ctx: Context, how: Cleaning, embedder: Embedder, sees: Detector | None
) -> Generator[Progress, None, dict[str, Any]]:
    """Put the findings of this clean in the place of those of the last one."""
    from core.clean import KINDS
    from core.clean.labels import left_out

    store, project = ctx.store, ctx.project.id
    yield Progress(0, None, "putting together what was found")
    records = list(store.images(project))
    measures = {measure.image: measure for measure, _ in store.measures(project)}
    found = [Finding(m.image, "corrupt", 1.0, "decode", note=m.fault) for m in measures.values() if m.fault]
    found += quality(records, measures)
    yield Progress(0, None, "grouping copies")
    found += copies(ctx, how, records, measures)
    yield Progress(0, None, "looking for pictures that do not look like their class")
    found += labels(ctx, records, embedder, {f.image: f.group for f in found if f.group})
    yield Progress(0, None, "choosing crops")
    found += crops(ctx, how.crop, sees, records)
    store.replace_findings(ctx.claim, project, list(KINDS), found)
    store.set_cleaning(project, how)  # last: what the project says of itself holds for what is stored
    for key in (embedder.key, *([sees.key] if sees else [])):
        yield from forgotten(ctx, key)
    counts = store.finding_counts(project)
    return {
        "images": len(records), "findings": counts,
        "groups": len({f.group for f in found if f.kind in ("near_duplicate", "exact_duplicate")}),
        "borders": borders(measures.values()), "embedder": embedder.key, "about": embedder.about,
        "crops": store.cropped(project), "left_out": left_out([one.label for one in records if one.verdict != "reject"]),
    }  # fmt: skip


def forgotten(ctx: Context, key: str) -> Generator[Progress, None, None]:
    """Give up what other weights of the same name made, unless another job looks at these pictures: it may have those."""
    store, project = ctx.store, ctx.project.id
    cleaning = (job for verb in ("clean", "split", "demo") for job in store.jobs(project, verb))
    if any(job.status == "running" and job.id != ctx.job.id for job in cleaning):
        return
    while store.forget_versions(ctx.claim, project, key):
        yield Progress(0, None, "making room: other weights of the same name saw these pictures before")


def quality(records: Iterable[ImageRecord], measures: Mapping[int, Measure]) -> Iterator[Finding]:
    """What is at its threshold or above."""
    for one in records:
        scores = measures[one.id].scores if one.id in measures else {}
        for kind, score in scores.items():
            if kind in QUALITY and score >= QUALITY[kind].threshold:
                yield Finding(one.id, kind, round(score, 4), "measure", note=f"{score:.2f} of 1")


def borders(measures: Iterable[Measure]) -> dict[str, dict[str, Any]]:
    """Kind of finding -> its threshold, and the images nearest to it: `over` have the finding, `under` just do not."""
    measures = list(measures)
    told = {}
    for kind, about in QUALITY.items():
        scored = sorted((m.scores[kind], m.image) for m in measures if kind in m.scores)
        over = [image for score, image in scored if score >= about.threshold]
        under = [image for score, image in scored if 0 < score < about.threshold]
        told[kind] = {"threshold": about.threshold, "over": over[:EXAMPLES], "under": under[: -EXAMPLES - 1 : -1]}
    return told


def copies(
    ctx: Context, how: Cleaning, records: Sequence[ImageRecord], measures: Mapping[int, Measure]
) -> list[Finding]:
    """Exact and near duplicates, and the labels their copies disagree on."""
    store, project = ctx.store, ctx.project.id
    several = store.several_origins(project)
    of, same = {one.id: one for one in records}, g.same_pixels(records)
    first = {one.id: members[0].id for members in same.values() for one in members}
    links = g.both_ways(store.links(project, how.likeness), first)
    involved = {one.id for members in same.values() if len(members) > 1 for one in members}
    involved |= {one.id for image in links for one in same[of[image].facts.pixels]}
    keep = partial(g.best, measures=measures, licensed=store.licensed(sorted(involved)))
    found = [*g.exact(same, several, keep), *g.near(g.groups(links), of, same, keep)]
    return found + list(g.conflicts(records, found, several))


def labels(
    ctx: Context, records: Iterable[ImageRecord], embedder: Embedder, together: Mapping[int, str]
) -> list[Finding]:
    """What does not look like its class, among the pictures that nobody rejected."""
    from core.clean.labels import issues

    of = {one.id: one for one in records if one.verdict != "reject" and one.label in ctx.project.classes}
    ids, known, _ = vectors(ctx, embedder.key, of)
    return list(issues(known, [of[i].label for i in ids], ids, together))


def crops(ctx: Context, how: Cropping, sees: Detector | None, records: Iterable[ImageRecord]) -> list[Finding]:
    """Choose each picture's crop out of what the detector saw, and say where that is doubtful."""
    from core.clean.crop import choose

    store, project = ctx.store, ctx.project.id
    found, boxes = [], {}
    seen = dict(store.detections(project, sees.key)) if sees else {}
    for one in records:
        if one.id not in seen:
            continue
        crop = choose(seen[one.id], one.facts.width, one.facts.height, how)
        if crop.box:
            boxes[one.id] = crop.box
        found += [Finding(one.id, kind, score, how.detector, note=note) for kind, score, note in crop.findings]
    store.set_crops(ctx.claim, project, boxes)
    return found
