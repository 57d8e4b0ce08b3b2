"""From what is known of every picture to findings. They take nothing out: a person decides."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from core.clean import groups as g
from core.clean.embed import scratch, vectors
from core.clean.quality import KINDS as QUALITY
from core.model import TOLD, Finding, Measure, Progress

if TYPE_CHECKING:
    from core.model import Cleaning, Cropping
    from core.steps import Context

EXAMPLES = 6  # pictures shown on either side of a threshold


def judge(
    ctx: Context, how: Cleaning, network: tuple[str, str], sees: str
) -> Generator[Progress, None, dict[str, Any]]:
    """Put the findings of this clean in the place of those of the last one. `network`: the embedder's key, and what it
    says about itself. `sees`: the detector's key, "" for none."""
    from core.clean import KINDS
    from core.clean.labels import left_out

    store, project, (key, about) = ctx.store, ctx.project.id, network
    yield Progress(0, None, "putting together what was found")
    found, borders = quality(measure for measure, _ in store.measures(project))
    yield Progress(0, None, "grouping copies")
    found += copies(ctx, how)
    yield Progress(0, None, "looking for pictures that do not look like their class")
    total, of = labelled(ctx)
    together = {f.image: f.group for f in found if f.group}
    found += labels(ctx, of, key, together)
    yield Progress(0, None, "choosing crops")
    found += crops(ctx, how.crop, sees)
    store.replace_findings(ctx.claim, project, [kind for kind in KINDS if kind != TOLD], found)
    store.set_cleaning(project, how)  # last: what the project says of itself holds for what is stored
    for one in filter(None, (key, sees)):
        yield from forgotten(ctx, one)
    counts = store.finding_counts(project)
    return {
        "images": total, "findings": counts,
        "groups": len({f.group for f in found if f.kind in ("near_duplicate", "exact_duplicate")}),
        "borders": borders, "embedder": key, "about": about,
        "crops": store.cropped(project), "left_out": left_out(list(of.values()), [together.get(i, i) for i in of]),
    }  # fmt: skip


def forgotten(ctx: Context, key: str) -> Generator[Progress, None, None]:
    """Give up what other weights of the same name made, unless another job looks at these pictures: it may have those."""
    store, project = ctx.store, ctx.project.id
    cleaning = (job for verb in ("clean", "split", "demo") for job in store.jobs(project, verb))
    if any(job.status == "running" and job.id != ctx.job.id for job in cleaning):
        return
    while store.forget_versions(ctx.claim, project, key):
        yield Progress(0, None, "making room: other weights of the same name saw these pictures before")


def quality(measures: Iterable[Measure]) -> tuple[list[Finding], dict[str, dict[str, Any]]]:
    """What cannot be read, and what is at a threshold or above; and kind of finding -> its threshold, and the images
    nearest to it: `over` have the finding, `under` just do not."""
    found: list[Finding] = []
    nearest: dict[tuple[str, bool], list[tuple[float, int]]] = {
        (kind, over): [] for kind in QUALITY for over in (True, False)
    }
    for one in measures:
        if one.fault:
            found.append(Finding(one.image, "corrupt", 1.0, "decode", note=one.fault))
        for kind, score in one.scores.items():
            if kind not in QUALITY or not score:
                continue
            over = score >= QUALITY[kind].threshold
            if over:
                found.append(Finding(one.image, kind, round(score, 4), "measure", note=f"{score:.2f} of 1"))
            some = nearest[kind, over]  # a heap: the farthest from the threshold comes first
            heappush(some, (-score, -one.image) if over else (score, one.image))
            if len(some) > EXAMPLES:
                heappop(some)

    def images(kind: str, over: bool) -> list[int]:
        return [abs(image) for _, image in sorted(nearest[kind, over], reverse=True)]

    return found, {
        kind: {"threshold": about.threshold, "over": images(kind, True), "under": images(kind, False)}
        for kind, about in QUALITY.items()
    }


def copies(ctx: Context, how: Cleaning) -> list[Finding]:
    """Exact and near duplicates, and the labels their copies disagree on."""
    store, project = ctx.store, ctx.project.id
    several, likely = store.several_origins(project), store.links(project, how.likeness)
    linked = {image for link in likely for image in (link.image, link.other)}
    involved = sorted(linked | several.keys() | set(store.same_pixels(project)))
    records = store.images_by_id(project, involved)
    of, same = {one.id: one for one in records}, g.same_pixels(records)
    first = {one.id: members[0].id for members in same.values() for one in members}
    keep = partial(g.best, measures=store.measures_of(project, involved), licensed=store.licensed(involved))
    found = [*g.exact(same, several, keep), *g.near(g.groups(g.both_ways(likely, first)), of, same, keep)]
    return found + list(g.conflicts(records, found, several))


def labelled(ctx: Context) -> tuple[int, dict[int, str]]:
    """How many pictures there are, and image -> class of those that nobody rejected."""
    total, of = 0, {}
    for one in ctx.store.images(ctx.project.id):
        total += 1
        if one.verdict != "reject":
            of[one.id] = sys.intern(one.label)
    return total, of


def labels(ctx: Context, of: Mapping[int, str], network: str, together: Mapping[int, str]) -> list[Finding]:
    """What does not look like its class. `of`: image -> class."""
    from core.clean.labels import issues

    ids, known, _ = vectors(ctx, network, {i for i, label in of.items() if label in ctx.project.classes})
    return list(issues(known, [of[i] for i in ids], ids, together, scratch(ctx)))


def crops(ctx: Context, how: Cropping, sees: str) -> list[Finding]:
    """Choose each picture's crop out of what the detector saw, and say where that is doubtful."""
    from core.clean.crop import choose

    store, project = ctx.store, ctx.project.id
    found, boxes = [], {}
    detections = store.detections(project, sees) if sees else iter(())
    image, seen = next(detections, (0, []))
    for one in store.images(project) if image else ():  # both in order of image
        while image and image < one.id:
            image, seen = next(detections, (0, []))
        if image != one.id:
            continue
        crop = choose(seen, one.facts.width, one.facts.height, how)
        if crop.box:
            boxes[one.id] = crop.box
        found += [Finding(one.id, kind, score, how.detector, note=note) for kind, score, note in crop.findings]
    store.set_crops(ctx.claim, project, boxes)
    return found
