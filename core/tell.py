"""A wrong answer, set right: the picture comes into the project with what a person says it is, and waits for a review."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, Permanent
from core.model import TOLD, Candidate, Decision, Finding, Operation, Progress

if TYPE_CHECKING:
    from core.steps import Context

OTHER = "other"  # the reason of what is none of the classes


def bring(ctx: Context, path: str, label: str, by: str) -> Generator[Progress, None, tuple[int, bool]]:
    """The number of the picture in the file `path`, and whether it is new; a candidate like any other one, of the source
    TOLD and of whoever told. Raises BadInput for no class of the project, and where the file is no picture."""
    from core import scrape as s

    store, project = ctx.store, ctx.project
    if label not in project.classes:
        raise BadInput(f"{label!r} is no class of this project: wanted one of {', '.join(project.classes)}.")
    try:
        sha256 = hashlib.sha256(s.read(path)).hexdigest()
    except Permanent as error:
        raise BadInput(str(error)) from None
    one, tally = Candidate(path, label, TOLD, title=Path(path).name, creator=by), s.Tally(store.tally(ctx.job.id))
    found = [] if store.positions(ctx.job.id) else [one]  # killed and run again, it is stored already
    with s.reach(ctx.settings, roots=[str(Path(path).parent)], job=ctx.job.id) as through:
        yield from s.fetch(ctx, through, s.rows(ctx, found, False, tally), tally)
    there = store.sizes(project.id, sha256)
    ended = tally.result()
    if sha256 not in there:
        why = " ".join(s.meaning(reason) for reason in ended["failures"])
        raise BadInput(f"{Path(path).name} did not come into the project: {why}")
    return there[sha256][0], ended.get("fetched", 0) > 0


def noted(ctx: Context, image: int, new: bool, label: str, by: str, said: str, confidence: float) -> dict[str, Any]:
    """Put the picture into the queue of those that were told of; what is none of the classes is rejected by whoever said so,
    unless somebody had decided on it before. Returns the job's result."""
    store, project = ctx.store, ctx.project
    note = f"{by}: it is {label or 'none of the classes'}; the models said {said} ({confidence:.0%})"
    store.add_finding(ctx.claim, project.id, Finding(image, TOLD, 1.0, by, note=note))
    if not label and store.image(project.id, image).verdict == "undecided":
        # Of the job: killed and run again it decides no second time.
        once = str(uuid.uuid5(uuid.NAMESPACE_URL, f"tell {ctx.job.id}"))
        store.apply(project.id, Operation(once, by, (Decision(image, "reject", OTHER),)))
    record = store.image(project.id, image)
    return {"image": image, "new": new, "label": record.label, "verdict": record.verdict}
