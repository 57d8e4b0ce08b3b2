"""The words for where candidates came from and what became of them, and what each means."""

from __future__ import annotations

from core.credits import allows, words
from core.model import UNKNOWN_LICENCE
from core.scrape import meaning
from core.sources import SOURCES
from db.store.provenance import Dimension

TITLES: dict[Dimension, str] = {
    "source": "Source", "licence": "Licence", "host": "Host", "status": "What became of it", "reason": "Why it failed",
}  # fmt: skip
EVERY = {  # in the order of db.store.provenance.Which; short, because a filter is narrow
    "source": "every source", "licence": "every licence", "host": "every host", "status": "everything",
    "reason": "any reason", "label": "every class",
}  # fmt: skip
STATUSES = {
    "fetched": ("new picture", "It was fetched, and nothing before it had brought the same file."),
    "duplicate": ("already there", "The same address or the same file, byte for byte, came before."),
    "failed": ("failed", "There is no picture of it; choose Why it failed to see the reasons."),
    "pending": ("still to fetch", "Its turn has not come, or the fetch was stopped."),
}
UNKNOWN = (
    "Nobody who offered the picture named a licence. It is not free because of that: somebody owns it, and only the "
    "owner can allow more than the law does."
)
ROBOTS = (
    "Before a picture is fetched, its host's file robots.txt is asked whether programs may. Where it says no, the address "
    "is left alone and counted as failed, with the reason robots."
)
NOAI = (
    "A host can say with a picture that it must not be used to train a model: the header X-Robots-Tag with noai, "
    "noimageai or noindex. Such a picture is not kept, and counted as failed, with the reason noai."
)


def shown(dimension: str, value: str) -> str:
    """A value as a person reads it."""
    if dimension == "source":
        return SOURCES[value].title if value in SOURCES else words(value)
    if dimension == "status":
        return STATUSES.get(value, (words(value), ""))[0]
    if dimension == "licence" and value == UNKNOWN_LICENCE:
        return "licence unknown"
    return words(value) or {"host": "this computer", "label": "no class"}.get(dimension, "not said")


def about(dimension: str, value: str) -> str:
    """What a value means, one sentence; "" where there is nothing to say."""
    if dimension == "licence":
        return allows(value)
    if dimension == "source":
        return SOURCES[value].about if value in SOURCES else ""
    return {"status": STATUSES.get(value, ("", ""))[1], "reason": meaning(value)}.get(dimension, "")
