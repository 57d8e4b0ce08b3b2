"""That a review may stop: how many bad pictures are left, what is missing still, and the word of who stopped it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.review.agreement import agreements
from core.review.described import views
from core.review.estimate import RATE, estimate, needed

if TYPE_CHECKING:
    from pathlib import Path

    from core.model import Certificate, Project
    from db.store import Store

FILE = "certificate.json"
ENOUGH = 10  # random pictures, before there is a word on how many are bad
METHOD = (
    "Interval that holds at every look (betting; Ville 1939, Waudby-Smith & Ramdas 2020) from random draws without "
    "replacement among the pictures not looked at; at most 2 % of the bad ones overlooked are allowed for."
)


def standing(store: Store, project: Project, rate: float = RATE) -> dict[str, Any]:
    """How many bad pictures are left among those nobody looked at, and whether that is at most `rate` of them.

    `bad`: about how many (None: nothing is known yet); `low`..`high`: the interval; `needed`: about how many more random
    pictures it takes, none of them bad; `open`: of those left, shown and not decided. Raises BadInput for a rate outside of 0..1.
    """
    found = store.audit(project.id)
    said = estimate(found.among, found.bad, found.since, found.left, rate=rate)
    more = needed(found.left, rate, found.among, found.bad, found.since)
    return {
        "left": said.left, "bad": said.bad, "low": said.low, "high": said.high, "confidence": said.confidence, "rate": rate,
        "draws": said.draws, "bad_draws": said.bad_draws, "needed": more, "looked": found.looked, "found": found.found,
        "open": found.open, "unseen": found.unseen, "done": more == 0,
    }  # fmt: skip


def sentence(now: Mapping[str, Any]) -> str:
    """What `standing` gave, as a person reads it."""
    left, low, high = (f"{now[name]:,}" for name in ("left", "low", "high"))
    if not now["left"]:
        return "Every picture was looked at."
    if now["draws"] < ENOUGH:
        return f"Too early to say how many of the {left} not looked at are bad."
    some = round(now["bad"])
    about = (
        f"About {some:,} bad {'picture is' if some == 1 else 'pictures are'}" if some else "Hardly any bad pictures are"
    )
    return f"{about} left among the {left} not looked at ({now['confidence']:.0%} interval: {low} to {high})."


def certify(store: Store, project: Project, reviewer: str, rate: float = RATE) -> Certificate:
    """Keep the word of `reviewer` that the review may stop, with what the ranking stood on.

    Raises BadInput while more than `rate` of those left may be bad.
    """
    now = standing(store, project, rate)
    if not now["done"]:
        raise BadInput(f"There is no certificate yet. {missing(now)}")
    newest, funnel = store.newest_image(project.id), store.funnel(project.id)
    counts = {"kept": funnel.kept - funnel.undecided, "undecided": funnel.undecided, "unique": funnel.unique}
    people, model = store.reviewers(project.id), " and ".join(views(store, project))
    agreed = agreements(store.pairs(project.id))
    return store.add_certificate(
        project.id,
        reviewer,
        newest,
        now
        | {
            "counts": counts,
            "reviewers": people,
            "model": model,
            "method": METHOD,
            **({"agreement": agreed} if agreed else {}),
        },
    )


def export(store: Store, project: Project, folder: Path) -> list[str]:
    """The newest certificate as `certificate.json` in a folder that is there; the files that were written, none without one.

    Raises BadInput where it cannot be written.
    """
    made = store.certificate(project.id)
    if made is None:
        return []
    since = store.newest_image(project.id) > made.newest
    said = {"project": project.name, "signed_by": made.reviewer, "signed": made.created.isoformat(),
            "sentence": sentence(made.result), "pictures_came_since": since, **made.result}  # fmt: skip
    file, part = folder / FILE, folder / f"{FILE}.part"
    try:
        part.write_text(json.dumps(said, indent=1) + "\n")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"The certificate cannot be written to {str(folder)!r}: {error.strerror}.") from None
    return [str(file)]


def missing(now: Mapping[str, Any]) -> str:
    """What it takes until the review may stop; "" where nothing is missing."""
    if now["done"]:
        return ""
    return (
        f"At most {now['rate']:.1%} of the pictures not looked at may be bad, and up to {now['high']:,} of {now['left']:,} "
        f"could be: about {now['needed']:,} more random ones without a bad one would show it."
    )
